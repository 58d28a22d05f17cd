"""The gateway's wall clock, which does not leap when the machine's does.

Somebody sets a date by mistake, a virtual machine wakes up with an old one, NTP comes late: a leap would let
messages expire and history be deleted at once, and what is put off until "in a minute" would wait for months
when the clock goes back.  So `now_ms` goes on as if nothing had happened, and follows the machine's clock
when that has stood where it is for an hour, or at once when it comes back.  Corrections below five minutes,
as NTP makes them, are followed as they come.

How much time has passed is CLOCK_BOOTTIME's word: it goes on while the machine sleeps, so that waking up is
no leap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.core import clock
from gateway.core.message_ids import EPOCH_MS

LEAP_MS = 300_000
"""A step of the wall clock from here on is not believed."""
STANDS_MS = 3_600_000
"""What has stood so long is followed."""
LONG_GAP_MS = 86_400_000
"""A store whose newest message is older may mean a clock that is wrong."""


class Step(NamedTuple):
    """Something that is worth a line in the log."""

    name: str
    """clock_jumped, clock_back, clock_followed."""
    by_ms: int
    """How far the machine's clock is from ours, or was."""


class SteadyClock(clock.SystemClock):
    """Both clocks of the machine; `look` has to be called a few times a minute at least."""

    def __init__(
        self, wall_ms: Callable[[], int] = clock.wall_ms, elapsed_ms: Callable[[], int] = clock.elapsed_ms
    ) -> None:
        self._wall_ms = wall_ms
        self._elapsed_ms = elapsed_ms
        self._offset = wall_ms() - elapsed_ms()
        """Between both, as far as it is believed."""
        self._other = self._offset
        """What it was when the machine's clock was last looked at."""
        self._since = 0
        """When the machine's clock leapt there, by the time that has passed; 0: it did not."""
        self._was_behind = False
        self._long_gap = (0, 0)

    def now_ms(self) -> int:
        return self._elapsed_ms() + self._offset

    def begin(self, newest_ms: int) -> Step | None:
        """Compares with the newest moment that the store knows (0: it knows none).

        A clock that is behind it, as those of machines without a battery are before NTP, goes on from there.
        """
        gap = self.now_ms() - newest_ms
        if newest_ms and gap > LONG_GAP_MS:
            self._long_gap = (gap, self._elapsed_ms() + STANDS_MS)
        if gap > -LEAP_MS:
            return None
        self._offset -= gap
        self._was_behind = True
        self._since = self._elapsed_ms()
        return Step("clock_jumped", gap)

    @property
    def unproven_ms(self) -> int:
        """So much of the time since the newest message may be the clock's mistake, in the first hour after a
        start: nothing should be deleted for it."""
        gap, until = self._long_gap
        return gap if until > self._elapsed_ms() else 0

    @property
    def leapt_ms(self) -> int:
        """How far the machine's clock is from ours; 0: they go together."""
        return self._other - self._offset if self._since else 0

    def look(self) -> Step | None:
        """Compares both clocks; what there is to say."""
        elapsed = self._elapsed_ms()
        before, self._other = self._other, self._wall_ms() - elapsed
        leap = self._other - self._offset
        if abs(leap) < LEAP_MS:
            self._offset = self._other
            return self._settle("clock_back", leap) if self._since else None
        if self._was_behind and leap > 0:
            self._offset = self._other
            return self._settle("clock_followed", leap)
        if not self._since or abs(self._other - before) >= LEAP_MS:
            self._since = elapsed
            return Step("clock_jumped", leap)
        if elapsed - self._since >= STANDS_MS and elapsed + self._other >= EPOCH_MS:
            self._offset = self._other
            return self._settle("clock_followed", leap)
        return None

    def _settle(self, name: str, by_ms: int) -> Step:
        self._since, self._was_behind = 0, False
        return Step(name, by_ms)
