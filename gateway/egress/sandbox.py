"""Test mode: a connector without an SMSC, which takes every segment and delivers it a second later.

Messages pass through the same store as all others: intents, upstream ids, receipts.  So a client sees what it
will see later, and what was under way when the gateway was killed ends after the next start: the store is
asked for it then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.model import Message, MessageState
from gateway.core.receipts import ReceiptBook
from gateway.core.sandbox import SANDBOX as SANDBOX
from gateway.core.upstream import Upstream

WINDOW = 1000
DELIVERED_AFTER_S = 1.0
PIECE = 1000
"""So many of an earlier run's segments end in one batch."""
NO_ERROR = "000"
VIRTUAL = "200"
"""What the SMSC service says of messages in test mode: sent virtually, and no failure."""
_INTERMEDIATE = 0x10
"""registered_delivery: tell of states before the end too (SMPP v3.4 §5.2.17)."""


class Sandbox:
    """The connector, and its only link."""

    room = WINDOW
    stuck = False
    state = "bound"

    def __init__(self, upstream: Upstream, receipts: ReceiptBook, journal: Journal, clock: Clock) -> None:
        self._upstream = upstream
        self._receipts = receipts
        self._journal = journal
        self._clock = clock
        self._taken: deque[tuple[float, str, str]] = deque()
        """When it is delivered, upstream_id, destination."""

    def start(self) -> list[asyncio.Task[None]]:
        """Begins with what an earlier run has left."""
        self._upstream.link_up(self)
        self._look(0)
        return []

    def configure(self, config: Any) -> list[asyncio.Task[None]]:
        """It has no options."""
        return []

    def rebind(self) -> list[asyncio.Task[None]]:
        """It has no links."""
        return []

    rebound = True

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        """Takes them at once."""
        now, now_ms = self._clock.now(), self._clock.now_ms()
        # Whether or not its sender wants a receipt, it ends as delivered.
        taken = message._replace(registered_delivery=1)
        for segment in segments:
            upstream_id = f"{message.message_id}-{segment}"
            self._upstream.taken(taken, segment, upstream_id, now_ms)
            if message.registered_delivery & _INTERMEDIATE:
                self._say(upstream_id, message.destination, MessageState.ENROUTE, NO_ERROR)
            self._taken.append((now + DELIVERED_AFTER_S, upstream_id, message.destination))
        self._upstream.results_end()

    def tick(self, now: float) -> None:
        """Delivers what is due."""
        taken = self._taken
        if taken and taken[0][0] <= now:
            while taken and taken[0][0] <= now:
                _, upstream_id, destination = taken.popleft()
                self._say(upstream_id, destination, MessageState.DELIVERED, VIRTUAL)
            self._journal.wake()

    def walked(self, row: Row) -> bool:
        """What the store has found of an earlier run (Answer.unfinished); whether that was nothing at all."""
        _, found, last = row
        known = {upstream_id for _, upstream_id, _ in self._taken}
        for upstream_id, _ in found:
            if upstream_id not in known:
                self._say(upstream_id, "", MessageState.DELIVERED, VIRTUAL)
        if last:
            self._look(last)
        self._journal.wake()
        return not found and not last

    async def stop(self, timeout_s: float) -> None:
        """Takes nothing more; what is not delivered yet is in the store."""
        self._upstream.link_down(self)

    def _look(self, after: int) -> None:
        self._journal.batch.unfinished.append((SANDBOX, after, PIECE))
        self._journal.wake()

    def _say(self, upstream_id: str, destination: str, state: MessageState, error: str) -> None:
        final = int(state is MessageState.DELIVERED)
        self._receipts.take(upstream_id, destination, state.value, final, error, self._clock.now_ms())
