"""Moves a store of SQLite into PostgreSQL; a kill at any moment leaves something that goes on.

The folder's lock is held, so no gateway runs. What was under way is settled first, in the source and by the
code that does so after a kill; so the source holds nothing that is in somebody's hands. Then every table is
copied in chunks, compared, and the source is marked as moved. Two tables of the target say how far it is:
`moving` (from where) and `moving_table`; as long as they are there no gateway starts on the target.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from gateway.core.message_ids import moment_of_id
from gateway.store.apply import Applier
from gateway.store.moved import mark_moved
from gateway.store.moving_check import Checked, check
from gateway.store.moving_copy import Copier
from gateway.store.moving_tables import Source, Table, tables_of
from gateway.store.postgres_open import MOVING, connect, migrate, refuse_old
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import StoreError, open_writer

CHUNK = 10_000
"""Rows that are copied, or compared, at once."""
LOCK = 0x534D4D56
"""The advisory lock of whoever moves a store into this database."""
LOCK_WAIT = "5s"
"""So long it is waited for: the server may not have noticed yet that a move before has been interrupted."""
_SETTINGS = {"lock_timeout": "0", "timezone": "UTC", "synchronous_commit": "off", "enable_seqscan": "off"}
DAY_MS = 86_400_000
DAYS_MAX = 1_000
"""For so many days of the history there is a table for each; what is older is in one."""
Progress = Callable[[str, float], None]
"""What is done now, and how much of it (0 to 1)."""
_MAKE = f"""CREATE TABLE {MOVING} (source text NOT NULL, boot bigint NOT NULL, in_doubt bigint NOT NULL);
CREATE TABLE moving_table (name text PRIMARY KEY, place text NOT NULL, rows bigint NOT NULL);"""
_LIVE = """SELECT count(*) FROM boot
WHERE fenced = 0 AND stopped_ms IS NULL AND lease_until > clock_timestamp()"""


@dataclass(slots=True)
class Moved:
    """What a move has done."""

    tables: dict[str, Checked] = field(default_factory=dict)
    in_doubt: int = 0
    """Segments that were under way when the gateway ended: as after a kill."""
    changed: int = 0
    """Rows of which a text was changed, because PostgreSQL cannot hold U+0000."""
    resumed: bool = False


class Move:
    """One move, or what is left of it; the caller holds the folder's lock."""

    def __init__(self, path: Path, url: str, shown: str, progress: Progress, chunk: int = CHUNK) -> None:
        """`shown`: the address without its password."""
        self._path = path
        self._url = url
        self._shown = shown
        self._progress = progress
        self._chunk = chunk
        self._done = 0

    def run(self, now_ms: int, *, again: bool = False) -> Moved:
        """Moves all, or the rest; StoreError when it cannot be done, and then the source is what counts."""
        with closing(connect(self._url, application_name="smsc-gateway migrate-store")) as target:
            self._prepare_target(target)
            if again:
                _throw_away(target)
            moved = Moved(resumed=_is_begun(target))
            if not moved.resumed:
                _refuse_used(target, self._shown)
            with closing(open_writer(self._path)) as connection:
                moved.in_doubt = self._settle(connection, target, now_ms)
                connection.execute("PRAGMA query_only = 1")
                self._carry(connection, target, moved)
            _refuse_live(target, self._shown)
            target.execute("SET synchronous_commit = on")
            with target.transaction():
                target.execute(f"UPDATE {MOVING} SET boot = boot")  # all that went before is durable with it
            mark_moved(self._path, self._shown)
            forget(target)
        return moved

    def end(self) -> None:
        """The source is marked already: what is left is to open the target."""
        with closing(connect(self._url)) as target:
            forget(target)

    def _prepare_target(self, target: psycopg.Connection[Any]) -> None:
        refuse_old(target)
        target.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_WAIT,))
        try:
            target.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        except psycopg.errors.LockNotAvailable:
            raise StoreError(f"another migrate-store moves into {self._shown} just now") from None
        for name, value in _SETTINGS.items():
            target.execute("SELECT set_config(%s, %s, false)", (name, value))
        migrate(target)
        _refuse_live(target, self._shown)

    def _settle(self, connection: sqlite3.Connection, target: psycopg.Connection[Any], now_ms: int) -> int:
        """What was under way becomes what it is after a kill; how many segments are in doubt.

        Raises StoreError when a gateway has run on the source since the move was begun.
        """
        newest = connection.execute("SELECT coalesce(max(boot_id), 0) FROM boot").fetchone()[0]
        if found := _begun(target):
            source, boot, in_doubt = found
            if (source, boot) != (str(self._path), newest):
                raise StoreError(
                    f"{self._shown} holds part of {source} as it was before a gateway ran on it again (or of "
                    "another store): say it with --again, and it is moved anew"
                )
            return int(in_doubt)
        applier = Applier(SqliteDatabase(connection), now_ms)
        doubts = applier.recovery.recover(now_ms)
        applier.recovery.stopped(now_ms)
        with target.transaction():
            target.execute(_MAKE)
            row = (str(self._path), applier.boot, doubts)
            target.execute(f"INSERT INTO {MOVING} VALUES (%s, %s, %s)", row)
        return doubts

    def _carry(self, connection: sqlite3.Connection, target: psycopg.Connection[Any], moved: Moved) -> None:
        tables = tables_of(connection, target)
        source = Source(connection, self._chunk)
        counts = {
            it.name: connection.execute(f"SELECT count(*) FROM {it.name}").fetchone()[0] for it in tables
        }
        total = max(sum(counts.values()), 1)
        self._done = sum(row[0] for row in target.execute("SELECT rows FROM moving_table").fetchall())

        def counted(table: Table, rows: int) -> None:
            self._done += rows
            self._progress(f"copying {table.name}", self._done / total)

        _make_days(connection, target)
        copier = Copier(source, target, counted)
        for table in tables:
            copier.copy(table)
        moved.changed = copier.changed
        done = 0
        for table in tables:
            self._progress(f"comparing {table.name}", done / total)
            moved.tables[table.name] = check(table, source, target, self._chunk)
            done += counts[table.name]
        for table in tables:
            if table.numbered:
                _go_on_above(table, connection, target)
        self._progress("looking at what is there", 1.0)
        target.execute("ANALYZE")


