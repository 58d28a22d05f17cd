"""A simulated service, and a folder in which commands are run against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from http_simulator import running
from smsc_shell import LOGIN, QUICK, Shell

from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.simulator.smsc_http.settings import HttpSettings


@pytest.fixture(scope="module")
def simulator() -> Iterator[HttpSimulator]:
    """Messages end at once, and nothing is asked too often."""
    with running(HttpSettings(login="gateway", password="hidden-1", balance="100000.00", **QUICK)) as found:
        yield found


@pytest.fixture
def shell(
    simulator: HttpSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """Its folder is the present one, and has some files to send along."""
    monkeypatch.chdir(tmp_path)
    Path("password.txt").write_text("Abcdefg1\n")
    Path("other.txt").write_text("Other-Word2\n")
    Path("licence.pdf").write_bytes(b"%PDF-")
    Path("picture.jpg").write_bytes(b"\xff\xd8")
    Path("voice.wav").write_bytes(b"RIFF")
    return Shell(simulator, capsys, LOGIN)
