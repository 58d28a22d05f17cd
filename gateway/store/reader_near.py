"""Rows about one message in tables that no index knows by message: deliveries, calls, and the dead of both.

An index would cost each receipt twice, when it is written and when it is taken, for the sake of a question
that is seldom asked.  But their ids grow with the moments at which they were made, and those of a message are
known: so in a large table only what was made around them, and what was made last (a dead one that got another
chance), is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.store.reading import ReadConnection

LOOK = 2000
"""So many rows of a table are looked at from each moment on; a table of three times as many as a whole."""
_PROBE = 20
"""Rows of which the latest moment counts: an SMS that a service tells late bears an old one."""


def rows_near(
    connection: ReadConnection, table: str, key: str, message_id: int, moments: Iterable[int]
) -> tuple[list[Any], bool]:
    """The message's rows by `key`, and whether the whole table was looked at.

    `moments`: when its rows may have been made, in milliseconds since 1970.
    """
    behind = f"SELECT 1 FROM {table} ORDER BY {key} LIMIT 1 OFFSET ?"
    if connection.execute(behind, (3 * LOOK,)).fetchone() is None:
        sql = f"SELECT * FROM {table} WHERE message_id = ? ORDER BY {key}"
        return connection.execute(sql, (message_id,)).fetchall(), True
    # in one SELECT without the inner ones both would be looked for in the whole table
    ends = f"SELECT (SELECT min({key}) FROM {table}), (SELECT max({key}) FROM {table})"
    lowest, highest = connection.execute(ends).fetchone()
    newest = f"SELECT min({key}) FROM (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT ?) newest"
    starts = {connection.execute(newest, (LOOK,)).fetchone()[0]}
    starts |= {_first_since(connection, table, key, moment, lowest, highest) for moment in set(moments)}
    found: dict[int, Any] = {}
    for start in starts:
        window = f"SELECT {key} AS place, message_id FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT ?"
        places = connection.execute(
            f"SELECT place FROM ({window}) near WHERE message_id = ?", (start, LOOK, message_id)
        )
        for (place,) in places.fetchall():
            found[place] = connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", (place,)).fetchone()
    return [row for _, row in sorted(found.items())], False


def _first_since(
    connection: ReadConnection, table: str, key: str, moment: int, lowest: int, highest: int
) -> int:
    """About the lowest key of what was made since then."""
    probe = f"SELECT created_ms FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT {_PROBE}"
    while lowest < highest:
        middle = (lowest + highest) // 2
        if max(row[0] for row in connection.execute(probe, (middle,))) >= moment:
            highest = middle
        else:
            lowest = middle + 1
    return lowest - _PROBE
