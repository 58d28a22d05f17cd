"""status.php and balance.php of the simulated service."""

from __future__ import annotations

from gateway.simulator.smsc_http.life import HLR
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Params, SentMessage, SimAccount
from gateway.simulator.smsc_http.moments import written
from gateway.simulator.smsc_http.recipients import canonical_any
from gateway.simulator.smsc_http.sending import money
from gateway.simulator.smsc_http.settings import FINAL
from gateway.simulator.smsc_http.store import Store
from protocols.smsc_http.statuses import STATUSES

BAD_PARAMETERS, NOT_DELETED = 1, 5
NOT_FOUND = -3
MAX_PAIRS = 10_000
_DAY_S = 86_400
_MOSCOW_S = 3 * 3600
_RUN_S = 3 * 3600
"""The archive job runs at 03:00 Moscow time and takes what was sent before 18:00 of the day before."""
_AGE_AT_RUN_S = 9 * 3600


class StatusScript:
    """Answers about messages and money."""

    def __init__(self, account: SimAccount, store: Store) -> None:
        self._account = account
        self._store = store

    def handlers(self) -> dict[str, Handler]:
        """By the name of the operation."""
        return {"status": self._status, "status_delete": self._delete, "balance": self._balance}

    def _status(self, params: dict[str, str], now: float) -> object:
        level = params.get("all", "0") or "0"
        if level not in ("0", "1", "2"):
            raise ApiProblem(BAD_PARAMETERS)
        pairs = _pairs(params)
        if "," not in params["phone"] and "," not in params["id"]:
            return self._record(*pairs[0], level, now)
        records = []
        for id, phone in pairs:
            record = self._record(id, phone, level, now)
            record["id"] = _number_or_text(id)
            record.setdefault("phone", phone)
            records.append(record)
        return records

    def _record(self, id: str, phone: str, level: str, now: float) -> dict[str, object]:
        message = self._find(id, phone, now)
        if message is None:
            return {"status": NOT_FOUND}
        account_tz = self._account.tz
        record: dict[str, object] = {
            "status": message.status,
            "last_date": written(message.changed_at, account_tz),
            "last_timestamp": int(message.changed_at),
            "flag": message.flag,
            "err": message.err,
        }
        if message.type == HLR:
            record.update(message.hlr or dict.fromkeys(_HLR_FIELDS, ""))
        if level != "0":
            record.update(self._details(message, level))
        return record

    def _details(self, message: SentMessage, level: str) -> dict[str, object]:
        known = STATUSES.get(message.status)
        found: dict[str, object] = {
            "send_date": written(message.sent_at, self._account.tz),
            "send_timestamp": int(message.sent_at),
            "phone": message.phone,
            "cost": money(message.cost),
            "sender_id": message.sender,
            "status_name": known.name if known is not None else "unknown",
            "message": message.text,
        }
        is_hlr = message.type == HLR
        if not is_hlr:
            found["comment"] = message.comment
        if level == "2":
            if not is_hlr:
                found["mccmnc"] = message.mccmnc
            found["country"] = message.country
            found["operator"] = message.operator
            if not is_hlr:
                found["operator_orig"] = message.operator
            found["region"] = message.region
        found["type"] = message.type
        if not is_hlr:
            found["sms_cnt"] = message.parts
        return found

    def _delete(self, params: dict[str, str], now: float) -> object:
        found = []
        for id, phone in _pairs(params):
            message = self._find(id, phone, now)
            if message is None:
                raise ApiProblem(NOT_DELETED)
            found.append(message)
        for message in found:
            self._store.remove(message)
        return {"result": "OK"}

    def _balance(self, params: dict[str, str], now: float) -> object:
        account = self._account
        balance = {"balance": money(account.balance)}
        if params.get("cur", "0") in ("", "0"):
            return balance
        if account.credit:
            balance["credit"] = money(account.credit)
        return {**balance, "currency": account.currency}

    def _find(self, id: str, phone: str, now: float) -> SentMessage | None:
        message = self._store.find(str(_number_or_text(id)), canonical_any(phone))
        return None if message is None or is_archived(message, now) else message


_HLR_FIELDS = ("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet")


def is_archived(message: SentMessage, now: float) -> bool:
    """Whether the nightly job has moved the message, so that its status cannot be asked for any more."""
    local = now + _MOSCOW_S
    last_run = local - (local - _RUN_S) % _DAY_S
    return message.status in FINAL and message.sent_at + _MOSCOW_S < last_run - _AGE_AT_RUN_S


def _pairs(params: Params) -> list[tuple[str, str]]:
    """The ids and phones, paired by position; a trailing comma makes no pair."""
    ids, phones = (_items(params.get(name, "")) for name in ("id", "phone"))
    if len(ids) != len(phones) or not ids or len(ids) > MAX_PAIRS:
        raise ApiProblem(BAD_PARAMETERS)
    return list(zip(ids, phones, strict=True))


def _number_or_text(id: str) -> int | str:
    return int(id) if id.isdecimal() and id.isascii() and len(id) <= 10 else id


def _items(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    return items[:-1] if len(items) > 1 and not items[-1] else items
