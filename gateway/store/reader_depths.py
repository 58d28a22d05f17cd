"""How much waits in the store, and for how long: read by indexes alone, beside the writer.

A million entries of an index are counted in some tens of milliseconds, without the interpreter's lock.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.message_ids import moment_of_id
from gateway.store.reading import ReadConnection

_CONNECTORS = (
    "SELECT connector, count(*) FROM message INDEXED BY message_queued WHERE progress = 0 GROUP BY connector"
)
_OLDEST = (
    "SELECT due_ms, message_id FROM message INDEXED BY message_queued "
    "WHERE progress = 0 AND connector = ?1 AND due_ms >= ?2 ORDER BY due_ms, message_id LIMIT 1"
)
_DELIVERIES = (
    "SELECT account, count(*), min(delivery_id) FROM delivery INDEXED BY delivery_account GROUP BY account"
)
_CREATED = "SELECT created_ms FROM delivery WHERE delivery_id = ?"
_MOST_URGENT = 3
"""Messages with priority are due so many milliseconds before 1970 at the most."""


class Depths(NamedTuple):
    """What waits."""

    queues: dict[str, tuple[int, float]]
    """Connector → how many messages, and how long (seconds) the one that could have gone first has waited."""
    deliveries: dict[str, tuple[int, float]]
    """Account → how many, and how long the oldest has waited."""
    parked: int
    """Receipts that match nothing yet."""
    ambiguous: int
    """Segments in doubt that nobody has settled."""


def depths(connection: ReadConnection, now_ms: int) -> Depths:
    """All of it, as it is at one moment."""
    connection.begin()
    queues = {
        connector: (count, waited_s(connection, connector, now_ms))
        for connector, count in connection.execute(_CONNECTORS).fetchall()
    }
    deliveries = {}
    for account, count, first in connection.execute(_DELIVERIES).fetchall():
        created_ms = connection.execute(_CREATED, (first,)).fetchone()[0]
        deliveries[account] = (count, max(0, now_ms - created_ms) / 1000)
    parked = connection.execute("SELECT count(*) FROM parked_receipt").fetchone()[0]
    ambiguous = connection.execute("SELECT count(*) FROM ambiguous WHERE settled_ms IS NULL").fetchone()[0]
    return Depths(queues, deliveries, parked, ambiguous)


def waited_s(connection: ReadConnection, connector: str, now_ms: int) -> float:
    """What is due at once has waited since it was accepted, which its id says; the rest since it was due."""
    waited_ms = 0
    for due_from in (*range(-_MOST_URGENT, 1), 1):
        row = connection.execute(_OLDEST, (connector, due_from)).fetchone()
        if row is not None:
            due_ms, message_id = row
            waited_ms = max(waited_ms, now_ms - max(due_ms, moment_of_id(message_id)))
    return waited_ms / 1000
