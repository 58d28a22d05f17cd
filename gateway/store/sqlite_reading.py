"""Reads of a store that is SQLite: a connection for each question, so that none holds back a checkpoint."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.core.batch import Row
from gateway.core.errors import StoreReadError
from gateway.store.reading import STATEMENTS
from gateway.store.sqlite_open import open_reader, statements

_STEPS = 10_000
"""So many instructions of SQLite are run between two looks at the clock."""


class SqliteReading:
    """See `gateway.store.reading.ReadConnection`."""

    def __init__(self, reads: SqliteReads) -> None:
        self._reads = reads
        self.connection = open_reader(reads.path)
        self.connection.isolation_level = None
        self.execute = self.connection.execute

    def begin(self) -> None:
        self.connection.execute("BEGIN")

    def tuples(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        cursor = self.connection.cursor()
        cursor.row_factory = None
        return cursor.execute(sql, parameters).fetchall()

    def run(self, name: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        return self.connection.execute(self._reads.statement(name), parameters)


class SqliteReads:
    """See `gateway.store.reading.Reads`; `most_s`: the connection stays open, no question takes longer."""

    def __init__(self, path: Path, most_s: float | None = None) -> None:
        self.path = path
        self._most_s = most_s
        self._until = 0.0
        self._sql: dict[str, str] = {}
        self._kept: SqliteReading | None = None

    @contextlib.contextmanager
    def question(self) -> Iterator[SqliteReading]:
        try:
            if self._most_s is not None:
                yield self._standing(self._most_s)
                return
            reading = SqliteReading(self)
            try:
                yield reading
            finally:
                reading.connection.close()
        except sqlite3.Error as error:
            raise StoreReadError(str(error)) from error

    def often(self, most_s: float) -> SqliteReads:
        return SqliteReads(self.path, most_s)

    def statement(self, name: str) -> str:
        """One of those that only read."""
        if not self._sql:
            self._sql = statements(STATEMENTS)
        return self._sql[name]

    def close(self) -> None:
        if self._kept is not None:
            self._kept.connection.close()

    def _standing(self, most_s: float) -> SqliteReading:
        if self._kept is None:
            self._kept = SqliteReading(self)
            self._kept.connection.set_progress_handler(self._is_late, _STEPS)
        self._until = time.monotonic() + most_s
        return self._kept

    def _is_late(self) -> bool:
        return time.monotonic() > self._until
