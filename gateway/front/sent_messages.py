"""Which of its messages an account looks for (SMSC HTTP API, get.php, get_messages)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.core.message_ids import lowest_id_at
from gateway.front import fields
from gateway.front.desk import Asked, Desk

PAGE = 1_000
"""So many are told at once."""
DAYS_MAX = 184
"""Six months."""
RECIPIENTS_MAX = 1_000
STEP = 20_000
"""So many are looked at in one read for those to some recipients: some 30 ms, and others have their turn."""
STEPS_MAX = 50
"""So often for one page: no index has the recipients, see docs/architecture.md."""
_MAIL = 8
_NO_ID = (1 << 63) - 1


class Search(NamedTuple):
    """Messages of an account, newest first."""

    account: str
    low: int
    high: int
    """Of ids: from, and before."""
    is_mail: bool
    recipients: tuple[str, ...]
    """In each of their spellings; none: all."""

    async def page(self, desk: Desk, most: int) -> list[dict[str, Any]]:
        """The newest ones."""
        bounds = (self.account, self.low, self.high, int(self.is_mail), most)
        if not self.recipients:
            return await desk.rows("api_history", bounds)
        return await self._to_recipients(desk, most)

    async def _to_recipients(self, desk: Desk, most: int) -> list[dict[str, Any]]:
        recipients, high = json.dumps(self.recipients), self.high
        found: list[dict[str, Any]] = []
        for _ in range(STEPS_MAX):
            step = await desk.rows("api_history_step", (self.account, self.low, high, STEP))
            if not step:
                break
            low = step[0]["low"]
            bounds = (self.account, low, high, int(self.is_mail), most - len(found))
            found += await desk.rows("api_history_to", (*bounds, recipients))
            if len(found) >= most:
                break
            high = low
        return found

    def before(self, message_id: int) -> Search:
        """Those that are older than one of them."""
        return self._replace(high=message_id)

    def as_data(self) -> dict[str, Any]:
        """For a record; the account is not in it."""
        return {
            "low": self.low,
            "high": self.high,
            "is_mail": self.is_mail,
            "recipients": list(self.recipients),
        }

    @classmethod
    def of_data(cls, account: str, data: Mapping[str, Any]) -> Search:
        """What `as_data` has written."""
        return cls(account, data["low"], data["high"], data["is_mail"], tuple(data["recipients"]))


def search_of(desk: Desk, asked: Asked) -> Search:
    """What get_messages asks for; ApiProblem 1."""
    params = asked.params
    format = fields.integer(params, "format", 0, _MAIL) or 0
    if format not in (0, _MAIL):
        raise fields.bad()
    before = fields.integer(params, "prev_id", 1, 10**18 - 1)
    low, high = 0, _NO_ID if before is None else before
    if params.get("start") or params.get("end"):
        period = fields.period(asked, desk.clock.now_ms(), DAYS_MAX)
        low, high = lowest_id_at(period.begins_ms), min(high, lowest_id_at(period.ends_ms))
    wanted = [*fields.items(params.get("phone", "")), *fields.items(params.get("email", ""))]
    if len(wanted) > RECIPIENTS_MAX:
        raise fields.bad()
    recipients = sorted({spelling for item in wanted for spelling in fields.spellings(item)})
    return Search(asked.account.name, low, high, format == _MAIL, tuple(recipients))
