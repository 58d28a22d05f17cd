"""A connection to SQLite as the Applier wants it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from gateway.core.batch import Row
from gateway.store.sqlite_open import statements


class SqliteDatabase:
    """The one connection that writes (see `gateway.store.database.Database`)."""

    shared = False

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.sql = statements()
        connection.executescript(self.sql["create_batch_tables"])

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def begin(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        self.connection.execute("ROLLBACK")

    def run(self, name: str, row: Row = ()) -> sqlite3.Cursor:
        return self.connection.execute(self.sql[name], row)

    def many(self, name: str, rows: Iterable[Row]) -> sqlite3.Cursor:
        return self.connection.executemany(self.sql[name], rows)

    def span(self, table: str, after: int, limit: int) -> tuple[int, int]:
        rows = f"SELECT rowid FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
        sql = f"SELECT max(rowid), count(*) FROM ({rows})"
        last, count = self.connection.execute(sql, (after, limit)).fetchone()
        return last or after, count

    def scrub(self) -> bool:
        """Empties the write-ahead log, in which deleted rows are still to be read.

        While somebody reads it is left for another time.  It costs what any checkpoint does.
        """
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            is_busy = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error:  # the batch is committed, and no failure of it
            is_busy = True
        self.connection.execute("PRAGMA busy_timeout = 5000")
        return not is_busy

    def close(self) -> None:
        self.connection.close()
