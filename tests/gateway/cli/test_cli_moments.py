"""Times as people give them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import CommandError
from gateway.cli.moments import age, moment_of

NOW_MS = int(datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("30s", "2026-11-20T12:00:00+00:00"),
        ("2h", "2026-11-20T10:00:30+00:00"),
        ("3d", "2026-11-17T12:00:30+00:00"),
        ("1w", "2026-11-13T12:00:30+00:00"),
        ("10:30", "2026-11-20T09:30:00+00:00"),
        ("9:05:07", "2026-11-20T08:05:07+00:00"),
        ("13:00", "2026-11-20T12:00:00+00:00"),
        ("13:01", "2026-11-19T12:01:00+00:00"),  # it is 13:00:30 here
        ("2026-11-20", "2026-11-19T23:00:00+00:00"),
        ("2026-07-01T10:30", "2026-07-01T08:30:00+00:00"),
        (" 2026-11-20 10:30:15 ", "2026-11-20T09:30:15+00:00"),
        ("2026-11-20T10:30Z", "2026-11-20T10:30:00+00:00"),
        ("20261120T103000+0300", "2026-11-20T07:30:00+00:00"),
        ("0001-01-01T00:00Z", "1970-01-01T00:00:00+00:00"),
        ("999999w", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_forms(text: str, means: str) -> None:
    found = datetime.fromtimestamp(moment_of(text, NOW_MS, "--since") / 1000, UTC)
    assert found.isoformat() == means


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "10:61", "-2h", "2y", "2 h", "2026-13-01", "1e3", "٣d"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(CommandError) as told:
        moment_of(text, NOW_MS, "--until")
    assert str(told.value).startswith(f"--until: {text!r} is no time; write 2h, 3d, 10:30")
    assert told.value.code == 2


@given(st.text(max_size=30))
def test_nothing_else_can_happen(text: str) -> None:
    with contextlib.suppress(CommandError):
        assert moment_of(text, NOW_MS, "--since") >= 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (302, "5m 2s"), (3600, "1h"), (3661, "1h 1m"), (90061, "1d 1h")],
)
def test_ages(seconds: int, shown: str) -> None:
    assert age(seconds * 1000 + 999) == shown
    assert age(-1) == "0s"
