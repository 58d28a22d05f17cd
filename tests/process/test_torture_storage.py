"""K2, P1, P2 and D2 of the fault plan, short: kills, power failures and bad disks under the store."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
from torture_support import TORTURE, run_short, values

sys.path += [str(TORTURE.parent), str(TORTURE)]


def needs(reason: str) -> None:
    """Skips for this reason, or fails where REQUIRE_PEERS=1 promises that everything is there."""
    if reason and os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and REQUIRE_PEERS=1")
    if reason:
        pytest.skip(reason)


def why_no_tracing() -> str:
    """The gateway's processes cannot be dumped, so only root may attach to them."""
    if shutil.which("strace") is None:
        return "strace is not there"
    return "only root may trace the gateway" if os.geteuid() else ""


def test_k2_forty_kills_at_writes_lose_nothing(tmp_path: Path) -> None:
    needs(why_no_tracing())
    found = values(run_short("K2", tmp_path))
    assert found["stores that integrity_check finds damaged"] == "0"


def test_p1_three_power_failures_lose_nothing_and_the_control_does(tmp_path: Path) -> None:
    needs(import_module("images").why_no_images())
    found = values(run_short("P1", tmp_path))
    assert found["lost, in all images"] == "0"
    assert int(found["control: lost, in all images"].replace(",", "")) > 0


def test_p2_nothing_is_acknowledged_after_a_failed_sync(tmp_path: Path) -> None:
    needs(why_no_tracing())
    found = values(run_short("P2", tmp_path))
    assert found["acknowledged, and not on the disk when a sync had failed"] == "0"


def test_d2_a_file_that_may_not_grow_stops_the_answers_alone(tmp_path: Path) -> None:
    found = values(run_short("D2", tmp_path))
    assert found["acknowledged while it refused"] == "0"
