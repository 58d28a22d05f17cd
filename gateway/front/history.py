"""get.php: sent messages, incoming ones, statistics and prices (SMSC HTTP API, get.php)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from gateway.core.hours import zone_of
from gateway.core.prices import amount_text
from gateway.front import fields
from gateway.front.desk import NOT_FOUND, ApiProblem, Asked, Desk, Handler, Value
from gateway.front.exports import exports_of
from gateway.front.price_zones import price_zones
from gateway.front.sent_messages import PAGE, search_of
from gateway.front.status import cost_of, place_of, shown_of, text_of
from gateway.translate.api_status import status_name
from gateway.translate.stored_text import readable
from protocols.smsc_http.values import identity

ANSWERS_MAX = 10_000
HOURS_MAX = 168
STAT_DAYS_MAX = 3_660
STEP, STEPS_MAX = 20_000, 100
"""So many incoming SMS are looked at in one read, and so often for one answer."""
_NO_ID = (1 << 63) - 1
_HOUR_MS = 3_600_000
_FIRST_DAY = date(1970, 1, 1)
_CURRENCY = "RUR"

Row = Mapping[str, Any]


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    history = _History(desk)
    return {
        "messages": history.messages,
        "answers": history.answers,
        "stat": history.stat,
        "price": history.price,
    }


class _History:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def messages(self, asked: Asked) -> Value:
        """Newest first, so that `prev_id` goes back in time; more than a page comes as a file too."""
        params, search = asked.params, search_of(self._desk, asked)
        rows = await search.page(self._desk, fields.count(params, PAGE))
        if not rows:
            raise ApiProblem(NOT_FOUND)
        if len(rows) == PAGE and (fields.integer(params, "cnt", 1, 10**9) or 0) > PAGE:
            newest = max(search.low, rows[0]["message_id"] + 1)
            await exports_of(self._desk).order(asked.account.name, search.before(newest))
        zone = zone_of(asked.account.config.time_zone)
        return await fields.made(lambda: [message_record(row, zone) for row in rows], len(rows))

    async def answers(self, asked: Asked) -> Value:
        """Oldest first: behind `after_id` the first ones, else the last ones."""
        params, account, now_ms = asked.params, asked.account.name, self._desk.clock.now_ms()
        zone = zone_of(asked.account.config.time_zone)
        most = fields.count(params, ANSWERS_MAX)
        after = fields.integer(params, "after_id", 0, 2**62)
        hours = fields.integer(params, "hour", 1, 10**6)
        own_number = fields.spellings(params["to_phone"])[0] if params.get("to_phone") else ""
        since_ms = 0 if hours is None else now_ms - min(hours, HOURS_MAX) * _HOUR_MS
        if after is not None:
            rows = await self._answers_after(account, after, since_ms, own_number, most)
        else:
            if hours is None:
                since_ms = fields.begin_ms(datetime.fromtimestamp(now_ms / 1000, zone).date(), zone)
            rows = await self._desk.rows("api_answers_newest", (account, since_ms, own_number, most))
            rows.reverse()
        return await fields.made(lambda: [_answer(row, zone) for row in rows], len(rows))

    async def _answers_after(
        self, account: str, after: int, since_ms: int, own_number: str, most: int
    ) -> list[dict[str, Any]]:
        """No read takes long, however few of them are meant: others have their turn between."""
        if not since_ms and not own_number:
            return await self._desk.rows("api_answers_after", (account, after, 0, "", most, _NO_ID))
        found: list[dict[str, Any]] = []
        for _ in range(STEPS_MAX):
            [step] = await self._desk.rows("api_answers_step", (account, after, STEP))
            if step["high"] is None:
                break
            bounds = (account, after, since_ms, own_number, most - len(found), step["high"])
            found += await self._desk.rows("api_answers_after", bounds)
            if len(found) >= most:
                break
            after = step["high"]
        return found

    async def stat(self, asked: Asked) -> Value:
        """The account's own messages that have ended, by the day (UTC) on which they came."""
        fields.flag(asked.params, "mycur")
        is_electronic = fields.flag(asked.params, "balance2")
        period = fields.period(asked, self._desk.clock.now_ms(), STAT_DAYS_MAX)
        days = ((day - _FIRST_DAY).days for day in (period.first, period.last))
        [row] = await self._desk.rows("api_sent", (asked.account.name, *days))
        plan = self._desk.submission.ledger.plans.get(asked.account.name)
        record = {
            "login": asked.account.name,
            "sms": "0" if is_electronic else str(row["segments"]),
            "credit": "0.00",
            "debit": amount_text(0 if is_electronic else row["amount"]),
            "currency": (plan.prices.currency if plan is not None else "") or _CURRENCY,
        }
        return [record]

    async def price(self, asked: Asked) -> Value:
        """The account's price list."""
        return await price_zones(self._desk, asked.account)


def message_record(row: Row, zone: tzinfo) -> dict[str, Any]:
    """A message as get_messages tells of it."""
    shown, text = shown_of(row), text_of(row)
    accepted_ms = row["accepted_ms"] or 0
    changed_ms = row["done_ms"] or accepted_ms
    record = {
        "status": shown.status,
        "last_date": fields.written(changed_ms, zone),
        "last_timestamp": changed_ms // 1000,
        "err": shown.err,
        "send_date": fields.written(accepted_ms, zone),
        "send_timestamp": accepted_ms // 1000,
        "phone": row["phone"],
        "cost": cost_of(row),
        "sender_id": row["sender"],
        "status_name": status_name(shown.status),
        "message": text,
        "type": row["kind"],
        "id": identity(row["api_id"] or str(row["message_id"])),
        "int_id": str(row["message_id"]),
        "sms_cnt": row["parts"],
        "format": row["kind"],
        "crc": zlib.crc32(text.encode()),
    }
    return record | place_of(row["phone"])


def _answer(row: Row, zone: tzinfo) -> dict[str, Any]:
    received = fields.written(row["received_ms"], zone)
    return {
        "id": row["inbox_id"],
        "received": received,
        "phone": row["phone"],
        "message": readable(row["esm_class"], row["data_coding"], row["user_data"]),
        "to_phone": row["own_number"],
        "sent": received,
    }
