"""Everything that happens later: one heap of due times and one timer of the event loop."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

_GATHER_S = 0.001  # what falls due this soon after the timer runs with it: fewer wake-ups, fuller writes


class Delays:
    """Calls put off to a time of the loop's clock. `after` runs once behind each batch of due calls."""

    def __init__(self, loop: asyncio.AbstractEventLoop, after: Callable[[], None]) -> None:
        self._loop = loop
        self._after = after
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._pushed = 0  # breaks ties, so that equal due times keep their order
        self._timer: asyncio.TimerHandle | None = None

    def push(self, due: float, call: Callable[..., None], *args: Any) -> None:
        """Run `call(*args)` at `due`, seconds of the loop's clock."""
        self._pushed += 1
        heapq.heappush(self._heap, (due, self._pushed, call, args))
        if self._heap[0][1] == self._pushed:
            self._arm()

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._heap[0][0], self._run)

    def _run(self) -> None:
        self._timer = None
        heap = self._heap
        horizon = self._loop.time() + _GATHER_S
        try:
            while heap and heap[0][0] <= horizon:
                _, _, call, args = heapq.heappop(heap)
                call(*args)
        finally:  # a call that fails must not stop the others for ever
            self._after()
            if heap:
                self._arm()
