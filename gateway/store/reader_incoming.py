"""What is there of incoming SMS: those that wait for somebody, parts that wait for others, what nobody took.

What an account's session or a mail server has taken leaves no row, so it is not here; what an account asks
for over HTTP stays in its inbox.  None of these tables is made for this question: receipts stand among the
deliveries, reports among the letters.  So each is looked at from its newest end, LOOK rows at the most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.core.api import CallKind
from gateway.core.model import INCOMING, LetterKind
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

LOOK = 5_000
"""So many rows of each table are looked at."""
PARTS_LOOK = 1_000
"""And so many parts: they have texts."""
_LETTERS = f"kind IN ({LetterKind.ANSWER.value}, {LetterKind.INCOMING.value})"
_CALLS = f"kind IN ({CallKind.INCOMING.value}, {CallKind.WAITCALL.value})"


class _List(NamedTuple):
    table: str
    order: str
    columns: str
    holds: str
    """Which of the rows are of incoming SMS."""
    needs: str = ""
    """What `holds` looks at besides."""


_LISTS = {
    "deliveries": _List(
        "delivery",
        "delivery_id",
        "delivery_id AS id, created_ms AS received_ms, account, source AS number, destination AS own_number",
        f"state = {INCOMING}",
        "state",
    ),
    "letters": _List(
        "letter",
        "letter_id",
        "letter_id AS id, created_ms AS received_ms, recipient, number, own_number, tries, last_error",
        _LETTERS,
        "kind",
    ),
    "calls": _List(
        "call",
        "call_id",
        "call_id AS id, created_ms AS received_ms, account, phone AS number, own_number, tries, "
        "reason AS last_error",
        _CALLS,
        "kind",
    ),
    "inbox": _List(
        "inbox",
        "inbox_id",
        "inbox_id AS id, received_ms, account, phone AS number, own_number, connector, answers",
        "1 = 1",
    ),
    "dead_deliveries": _List(
        "dead_delivery",
        "rowid",
        "delivery_id AS id, created_ms AS received_ms, account, source AS number, destination AS own_number, "
        "died_ms, reason",
        f"state = {INCOMING}",
        "state",
    ),
    "dead_letters": _List(
        "dead_letter",
        "rowid",
        "letter_id AS id, created_ms AS received_ms, recipient, number, own_number, died_ms, reason",
        _LETTERS,
        "kind",
    ),
}
_PARTS = (
    "SELECT min(received_ms) AS received_ms, connector, number, own_number, total, "
    "group_concat(part) AS parts, max(account) AS account, max(addresses) AS recipient "
    "FROM (SELECT received_ms, connector, number, own_number, reference, total, part, account, addresses, "
    f"joined FROM incoming_part ORDER BY received_ms DESC LIMIT {PARTS_LOOK}) newest WHERE joined = 0 "
    "GROUP BY connector, number, own_number, reference, total ORDER BY received_ms DESC LIMIT ?"
)


def incoming(connection: ReadConnection, limit: int, *, full: bool) -> dict[str, Any]:
    """Of each list `limit` rows at the most, the newest first; `cut`: which ones may have more.

    Numbers are masked unless they are asked for in full.
    """
    found: dict[str, Any] = {}
    cut = []
    for name, it in _LISTS.items():
        columns = f"{it.columns}, {it.needs}" if it.needs else it.columns
        newest = f"SELECT {columns} FROM {it.table} ORDER BY {it.order} DESC LIMIT {LOOK}"
        sql = f"SELECT * FROM ({newest}) newest WHERE {it.holds} LIMIT ?"
        found[name] = [_readable(row, it.needs, full=full) for row in connection.execute(sql, (limit,))]
        behind = f"SELECT 1 FROM {it.table} ORDER BY {it.order} DESC LIMIT 1 OFFSET {LOOK}"
        if len(found[name]) == limit or connection.execute(behind).fetchone() is not None:
            cut.append(name)
    found["parts"] = [_readable(row, "", full=full) for row in connection.execute(_PARTS, (limit,))]
    return {**found, "cut": cut, "look": LOOK}


def _readable(row: Any, without: str, *, full: bool) -> dict[str, Any]:
    shown = {name: value for name, value in dict(row).items() if name != without}
    if "id" in shown:
        shown["id"] = str(shown["id"])
    for name in ("number", "own_number"):
        shown[name] = shown[name] if full else mask(shown[name])
    if "parts" in shown:
        shown["parts"] = sorted(int(part) for part in shown["parts"].split(","))
    return shown
