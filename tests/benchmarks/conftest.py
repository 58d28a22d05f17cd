"""The benchmarks are programs, not a package; their folders are looked into last: they hide nothing."""

from __future__ import annotations

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS / folder) for folder in ("torture", "cluster", ".")]
