"""Lists and sums of what waits, is in doubt, or is dead."""

from __future__ import annotations

from typing import Any

from gateway.core.model import MessageState, Progress
from gateway.store import reader_calls
from gateway.store.reader_mail import letters_of
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

_LISTINGS = {
    "ambiguous": "SELECT message_id, segment, connector, link, boot, NULLIF(sent_ms, 0) AS sent_ms, "
    "since_ms, evidence, action, settled_ms, settled_by "
    "FROM ambiguous ORDER BY ambiguous_id DESC LIMIT ?",
    "held": "SELECT message_id, account, destination, connector, accepted_ms, expires_ms "
    "FROM message WHERE progress = 2 ORDER BY message_id LIMIT ?",
    "paused": "SELECT message_id, account, destination, connector, accepted_ms, due_ms, expires_ms "
    "FROM message WHERE progress = 5 ORDER BY message_id LIMIT ?",
    "waiting": "SELECT message_id, account, destination, connector, accepted_ms, due_ms, retries "
    "FROM message WHERE progress = 0 ORDER BY connector, due_ms, message_id LIMIT ?",
    "unmatched": "SELECT connector, upstream_id, peer AS destination, state, error, received_ms "
    "FROM parked_receipt ORDER BY parked_id DESC LIMIT ?",
    "dead": "SELECT delivery_id, account, message_id, destination, state, reason, died_ms "
    "FROM dead_delivery ORDER BY died_ms DESC LIMIT ?",
    "undelivered": "SELECT delivery_id, account, message_id, state, created_ms "
    "FROM delivery ORDER BY delivery_id LIMIT ?",
}
LISTINGS = (*_LISTINGS, "letters", "calls")

SUMMARY_ROWS = 50_000
"""So many messages are counted at once: what reads for long keeps the log from beginning anew."""
_SLICE_END = (
    "SELECT max(message_id) FROM "
    "(SELECT message_id FROM message WHERE message_id > ? ORDER BY message_id LIMIT ?) slice"
)
_SLICE = (
    "SELECT connector, account, progress, count(*), min(accepted_ms), "
    "min(CASE WHEN due_ms < 0 THEN 0 ELSE due_ms END) "
    "FROM message NOT INDEXED WHERE message_id > ? AND message_id <= ? GROUP BY connector, account, progress"
)
_DOWNSTREAM = (
    "SELECT account, count(*) AS deliveries, min(created_ms) AS oldest_ms FROM delivery GROUP BY account"
)
_COUNTED = {
    Progress.QUEUED: "messages",
    Progress.PAUSED: "paused",
    Progress.HELD: "held",
    Progress.GATHERED: "gathered",
}
_SUMS = {
    "ambiguous_open": "SELECT count(*) FROM ambiguous WHERE settled_ms IS NULL",
    "unmatched_receipts": "SELECT count(*) FROM parked_receipt",
    "dead": "SELECT count(*) FROM dead_delivery",
    "letters": "SELECT count(*) FROM letter",
    "dead_letters": "SELECT count(*) FROM dead_letter",
    "calls": "SELECT count(*) FROM call",
    "dead_calls": "SELECT count(*) FROM dead_call",
}


def listing(connection: ReadConnection, kind: str, limit: int) -> list[dict[str, Any]]:
    """Rows of one of LISTINGS; ValueError: it is none."""
    if kind not in LISTINGS:
        raise ValueError(f"no such list: {kind}")
    if kind == "letters":
        return letters_of(connection, limit=limit)
    if kind == "calls":
        return [_readable(row) for row in reader_calls.waiting(connection, limit)]
    return _rows(connection, _LISTINGS[kind], limit)


def summary(connection: ReadConnection) -> dict[str, Any]:
    """How much waits, and where.

    `upstream`: what goes by itself, of each connector; `by_account`: that, and what does not, of each of them
    and account; `downstream`: of each account.  Messages are counted some at a
    time, while others come and end.
    """
    by_account, awaiting_receipt = _by_account(connection)
    return {
        "upstream": _of_connectors(by_account),
        "by_account": by_account,
        "downstream": _rows(connection, _DOWNSTREAM),
        "awaiting_receipt": awaiting_receipt,
        "paused": sum(row["paused"] for row in by_account),
        "held": sum(row["held"] for row in by_account),
        **{name: int(connection.execute(sql).fetchone()[0]) for name, sql in _SUMS.items()},
    }


