"""The cluster's fault plan, short: the database and nodes are killed, paused, cut off, and nothing is lost.

Its parts mostly wait for a lease to be over, so those of a test run side by side.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peer_programs import missing, need
from postgres_programs import programs
from torture_support import CLUSTER, run_short, values


def run_beside(parts: tuple[str, ...], tmp_path: Path) -> dict[str, dict[str, str]]:
    """The figures of each, all within their bounds."""
    programs(15)
    with ThreadPoolExecutor(len(parts)) as pool:
        found = pool.map(lambda part: values(run_short(part, tmp_path / part, plan=CLUSTER)), parts)
        return dict(zip(parts, found, strict=True))


def need_namespaces() -> None:
    need("ip", "iproute2")
    need("unshare", "util-linux")
    if os.geteuid() or subprocess.run(["unshare", "--net", "true"], check=False).returncode:
        missing("a network namespace cannot be made: it needs root")


def test_g1_and_g2_a_killed_server_and_a_failover_lose_nothing(tmp_path: Path) -> None:
    found = run_beside(("G1", "G2"), tmp_path)
    assert found["G1"]["lost"] == found["G2"]["lost"] == "0"


def test_n1_to_n3_a_node_that_is_gone_is_taken_over_once(tmp_path: Path) -> None:
    need_namespaces()
    found = run_beside(("N1", "N2", "N3"), tmp_path)
    assert {figures["batches applied for runs that were over"] for figures in found.values()} == {"0"}
