"""How much waits for each connector and account, counted no further than people want to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.store.reader_depths import waited_s
from gateway.store.reading import Reads

COUNT_MAX = 10_000
"""More are not counted: of a million only a look at all of them tells how many there are."""
_QUEUED = (
    "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queued "
    "WHERE progress = 0 AND connector = ? ORDER BY due_ms, message_id LIMIT ?) found"
)
_UNDELIVERED = (
    "SELECT count(*), min(delivery_id) FROM (SELECT delivery_id FROM delivery INDEXED BY delivery_account "
    "WHERE account = ? ORDER BY delivery_id LIMIT ?) found"
)
_CREATED = "SELECT created_ms FROM delivery WHERE delivery_id = ?"


class Waiting(NamedTuple):
    """What waits in one place."""

    messages: int
    is_more: bool
    """There are more than these."""
    oldest_s: float
    """How long the first one has waited, since it could have gone."""


def queues(reads: Reads, connectors: Iterable[str], now_ms: int) -> dict[str, Waiting]:
    """What waits for each of these connectors."""
    found = {}
    with reads.question() as connection:
        for name in connectors:
            count = connection.execute(_QUEUED, (name, COUNT_MAX + 1)).fetchone()[0]
            oldest_s = waited_s(connection, name, now_ms) if count else 0.0
            found[name] = Waiting(min(count, COUNT_MAX), count > COUNT_MAX, max(0.0, oldest_s))
    return found


def undelivered(reads: Reads, accounts: Iterable[str], now_ms: int) -> dict[str, Waiting]:
    """Receipts and incoming SMS that wait for each of these accounts."""
    found = {}
    with reads.question() as connection:
        for name in accounts:
            count, first = connection.execute(_UNDELIVERED, (name, COUNT_MAX + 1)).fetchone()
            oldest_s = 0.0
            if count:
                created_ms = connection.execute(_CREATED, (first,)).fetchone()[0]
                oldest_s = max(0, now_ms - created_ms) / 1000
            found[name] = Waiting(min(count, COUNT_MAX), count > COUNT_MAX, oldest_s)
    return found
