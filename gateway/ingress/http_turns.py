"""Turns of HTTP: how much of it is done before the loop looks at everything else again.

Theory of operation.  Hundreds of clients may have sent when the loop wakes, and each request is some work.
If all of it were done at once, a PDU that came a moment later would wait for the last of them.  So only so
many requests begin in one round of the loop as take `BUDGET_S`, by what those of the last round took; the
others begin in the next rounds, in their order, and between two rounds the sockets of SMPP and the store are
looked at.  Nothing is slower by it in sum, and a request for a hundred messages counts for what it takes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Final

BUDGET_S: Final = 0.002
"""Of a round."""
MOST: Final = 64
"""Requests that begin in a round, however cheap."""


class Turns:
    """Gives requests their turns. `now` is what a round is measured with, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, now: Callable[[], float] = perf_counter) -> None:
        self._loop = loop
        self._now = now
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._most = MOST
        self._begun = 0
        """Requests of this round; 0: it has none yet."""
        self._since = 0.0

    def take(self) -> asyncio.Future[None] | None:
        """None: begin now. Else begin when it is done."""
        if not self._begun:
            self._since = self._now()
            self._loop.call_soon(self._round)
        elif self._begun >= self._most or self._waiting:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            return turn
        self._begun += 1
        return None

    def _round(self) -> None:
        """What has begun has done its work up to its first wait; the next ones have their turn."""
        took = self._now() - self._since
        if took > 0:
            self._most = max(1, min(MOST, int(BUDGET_S * self._begun / took)))
        self._begun = 0
        while self._waiting and self._begun < self._most:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._begun += 1
        if self._begun:
            self._since = self._now()
            self._loop.call_soon(self._round)
