"""What waits to go down to one system_id, and the sessions that can take it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gateway.simulator.connection import Connection
from protocols.smpp.pdu import Pdu

MAX_WAITING = 100_000  # per system_id; the oldest makes room


class Delivery:
    """One deliver_sm or data_sm on its way, and the session it would best go to."""

    __slots__ = ("pdu", "preferred", "system_id")

    def __init__(self, pdu: Pdu, system_id: str, preferred: Connection | None) -> None:
        self.pdu = pdu
        self.system_id = system_id
        self.preferred = preferred


class Mailbox:
    """Deliveries of one system_id in order; they go to any of its receiving sessions with room."""

    def __init__(self) -> None:
        self.waiting: deque[Delivery] = deque()
        self.receivers: dict[Connection, None] = {}  # in order of their binds

    def add(self, delivery: Delivery) -> int:
        """Queue at the end; returns how many were dropped to make room (0 or 1)."""
        self.waiting.append(delivery)
        if len(self.waiting) <= MAX_WAITING:
            return 0
        self.waiting.popleft()
        return 1

    def put_back(self, deliveries: list[Delivery]) -> None:
        """Queue at the front what a lost connection left unanswered."""
        self.waiting.extendleft(reversed(deliveries))

    def pump(self, send: Callable[[Connection, Delivery], None]) -> None:
        """Send what waits as long as a session has room in its window."""
        waiting = self.waiting
        while waiting:
            target = self._target(waiting[0].preferred)
            if target is None:
                return
            send(target, waiting.popleft())

    def _target(self, preferred: Connection | None) -> Connection | None:
        receivers = self.receivers
        if preferred in receivers and preferred.session.room > 0:
            return preferred
        for connection in receivers:
            if connection.session.room > 0:
                return connection
        return None
