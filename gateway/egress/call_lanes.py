"""The handler or the webhook of one account: what waits for it, and how much it may have at once."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from random import Random

from gateway.core import retry
from gateway.core.api import Call, CallTarget

SHARE = 10
"""Calls of one handler or webhook at once.  It begins with FIRST_SHARE; a call that is taken soon makes it
one more, and one that fails or takes long halves it."""
FIRST_SHARE = 2
FULL = 4 * SHARE
"""Calls in memory, from which on no more are claimed for it."""
SLOW_S = 5.0
FAILS = 5
"""So many failures one after the other, and it fails; some texts alone are no reason to hold up the rest."""

HANDLER_TRIES = 50
HANDLER_AGAIN_MS = 240_000
"""SMSC HTTP API, callbacks: one further request every 4 minutes, 50 in total."""
FIRST_AGAIN_S = 5.0
LONGEST_AGAIN_S = 3600.0
"""Of webhooks; in between the delay doubles."""
DAY_MS = 86_400_000

_ENDS_A_HANDLER = frozenset({200, 404})
_GONE = 410


@dataclass(slots=True, eq=False)
class Lane:
    """What is in memory for one account's handler or webhook."""

    account: str
    target: int
    waiting: deque[Call] = field(default_factory=deque)
    under_way: int = 0
    share: int = FIRST_SHARE
    failures: int = 0
    """Since the last call that was taken."""
    failing_since: float = 0.0
    """Monotonic seconds of the first of them."""
    last_error: str = ""
    said_at: float = -math.inf
    """When the log was told of a failure."""
    rests: bool = False
    """It fails, and gets nothing until the next tick: failing fast must not cost more than working."""
    is_slow: bool = False
    """The last call was not taken, or took long."""
    is_queued: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.waiting) + self.under_way >= FULL

    @property
    def fails(self) -> bool:
        return self.failures >= FAILS

    @property
    def can_start(self) -> bool:
        """Whether it may have one more at once."""
        return bool(self.waiting) and not self.rests and self.under_way < self.share

    def grow(self, took_s: float, *, taken: bool) -> None:
        """After a call that took so long."""
        self.is_slow = not taken or took_s > SLOW_S
        self.share = max(1, self.share // 2) if self.is_slow else min(self.share + 1, SHARE)

    @property
    def name(self) -> str:
        """handler or webhook."""
        return CallTarget(self.target).name.lower()


def is_taken(target: int, status: int) -> bool:
    """Whether an HTTP status says that a call need not come again."""
    return 200 <= status < 300 if target == CallTarget.WEBHOOK else status in _ENDS_A_HANDLER


def is_for_good(target: int, status: int) -> bool:
    """Whether it says that nobody will ever take it."""
    return target == CallTarget.WEBHOOK and status == _GONE


def next_due_ms(call: Call, now_ms: int, webhook_days: float, random: Random) -> int | None:
    """When a call that was not taken is made again; None: it has been tried often enough."""
    if call.target != CallTarget.WEBHOOK:
        return now_ms + HANDLER_AGAIN_MS if call.tries + 1 < HANDLER_TRIES else None
    last_ms = call.created_ms + int(webhook_days * DAY_MS)
    if now_ms >= last_ms:
        return None
    delay_s = retry.delay_s(call.tries, random, FIRST_AGAIN_S, LONGEST_AGAIN_S)
    return min(now_ms + int(1000 * delay_s), last_ms)
