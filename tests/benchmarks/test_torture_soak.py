"""benchmarks/torture/soak.py: its judge sees what grows, and what is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from part import PartError, Row
from soak import MIB, Sample, Size, growth_rows, load_rows, slope

SIZE = Size(burst=0, messages=100, rate=10, warm_up_s=600.0)
HOUR_S = 3600

COUNTS: dict[str, Any] = {
    "accepted": 100,
    "lost": 0,
    "dlr_missing": 0,
    "smsc_duplicates": 0,
    "smsc_corrupt": 0,
    "dlr_duplicates": 0,
    "dlr_unmatched": 0,
    "rejected": 0,
    "cpu_us": 6000,
}


def samples(*, grows: float = 0.0, at_start: float = 0.0, files: int = 30, wal: int = MIB) -> list[Sample]:
    """An hour of them; `grows` MiB/h, and MiB that come in the first minutes and stay."""
    found = []
    for at_s in range(0, HOUR_S + 1, 10):
        early = at_start * min(1.0, at_s / SIZE.warm_up_s)
        main = 50 * MIB + int((early + grows * at_s / HOUR_S) * MIB)
        found.append(Sample(float(at_s), (main, 20 * MIB), files + at_s % 20 // 10, wal))
    return found


def out(rows: list[Row]) -> list[str]:
    return [row.what for row in rows if not row.holds]


def test_memory_that_stays_is_fine_and_so_is_a_warm_up() -> None:
    assert out(growth_rows(samples(at_start=30.0), SIZE, judged=True)) == []


def test_memory_that_grows_is_out_of_bounds() -> None:
    assert out(growth_rows(samples(grows=0.9), SIZE, judged=True)) == []
    rows = growth_rows(samples(grows=1.1), SIZE, judged=True)
    assert out(rows) == ["slope between these, by least squares"]
    values = {row.what: row.value for row in rows}
    assert values["slope between these, by least squares"] == "+1.10 MiB/h"
    assert values["of each process"] == "+1.10, +0.00 MiB/h"


def test_files_that_stay_open_are_out_of_bounds() -> None:
    found = samples()
    found[-1] = found[-1]._replace(files=found[-1].files + 7)
    assert out(growth_rows(found, SIZE, judged=True)) == ["largest distance from it"]


def test_a_log_that_grows_is_out_of_bounds_also_in_the_warm_up() -> None:
    found = samples()
    found[3] = found[3]._replace(wal=64 * MIB)
    assert out(growth_rows(found, SIZE, judged=True)) == ["largest write-ahead log"]


def test_a_load_that_is_over_before_the_warm_up_is_says_nothing() -> None:
    with pytest.raises(PartError, match="over before 600 s"):
        growth_rows(samples()[:50], SIZE, judged=True)


def test_a_process_that_ended_or_began_meanwhile_is_told() -> None:
    found = samples()
    found[-1] = found[-1]._replace(rss=(50 * MIB,))
    with pytest.raises(PartError, match="not the same processes"):
        growth_rows(found, SIZE, judged=True)


def test_a_slope_is_per_hour() -> None:
    assert slope([(0.0, 0), (1800.0, MIB), (3600.0, 2 * MIB)]) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("lost", "lost"),
        ("dlr_missing", "receipts missing"),
        ("smsc_duplicates", "messages that the SMSC has twice"),
        ("smsc_corrupt", "messages that are not as they were sent"),
        ("dlr_unmatched", "receipts twice, or of no message"),
        ("rejected", "refused"),
    ],
)
def test_one_that_is_not_as_it_should_be_is_out_of_bounds(key: str, what: str) -> None:
    assert out(load_rows(COUNTS, SIZE)) == []
    counts = copy.deepcopy(COUNTS)
    counts[key] = 1
    assert out(load_rows(counts, SIZE)) == [what]


def test_fewer_messages_than_the_plan_wants_are_out_of_bounds() -> None:
    assert out(load_rows(COUNTS | {"accepted": 99}, SIZE)) == ["messages acknowledged over SMPP"]
