"""How much may go up by one connector: segments under way, and segments per second.

What is configured is the most.  Less it is while the SMSC says "too fast" (`Pace`), and where other nodes use
the same connector (`share`).  All of it is without a clock, and does not count what is under way itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.limits import TokenBucket
from gateway.core.links import Link
from gateway.core.pacing import Pace


class FlowControl:
    """The limits of one connector, on all its links together."""

    def __init__(self, window: int, rate: int, now: float) -> None:
        self.window = window
        """As configured: segments that may be under way on one link."""
        self.rate = rate
        """As configured: segments per second, 0 without a limit."""
        self.part: int | None = None
        """How much of the window this node may use, see `share`; None: it is the only one."""
        self.adaptive = False
        """Sends less while the SMSC says "too fast"."""
        self.pace = Pace(rate, now)
        self.bucket = TokenBucket(rate, now)

    def room(self, links: Sequence[Link], in_flight: int, now: float) -> int:
        """Segments that may be sent now, while so many are under way; below 1: none."""
        room = -in_flight
        for link in links:
            if not link.stuck:
                room += self.window
        if self.pace.limited:
            room = min(room, self.pace.window - in_flight)
        if self.part is not None:
            room = min(room, self.part - in_flight)
        return room if not self.bucket.rate else min(room, int(self.bucket.available(now)))

    def most(self, links: int) -> int:
        """Segments that may be under way on so many links."""
        configured = self.window * links
        if self.part is not None:
            configured = min(configured, self.part)
        return min(configured, self.pace.window) if self.pace.limited else configured

    # -- what is configured, and this node's part of it ------------------------------------------------

    def limit(self, window: int, rate: int, *, adaptive: bool, now: float, taken: int) -> None:
        """Other limits from now on; what was learnt of the SMSC's own holds as long as these stay.

        `taken`: how many segments the SMSC has taken until now.
        """
        self.window = window
        if (rate, adaptive) != (self.rate, self.adaptive):
            if self.part is not None:
                self.part = 0  # until it is known what of the new limits is for this node
            self.rate = rate
            self.adaptive = adaptive
            self.pace = Pace(rate, now, taken)
            self._take_rate(now)

    def share(self, window: int, rate: float, now: float) -> None:
        """Of what is configured this node may use so much: segments under way, and per second (0: as many as
        it likes); the rest is for other nodes. A window of 0: nothing."""
        if rate and window:
            if not self.part:  # what other nodes may have used until now
                self.bucket.change(rate, now, 0.0)
            self.pace.share(rate)
            self._take_rate(now)
            self.bucket.change(self.bucket.rate, now)
        self.part = window

    # -- too fast --------------------------------------------------------------------------------------

    def too_fast(self, sent_at: float, in_flight: int, now: float, taken: int) -> bool:
        """The SMSC says of a segment of `sent_at` that it is too much; whether that changed anything."""
        if not (self.adaptive and self.pace.throttled(now, sent_at, in_flight, taken)):
            return False
        self._take_rate(now)
        return True

    def congestion(self, state: int, sent_at: float, in_flight: int, now: float, taken: int) -> bool:
        """A response to a segment of `sent_at` bears this congestion_state; whether that changed anything."""
        if not (self.adaptive and self.pace.congestion(state, now, sent_at, in_flight, taken)):
            return False
        self._take_rate(now)
        return True

    def tick(self, links: int, now: float, taken: int) -> None:
        """A few times each second."""
        if self.adaptive:
            self.pace.tick(now, taken, self.window * links)
            self._take_rate(now)

    def _take_rate(self, now: float) -> None:
        rate = self.pace.rate
        if rate == self.bucket.rate:
            return
        if self.bucket.rate:
            self.bucket.change(rate, now)
        else:
            self.bucket = TokenBucket(rate, now)
            self.bucket.spend(rate)
