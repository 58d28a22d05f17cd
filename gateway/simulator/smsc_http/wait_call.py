"""wait_call.php: a subscriber proves a number by a call from it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Outbox, SimAccount

WAIT_S = 15 * 60.0
"""How long the service waits for the call."""
CALL_AFTER_S = 5.0
"""When the subscribers of the simulation call. Those whose number is SILENT never do."""
SILENT_SUFFIX = "99106"
MAX_WAITING = 10_000

NUMBERS = {"7": ("79990000201", "79990000202", "79990000203"), "": ("442030000201", "442030000202")}
"""The numbers to call, by what the subscriber's begins with."""

PRICE = Decimal("0.30")
"""Of one confirmed number."""

_NO_MONEY = 3
_BLACKLISTED = 5


class WaitCall:
    """Subscribers who are to call, with the number they were given."""

    def __init__(self, account: SimAccount, outbox: Outbox, forbids: Callable[[str], bool]) -> None:
        """`forbids` is the blacklist."""
        self._account = account
        self._outbox = outbox
        self._forbids = forbids
        self._waiting: dict[str, tuple[str, float]] = {}
        self._asked = 0

    def handlers(self) -> dict[str, Handler]:
        """By the name of the operation."""
        return {"waitcall": self._wait}

    def _wait(self, params: dict[str, str], now: float) -> object:
        phone = fields.phone(fields.text(params, "phone"))
        if self._forbids(phone):
            raise ApiProblem(_BLACKLISTED)
        if not self._account.can_pay(PRICE):
            raise ApiProblem(_NO_MONEY)
        pool = next(numbers for start, numbers in NUMBERS.items() if phone.startswith(start))
        turn = self._asked % len(pool)
        self._asked += 1
        ordered = [*pool[turn:], *pool[:turn]]
        self._waiting.pop(phone, None)
        if len(self._waiting) >= MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[phone] = ordered[0], now + WAIT_S
        if not phone.endswith(SILENT_SUFFIX):
            self._outbox.schedule(now + CALL_AFTER_S, lambda at: self.called(phone, at))
        return {"phone": ordered[0], "all_phones": ordered}

    def called(self, phone: str, now: float) -> None:
        """The subscriber calls; nothing happens if that was not expected, or not any more."""
        to, until = self._waiting.pop(phone, ("", 0.0))
        if now < until:
            self._account.balance -= Decimal(0) if self._account.virtual else PRICE
            self._outbox.confirm(phone, to, now)
