"""F1 and F2 of the fault plan, short: malformed PDUs, commands, requests and mails harm nobody."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from torture_support import TORTURE, run_short, values


def test_f1_malformed_pdus_harm_nobody(tmp_path: Path) -> None:
    found = values(run_short("F1", tmp_path, seed=3))
    assert found["PDUs at the decoder"] == "100,000"
    assert found["PDUs at sessions of the gateway"] == "300"


def test_f2_damaged_commands_and_mails_harm_nobody(tmp_path: Path) -> None:
    found = values(run_short("F2", tmp_path, seed=2))
    assert found["damaged commands and requests"] == "2,000"
    assert found["damaged mails"] == "100"


def test_f2_judges_what_went_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (TORTURE.parent, TORTURE):
        monkeypatch.syspath_prepend(str(folder))
    f2, part = import_module("fuzzed_clients"), import_module("part")
    run = part.Run(False, tmp_path, tmp_path, 1, print)
    fine = {"commands": 2_000, "mails": 100, "answers": 900, "taken": 90, "good_asked": 9, "good_answered": 9}

    def broken(code: int = 0, faults: int = 0, died: int = 0, **other: object) -> list[str]:
        seen = f2.Seen(**{"memory": [90.0] * 9, **fine, **other})
        return [row.what for row in f2.rows_of(run, seen, code, faults, died) if not row.holds]

    assert broken() == []
    assert broken(faults=1) == ["crashes: faults and tracebacks in its log"]
    assert broken(code=1) == ["exit code of the gateway"]
    assert broken(died=1) == ["deaths of the process that reads mails"]
    assert broken(hangs=1) == ["hangs: a connection that did not end within 60 s"]
    assert broken(good_answered=8) == ["of these not taken"]
    assert broken(memory=[90.0] * 6 + [200.0] * 3) == ["memory grew by"]
