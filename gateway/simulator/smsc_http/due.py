"""Everything that happens later, by a clock that is handed in: one heap."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Due:
    """Calls put off to a moment, Unix seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._pushed = 0  # breaks ties, so that equal moments keep their order

    def push(self, at: float, call: Callable[[float], None]) -> None:
        """Have `call(now)` called at this moment or after it."""
        self._pushed += 1
        heapq.heappush(self._heap, (at, self._pushed, call))

    @property
    def next(self) -> float | None:
        """The moment of the next call, if there is one."""
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        return len(self._heap)

    def run(self, now: float) -> None:
        """Make the calls that are due. A call sees the moment it was due at, not later ones."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, call = heapq.heappop(heap)
            call(at)
