"""What is known of one message besides its timeline: its segments, its doubts, its price, its moments."""

from __future__ import annotations

from typing import Any

from gateway.core.model import Attempt, MessageState
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

SEGMENTS_MAX = 255
DOUBTS_MAX = 100


def details(connection: ReadConnection, row: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """Of a row of message or history; times in milliseconds since 1970, the amount in millionths."""
    message_id = row["message_id"]
    found = connection.execute(
        "SELECT payer, amount, given_back FROM charge WHERE message_id = ?", (message_id,)
    ).fetchone()
    return {
        "from": row["source"] if full else mask(row["source"]),
        "accepted_ms": row["accepted_ms"],
        "due_ms": row.get("due_ms"),
        "expires_ms": row.get("expires_ms"),
        "done_ms": row.get("done_ms"),
        "end_error": row.get("error", ""),
        "retries": row["retries"],
        "parts": _parts(connection, row),
        "doubts": _doubts(connection, message_id),
        "charge": None
        if found is None
        else {"payer": found["payer"], "amount": found["amount"], "given_back": bool(found["given_back"])},
    }


def _parts(connection: ReadConnection, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Its segments at their SMSC; long after its end only what the message's own row says is left of them."""
    found = connection.execute(
        "SELECT segment, connector, attempt, intent_ms, submitted_ms, upstream_id, state, error "
        "FROM submission WHERE message_id = ? ORDER BY segment LIMIT ?",
        (row["message_id"], SEGMENTS_MAX),
    )
    parts = [
        {
            **dict(part),
            "attempt": Attempt(part["attempt"]).name,
            "state": None if part["state"] is None else state_name(part["state"]),
        }
        for part in found
    ]
    if parts or not row.get("submitted_ms"):
        return parts
    return [
        {
            "segment": 0,
            "connector": row["connector"],
            "attempt": Attempt.DONE.name,
            "intent_ms": None,
            "submitted_ms": row["submitted_ms"],
            "upstream_id": row["upstream_id"],
            "state": state_name(row["state"]),
            "error": row["error"],
        }
    ]


def _doubts(connection: ReadConnection, message_id: int) -> list[dict[str, Any]]:
    """When nobody knew whether its SMSC had it, why, and how that was settled."""
    found = connection.execute(
        "SELECT segment, connector, link, boot, NULLIF(sent_ms, 0) AS sent_ms, since_ms, evidence, action, "
        "settled_ms, settled_by FROM ambiguous WHERE message_id = ? ORDER BY ambiguous_id DESC LIMIT ?",
        (message_id, DOUBTS_MAX),
    )
    return [dict(row) for row in found]


def state_name(number: int) -> str:
    """Of MessageState; of a number that is none of it, the number."""
    return MessageState(number).name if number in set(MessageState) else str(number)