def _by_account(connection: ReadConnection) -> tuple[list[dict[str, Any]], int]:
    """What waits, of each connector and account, and how many messages wait for their receipts."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    awaiting_receipt = after = 0
    while (last := connection.execute(_SLICE_END, (after, SUMMARY_ROWS)).fetchone()[0]) is not None:
        for connector, account, progress, count, oldest_ms, due_ms in connection.execute(
            _SLICE, (after, last)
        ):
            awaiting_receipt += count if progress == Progress.SENT else 0
            if progress in _COUNTED:
                empty = {"connector": connector, "account": account, "messages": 0}
                empty |= {"oldest_ms": None, "next_due_ms": None, "paused": 0, "held": 0, "gathered": 0}
                row = found.setdefault((connector, account), empty)
                row[_COUNTED[progress]] += count
                if progress == Progress.QUEUED:
                    row["oldest_ms"] = min(oldest_ms, row["oldest_ms"] or oldest_ms)
                    row["next_due_ms"] = (
                        due_ms if row["next_due_ms"] is None else min(due_ms, row["next_due_ms"])
                    )
        after = last
    return [row for _, row in sorted(found.items())], awaiting_receipt


def _of_connectors(by_account: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in by_account:
        if row["messages"]:
            name, oldest_ms = row["connector"], row["oldest_ms"]
            sums = found.setdefault(name, {"connector": name, "messages": 0, "oldest_ms": oldest_ms})
            sums["messages"] += row["messages"]
            sums["oldest_ms"] = min(sums["oldest_ms"], oldest_ms)
    return list(found.values())


def dead_of(connection: ReadConnection, account: str, limit: int) -> list[dict[str, Any]]:
    """Dead deliveries and calls of an account ("": of all) and, for all, dead letters; the newest first.

    Their ids are those that they are replayed by: a letter's has an L before it, a call's a C.
    """
    deliveries = connection.execute(
        "SELECT CAST(delivery_id AS TEXT) AS id, account AS whose, message_id, state, reason, died_ms "
        "FROM dead_delivery WHERE ?1 IN ('', account) ORDER BY died_ms DESC LIMIT ?2",
        (account, limit),
    )
    rows = [_readable(dict(row)) for row in deliveries]
    rows += [_readable(row) for row in reader_calls.dead(connection, account, limit)]
    if not account:
        letters = connection.execute(
            "SELECT 'L' || letter_id AS id, recipient AS whose, message_id, state, "
            "reason || CASE last_error WHEN '' THEN '' ELSE ': ' || last_error END AS reason, died_ms "
            "FROM dead_letter ORDER BY died_ms DESC LIMIT ?",
            (limit,),
        )
        rows += [_readable(dict(row)) for row in letters]
    rows.sort(key=lambda row: -row["died_ms"])
    return rows[:limit]


def dead_counts(connection: ReadConnection, since_ms: int) -> dict[str, int]:
    """How many deliveries of each account died since then, letters ("mail:"), calls (DEAD_CALLS and the
    account); what none has died of is not there."""
    deliveries = "SELECT account, count(*) FROM dead_delivery WHERE died_ms >= ? GROUP BY account"
    letters = "SELECT 'mail:', count(*) FROM dead_letter WHERE died_ms >= ? HAVING count(*) > 0"
    found = {row[0]: row[1] for sql in (deliveries, letters) for row in connection.execute(sql, (since_ms,))}
    return found | reader_calls.dead_counts(connection, since_ms)


def _rows(connection: ReadConnection, sql: str, *parameters: object) -> list[dict[str, Any]]:
    return [_readable(dict(row)) for row in connection.execute(sql, parameters)]


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    if "destination" in row:
        row["destination"] = mask(row["destination"])
    for name in ("message_id", "delivery_id"):
        if name in row:
            row[name] = str(row[name] or "")
    if row.get("state") in set(MessageState):
        row["state"] = MessageState(row["state"]).name
    return row
