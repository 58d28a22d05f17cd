"""Who waits for a call of a subscriber that proves a number (SMSC HTTP API, wait_call.php)."""

from __future__ import annotations

from collections import OrderedDict

from gateway.core.clock import Clock
from gateway.front.fields import spellings

WAIT_S = 15 * 60.0
"""So long the service waits for the call; it tells of it a little later."""
_LATE_S = 60.0
WAITING_MAX = 10_000


class WaitingCalls:
    """Subscribers who are to call, by their numbers; of two that wait for one subscriber the last one counts.

    Not kept over a restart: then a call is an incoming SMS like any other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: OrderedDict[str, tuple[str, float, int]] = OrderedDict()
        """By number: the account, until when, and since when (ms)."""

    def add(self, phone: str, account: str) -> None:
        """An account waits for a call from this number."""
        number, now = spellings(phone)[0], self._clock.now()
        self._waiting.pop(number, None)
        while self._waiting and (
            len(self._waiting) >= WAITING_MAX or next(iter(self._waiting.values()))[1] <= now
        ):
            self._waiting.popitem(last=False)
        self._waiting[number] = account, now + WAIT_S + _LATE_S, self._clock.now_ms()

    def whose(self, number: str) -> tuple[str, int] | None:
        """Whom a call from this number (digits) is for, and since when (ms); None: nobody waits for it."""
        account, until, since_ms = self._waiting.get(number, ("", 0.0, 0))
        return (account, since_ms) if account and self._clock.now() < until else None
