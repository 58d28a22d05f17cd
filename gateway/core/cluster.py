"""Several nodes on one store: what they know of each other, and what each may use of what they share.

Pure: moments come in as arguments.  The contract with the store is `Batch.beats` and `Answer.view`.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.batch import Row

LOOK_MS = 1_000
"""A node looks at what the others are and have so often …"""
HEARTBEAT_MS = 5_000
"""… and has its lease renewed so often."""
LEASE_MS = 15_000
"""Without that it lasts so long, by the database's clock; then the others take its work over."""


class View(NamedTuple):
    """What a look at the store says: the fields of Answer.view, in this order."""

    boot: int
    node: int
    nodes: list[Row]
    """Those that live, this one too: boot, node, name, state (JSON), 1 if somebody wants it drained,
    since when it runs (ms since 1970), milliseconds since its lease was renewed, its leases (a tuple)."""
    leases: list[str]
    """What this node alone may do: "housekeeping", "jobs", "connector:NAME", "asks:NAME"."""
    taken_over: list[Row]
    """Name of a node whose lease is over and whose work this look has set free, its segments in doubt."""
    waiting_accounts: list[str]
    """Of the accounts that this node has receiving sessions of: those for which deliveries wait."""
    due_connectors: list[Row]
    """connector, due_ms: something waits for it, and whatever node it is bound at may claim it."""
    changes: list[Row]
    """kind, row (marshalled): what other nodes have changed since the last look."""
    draining: int
    """1: somebody wants this node drained."""
