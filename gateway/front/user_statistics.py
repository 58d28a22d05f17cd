"""What sub-clients have sent and paid (SMSC HTTP API, users.php, get_stat and get_stat_all)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from gateway.core.accounts import Account
from gateway.core.hours import zone_of
from gateway.core.prices import amount_text
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Asked, Desk, Value
from gateway.front.sub_clients import SubClient
from gateway.front.user_settings import OWN_BALANCE
from gateway.front.wanted_users import sub_accounts_of, wanted
from protocols.smsc_http.times import TimeError, parse_date

NO_RECORDS = 3
DAYS_MAX = 3_660
CURRENCY = "RUR"
"""Where no price list says another one."""
_FIRST_DAY = date(1970, 1, 1)


class Statistics:
    """Of an account's sub-clients.

    Messages are counted when they have ended, by the day (UTC) on which they were accepted; money by the day
    of the asking account's zone.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def some(self, asked: Asked) -> Value:
        """What each has sent and paid."""
        params = asked.params
        period = _Period(params, asked.account, self._desk.clock.now_ms())
        if params.get("user") or params.get("user_id"):
            chosen: Sequence[SubClient] = [wanted(self._desk, asked.account, params)]
        else:
            chosen = self._chosen(asked.account, own_balance=params.get("reseller") == "1")
        sums = await self._sums(chosen, period, empty=params.get("balance2") == "1")
        return [{"login": user.name, **sums[user.name]} for user in chosen]

    async def all(self, asked: Asked) -> Value:
        """The same of those with a balance of their own, by what they have sent."""
        period = _Period(asked.params, asked.account, self._desk.clock.now_ms())
        chosen = self._chosen(asked.account, own_balance=True)
        sums = await self._sums(chosen, period)
        place = {"description": "SMS", "operator": "", "mccmnc": ""}
        return [{"login": user.name, "items": [{**place, **sums[user.name]}]} for user in chosen]

    def _chosen(self, account: Account, *, own_balance: bool) -> Sequence[SubClient]:
        found = sub_accounts_of(self._desk, account).of(account.name)
        chosen = [
            user for user in found if ((user.settings.get("type") or "0") in OWN_BALANCE) is own_balance
        ]
        if not chosen:
            raise ApiProblem(NO_RECORDS)
        return chosen

    async def _sums(
        self, users: Sequence[SubClient], period: _Period, *, empty: bool = False
    ) -> dict[str, dict[str, str]]:
        """sms, credit (what came in), debit (what was sent for, or taken back) and the currency of each."""
        names = json.dumps([user.name for user in users])
        sent: dict[str, Any] = {}
        paid: dict[str, Any] = {}
        if not empty:
            days = (period.first_day, period.last_day)
            for row in await self._desk.rows("sent_by_accounts", (*days, names)):
                sent[row["account"]] = row
            for row in await self._desk.rows("paid_by_accounts", (period.begins_ms, period.ends_ms, names)):
                paid[row["account"]] = row
        nothing = {"segments": 0, "amount": 0, "came": 0, "went": 0}
        plans = self._desk.submission.ledger.plans
        found = {}
        for user in users:
            of = {**nothing, **sent.get(user.name, {}), **paid.get(user.name, {})}
            plan = plans.get(user.name)
            found[user.name] = {
                "sms": str(of["segments"]),
                "credit": amount_text(of["came"]),
                "debit": amount_text(of["amount"] + of["went"]),
                "currency": plan.prices.currency if plan is not None else CURRENCY,
            }
        return found


class _Period:
    """Days `start` to `end` of the account's zone, both of them included; today without any."""

    def __init__(self, params: Mapping[str, str], account: Account, now_ms: int) -> None:
        zone = zone_of(account.config.time_zone)
        try:
            today = datetime.fromtimestamp(now_ms / 1000, zone).date()
            first = parse_date(params["start"]) if params.get("start") else today
            last = parse_date(params["end"]) if params.get("end") else first
            after = last + timedelta(1)
        except (TimeError, OverflowError):
            raise ApiProblem(BAD_PARAMETERS) from None
        if last < first or (last - first).days > DAYS_MAX:
            raise ApiProblem(BAD_PARAMETERS)
        self.first_day, self.last_day = (first - _FIRST_DAY).days, (last - _FIRST_DAY).days
        self.begins_ms, self.ends_ms = (
            int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
            for day in (first, after)
        )
