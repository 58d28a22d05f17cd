"""Benchmarks run with their own folder first: none may be called like a module of the standard library."""

from __future__ import annotations

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_no_benchmark_hides_a_module_of_the_standard_library() -> None:
    assert {path.stem for path in BENCHMARKS.glob("*.py")} & sys.stdlib_module_names == set()
