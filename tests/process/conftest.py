"""The client of tests/journeys serves here too; pytest puts only a test's own folder on the path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "journeys"))
