"""Lists of doubts and of what nobody took, a page at a time: none looks at more than a bound.

A page begins after a cursor, which is an id that the page before has ended with; 0: at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.core.api import CallKind, CallTarget
from gateway.core.model import MessageState
from gateway.store.reader_mail import LETTER_NAMES
from gateway.store.reader_receipts import explained
from gateway.store.reading import ReadConnection, Reads
from protocols.sms.addresses import mask

LOOK = 50_000
"""So many rows are looked at for a page of those that no index names; the next page goes on behind them."""
COUNT_MAX = 10_000
HISTORY_LOOK = 20_000
"""So many ended messages are looked at for the id of a receipt that matches nothing."""
_LAST = (1 << 63) - 1


class Page(NamedTuple):
    """Some rows of a list."""

    rows: list[dict[str, Any]]
    after: int
    """Where the next page begins; 0: this was the last one."""


_STRETCH = (
    "SELECT count(*), max(ambiguous_id) FROM "
    "(SELECT ambiguous_id FROM ambiguous WHERE ambiguous_id > ? ORDER BY ambiguous_id LIMIT ?) stretch"
)
_IS_HELD = "(SELECT m.progress FROM message m WHERE m.message_id = a.message_id) = 2"
"""Asked of each doubt: no engine can begin with the messages then."""
_HELD = (
    "SELECT a.ambiguous_id AS cursor, m.message_id, m.account, m.destination, m.connector, m.accepted_ms, "
    "m.expires_ms, a.evidence, a.link, NULLIF(a.sent_ms, 0) AS sent_ms "
    "FROM ambiguous a CROSS JOIN message m ON m.message_id = a.message_id "
    f"WHERE a.ambiguous_id > ?1 AND a.ambiguous_id <= ?2 AND a.settled_ms IS NULL AND {_IS_HELD} "
    "AND ?3 IN ('', m.account) AND NOT EXISTS (SELECT 1 FROM ambiguous b WHERE b.message_id = a.message_id "
    "AND b.ambiguous_id > a.ambiguous_id AND b.settled_ms IS NULL) ORDER BY a.ambiguous_id LIMIT ?4"
)
"""By their doubts, of which there are few, and not by the messages: of their segments' the last one."""
_AMBIGUOUS = (
    "SELECT ambiguous_id AS cursor, message_id, segment, connector, link, boot, "
    "NULLIF(sent_ms, 0) AS sent_ms, since_ms, evidence, action, settled_ms, settled_by "
    "FROM ambiguous WHERE ambiguous_id < ? ORDER BY ambiguous_id DESC LIMIT ?"
)
_UNMATCHED = "SELECT * FROM parked_receipt WHERE parked_id < ? ORDER BY parked_id DESC LIMIT ?"
_UNDELIVERED = (
    "SELECT delivery_id AS cursor, delivery_id, account, message_id, state, created_ms FROM delivery "
    "WHERE {whose}delivery_id > ? ORDER BY delivery_id LIMIT ?"
)
_DEAD = {
    "deliveries": "SELECT delivery_id AS cursor, CAST(delivery_id AS TEXT) AS id, account AS whose, "
    "message_id, state, reason, died_ms FROM dead_delivery WHERE {whose}delivery_id < ? "
    "ORDER BY delivery_id DESC LIMIT ?",
    "letters": "SELECT rowid AS cursor, 'L' || letter_id AS id, recipient AS whose, message_id, state, kind, "
    "reason || CASE last_error WHEN '' THEN '' ELSE ': ' || last_error END AS reason, died_ms "
    "FROM dead_letter WHERE rowid < ? ORDER BY rowid DESC LIMIT ?",
    "calls": "SELECT call_id AS cursor, 'C' || call_id AS id, account AS whose, "
    "CASE WHEN kind IN (1, 3) THEN message_id ELSE 0 END AS message_id, "
    "CASE WHEN kind IN (1, 3) THEN state ELSE -1 END AS state, kind, target, reason, died_ms "
    "FROM dead_call WHERE {whose}call_id < ? ORDER BY call_id DESC LIMIT ?",
}
DEAD = tuple(_DEAD)
_COUNTED = {
    "held": "SELECT DISTINCT a.message_id FROM (SELECT message_id, settled_ms FROM ambiguous "
    f"ORDER BY ambiguous_id DESC LIMIT ?2) a WHERE a.settled_ms IS NULL AND {_IS_HELD} LIMIT ?1",
    "ambiguous": "SELECT 1 FROM (SELECT settled_ms FROM ambiguous "
    "ORDER BY ambiguous_id DESC LIMIT ?2) newest WHERE settled_ms IS NULL LIMIT ?1",
    "unmatched": "SELECT 1 FROM parked_receipt LIMIT ?1",
    "undelivered": "SELECT 1 FROM delivery LIMIT ?1",
    "dead_deliveries": "SELECT 1 FROM dead_delivery LIMIT ?1",
    "dead_letters": "SELECT 1 FROM dead_letter LIMIT ?1",
    "dead_calls": "SELECT 1 FROM dead_call LIMIT ?1",
    "letters": "SELECT 1 FROM letter LIMIT ?1",
    "calls": "SELECT 1 FROM call LIMIT ?1",
}


