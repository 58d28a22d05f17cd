"""Rates, counted in segments."""

from __future__ import annotations


class TokenBucket:
    """A rate per second with one second of burst; rate 0 is no limit.

    A message of several segments passes when at least one token is there and may overdraw: the debt is
    paid before the next one, so long texts are not starved and the rate holds on average.
    """

    __slots__ = ("_at", "_tokens", "rate")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._tokens = float(rate)
        self._at = now

    def available(self, now: float) -> float:
        """Tokens there are now; infinite without a limit."""
        if not self.rate:
            return float("inf")
        self._tokens = min(float(self.rate), self._tokens + (now - self._at) * self.rate)
        self._at = now
        return self._tokens

    def take(self, segments: int, now: float) -> bool:
        """Takes tokens if any are there."""
        if not self.rate:
            return True
        if self.available(now) < 1.0:
            return False
        self._tokens -= segments
        return True

    def spend(self, segments: int) -> None:
        """Takes tokens that `available` has shown."""
        if self.rate:
            self._tokens -= segments
