"""A store with something in every table that matters, as a killed gateway leaves it: a file and its log.

What each table ever held is known, so that whoever reads a damaged copy can be held to it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from gateway.core.batch import Batch, Row
from gateway.core.model import Message, Progress
from gateway.store.apply import Applier
from gateway.store.shapes import shapes_of
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, migrations, open_writer
from protocols.sms.receipts import FORMS, convert, response_key

NOW_MS = 1_750_000_000_000
FIRST_ID = 900_000_000_000_000_000
IN_FILE, IN_LOG, IN_BATCH = 40, 25, 40
"""Batches of which the main file has all, batches that are only in the log, and messages in each."""
BESIDE = ("charge", "balance", "ambiguous", "incident", "mail", "mail_recipient", "blacklist", "contact")
MOVED = ("message", "submission", "history", "delivery", "statistics", "parked_receipt")
"""Tables that traffic writes to."""
MOVING = {"message": ("progress", "doubts")}
"""Columns that `recover` may change: what it holds."""


@dataclass(slots=True)
class Original:
    """A store, and all that it ever held."""

    file: bytes
    log: bytes
    known: dict[str, set[Row]] = field(default_factory=lambda: defaultdict(set))
    """Table → rows, without the columns that may change."""
    live: set[int] = field(default_factory=set)
    """message_ids that had not ended at the end."""


def rows_of(connection: sqlite3.Connection, table: str) -> list[Row]:
    """A table's rows without the columns that may change."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    names = [name for name in names if name not in MOVING.get(table, ())]
    return connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """All tables of ours."""
    sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return [row[0] for row in connection.execute(sql)]


def make(folder: Path, random: Random) -> Original:
    """Fills a store in an empty folder."""
    path = folder / FILE_NAME
    original = Original(b"", b"")
    with closing(open_writer(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        applier = Applier(SqliteDatabase(connection), NOW_MS)
        for number in range(IN_FILE):
            for batch in _traffic(random, number):
                applier.apply(batch)
        _fill_beside(connection, random)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        _note(connection, original, tables_of(connection))
        for number in range(IN_FILE, IN_FILE + IN_LOG):
            for batch in _traffic(random, number):
                applier.apply(batch)
                _note(connection, original, MOVED)
        original.live = {row[0] for row in connection.execute("SELECT message_id FROM message")}
        original.file = path.read_bytes()
        original.log = path.with_name(path.name + "-wal").read_bytes()
    return original


def _note(connection: sqlite3.Connection, original: Original, tables: Iterable[str]) -> None:
    for table in tables:
        original.known[table].update(rows_of(connection, table))


def _traffic(random: Random, number: int) -> Iterator[Batch]:
    """Some messages: a third of them waits, a third is at the SMSC, a third has ended."""
    first = FIRST_ID + number * 1000
    made = [_message(first + n, random) for n in range(IN_BATCH)]
    waiting, sent = made[::3], made[1::3] + made[2::3]
    rows = [(*m, Progress.QUEUED.value) for m in waiting] + [(*m, Progress.SENT.value) for m in sent]
    intents = [(m.message_id, n, "one", NOW_MS) for m in sent for n in range(1, m.segments + 1)]
    yield Batch(accepted=rows, intents=intents)
    answered = intents[: len(intents) - 3]
    submitted = [(NOW_MS, *_ids(key), *key, "one") for key in (row[:2] for row in answered)]
    yield Batch(submitted=submitted)
    ended = {m.message_id for m in made[2::3]}
    receipts = [_receipt(_ids(row[:2])[0], random) for row in answered if row[0] in ended]
    yield Batch(receipts=receipts)


def _ids(key: Row) -> tuple[str, str]:
    upstream_id = f"{key[0] - FIRST_ID:08x}{key[1]}"
    return upstream_id, response_key(upstream_id)


def _message(message_id: int, random: Random) -> Message:
    text = random.randbytes(random.randint(1, 140))
    return Message(
        message_id=message_id,
        account=random.choice(("app", "shop")),
        accepted_ms=NOW_MS + message_id % 1000,
        service_type="",
        source_ton=5,
        source_npi=0,
        source="Example",
        destination_ton=1,
        destination_npi=1,
        destination=f"7999{random.randrange(10**7):07}",
        esm_class=0,
        protocol_id=0,
        priority=0,
        registered_delivery=1,
        data_coding=4,
        user_data=text * random.choice((1, 1, 1, 60)),
        tlvs=b"",
        segments=random.choice((1, 1, 2)),
        connector="one",
        alternatives="one",
        on_ambiguous=0,
        due_ms=0,
        expires_ms=NOW_MS + 10**12,
        validity_period="",
        retries=0,
    )


def _receipt(upstream_id: str, random: Random) -> Row:
    keys: list[Any] = [convert(form, upstream_id) for form in FORMS] + [None, None]
    first = keys[0] if keys[0] is not None else "?" + upstream_id
    state = random.choice((2, 2, 5))
    return ("one", upstream_id, first, keys[1], keys[2], "79990000000", state, 1, "000", NOW_MS + 5000, "")


def _fill_beside(connection: sqlite3.Connection, random: Random) -> None:
    """Rows of other tables, whose values mean nothing but have their kinds."""
    shapes = shapes_of(migrations()[-1][0])
    for table in BESIDE:
        columns = shapes[table].columns
        places = ", ".join("?" * len(columns))
        sql = f"INSERT OR IGNORE INTO {table} ({', '.join(c.name for c in columns)}) VALUES ({places})"
        connection.executemany(sql, ([_value(c, random, n) for c in columns] for n in range(1, 300)))


def _value(column: Any, random: Random, number: int) -> object:
    if column.is_rowid:
        return number
    if column.types == (int,):
        return random.randrange(1 << random.choice((1, 8, 20, 40)))
    if column.types == (str,):
        return f"{random.randrange(10**9)} text"[: random.randint(1, 14)]
    return random.randbytes(random.randint(1, 60))
