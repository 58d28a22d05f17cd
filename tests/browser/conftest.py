"""The client of tests/journeys and the peers of tests/interop serve here too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("journeys", "interop")]
