"""Calls to handlers and webhooks, for an admin's questions."""

from __future__ import annotations

from typing import Any

from gateway.core.api import CallKind, CallTarget
from gateway.store.reader_near import rows_near
from gateway.store.reading import ReadConnection

DEAD_CALLS = "call:"
"""Stands before the name of the account whose dead calls are meant; no account has a colon in its name."""
_KINDS = {kind.value: kind.name.lower() for kind in CallKind}
_TARGETS = {target.value: target.name.lower() for target in CallTarget}
# what a call tells of a message; an incoming SMS has neither a message of ours nor a state
_OF_MESSAGE = "CASE WHEN kind IN (1, 3) THEN {} ELSE {} END AS {}"
_MESSAGE_ID = _OF_MESSAGE.format("message_id", 0, "message_id")
_STATE = _OF_MESSAGE.format("state", -1, "state")


def waiting(connection: ReadConnection, limit: int) -> list[dict[str, Any]]:
    """Calls that somebody makes now or later, the oldest first."""
    found = connection.execute(
        f"SELECT call_id, account, target, kind, {_MESSAGE_ID}, {_STATE}, tries, reason, created_ms, due_ms "
        "FROM call ORDER BY call_id LIMIT ?",
        (limit,),
    )
    return [_named(dict(row)) for row in found]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    row["call_id"] = str(row["call_id"])
    row["target"] = _TARGETS.get(row["target"], row["target"])
    row["kind"] = _KINDS.get(row["kind"], row["kind"])
    return row


def dead(connection: ReadConnection, account: str, limit: int) -> list[dict[str, Any]]:
    """Dead calls of an account ("": of all), the newest first; their ids have a C before them."""
    found = connection.execute(
        f"SELECT 'C' || call_id AS id, account AS whose, {_MESSAGE_ID}, {_STATE}, reason, died_ms "
        "FROM dead_call WHERE ?1 IN ('', account) ORDER BY died_ms DESC LIMIT ?2",
        (account, limit),
    )
    return [dict(row) for row in found]


def events_of(connection: ReadConnection, message: dict[str, Any]) -> list[tuple[int, str]]:
    """What a message's timeline says of calls about it: those that wait, and those that nobody took."""
    moments = (message["accepted_ms"], message.get("done_ms") or message["accepted_ms"])
    events = []
    for table in ("call", "dead_call"):
        for row in rows_near(connection, table, "call_id", message["message_id"], moments)[0]:
            if row["kind"] not in (CallKind.STATUS, CallKind.CLICK):
                continue
            what = "its end" if row["kind"] == CallKind.STATUS else "a click"
            text = f"the call to the {_TARGETS.get(row['target'], '?')} about {what} "
            if table == "dead_call":
                events.append((row["died_ms"], f"{text}is among the dead letters: {row['reason']}"))
            else:
                text += f"waits, tried {row['tries']} times: {row['reason']}" if row["tries"] else "waits"
                events.append((row["created_ms"], text))
    return events


def dead_counts(connection: ReadConnection, since_ms: int) -> dict[str, int]:
    """How many died since then, by DEAD_CALLS and the account."""
    found = connection.execute(
        "SELECT account, count(*) FROM dead_call WHERE died_ms >= ? GROUP BY account", (since_ms,)
    )
    return {DEAD_CALLS + row[0]: row[1] for row in found}
