"""What is read for exports and statistics: in pages, by message_id, each with the database opened anew.

A message_id grows with time, so a time is a range of ids; a message that ends between two pages is in one of
them only, because it keeps its id.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.batch import Row
from gateway.core.model import MessageState
from gateway.store.reading import ReadConnection, Reads

PAGE = 500
"""So many messages are looked at for a page: the event loop writes it as JSON, a millisecond or two."""
LIVE_PAGE = 20_000
GROUPS_MAX = 200_000
"""More lines of statistics are not for one answer."""

COLUMNS = (
    "message_id", "account", "accepted_ms", "source", "destination", "segments", "connector", "submitted_ms",
    "upstream_id", "state", "error", "done_ms", "retries", "origin", "route", "client_id", "amount",
)  # fmt: skip
"""Of a row of an export; with texts, `TEXT_COLUMNS` follow.  Times are milliseconds since 1970, the amount is
in millionths and None where nothing was charged."""
TEXT_COLUMNS = ("esm_class", "data_coding", "user_data")
GROUPS = ("day", "account", "connector", "state")
"""What statistics can be told apart by."""

_AMOUNT = "CASE WHEN p.given_back <> 0 THEN 0 ELSE p.amount END"
_ENDED = (
    "SELECT m.message_id, m.account, m.accepted_ms, m.source, m.destination, m.segments, m.connector, "
    "m.submitted_ms, m.upstream_id, m.state, m.error, m.done_ms, m.retries, m.origin, m.route, m.client_id, "
    f"{_AMOUNT}"
)
_LIVE = (
    "SELECT m.message_id, m.account, m.accepted_ms, m.source, m.destination, m.segments, m.connector, "
    f"s.submitted_ms, s.upstream_id, 1, '', NULL, m.retries, m.origin, m.route, m.client_id, {_AMOUNT}"
)
_CHARGE = "LEFT JOIN charge p ON p.message_id = m.message_id"
_SUBMISSION = "LEFT JOIN submission s ON s.message_id = m.message_id AND s.segment = 1"
_TEXT = "LEFT JOIN history_text t ON t.message_id = m.message_id"


class Filter(NamedTuple):
    """Which messages are meant; what is empty is not asked for."""

    account: str = ""
    connector: str = ""
    number: str = ""
    """Whom it goes to, in digits."""
    states: tuple[int, ...] = ()
    """Of MessageState; ENROUTE stands for everything that has not ended."""

    def where(self) -> tuple[str, list[object]]:
        """SQL about message or history as `m`, and its parameters."""
        pairs = [("account", self.account), ("connector", self.connector), ("destination", self.number)]
        wanted = [(f" AND m.{name} = ?", value) for name, value in pairs if value]
        return "".join(sql for sql, _ in wanted), [value for _, value in wanted]


class Page(NamedTuple):
    """Some messages of a range of ids."""

    rows: list[Row]
    upto: int
    """All up to this id were looked at; 0: there are no more."""


def bounds(reads: Reads, low_id: int, high_id: int) -> tuple[int, int]:
    """The first and the last message_id from `low_id` to below `high_id`; zeros: there is none."""
    ids: list[int] = []
    with reads.question() as connection:
        for table in ("message", "history"):
            for end in ("min", "max"):
                sql = f"SELECT {end}(message_id) FROM {table} WHERE message_id >= ? AND message_id < ?"
                ids += connection.execute(sql, (low_id, high_id)).fetchone()
    found = [message_id for message_id in ids if message_id is not None]
    return (min(found), max(found)) if found else (0, 0)


def page(reads: Reads, after: int, high_id: int, wanted: Filter, *, with_text: bool) -> Page:
    """The next messages above the id `after` and below `high_id`, in the order of their ids."""
    with reads.question() as connection:
        connection.begin()  # what ends meanwhile must not be in both tables
        upto = _upto(connection, after, high_id)
        if upto is None:
            return Page([], 0)
        rows: list[Row] = []
        condition, values = wanted.where()
        where = f"WHERE m.message_id > ? AND m.message_id <= ?{condition}"
        if not wanted.states or MessageState.ENROUTE in wanted.states:
            text = ", m.esm_class, m.data_coding, m.user_data" if with_text else ""
            sql = f"{_LIVE}{text} FROM message m {_CHARGE} {_SUBMISSION} {where}"
            rows += connection.tuples(sql, (after, upto, *values))
        if not wanted.states or set(wanted.states) != {MessageState.ENROUTE}:
            text = ", t.esm_class, t.data_coding, t.user_data" if with_text else ""
            states = f" AND m.state IN ({','.join('?' * len(wanted.states))})" if wanted.states else ""
            sql = f"{_ENDED}{text} FROM history m {_CHARGE} {_TEXT if with_text else ''} {where}{states}"
            rows += connection.tuples(sql, (after, upto, *values, *wanted.states))
    rows.sort()
    return Page(rows, upto)


def _upto(connection: ReadConnection, after: int, high_id: int) -> int | None:
    """The last id of the next PAGE of them."""
    ids = " UNION ALL ".join(
        f"SELECT message_id FROM (SELECT message_id FROM {table} WHERE message_id > ?1 AND message_id < ?2 "
        f"ORDER BY message_id LIMIT {PAGE}) {table}_ids"
        for table in ("message", "history")
    )
    page = f"SELECT message_id FROM ({ids}) both_tables ORDER BY message_id LIMIT {PAGE}"
    sql = f"SELECT max(message_id) FROM ({page}) page"
    found: int | None = connection.execute(sql, (after, high_id)).fetchone()[0]
    return found


def counted(reads: Reads, from_day: int, to_day: int, by: tuple[str, ...]) -> list[Row]:
    """Messages, segments and amount (millionths) of what has ended, by columns out of GROUPS.

    Those come first. Days are those since 1970, both are meant too.
    """
    names = ", ".join(name for name in GROUPS if name in by)
    head, group = (f"{names}, ", f"GROUP BY {names} LIMIT {GROUPS_MAX + 1}") if names else ("", "")
    sums = "coalesce(sum(messages), 0), coalesce(sum(segments), 0), coalesce(sum(amount), 0)"
    with reads.question() as connection:
        sql = f"SELECT {head}{sums} FROM statistics WHERE day BETWEEN ? AND ? {group}"
        return connection.tuples(sql, (from_day, to_day))


def live_page(reads: Reads, after: int, high_id: int) -> Page:
    """Of the next live messages: day, account, connector, state, messages, segments, amount."""
    ids = "SELECT message_id FROM message WHERE message_id > ? AND message_id < ? ORDER BY message_id LIMIT ?"
    with reads.question() as connection:
        last = connection.execute(
            f"SELECT max(message_id) FROM ({ids}) page", (after, high_id, LIVE_PAGE)
        ).fetchone()[0]
        if last is None:
            return Page([], 0)
        rows = connection.tuples(
            "SELECT m.accepted_ms / 86400000 AS day, m.account, m.connector, 1, count(*), "
            f"sum(CASE m.progress WHEN 4 THEN 0 ELSE m.segments END), coalesce(sum({_AMOUNT}), 0) "
            f"FROM message m {_CHARGE} WHERE m.message_id > ? AND m.message_id <= ? "
            "GROUP BY day, m.account, m.connector",
            (after, last),
        )
    return Page(rows, last)
