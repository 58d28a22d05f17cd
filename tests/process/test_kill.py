"""A short run of benchmarks/kill.py: kill -9 at random moments loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL = Path(__file__).parents[2] / "benchmarks" / "kill.py"


def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    report = tmp_path / "kill.json"
    done = subprocess.run(
        [sys.executable, str(KILL), "--kills", "5", "--seed", "11", "--json", str(report)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())
    assert figures["kills"] == 5
    assert figures["acked"] > 100
    assert figures["ambiguous"] > 0  # else the kills hit nothing that was under way
    assert (figures["lost"], figures["receipts_missing"], figures["duplicates_unexplained"]) == (0, 0, 0)
    assert figures["restart_ms_max"] < 10_000
