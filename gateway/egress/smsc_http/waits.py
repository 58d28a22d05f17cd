"""Waiting by the gateway's clock: what waits goes on with a tick, so a clock that is turned by hand works."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

from gateway.core.clock import Clock

_LOOK_AT = 100
"""Alarms, beyond which those that nobody waits for any more are looked for."""


class Waits:
    """The waits of one connector."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, asyncio.Future[None]]] = []
        self._look_at = _LOOK_AT
        self._number = count()

    def __len__(self) -> int:
        """Alarms that are kept, about as many as there are waits."""
        return len(self._heap)

    def tick(self, now: float) -> None:
        """Ends the waits whose time has come."""
        while self._heap and self._heap[0][0] <= now:
            future = heapq.heappop(self._heap)[2]
            if not future.done():
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Waits so long."""
        if seconds > 0:
            await self._alarm(seconds)

    async def until(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Waits for the event, so long at the most (None: for ever); whether it is set."""
        if seconds is None or event.is_set():
            return await event.wait()
        alarm = self._alarm(seconds)
        waiter = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((alarm, waiter), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            waiter.cancel()
        return event.is_set()

    def _alarm(self, seconds: float) -> asyncio.Future[None]:
        if len(self._heap) >= self._look_at:
            self._heap = [alarm for alarm in self._heap if not alarm[2].done()]
            heapq.heapify(self._heap)
            self._look_at = max(_LOOK_AT, 2 * len(self._heap))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._heap, (self._clock.now() + seconds, next(self._number), future))
        return future
