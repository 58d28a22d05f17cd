"""Tells the log when the store cannot write, and when it can again: once each, however often it tries."""

from __future__ import annotations

from gateway.core.batch import Journal
from gateway.core.events import Events

SURE_S = 5.0
"""So long without an error: where there is little room, small batches fit and large ones do not."""
ON_DISK = "look at the disk (room, quota, errors): nothing is accepted until it can again"
IN_DATABASE = "look at PostgreSQL (smsc-gateway doctor --only store): nothing is accepted until it can again"


class StoreWatch:
    """Looked at by the gateway's timer."""

    def __init__(self, journal: Journal, events: Events, *, on_disk: bool = True) -> None:
        """`on_disk`: the store is this machine's, and not a database's."""
        self._journal = journal
        self._fix = ON_DISK if on_disk else IN_DATABASE
        self._events = events
        self._failed_at: float | None = None

    def look(self, now: float) -> None:
        """`now` is of the monotonic clock; an error stays for longer than the time between two looks."""
        if self._journal.error:
            if self._failed_at is None:
                self._events.say(
                    "error",
                    "store_cannot_write",
                    reason=self._journal.error,
                    fix=self._fix,
                )
            self._failed_at = now
        elif self._failed_at is not None and now - self._failed_at >= SURE_S:
            self._failed_at = None
            self._events.say("info", "store_writes_again")