def _make_days(source: sqlite3.Connection, target: psycopg.Connection[Any]) -> None:
    """The history has a table for each day; without one its rows would be deleted one by one some day."""
    first, last = source.execute("SELECT min(message_id), max(message_id) FROM history").fetchone()
    if first is None:
        return
    day = moment_of_id(last) // DAY_MS
    oldest = max(moment_of_id(first) // DAY_MS, day - DAYS_MAX)
    target.execute("SELECT make_history_days(%s, %s)", (oldest, day))


def forget(target: psycopg.Connection[Any]) -> None:
    """The move is over: gateways may start on the target."""
    with target.transaction():
        target.execute(f"DROP TABLE IF EXISTS {MOVING}, moving_table")


def _is_begun(target: psycopg.Connection[Any]) -> bool:
    return target.execute("SELECT to_regclass(%s) IS NOT NULL", (MOVING,)).fetchall()[0][0] is True


def _begun(target: psycopg.Connection[Any]) -> tuple[str, int, int] | None:
    if not _is_begun(target):
        return None
    return target.execute(f"SELECT source, boot, in_doubt FROM {MOVING}").fetchone()


def _refuse_live(target: psycopg.Connection[Any], shown: str) -> None:
    live = target.execute(_LIVE).fetchall()[0][0]
    if live:
        raise StoreError(f"{live} gateways run on {shown}: stop them first, all nodes")


_OURS = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
AND c.relname <> 'schema_version' ORDER BY 1"""


def _refuse_used(target: psycopg.Connection[Any], shown: str) -> None:
    """Nothing of what is in the target may be a gateway's."""
    for (name,) in target.execute(_OURS).fetchall():
        if target.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone():
            raise StoreError(
                f"{shown} is no empty database: a gateway has run on it (there are rows in {name}). Make "
                "another one (createdb), and nothing is lost"
            )


def _throw_away(target: psycopg.Connection[Any]) -> None:
    """What an earlier move has brought; StoreError when there is none that has not ended."""
    if not _is_begun(target):
        return
    with target.transaction():
        names = ", ".join(f'"{name}"' for (name,) in target.execute(_OURS).fetchall())
        target.execute(f"TRUNCATE {names} RESTART IDENTITY")
        target.execute(f"DROP TABLE {MOVING}, moving_table")


def _go_on_above(table: Table, source: sqlite3.Connection, target: psycopg.Connection[Any]) -> None:
    """New numbers are higher than all that were ever given."""
    row = source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
    highest = f"SELECT coalesce(max({table.numbered}), 0) FROM {table.name}"
    newest = max(row[0] if row else 0, source.execute(highest).fetchone()[0])
    if newest:
        target.execute(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table.name, table.numbered, newest)
        )
