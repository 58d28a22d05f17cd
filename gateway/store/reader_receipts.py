"""Receipts that match no message, and why."""

from __future__ import annotations

import json
from typing import Any

from gateway.core.model import Attempt, MessageState
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

LOOK_BACK = 1_000_000
"""So many ended messages are looked at for ids that are no longer remembered."""
ALL = 1 << 62


def unmatched(connection: ReadConnection, limit: int) -> list[dict[str, Any]]:
    """See Reader.unmatched."""
    rows = connection.execute(
        "SELECT * FROM parked_receipt ORDER BY parked_id DESC LIMIT ?", (limit,)
    ).fetchall()
    return explained(connection, rows)


def explained(
    connection: ReadConnection,
    rows: list[Any],
    *,
    look_back: int = LOOK_BACK,
    segments_look: int = ALL,
) -> list[dict[str, Any]]:
    """Rows of parked_receipt for people, each with why it matches nothing.

    So many ended messages, the newest, and so many segments are looked at for that.
    """
    past, unanswered = _ended_as(connection, rows, look_back), _unanswered(connection, segments_look)
    return [
        {
            "received_ms": row["received_ms"],
            "connector": row["connector"],
            "upstream_id": row["upstream_id"],
            "from": mask(row["peer"]),
            "state": MessageState(row["state"]).name if row["state"] in set(MessageState) else row["state"],
            "error": row["error"],
            "final": row["final"] == 1,
            "why": _why(connection, row, past, unanswered),
        }
        for row in rows
    ]


def _ended_as(connection: ReadConnection, receipts: list[Any], look_back: int) -> dict[tuple[str, str], int]:
    """Messages that ended with these ids, among the last ones: by connector and id."""
    found = connection.execute(
        "SELECT message_id, connector, upstream_id FROM ("
        "SELECT message_id, connector, upstream_id FROM history ORDER BY message_id DESC LIMIT ?) newest "
        # with IS TRUE PostgreSQL looks them up in a table; without it, it goes through them for each row
        "WHERE (upstream_id IN (SELECT value FROM json_each(?))) IS TRUE",
        (look_back, json.dumps([row["upstream_id"] for row in receipts])),
    )
    return {(row["connector"], row["upstream_id"]): row["message_id"] for row in found}


def _unanswered(connection: ReadConnection, look: int) -> dict[str, int]:
    """How many of the newest segments each connector has not answered; once for all receipts."""
    found = connection.execute(
        "SELECT connector, count(*) FROM ("
        "SELECT connector, attempt FROM submission ORDER BY message_id DESC, segment DESC LIMIT ?) newest "
        "WHERE attempt IN (?, ?) GROUP BY connector",
        (look, Attempt.INTENT.value, Attempt.DOUBT.value),
    )
    return {row[0]: row[1] for row in found}


def _why(
    connection: ReadConnection,
    receipt: Any,
    past: dict[tuple[str, str], int],
    unanswered: dict[str, int],
) -> str:
    """What is there that would fit but for one thing; else what it may be."""
    connector = receipt["connector"]
    keys = [receipt[name] or "" for name in ("key_same", "key_second", "key_third")]
    segments = connection.execute(
        "SELECT message_id, connector FROM submission WHERE upstream_key IN (?, ?, ?) AND upstream_key <> ''",
        keys,
    ).fetchall()
    for segment in segments:
        if segment["connector"] == connector:
            return f"the id is that of message {segment['message_id']}, which went to another number"
    for segment in segments:
        return f"the id is that of message {segment['message_id']}, which went by {segment['connector']}"
    if (message_id := past.get((connector, receipt["upstream_id"]))) is not None:
        return f"message {message_id} had this id, and ended before"
    open_segments = unanswered.get(connector, 0)
    if open_segments:
        return f"perhaps of one of {open_segments} segment(s) that {connector} has not answered"
    return "no message has this id: another program with this login, or sent before this store began"
