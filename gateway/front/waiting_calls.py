"""Who waits for a call of a subscriber that proves a number (SMSC HTTP API, wait_call.php)."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from typing import NamedTuple

from gateway.core.clock import Clock
from gateway.front.desk import Record, Records
from gateway.front.fields import spellings

KIND = "wait_call"
"""Of the records."""
WAIT_MS = 15 * 60_000
"""So long the service waits for the call; it tells of it a little later."""
_LATE_MS = 60_000
_COMMIT_MS = 10_000
"""What was added so long ago is in the store."""
WAITING_MAX = 10_000
"""Of all accounts."""
OF_ACCOUNT_MAX = 1_000
"""So no account makes the others' calls nobody's."""


class _Waiting(NamedTuple):
    account: str
    record_id: int
    since_ms: int


class WaitingCalls:
    """Subscribers who are to call, by number; of two that wait for one subscriber the last one counts."""

    def __init__(self, clock: Clock, records: Records) -> None:
        self._clock = clock
        self._records = records
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._own: Counter[str] = Counter()
        """How many wait of each account."""
        self._timer: asyncio.TimerHandle | None = None

    async def load(self) -> None:
        """Those of an earlier run, and of other nodes; what came here meanwhile may not be stored yet."""
        since_ms = self._clock.now_ms()
        found = {
            record.name: _Waiting(account, record.record_id, record.data["since_ms"])
            for account, record in await self._records.of_kind(KIND)
        }
        late_ms = since_ms - _COMMIT_MS
        found.update((number, one) for number, one in self._waiting.items() if one.since_ms >= late_ms)
        self._waiting = OrderedDict(sorted(found.items(), key=lambda pair: pair[1].since_ms))
        self._own = Counter(waiting.account for waiting in self._waiting.values())
        self._forget_old()

    def add(self, phone: str, account: str) -> None:
        """An account waits for a call from this number; a record of the gathering batch."""
        number, now_ms = spellings(phone)[0], self._clock.now_ms()
        self._forget(number)
        self._forget_old()
        if self._own[account] >= OF_ACCOUNT_MAX:
            self._forget(next(key for key, one in self._waiting.items() if one.account == account))
        elif len(self._waiting) >= WAITING_MAX:
            self._forget(next(iter(self._waiting)))
        record = Record(self._records.next_id(KIND), number, {"since_ms": now_ms})
        self._records.put(KIND, account, record)
        self._waiting[number] = _Waiting(account, record.record_id, now_ms)
        self._own[account] += 1
        self._look_later()

    def whose(self, number: str) -> tuple[str, int] | None:
        """Whom a call from this number (digits) is for, and since when (ms); None: nobody waits for it."""
        found = self._waiting.get(number)
        return None if found is None or self._is_over(found) else (found.account, found.since_ms)

    def _is_over(self, waiting: _Waiting) -> bool:
        return waiting.since_ms + WAIT_MS + _LATE_MS <= self._clock.now_ms()

    def _forget_old(self) -> None:
        """A number is kept no longer than it is of use."""
        while self._waiting and self._is_over(next(iter(self._waiting.values()))):
            self._forget(next(iter(self._waiting)))
        self._look_later()

    def _look_later(self) -> None:
        if self._timer is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later((WAIT_MS + _LATE_MS) / 1000, self._look)

    def _look(self) -> None:
        self._timer = None
        self._forget_old()

    def _forget(self, number: str) -> None:
        found = self._waiting.pop(number, None)
        if found is not None:
            self._records.drop(KIND, found.account, found.record_id)
            self._own[found.account] -= 1
            if not self._own[found.account]:
                del self._own[found.account]
