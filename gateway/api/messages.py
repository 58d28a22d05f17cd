"""GET and DELETE of messages: where they are, and the end of what still waits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.api.drafts import REFERENCE_MAX
from gateway.api.problems import Problem, not_found
from gateway.api.queries import Query
from gateway.api.states import ENDED, WORDS, state_of, time_text
from gateway.core.accounts import Account
from gateway.core.api import ApiFlag
from gateway.core.message_ids import lowest_id_at
from gateway.core.prices import amount_text
from gateway.front.desk import Desk, committed
from gateway.translate.calls import KINDS
from gateway.translate.stored_text import readable

LIMIT, LIMIT_MAX = 50, 500
LOOKED_AT = 2000
"""So many messages are looked at for one page of those in some state; a page may be short, or empty."""
STEP = 50_000
"""The same for one page of those to a number: it takes some 50 ms."""
_ABOVE_ALL = (1 << 63) - 1
_UNKNOWN = "there is no such message of this account; ended ones are kept for queue.history_days"
Row = Mapping[str, Any]


async def one(desk: Desk, account: Account, message_id: int) -> dict[str, Any]:
    """A message with its text, where that is kept; raises Problem 404, also for another account's."""
    row = await row_of(desk, account, message_id)
    shown = shown_of(row, desk.clock.now_ms())
    texts = await desk.rows("v1_text", (message_id,))
    text = texts[0] if texts else None
    shown["text"] = (
        None if text is None else readable(text["esm_class"], text["data_coding"], bytes(text["user_data"]))
    )
    return shown


async def row_of(desk: Desk, account: Account, message_id: int) -> Row:
    """What the store has of it; raises Problem 404."""
    rows = await desk.rows("v1_messages", (account.name, json.dumps([message_id])))
    if not rows:
        raise not_found(_UNKNOWN)
    return rows[0]


async def page(desk: Desk, account: Account, query: Query) -> dict[str, Any]:
    """Messages, the newest first, and `next`: the cursor of the page after it, None: there is none."""
    limit = query.number("limit", LIMIT, 1, LIMIT_MAX)
    low = query.moment("since")
    high = query.moment("until")
    cursor = query.number("cursor", 0, 1, _ABOVE_ALL)
    state = query.word("state", WORDS)
    name, to = query.text("reference", REFERENCE_MAX), query.text("to", 16).removeprefix("+")
    query.end()
    low_id = min(lowest_id_at(low), _ABOVE_ALL) if low else 0
    high_id = min(lowest_id_at(high + 1) if high else _ABOVE_ALL, cursor or _ABOVE_ALL)
    filtered = bool(state or (name and to))
    most = LOOKED_AT if filtered else limit
    step_id = await _step(desk, account.name, low_id, high_id) if to and not name else 0
    ids = await _ids(desk, account, name, to, (account.name, max(low_id, step_id), high_id, most + 1))
    rows = await desk.rows("v1_messages", (account.name, json.dumps(ids[:most])))
    now_ms = desk.clock.now_ms()
    rows = [row for row in rows if to in ("", row["phone"]) and state in ("", _state(row, now_ms))]
    more = len(ids) > most
    if len(rows) > limit:
        rows, more = rows[:limit], True
        last = rows[-1]["message_id"]
    else:
        last = ids[most - 1] if more else step_id
        more = bool(last)
    return {"messages": [shown_of(row, now_ms) for row in rows], "next": str(last) if more else None}


async def _step(desk: Desk, account: str, low_id: int, high_id: int) -> int:
    """The last id that is looked at for one page; 0: that is all of them."""
    step = await desk.rows("api_history_step", (account, low_id, high_id, STEP))
    if not step:
        return 0
    last = int(step[0]["low"])
    return last if await desk.rows("api_history_step", (account, low_id, last, 1)) else 0


async def _ids(desk: Desk, account: Account, name: str, to: str, bounds: Sequence[object]) -> list[int]:
    if name:
        rows = await desk.rows("v1_ids_named", (*bounds, name))
    elif to:
        rows = await desk.rows("v1_ids_to", (*bounds, to))
    else:
        rows = await desk.rows("v1_newest_ids", bounds)
    return [row["message_id"] for row in rows]


def shown_of(row: Row, now_ms: int) -> dict[str, Any]:
    """A message as it stands in answers."""
    ended = row["state"] is not None
    state = _state(row, now_ms)
    return {
        "id": str(row["message_id"]),
        "to": row["phone"],
        "from": row["sender"],
        "kind": KINDS.get(row["kind"], "sms"),
        "reference": row["api_id"] if row["flags"] & ApiFlag.JSON else "",
        "state": state,
        "error": row["error"] or "",
        "parts": row["parts"],
        "cost": amount_text(0 if row["given_back"] else row["cost"]),
        "accepted_at": time_text(row["accepted_ms"]),
        "send_at": time_text(row["due_ms"]) if state == "scheduled" else None,
        "expires_at": time_text(row["expires_ms"]),
        "done_at": time_text(row["done_ms"]) if ended else None,
        "link_opened": bool(row["flags"] & ApiFlag.CLICKED),
    }


def _state(row: Row, now_ms: int) -> str:
    return state_of(row["progress"], row["state"], row["due_ms"] or 0, row["retries"] or 0, now_ms)


async def cancel(desk: Desk, account: Account, message_id: int) -> dict[str, Any]:
    """Ends what waits here; raises Problem 404, and 409 for what went up or has ended."""
    await row_of(desk, account, message_id)
    cancels = desk.journal.batch.cancels
    place = len(cancels)
    cancels.append((account.name, message_id, "", "", "", desk.clock.now_ms()))
    answer = await committed(desk.journal)
    done, _, had_ended = answer.cancelled[place]
    if done:
        return {"id": str(message_id), "state": "cancelled"}
    if not had_ended:
        raise Problem(409, "conflict", "it went up already, or is about to, and cannot be taken back")
    row = await row_of(desk, account, message_id)
    state = ENDED.get(row["state"], "unknown")
    if state == "cancelled":  # by an earlier request whose answer was lost
        return {"id": str(message_id), "state": state}
    raise Problem(409, "conflict", f"it has ended: {state}")