def counts(reads: Reads) -> dict[str, int]:
    """How much there is of each, counted to COUNT_MAX + 1."""
    found = {}
    with reads.question() as connection:
        for name, sql in _COUNTED.items():
            bounds = (COUNT_MAX + 1, LOOK) if "?2" in sql else (COUNT_MAX + 1,)
            found[name] = connection.execute(f"SELECT count(*) FROM ({sql}) found", bounds).fetchone()[0]
    return found


def page(reads: Reads, kind: str, account: str, after: int, limit: int) -> Page:
    """A page of one of KINDS, of one account where the list has accounts; ValueError: it is none."""
    if kind not in KINDS:
        raise ValueError(f"no such list: {kind}")
    with reads.question() as connection:
        return KINDS[kind](connection, account, after, limit)


def _held(connection: ReadConnection, account: str, after: int, limit: int) -> Page:
    """Messages in doubt that wait for a decision, each with the last evidence, the oldest doubt first."""
    looked, last = connection.execute(_STRETCH, (after, LOOK)).fetchone()
    rows = [dict(row) for row in connection.execute(_HELD, (after, last or 0, account, limit))]
    if len(rows) == limit:
        last = rows[-1]["cursor"]
    elif looked < LOOK:
        last = 0
    for row in rows:
        del row["cursor"]
    return Page([_readable(row) for row in rows], last)


def _newest_first(
    connection: ReadConnection, sql: str, whose: tuple[str, ...], after: int, limit: int
) -> Page:
    rows = [dict(row) for row in connection.execute(sql, (*whose, after or _LAST, limit))]
    last = rows[-1]["cursor"] if len(rows) == limit else 0
    for row in rows:
        del row["cursor"]
    return Page([_readable(row) for row in rows], last)


def _ambiguous(connection: ReadConnection, account: str, after: int, limit: int) -> Page:
    return _newest_first(connection, _AMBIGUOUS, (), after, limit)


def _unmatched(connection: ReadConnection, account: str, after: int, limit: int) -> Page:
    rows = connection.execute(_UNMATCHED, (after or _LAST, limit)).fetchall()
    last = rows[-1]["parked_id"] if len(rows) == limit else 0
    return Page(explained(connection, rows, look_back=HISTORY_LOOK, segments_look=LOOK), last)


def _undelivered(connection: ReadConnection, account: str, after: int, limit: int) -> Page:
    whose = ((account,), "account = ? AND ") if account else ((), "")
    rows = [
        dict(row)
        for row in connection.execute(_UNDELIVERED.format(whose=whose[1]), (*whose[0], after, limit))
    ]
    last = rows[-1]["cursor"] if len(rows) == limit else 0
    for row in rows:
        del row["cursor"]
    return Page([_readable(row) for row in rows], last)


def _dead(kind: str) -> Callable[[ReadConnection, str, int, int], Page]:
    def find(connection: ReadConnection, account: str, after: int, limit: int) -> Page:
        if kind == "letters":
            return _newest_first(connection, _DEAD[kind], (), after, limit)
        sql = _DEAD[kind].format(whose="account = ? AND " if account else "")
        return _newest_first(connection, sql, (account,) if account else (), after, limit)

    return find


KINDS: dict[str, Callable[[ReadConnection, str, int, int], Page]] = {
    "held": _held,
    "ambiguous": _ambiguous,
    "unmatched": _unmatched,
    "undelivered": _undelivered,
    **{f"dead_{kind}": _dead(kind) for kind in DEAD},
}
_CALL_KINDS = {kind.value: kind.name.lower() for kind in CallKind}
_TARGETS = {target.value: target.name.lower() for target in CallTarget}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers masked, ids as texts, states by name."""
    if "destination" in row:
        row["destination"] = mask(row["destination"])
    for name in ("message_id", "delivery_id"):
        if name in row:
            row[name] = str(row[name] or "")
    if "state" in row:
        row["state"] = MessageState(row["state"]).name if row["state"] in set(MessageState) else ""
    if "target" in row:
        row["target"] = _TARGETS.get(row["target"], str(row["target"]))
        row["kind"] = _CALL_KINDS.get(row["kind"], str(row["kind"]))
    elif "kind" in row:
        row["kind"] = LETTER_NAMES.get(row["kind"], str(row["kind"]))
    return row
