"""U1, U3 and U4 of the fault plan in their short form, and that their judge would see a loss."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "torture")]


@pytest.mark.parametrize("part", ["U1", "U3", "U4"])
def test_bad_upstream_loses_nothing_and_every_duplicate_is_listed(part: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, str(BENCHMARKS / "torture"), part, "--short", "--json", str(report)]
    command += ["--results", str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [result] = json.loads(report.read_text())
    assert [row["what"] for row in result["rows"] if not row["holds"]] == []


def test_the_judge_sees_a_loss_a_silent_duplicate_and_an_affected_neighbour(tmp_path: Path) -> None:
    faults, harness = import_module("upstream_faults"), import_module("harness")
    run = import_module("part").Run(False, tmp_path, tmp_path, 1, print)
    promised = [(1, "a"), (2, "b")]
    for folder, arrivals in (("bad", (1, 1)), ("others", (1,))):
        (tmp_path / folder).mkdir()
        said = [{"acked": f"{folder}{id}", "marker": marker} for marker, id in promised]
        said += [{"receipt": f"{folder}a", "state": 2, "marker": 1}]
        (tmp_path / folder / "sender.jsonl").write_text("\n".join(map(json.dumps, said)))
        taken = [{"event": "received", "status": "ESME_ROK", "destination": str(n)} for n in arrivals]
        (tmp_path / folder / "upstream.jsonl").write_text("\n".join(map(json.dumps, taken)))
    found = faults.judge(run, Counter(), 0, harness.End(set(), set()), [], 0)
    bad = {row.what for row in faults.rows(faults.CASES["U1"], found, 1) if not row.holds}
    assert {"lost", "receipts missing", "of these not listed as ambiguous"} < bad
    assert "others: lost, or without a receipt" in bad
