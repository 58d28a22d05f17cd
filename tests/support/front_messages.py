"""Messages over HTTP in a desk's store: live, ended, registered."""

from __future__ import annotations

import asyncio
from typing import Any

from front_desk import FrontDesk
from gateway_fakes import id_at, message

from gateway.core.api import ApiMessage
from gateway.core.model import Message, MessageState, Origin, Progress
from gateway.front.desk import Asked, Handler, Value
from protocols.sms.receipts import response_key

PHONE = "79990000001"


def message_of(desk: FrontDesk, **fields: Any) -> Message:
    """A message that comes now."""
    now_ms = desk.clock.now_ms()
    found = {
        "message_id": id_at(now_ms, len(desk.journal.batches) + len(desk.journal.batch.accepted) + 1),
        "account": "app",
        "accepted_ms": now_ms,
        "source": "Shop",
        "destination": PHONE,
        "user_data": b"Hello!",
        "connector": "one",
        "expires_ms": now_ms + 86_400_000,
        "origin": Origin.HTTP.value,
        **fields,
    }
    return message(**found)


def api_of(of: Message, **fields: Any) -> ApiMessage:
    """What its client knows of it."""
    known = {
        "message_id": of.message_id,
        "account": of.account,
        "api_id": "33",
        "phone": of.destination,
        "sender": of.source,
        "kind": 0,
        "parts": of.segments,
        "cost": 1_400_000,
        "comment": "",
        "flags": 0,
        **fields,
    }
    return ApiMessage(**known)


def came(
    desk: FrontDesk, progress: Progress = Progress.QUEUED, of: dict[str, Any] | None = None, **fields: Any
) -> Message:
    """One is accepted; `of` are fields of the message, the others those of its ApiMessage."""
    taken = message_of(desk, **(of or {}))
    desk.journal.batch.accepted.append((*taken, progress.value))
    desk.journal.batch.api_messages.append(tuple(api_of(taken, **fields)))
    desk.journal.flush()
    return taken


def ended(
    desk: FrontDesk,
    state: MessageState = MessageState.DELIVERED,
    error: str = "000",
    info: str = "",
    **fields: Any,
) -> Message:
    """One was sent, and has its receipt a minute later."""
    taken = came(desk, Progress.SENT, **fields)
    upstream_id, journal = f"u{taken.message_id}", desk.journal
    key = response_key(upstream_id)
    journal.batch.intents.append((taken.message_id, 1, "one", taken.accepted_ms))
    journal.batch.submitted.append((taken.accepted_ms, upstream_id, key, taken.message_id, 1, "one"))
    at_ms = taken.accepted_ms + 60_000
    journal.batch.receipts.append(("one", upstream_id, key, key, key, "", state.value, 1, error, at_ms, info))
    journal.flush()
    return taken


def answer_of(handler: Handler, asked: Asked) -> Value:
    """What a script answers."""

    async def ask() -> Value:
        return await handler(asked)

    return asyncio.run(ask())
