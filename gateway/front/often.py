"""How often accounts ask (SMSC HTTP API, error 9), counted in little and bounded memory.

Theory of operation.  Most requests are new messages, of which the service allows one a minute that is the
same; at full rate half a million of them are young enough to count.  They are kept in a table of fixed size:
a request has four places, and in one of them a part of its digest and the time stand in one number.  When
all four are taken the oldest is forgotten, so a flood costs some of what was seen and no memory.  Python's
own hash is the digest: its key is this process's secret, so nobody can choose requests that look the same.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.accounts import Account
from protocols.smsc_http.limits import LIMITS, Limit, SlidingWindow, claims
from protocols.smsc_http.operations import COMMON, Operation

KEYS_MAX = 20_000
"""So many different things are counted for a limit that allows more than one."""

_BUCKET_BITS, _BUCKETS_AT = 18, 40
_PLACES = 4
_TIME_BITS = 24
_TIME_MASK = (1 << _TIME_BITS) - 1
_PRINT_MASK = (1 << _BUCKETS_AT) - 1
_TICKS_A_SECOND = 4

Claim = tuple["Seen | SlidingWindow", Any]
"""A counter, and the key under which a request is counted there."""


class Seen:
    """Which requests came within the last `window_s` seconds, at most a million of them."""

    def __init__(self, window_s: float) -> None:
        self._window = int(window_s * _TICKS_A_SECOND)
        # memory of the kernel that is zero, and nobody's before it is used
        pages = mmap.mmap(-1, 8 * _PLACES << _BUCKET_BITS)
        self._table = memoryview(pages).cast("Q")

    def due(self, key: int, now: float) -> float:
        """Seconds until one more is allowed, 0 when it is now."""
        print_, first, moment = _place(key, now)
        for entry in self._table[first : first + _PLACES]:
            if entry and entry >> _TIME_BITS == print_:
                age = moment - entry & _TIME_MASK
                if age < self._window:
                    return (self._window - age) / _TICKS_A_SECOND
        return 0.0

    def take(self, key: int, now: float) -> None:
        """It came."""
        print_, first, moment = _place(key, now)
        table, oldest, chosen = self._table, -1, first
        for at in range(first, first + _PLACES):
            entry = table[at]
            if not entry or entry >> _TIME_BITS == print_:
                chosen = at
                break
            age = moment - entry & _TIME_MASK
            if age > oldest:
                oldest, chosen = age, at
        table[chosen] = print_ << _TIME_BITS | moment

    def give_back(self, key: int) -> None:
        """It was not taken after all."""
        print_, first, _ = _place(key, 0.0)
        for at in range(first, first + _PLACES):
            if self._table[at] >> _TIME_BITS == print_:
                self._table[at] = 0


def _place(key: int, now: float) -> tuple[int, int, int]:
    """What stands for a key, where its places begin, and the time."""
    bucket = key >> _BUCKETS_AT & (1 << _BUCKET_BITS) - 1
    # 0 is an empty place
    return key & _PRINT_MASK or 1, bucket * _PLACES, int(now * _TICKS_A_SECOND) & _TIME_MASK


class Often:
    """The limits of all operations, `factor` times what the service allows; 0: no limits."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._windows: dict[Limit, SlidingWindow] = {}
        self._seen: dict[int, Seen] = {}

    def claims(self, account: Account, operation: Operation, params: Mapping[str, str]) -> list[Claim]:
        """What is to be counted of a request."""
        if not self._factor:
            return []
        limits = LIMITS[operation.name]
        if len(limits) == 1 and limits[0].per == "identical":
            limit = limits[0]
            print_ = _print(account.name, limit.group or operation.name, params)
            return [(self._of(limit), print_)]
        return [(self._of(limit), (account.name, key)) for limit, key in claims(operation, params)]

    def _of(self, limit: Limit) -> Seen | SlidingWindow:
        count = max(1, int(limit.count * self._factor))
        if count == 1 and limit.per == "identical":
            found = self._seen.get(limit.window_s)
            if found is None:
                found = self._seen[limit.window_s] = Seen(limit.window_s)
            return found
        window = self._windows.get(limit)
        if window is None:
            window = self._windows[limit] = SlidingWindow(count, limit.window_s, most_keys=KEYS_MAX)
        return window


def _print(account: str, operation: str, params: Mapping[str, str]) -> int:
    """What two requests of an operation have in common that ask for the same."""
    asked = dict(params)
    for name in COMMON:  # who asks, and how the answer is to look
        asked.pop(name, None)
    return hash((account, operation, frozenset(asked.items())))


def may_ask(found: Sequence[Claim], now: float) -> bool:
    """Whether no limit is reached; then the request is counted."""
    for counter, key in found:
        if counter.due(key, now) > 0:
            return False
    for counter, key in found:
        counter.take(key, now)
    return True
