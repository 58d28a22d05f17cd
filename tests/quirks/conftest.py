"""The gateway and the clients of tests/journeys serve here too, with housekeeping that ticks as fast."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway import housekeeping

sys.path.append(str(Path(__file__).parents[1] / "journeys"))


@pytest.fixture(autouse=True)
def quick_housekeeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "TICK_S", 0.005)
    monkeypatch.setattr(housekeeping, "SESSIONS_EVERY", 1)
    monkeypatch.setattr(housekeeping, "SWEEP_EVERY", 20)
