"""The parts of the fault plan, where each of them is, and which of them run beside each other."""

from __future__ import annotations

from collections.abc import Iterable

MODULES = {
    "K1": "random_kills",
    "K2": "write_kills",
    "K3": "stops",
    "P1": "power_loss",
    "P2": "sync_errors",
    "D1": "disk_full",
    "D2": "file_limit",
    "D3": "damaged_files",
    "U1": "upstream_faults",
    "U2": "upstream_faults",
    "U3": "upstream_faults",
    "U4": "upstream_faults",
    "U5": "upstream_faults",
    "U6": "upstream_faults",
    "A1": "doubt",
    "L1": "slow_clients",
    "F1": "fuzzed_pdus",
    "F2": "fuzzed_clients",
    "M1": "bombs",
    "T1": "clock_jumps",
    "R1": "reloads",
    "Q1": "large_queue",
    "S1": "soak",
}
"""A module's PARTS are those that it has.  The page has them in this order."""

CLUSTER = {
    "G1": "server_faults",
    "G2": "server_faults",
    "N1": "node_faults",
    "N2": "node_faults",
    "N3": "cut_off",
}
"""The parts with several nodes on PostgreSQL: a plan and a page of their own (benchmarks/cluster)."""

LONG = ("S1",)
"""Parts that take most of an hour and little of the machine: they run beside the others."""


def lanes(names: Iterable[str]) -> list[list[str]]:
    """Which parts run one after the other; the lanes run side by side."""
    long = [name for name in names if name in LONG]
    others = [name for name in names if name not in LONG]
    return [lane for lane in (others, long) if lane]
