"""Housekeeping that ticks fast: what a test's clock makes due happens within milliseconds."""

from __future__ import annotations

import pytest

from gateway import housekeeping


@pytest.fixture(autouse=True)
def quick_housekeeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "TICK_S", 0.005)
    monkeypatch.setattr(housekeeping, "SESSIONS_EVERY", 1)
    monkeypatch.setattr(housekeeping, "SWEEP_EVERY", 20)
