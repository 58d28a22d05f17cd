"""A short run of benchmarks/service_kill.py: answers that never come and kill -9 lose and double nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL = Path(__file__).parents[2] / "benchmarks" / "service_kill.py"


def test_requests_without_an_answer_and_kills_send_nothing_twice(tmp_path: Path) -> None:
    report = tmp_path / "kill.json"
    options = "--kills 3 --timeouts 40 --rate 120 --seed 43"
    # wider limits than the service's: the last kill's questions need not wait for a minute to be over
    done = subprocess.run(
        [sys.executable, str(KILL), *options.split(), "--limits", "3", "--json", str(report)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())
    assert figures["kills"] >= 3
    assert figures["timeouts"] >= 40
    assert figures["acked"] > 100
    assert figures["asked_after_silence"] > 0 and figures["asked_after_kill"] > 0  # else nothing was in doubt
    assert (figures["lost"], figures["sent_twice"], figures["receipts_missing"]) == (0, 0, 0)
    assert (figures["ambiguous"], figures["held"]) == (0, 0)
