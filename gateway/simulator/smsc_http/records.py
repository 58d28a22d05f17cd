"""get.php: sent messages, incoming messages, statistics and the tariff."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from decimal import Decimal

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import (
    ApiProblem,
    Handler,
    IncomingMessage,
    Outbox,
    Params,
    SentMessage,
    SimAccount,
)
from gateway.simulator.smsc_http.moments import begin, local, period, written
from gateway.simulator.smsc_http.numbering import CODE_PRICES, MAIL_PRICE, ZONES
from protocols.smsc_http.statuses import STATUSES

MAX_MESSAGES = 1_000
MAX_ANSWERS = 10_000
MAX_HOURS = 168
MAX_DAYS = 184
"""Six months."""

_NOT_FOUND = 3
_MAIL = 8


class Records:
    """What the account's messages tell, read from the sending side."""

    def __init__(self, account: SimAccount, outbox: Outbox) -> None:
        self._account = account
        self._outbox = outbox

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {
            "messages": self._messages,
            "answers": self._answers,
            "stat": self._stat,
            "price": self._price,
        }

    def _messages(self, params: dict[str, str], now: float) -> object:
        """Newest first, so that `prev_id` goes back in time."""
        most = fields.count(params, MAX_MESSAGES)
        found = []
        for message in self._chosen(params, now):
            found.append(self._message(message))
            if len(found) == most:
                break
        if not found:
            raise ApiProblem(_NOT_FOUND)
        return found

    def _chosen(self, params: Params, now: float) -> Iterator[SentMessage]:
        format = fields.optional_integer(params, "format", 0, _MAIL) or 0
        if format not in (0, _MAIL):
            raise fields.bad()
        before = fields.optional_integer(params, "prev_id", 1, 2**63 - 1)
        phones = fields.phones(params["phone"]) if params.get("phone") else []
        mails = fields.mails(params["email"]) if params.get("email") else []
        recipients = {*phones, *mails}
        start, end = 0.0, now + 1
        if params.get("start") or params.get("end"):
            start, end = period(params, now, self._account.tz, longest_days=MAX_DAYS)
        return (
            message
            for message in reversed(self._outbox.messages)
            if (before is None or message.int_id < before)
            and (message.type == _MAIL) == (format == _MAIL)
            and (not recipients or message.phone in recipients)
            and start <= message.sent_at < end
        )

    def _message(self, message: SentMessage) -> dict[str, object]:
        tz = self._account.tz
        status = STATUSES.get(message.status)
        return {
            "status": message.status,
            "last_date": written(message.changed_at, tz),
            "last_timestamp": int(message.changed_at),
            "err": message.err,
            "send_date": written(message.sent_at, tz),
            "send_timestamp": int(message.sent_at),
            "phone": message.phone,
            "cost": fields.cents(message.cost),
            "sender_id": message.sender,
            "status_name": status.name if status else "",
            "message": message.text,
            "mccmnc": message.mccmnc,
            "country": message.country,
            "operator": message.operator,
            "region": message.region,
            "type": message.type,
            "id": message.id,
            "int_id": str(message.int_id),
            "sms_cnt": message.parts,
            "format": message.type,
            "crc": zlib.crc32(message.text.encode()),
        }

    def _answers(self, params: dict[str, str], now: float) -> object:
        """Oldest first. With `after_id` the first ones after it, else the last ones, so that a reader who
        goes on from the greatest id misses none.
        """
        most = fields.count(params, MAX_ANSWERS)
        after = fields.optional_integer(params, "after_id", 0, 2**63 - 1)
        hours = fields.optional_integer(params, "hour", 1, 10**6)
        to_phone = fields.phone(params["to_phone"]) if params.get("to_phone") else ""
        if hours is not None:
            since = now - min(hours, MAX_HOURS) * 3600
        elif after is not None:
            since = now - MAX_HOURS * 3600
        else:
            since = begin(local(now, self._account.tz).date(), self._account.tz)
        found = [
            message
            for message in self._outbox.incoming
            if message.received_at >= since
            and (after is None or message.id > after)
            and (not to_phone or message.to == to_phone)
        ]
        chosen = found[-most:] if after is None else found[:most]
        return [self._answer(message) for message in chosen]

    def _answer(self, message: IncomingMessage) -> dict[str, object]:
        tz = self._account.tz
        return {
            "id": message.id,
            "received": written(message.received_at, tz),
            "phone": message.phone,
            "message": message.text,
            "to_phone": message.to,
            "sent": written(message.sent_at, tz),
        }

    def _stat(self, params: dict[str, str], now: float) -> object:
        """One row: the account's own messages. `debit` is what they cost."""
        start, end = period(params, now, self._account.tz)
        is_electronic = fields.flag(params, "balance2")
        fields.flag(params, "mycur")
        chosen = [m for m in self._outbox.messages if start <= m.sent_at < end] if not is_electronic else []
        return [
            {
                "login": self._account.login,
                "sms": str(sum(message.parts for message in chosen)),
                "credit": "0.00",
                "debit": fields.cents(sum((message.cost for message in chosen), Decimal(0))),
                "currency": self._account.currency,
            }
        ]

    def _price(self, params: dict[str, str], now: float) -> object:
        return {
            "zones": [
                {
                    "zone": zone.number,
                    "name": zone.name,
                    "api": fields.cents(zone.api),
                    "mass": fields.cents(zone.mass),
                    "mms": fields.cents(zone.mms),
                    "hlr": fields.cents(zone.hlr),
                    "call": fields.cents(zone.call),
                }
                for zone in ZONES.values()
            ],
            "codes": [{"mccmnc": mccmnc, "cost": fields.cents(cost)} for mccmnc, cost in CODE_PRICES.items()],
            "mail": fields.cents(MAIL_PRICE),
        }
