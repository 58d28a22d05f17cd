"""K1 and K3 of the fault plan, short: kills and stops at random moments lose nothing."""

from __future__ import annotations

from pathlib import Path

from torture_support import run_short, values


def test_k1_ten_kills_lose_nothing(tmp_path: Path) -> None:
    found = values(run_short("K1", tmp_path, seed=11))
    assert int(found["listed as ambiguous"]) > 0  # else the kills hit nothing that was under way


def test_k3_three_stops_lose_and_double_nothing(tmp_path: Path) -> None:
    found = values(run_short("K3", tmp_path))
    assert found["messages that the SMSC has twice"] == "0"


def test_r1_ten_reloads_drop_nobody(tmp_path: Path) -> None:
    assert values(run_short("R1", tmp_path))["files with a mistake in between"] == "1"
