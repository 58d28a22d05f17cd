"""Rates, counted in segments; floods and repeated texts, counted in messages."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")

KEYS_MAX = 200_000
"""So many numbers or texts are remembered for one account, at the most."""


class TokenBucket:
    """A rate per second with one second of burst; rate 0 is no limit.

    A message of several segments passes when at least one token is there and may overdraw: the debt is
    paid before the next one, so long texts are not starved and the rate holds on average.
    """

    __slots__ = ("_at", "_most", "_tokens", "missed", "rate")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self.missed = 0
        """How often there was none."""
        self._most = self._tokens = float(rate)
        self._at = now

    def change(self, rate: float, now: float, most: float | None = None) -> None:
        """Another rate from now on, over 0; what is there stays, as far as a second of it goes, or `most`."""
        self.available(now)
        self.rate = rate
        self._most = rate if most is None else most
        self._tokens = min(self._tokens, self._most)

    def available(self, now: float) -> float:
        """Tokens there are now; infinite without a limit."""
        if not self.rate:
            return float("inf")
        self._tokens = min(self._most, self._tokens + (now - self._at) * self.rate)
        self._at = now
        return self._tokens

    def take(self, segments: int, now: float) -> bool:
        """Takes tokens if any are there."""
        if not self.rate:
            return True
        if self.available(now) < 1.0:
            self.missed += 1
            return False
        self._tokens -= segments
        return True

    def spend(self, segments: float) -> None:
        """Takes tokens that `available` has shown."""
        if self.rate:
            self._tokens -= segments


class Recent(Generic[Value]):
    """Values by key, each kept for a time after it was set, and a while longer.

    What is old goes as a whole and not one by one, so nothing has to look for it. With too many keys
    that happens earlier.
    """

    __slots__ = ("_old", "_since", "_young", "keep_s")

    def __init__(self, keep_s: float) -> None:
        self.keep_s = keep_s
        self._since = 0.0
        self._young: dict[bytes, Value] = {}
        self._old: dict[bytes, Value] = {}

    def get(self, key: bytes) -> Value | None:
        """The value that was set last, if it is still known."""
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def set(self, key: bytes, value: Value, now: float) -> None:
        """Sets a value."""
        age = now - self._since
        if age >= self.keep_s or len(self._young) >= KEYS_MAX // 2:
            self._old = self._young if age < 2 * self.keep_s else {}
            self._young, self._since = {}, now
        self._young[key] = value

    def forget(self, key: bytes) -> None:
        """As if it had never been set."""
        self._young.pop(key, None)
        self._old.pop(key, None)


class Floods:
    """Messages to one number that follow each other with less than a gap between them."""

    __slots__ = ("_rows", "gap_s", "most")

    def __init__(self, most: int, gap_s: float) -> None:
        self.most = most
        self.gap_s = gap_s
        self._rows: Recent[tuple[int, float, float]] = Recent(gap_s)
        """How many, when the last of them was sent, and when the one before it."""

    def is_over(self, key: bytes, now: float) -> bool:
        """Whether one more would be too many."""
        return self._length(key, now) >= self.most

    def count(self, key: bytes, now: float) -> None:
        """One more was sent."""
        length, last, _ = self._rows.get(key) or (0, now, now)
        self._rows.set(key, (length + 1, now, last) if now - last < self.gap_s else (1, now, now), now)

    def take_back(self, key: bytes) -> None:
        """One of those that were counted was not sent after all."""
        length, _, before = self._rows.get(key) or (0, 0.0, 0.0)
        if length > 1:
            self._rows.set(key, (length - 1, before, before), before)
        else:
            self._rows.forget(key)

    def _length(self, key: bytes, now: float) -> int:
        length, last, _ = self._rows.get(key) or (0, now, now)
        return length if now - last < self.gap_s else 0


class Repeats:
    """Texts that were sent within the last seconds."""

    __slots__ = ("_sent", "within_s")

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._sent: Recent[float] = Recent(within_s)

    def is_known(self, key: bytes, now: float) -> bool:
        """Whether the same was sent a moment ago."""
        sent = self._sent.get(key)
        return sent is not None and now - sent < self.within_s

    def count(self, key: bytes, now: float) -> None:
        """It was sent."""
        self._sent.set(key, now, now)

    def take_back(self, key: bytes) -> None:
        """It was not sent after all."""
        self._sent.forget(key)
