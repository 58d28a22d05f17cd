"""How values are spread: counted in fixed buckets, so that a million of them cost no memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds for what a peer or a disk makes us wait."""
LONG_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""Bounds for what a handset makes us wait."""
ROWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0)
"""Bounds for how much is done at once."""


class Histogram:
    """Counts of values by bucket, and their sum; nothing is made when one is observed.

    A bucket holds what is at or below its bound and above the one before; the last one of `counts` what is
    above all.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, count: int = 1) -> None:
        """Counts a value that was seen so often."""
        self.counts[bisect_left(self.bounds, value)] += count
        self.sum += value * count

    def observe_since(self, moments: Sequence[float], now: float) -> None:
        """Counts how long ago each moment was: one call for all that a read has brought.

        Mostly all of them are in one bucket, which the nearest and the farthest tell.
        """
        if not moments:
            return
        bounds, counts = self.bounds, self.counts
        first = bisect_left(bounds, now - max(moments))
        if first == bisect_left(bounds, now - min(moments)):
            counts[first] += len(moments)
        else:
            for moment in moments:
                counts[bisect_left(bounds, now - moment)] += 1
        self.sum += now * len(moments) - sum(moments)
