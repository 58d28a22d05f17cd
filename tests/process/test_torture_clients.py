"""L1 and T1 of the fault plan, short: hundreds that only stand there, and a clock that jumps."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest
from torture_support import TORTURE, run_short, values

sys.path += [str(TORTURE.parent), str(TORTURE)]


def test_l1_connections_that_stand_there_keep_no_client_out(tmp_path: Path) -> None:
    found = values(run_short("L1", tmp_path))
    assert int(found["limits as they are, from one address: open at once"]) >= 400


def test_t1_a_clock_that_jumps_moves_nothing(tmp_path: Path) -> None:
    if reason := import_module("clock_jumps").why_no_jumps():
        if os.environ.get("REQUIRE_PEERS") == "1":
            pytest.fail(f"{reason}, and REQUIRE_PEERS=1")
        pytest.skip(reason)
    assert values(run_short("T1", tmp_path))["messages that have expired"] == "0"
