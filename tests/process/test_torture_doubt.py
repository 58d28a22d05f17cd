"""A1 of the fault plan in its short form: kills between the first octet and the commit, for each policy."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "torture")]


def test_each_policy_does_what_it_says_wherever_the_gateway_was_killed(tmp_path: Path) -> None:
    report, kept = tmp_path / "report.json", tmp_path / "results"
    command = [sys.executable, str(BENCHMARKS / "torture"), "A1", "--short", "--json", str(report)]
    command += ["--results", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [result] = json.loads(report.read_text())
    assert len([row for row in result["rows"] if row["bound"]]) == 8
    assert [row["what"] for row in result["rows"] if not row["holds"]] == []


def test_the_judge_sees_what_is_not_listed_and_a_wrong_end() -> None:
    doubt = import_module("doubt")
    said = [{"acked": "7", "marker": 5}, {"receipt": "7", "state": 2, "marker": 5}]
    assert doubt.cell(5, said, 2, [], set())[:3] == (2, False, "DELIVERED")
    assert doubt.expected("whole", "resend")[:3] == (2, True, "DELIVERED")
    listed = [{"message_id": "7", "evidence": "x"}]
    assert doubt.cell(5, said, 1, listed, {"7"})[:3] == (1, True, "held")
    assert doubt.cell(5, said[:1], 1, listed, set())[:3] == (1, True, "none")
