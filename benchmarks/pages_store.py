"""A store of a million messages for `pages.py`.

Half of them have ended, the others wait, are with their SMSC, are in doubt, or are held back; and around them
is what an admin looks at: receipts, dead letters, doubts, incoming SMS, audit (pages_store.sql).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gateway.core.message_ids import lowest_id_at
from gateway.store.sqlite_open import make_store

SPAN_MS = 20 * 3_600_000
ACCOUNTS, CONNECTORS = 200, 10
SQL = Path(__file__).with_suffix(".sql")
_MESSAGES = (
    "CREATE TEMP TABLE m AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
    "SELECT i, id_of(i) AS id, moment_of(i) AS ms, 'account' || (i % ?2) AS account, "
    "'smsc' || (i % ?3) AS connector, CAST(79160000000 + i * 7919 % 9999999 AS TEXT) AS number FROM n"
)


class Known(NamedTuple):
    """Messages of the store, by what became of them, and what one of the oldest is known by."""

    ended: int
    queued: int
    sent: int
    held: int
    number: str
    client_id: str
    upstream_id: str


def fill(path: Path, messages: int, now_ms: int) -> Known:
    """Makes the store, all of it of the last hours; sqlite3.Error when there is no room."""
    first_ms = now_ms - SPAN_MS

    def moment_of(i: int) -> int:
        return first_ms + i * SPAN_MS // messages

    def id_of(i: int) -> int:
        return lowest_id_at(moment_of(i)) + i % 1000

    make_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("moment_of", 1, moment_of, deterministic=True)
        connection.create_function("id_of", 1, id_of, deterministic=True)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute(_MESSAGES, (messages, ACCOUNTS, CONNECTORS))
        connection.executescript(f"BEGIN;\n{SQL.read_text('utf-8')}\nCOMMIT;")
        connection.execute("INSERT INTO boot (started_ms, stopped_ms) VALUES (?, ?)", (first_ms, now_ms))
    half = messages // 2 // 100 * 100
    return Known(
        ended=id_of(half + 10),
        queued=id_of(half + 1),
        sent=id_of(half + 7),
        held=id_of(half + 9),
        number=str(79_160_000_000 + 7919),
        client_id="order-4",
        upstream_id="up-4",
    )
