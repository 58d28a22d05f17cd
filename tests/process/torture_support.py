"""A part of the fault plan at the size that the tests have time for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TORTURE = Path(__file__).parents[2] / "benchmarks" / "torture"
CLUSTER = TORTURE.with_name("cluster")
PATIENCE_S = 280.0


def run_short(part: str, tmp_path: Path, seed: int = 1, plan: Path = TORTURE) -> dict[str, Any]:
    """Runs `python benchmarks/torture PART --short`; its result, all figures of which are in their bounds."""
    command = [sys.executable, str(plan), part, "--short", "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads((tmp_path / f"{part}.short.json").read_text())
    return result


def values(result: dict[str, Any]) -> dict[str, str]:
    """The figures of a result, as the report says them."""
    return {row["what"]: row["value"] for row in result["rows"]}
