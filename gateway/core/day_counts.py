"""What an account has sent today: by itself, to each number, of each text, from each address.

What is counted is told apart by 8 octets of a hash, so that a number costs about 90 octets of memory
and none of them is a number.  Days are those of the account's time zone; the store has the same counts, so a
restart goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from enum import IntEnum
from hashlib import blake2b

from gateway.core.hours import day_at

KEYS_MAX = 500_000
"""So many numbers, texts and addresses of an account are told apart on one day; then those that were not
seen for the longest time are forgotten, a half at a time."""


class Kind(IntEnum):
    """What is counted.  The number is a column of the store."""

    DAY = 1
    NUMBER = 2
    TEXT = 3
    ADDRESS = 4


_PREFIXES = [b"", b"", b"number ", b"text ", b"address "]
EVERYTHING = b""
"""The key of Kind.DAY."""


def key_of(kind: Kind, what: bytes) -> bytes:
    """What stands for a number, for a text to a number, or for an address."""
    return blake2b(_PREFIXES[kind] + what, digest_size=8).digest()


class DayCounts:
    """The counts of one account's present day."""

    def __init__(self, account: str, zone: tzinfo = UTC) -> None:
        self.account = account
        self.day = 0
        self._zone = zone
        self._ends_ms = 0
        # those that were counted last, and before them
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def turn(self, now_ms: int) -> None:
        """Begins a new day when it is time; to be called before the counts are looked at."""
        if now_ms >= self._ends_ms:
            day, self._ends_ms = day_at(now_ms, self._zone)
            if day != self.day:
                self.day = day
                self._young, self._old = {}, {}

    def move(self, zone: tzinfo, now_ms: int) -> None:
        """The account is in another time zone now; if its day is another one there, it begins."""
        self._zone, self._ends_ms = zone, 0
        self.turn(now_ms)

    def load(self, rows: Iterable[tuple[int, bytes, int]]) -> None:
        """day, key, times, as the store has them; other days are passed over."""
        # what is added first is forgotten first, and the one count that is always wanted must not be
        for day, key, times in sorted(rows, key=lambda row: row[1] == EVERYTHING):
            if day == self.day:
                self.add(key, times)

    def of(self, key: bytes) -> int:
        """How often this was counted today."""
        return self._young.get(key) or self._old.get(key, 0)

    def add(self, key: bytes, times: int = 1) -> None:
        """Counts."""
        self._young[key] = (self._young.get(key) or self._old.pop(key, 0)) + times
        if len(self._young) >= KEYS_MAX // 2:
            self._young, self._old = {}, self._young

    def at_least(self, day: int, key: bytes, times: int) -> None:
        """Other nodes have counted too: so often it was, if it is still that day."""
        missing = times - self.of(key)
        if day == self.day and missing > 0:
            self.add(key, missing)

    def take_back(self, day: int, key: bytes) -> None:
        """Counts one less, if it is still that day."""
        if day == self.day and self.of(key):
            self.add(key, -1)
