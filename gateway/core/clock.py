"""Where the time comes from.  Only the edges read it; everything else gets `now` as an argument.

Two clocks, because they answer different questions: the monotonic one says how long something took and never
jumps, so timers use it; the wall clock is for validity, schedules and what people read.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Both clocks of a gateway; tests bring one that they turn by hand."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def now_ms(self) -> int:
        """Milliseconds since 1970 in UTC."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.monotonic()

    def now_ms(self) -> int:
        return wall_ms()


def wall_ms() -> int:
    """What the machine's wall clock says now."""
    return time.time_ns() // 1_000_000


def elapsed_ms() -> int:
    """Milliseconds since the machine started, with those that it slept."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
