"""Finds messages by what is known of them, among the live ones, the ended ones, and those of mails.

Theory of operation.  A message_id grows with time, so a time is a range of ids, and both tables are kept in
their order: a search goes through a range from its newest end, some thousands of rows at a time, and needs no
index.  What a sender called a message, an id of ours, and an SMSC's id of a live message have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.core.model import MessageState, Progress
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

SLICE = 50_000
"""So many ended messages are looked at with one open database."""
NAMED_MAX = 10_000
"""So many messages of mails with one Message-ID are looked at."""

_COLUMNS = "message_id, accepted_ms, account, destination, connector, route, client_id, segments"
_LIVE = f"SELECT {_COLUMNS}, progress, NULL AS state, '' AS error, 0 AS done_ms FROM message"
_ENDED = f"SELECT {_COLUMNS}, NULL AS progress, state, error, done_ms FROM history"


class Wanted(NamedTuple):
    """What to look for: all of it has to hold; what is empty is not asked for."""

    low_id: int
    high_id: int
    """message_ids from `low_id` to below `high_id`."""
    message_id: int = 0
    """A message's, or that of the mail that it came by."""
    client_id: str = ""
    """What its sender called it; of a mail also its Message-ID."""
    upstream_id: str = ""
    upstream_keys: tuple[str, ...] = ()
    """The forms in which `upstream_id` may be known (protocols.sms.receipts)."""
    number: str = ""
    """In digits: whom it goes to."""
    account: str = ""
    connector: str = ""
    progress: tuple[int, ...] = ()
    states: tuple[int, ...] = ()
    """It is one of `progress` or of `states`; none of both: any."""


Condition = tuple[str, tuple[object, ...]]
"""SQL, and its parameters."""
ANY = "1 = 1"
"""Holds for all."""


def find(
    connection: ReadConnection, wanted: Wanted, limit: int, *, full: bool, look: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """See Reader.find."""
    conditions: list[Condition]
    if wanted.message_id:
        low_id = wanted.low_id
        conditions = [_one_of("message_id", _with_mails(connection, wanted.message_id))]
    else:
        # what ended ones were called has an index
        tables = ("message", "mail_recipient") if wanted.client_id else ("message", "history")
        low_id = _slice_start(connection, wanted, look or SLICE, tables)
        conditions = [("message_id >= ? AND message_id < ?", (low_id, wanted.high_id))]
    ways = _called(connection, wanted, low_id) if wanted.client_id else [(ANY, ())]
    for column, value in (
        ("account", wanted.account),
        ("connector", wanted.connector),
        ("destination", wanted.number),
    ):
        if value:
            conditions.append((f"{column} = ?", (value,)))
    any_state = not (wanted.progress or wanted.states)
    found: dict[int, Any] = {}
    for way in ways:
        rows: list[Any] = []
        if wanted.progress or any_state:
            more = (_one_of("progress", wanted.progress), _taken_as(wanted))
            rows += _rows(connection, _LIVE, (way, *conditions, *more), limit)
        if wanted.states or any_state:
            more = (
                _one_of("state", wanted.states),
                _taken_as(wanted, "upstream_id = ? OR ", wanted.upstream_id),
            )
            rows += _rows(connection, _ENDED, (way, *conditions, *more), limit)
        found |= {row["message_id"]: row for row in rows}
    newest = sorted(found, reverse=True)[:limit]
    return [_readable(dict(found[message_id]), full=full) for message_id in newest], low_id


def _with_mails(connection: ReadConnection, message_id: int) -> tuple[int, ...]:
    """It, and the messages of the mail with this id."""
    of_mail = connection.execute("SELECT message_id FROM mail_recipient WHERE mail_id = ?", (message_id,))
    return (message_id, *(row[0] for row in of_mail))


def _called(connection: ReadConnection, wanted: Wanted, low_id: int) -> list[Condition]:
    """Its sender calls it so, or the mail that it came by: two questions, each with an index of its own."""
    of_mails = connection.execute(
        "SELECT message_id FROM mail_recipient JOIN mail USING (mail_id) "
        "WHERE message_id >= ? AND message_id < ? AND header_id = ? LIMIT ?",
        (low_id, wanted.high_id, wanted.client_id, NAMED_MAX),
    )
    of_mail = [row[0] for row in of_mails]
    # `<> ''` for the index of history, which has only those that were called something
    called = ("client_id = ? AND client_id <> ''", (wanted.client_id,))
    return [called, _one_of("message_id", of_mail)] if of_mail else [called]


def _slice_start(connection: ReadConnection, wanted: Wanted, look: int, tables: Sequence[str]) -> int:
    """The lowest id of the next slice of these tables."""
    starts = [wanted.low_id]
    for table in tables:
        row = connection.execute(
            f"SELECT message_id FROM {table} WHERE message_id >= ? AND message_id < ? "
            "ORDER BY message_id DESC LIMIT 1 OFFSET ?",
            (wanted.low_id, wanted.high_id, look),
        ).fetchone()
        if row is not None:
            starts.append(row[0])
    return max(starts)


def _one_of(column: str, numbers: Sequence[int]) -> Condition:
    if not numbers:
        return ANY, ()
    return f"{column} IN ({','.join('?' * len(numbers))})", tuple(numbers)


def _taken_as(wanted: Wanted, also: str = "", *values: str) -> Condition:
    """The SMSC gave one of its segments this id; `also`, with its values: what the message's row says."""
    if not wanted.upstream_id:
        return ANY, ()
    keys = ",".join("?" * len(wanted.upstream_keys)) or "NULL"
    sql = f"({also}message_id IN (SELECT message_id FROM submission WHERE upstream_key IN ({keys})))"
    return sql, (*values, *wanted.upstream_keys)


def _rows(connection: ReadConnection, select: str, conditions: Sequence[Condition], limit: int) -> list[Any]:
    where = " AND ".join(sql for sql, _ in conditions)
    parameters = [value for _, values in conditions for value in values]
    sql = f"{select} WHERE {where} ORDER BY message_id DESC LIMIT ?"
    return connection.execute(sql, (*parameters, limit)).fetchall()


def _readable(row: dict[str, Any], *, full: bool) -> dict[str, Any]:
    state, progress = row["state"], row["progress"]
    return {
        "accepted_ms": row["accepted_ms"],
        "message_id": str(row["message_id"]),
        "account": row["account"],
        "to": row["destination"] if full else mask(row["destination"]),
        "state": Progress(progress).name if state is None else MessageState(state).name,
        "connector": row["connector"],
        "route": row["route"],
        "client_id": row["client_id"],
        "segments": row["segments"],
        "error": row["error"],
        "done_ms": row["done_ms"],
    }
