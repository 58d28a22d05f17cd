"""status.php: what became of messages, and their deletion (SMSC HTTP API, status.php).

A message is named by the id that its sender gave it, or got for it, and by its recipient; of several with the
same names the newest one counts. It can be asked for as long as the history keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from gateway.core.api import ApiFlag
from gateway.core.hours import zone_of
from gateway.core.model import Progress
from gateway.core.networks import network_of
from gateway.core.prices import amount_text
from gateway.front import fields
from gateway.front.desk import ApiProblem, Asked, Desk, Handler, Value, committed
from gateway.translate.api_status import MISSING, Shown, live_status, status_name, status_of
from gateway.translate.hlr import values_of
from gateway.translate.stored_text import readable
from protocols.smsc_http.callbacks import HLR_FIELDS
from protocols.smsc_http.values import identity

NOT_DELETED = 5
PAIRS_MAX = 10_000
PAIRS_AT_ONCE = 500
"""They are read in some 30 ms, and then others have their turn."""
HLR = 4
"""The kind of message that looks a number up (SMSC HTTP API §3.3)."""
_KINDS = 0xF
"""Bits of `flag` that say the kind."""
_WAITING = (Progress.QUEUED.value, Progress.GATHERED.value, Progress.HELD.value, Progress.PAUSED.value)

Row = Mapping[str, Any]


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""

    async def status(asked: Asked) -> Value:
        """Of one message, or of several in the order of the lists."""
        params = asked.params
        level = params.get("all", "0") or "0"
        if level not in ("0", "1", "2"):
            raise fields.bad()
        pairs = _pairs(params)
        found = await _found(desk, asked.account.name, pairs)
        zone = zone_of(asked.account.config.time_zone)
        if "," not in params["phone"] and "," not in params["id"]:
            return record_of(found.get(0), level, zone)
        return await fields.made(lambda: _records(pairs, found, level, zone), len(pairs))

    async def delete(asked: Asked) -> Value:
        """What waits is not sent any more, and none of them is shown any more; all of them or none."""
        pairs = _pairs(asked.params)
        found = await _found(desk, asked.account.name, pairs)
        if len(found) < len(pairs):
            raise ApiProblem(NOT_DELETED)
        account, batch, now_ms = asked.account.name, desk.journal.batch, desk.clock.now_ms()
        for row in found.values():
            if row["progress"] in _WAITING:
                batch.cancels.append((account, row["message_id"], "", "", "", now_ms))
            batch.hidden.append((account, row["message_id"]))
        await committed(desk.journal)
        return {"result": "OK"}

    return {"status": status, "status_delete": delete}


def _pairs(params: Mapping[str, str]) -> list[tuple[str, str]]:
    """The ids and phones, paired by position; a trailing comma makes no pair."""
    ids, phones = (_items(params.get(name, "")) for name in ("id", "phone"))
    if len(ids) != len(phones) or not ids or len(ids) > PAIRS_MAX:
        raise fields.bad()
    return list(zip(ids, phones, strict=True))


def _items(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    return items if items[-1] else items[:-1]


async def _found(desk: Desk, account: str, pairs: Sequence[tuple[str, str]]) -> dict[int, Row]:
    """The messages that an account has of these ids and phones, by their places."""
    found: dict[int, Row] = {}
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        places, asked = [], []
        for place, (id, phone) in enumerate(pairs[start : start + PAIRS_AT_ONCE], start):
            for spelling in fields.spellings(phone):
                places.append(place)
                asked.append((str(identity(id)), spelling))
        for row in await desk.rows("api_statuses", (account, json.dumps(asked))):
            found.setdefault(places[row["place"]], row)  # the likeliest spelling stands first
    return found


def _records(
    pairs: Sequence[tuple[str, str]], found: Mapping[int, Row], level: str, zone: tzinfo
) -> list[dict[str, Any]]:
    """Each with the names by which it was asked for."""
    return [
        {"phone": phone, **record_of(found.get(place), level, zone), "id": identity(id)}
        for place, (id, phone) in enumerate(pairs)
    ]


# -- what is told of one -------------------------------------------------------------------------------


def shown_of(row: Row) -> Shown:
    """Its status and err: of one that lives or has ended, and of what is only a name by now."""
    if row["progress"] is not None:
        return live_status(row["progress"])
    if row["state"] is None:
        return MISSING
    return status_of(row["state"], row["error"], clicked=bool(row["flags"] & ApiFlag.CLICKED))


def record_of(row: Row | None, level: str, zone: tzinfo) -> dict[str, Any]:
    """What status.php tells of a message with `all` at this level; None: nobody has it."""
    shown = MISSING if row is None else shown_of(row)
    if row is None or shown == MISSING:
        return {"status": MISSING.status}
    changed_ms = row["done_ms"] or row["accepted_ms"]
    record: dict[str, Any] = {
        "status": shown.status,
        "last_date": fields.written(changed_ms, zone),
        "last_timestamp": changed_ms // 1000,
        "flag": row["kind"] & _KINDS,
        "err": shown.err,
    }
    is_hlr = row["kind"] == HLR
    if is_hlr:
        record |= dict.fromkeys(HLR_FIELDS, "") | values_of(row["info"])
    if level == "0":
        return record
    record |= {
        "send_date": fields.written(row["accepted_ms"], zone),
        "send_timestamp": row["accepted_ms"] // 1000,
        "phone": row["phone"],
        "cost": cost_of(row),
        "sender_id": "HLR" if is_hlr else row["sender"],
        "status_name": status_name(shown.status),
        "message": text_of(row),
        "comment": row["comment"],
        "type": row["kind"],
        "sms_cnt": row["parts"],
    }
    if level == "2":
        record |= place_of(row["phone"])
    return record


def cost_of(row: Row) -> str:
    """What it has cost; nothing if that was given back."""
    return amount_text(0 if row["given_back"] else row["cost"])


def text_of(row: Row) -> str:
    """The text, as long as it is kept."""
    if not row["user_data"]:
        return ""
    return readable(row["esm_class"], row["data_coding"], row["user_data"])


def place_of(phone: str) -> dict[str, str]:
    """Where a recipient is: by the numbering plans, so a ported number is with the operator of its range."""
    network = network_of(phone)
    return {
        "mccmnc": network.mcc,
        "country": network.country,
        "operator": network.operator,
        "operator_orig": network.operator,
        "region": "",
    }
