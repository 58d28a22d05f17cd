"""F1 and F2 of the fault plan, short: malformed PDUs, commands, requests and mails harm nobody."""

from __future__ import annotations

from pathlib import Path

from torture_support import run_short, values


def test_f1_malformed_pdus_harm_nobody(tmp_path: Path) -> None:
    found = values(run_short("F1", tmp_path, seed=3))
    assert found["PDUs at the decoder"] == "100,000"
    assert found["PDUs at sessions of the gateway"] == "300"


def test_f2_damaged_commands_and_mails_harm_nobody(tmp_path: Path) -> None:
    found = values(run_short("F2", tmp_path, seed=2))
    assert found["damaged commands and requests"] == "3,000"
    assert found["damaged mails"] == "150"
