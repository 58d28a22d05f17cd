"""A connection to PostgreSQL as the Applier wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, cast

import psycopg
from psycopg import pq
from psycopg.adapt import Dumper
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from gateway.core.batch import Row
from gateway.store.database import Found
from gateway.store.postgres_arrays import ARRAYS, arrays_of, without_null
from gateway.store.postgres_sql import postgres_statements

VACUUM_COMMITS = 256
"""After so many commits the rows of batches that are over take up some dozen pages."""
PREPARED_MAX = 1000
"""More than there are statements: none is planned twice."""
KEYS = {
    "message": "message_id",
    "letter": "letter_id",
    "mail": "mail_id",
    "mail_recipient": "message_id",
    "history": "message_id",
    "delivery": "delivery_id",
    "parked_receipt": "parked_id",
    "incident": "incident_id",
    "ambiguous": "ambiguous_id",
    "api_message": "message_id",
    "inbox": "inbox_id",
    "call": "call_id",
    "dead_call": "call_id",
    "audit": "audit_id",
    "short_link": "link_id",
    "contact": "contact_id",
}
"""The number of a table's rows, where it is a column with a meaning; others have `rowid`."""


class _ArrayDumper(Dumper):
    """An array is octets already."""

    format = pq.Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


class _TextDumper(StrDumper):
    """U+0000, which PostgreSQL has no room for, becomes U+FFFD, as in arrays."""

    def dump(self, obj: Any) -> Any:
        return super().dump(without_null(obj))


class _BoolDumper(Int8Dumper):
    """There are no truth values in the schema: 0 and 1, as in SQLite."""

    def dump(self, obj: Any) -> Any:
        return super().dump(int(obj))


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Every whole number goes as bigint, so that a statement is prepared once for all of them."""
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(bool, _BoolDumper)
    connection.adapters.register_dumper(str, _TextDumper)
    for kind in ARRAYS:
        dumper = type(f"_{kind.__name__}Dumper", (_ArrayDumper,), {"oid": kind.oid})
        connection.adapters.register_dumper(kind, dumper)


class _Pipeline(psycopg.Pipeline):
    """Tells the server with each statement that it is whole (Sync), without waiting for its answer.

    Else the server would wait for the rest of the pipeline, without a limit: a node that stands still or is
    cut off just then would keep its locks from all others.  So idle_in_transaction_session_timeout ends it.
    Both go in one piece, for a machine with much to do may stop a process between any two.
    """

    def _communicate_gen(self) -> Any:
        if self.command_queue:
            if self.result_queue[-1] is not None:  # the last one is no Sync
                self._enqueue_sync()
            commands = tuple(self.command_queue)
            self.command_queue.clear()

            def all_of_them() -> None:
                for command in commands:
                    command()

            self.command_queue.append(all_of_them)
        yield from super()._communicate_gen()

    def receive(self) -> None:
        """Waits for the answers to all that was sent.  Nothing more is sent for it: after a Flush, as psycopg
        sends it when rows are fetched, the server no longer counts how long it waits."""
        self._conn.wait(self._fetch_gen(flush=False))


class PostgresDatabase:
    """The connection of a node's writing process (see `gateway.store.database.Database`)."""

    shared = True

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.sql = postgres_statements()
        self._commits = 0
        self.use(connection)

    def use(self, connection: psycopg.Connection[Any]) -> None:
        """Goes on with a connection that is new."""
        self.connection = connection
        self._pipeline: _Pipeline | None = None  # while there is a transaction
        connection.autocommit = True
        connection.prepared_max = PREPARED_MAX
        connection.cursor_factory = psycopg.RawCursor
        adapt(connection)
        connection.execute(self.sql["create_batch_tables"].text.encode(), prepare=False)

    @property
    def in_transaction(self) -> bool:
        if self._pipeline is not None:
            return True
        return self.connection.info.transaction_status != pq.TransactionStatus.IDLE

    def begin(self) -> None:
        pipeline = self.connection._pipeline = _Pipeline(self.connection)
        pipeline.__enter__()
        self._pipeline = pipeline
        self.connection.execute("BEGIN")

    def settle(self) -> None:
        """Waits for all statements so far; raises what is wrong with the first one that failed."""
        if self._pipeline is not None:
            self._pipeline.receive()

    def commit(self) -> None:
        self.connection.execute("COMMIT")
        self._end_pipeline()
        self._commits += 1
        if self._commits % VACUUM_COMMITS == 0:
            with suppress(psycopg.Error):  # the batch is committed; what is wrong the next one finds out
                self.connection.execute(self.sql["vacuum_batch_tables"].octets, prepare=False)

    def rollback(self) -> None:
        with suppress(psycopg.Error):  # what failed is known; a lost connection fails again below
            self._end_pipeline()
        self.connection.execute("ROLLBACK")

    def _end_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            try:
                pipeline.__exit__(None, None, None)
            finally:
                self.connection._pipeline = None

    def run(self, name: str, row: Row = ()) -> Found:
        statement = self.sql[name]
        values: Iterable[Any] = arrays_of(statement.rows, [row]) if statement.rows else row
        return self._later(self.connection.execute(statement.octets, list(values), prepare=True, binary=True))

    def _later(self, cursor: psycopg.Cursor[Any]) -> Found:
        return cursor if self._pipeline is None else _Later(cursor, self.settle)

    def many(self, name: str, rows: Iterable[Row]) -> Found:
        statement = self.sql[name]
        cursor = self.connection.cursor(binary=True)
        rows = list(rows)
        if not rows:
            return _Nothing()
        if statement.rows:
            cursor.execute(statement.octets, arrays_of(statement.rows, rows), prepare=True)
        else:
            cursor.executemany(statement.octets, rows)
        return self._later(cursor)

    def span(self, table: str, after: int, limit: int) -> tuple[int, int]:
        key = KEYS.get(table, "rowid")
        rows = f"SELECT {key} AS n FROM {table} WHERE {key} > $1 ORDER BY {key} LIMIT $2"
        sql = f"SELECT max(n), count(*) FROM ({rows}) found"
        found = self.connection.execute(sql.encode(), (after, limit)).fetchone()
        last, count = cast("tuple[int | None, int]", found)
        return last or after, count

    def scrub(self) -> bool:
        return True  # the log and what vacuum has not seen yet are the server's affair

    def close(self) -> None:
        self.connection.close()
        self._pipeline = None


class _Later:
    """What a statement of a pipeline finds: it is waited for when somebody wants to know."""

    __slots__ = ("_cursor", "_settle")

    def __init__(self, cursor: psycopg.Cursor[Any], settle: Callable[[], None]) -> None:
        self._cursor = cursor
        self._settle = settle

    @property
    def rowcount(self) -> int:
        self._settle()
        return self._cursor.rowcount

    @property
    def description(self) -> Any:
        self._settle()
        return self._cursor.description

    def fetchone(self) -> Any:
        self._settle()
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        self._settle()
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        self._settle()
        return iter(self._cursor)


class _Nothing:
    """What no rows have found."""

    rowcount = 0
    description = None

    def fetchone(self) -> None:
        return None

    def fetchall(self) -> list[Any]:
        return []

    def __iter__(self) -> Any:
        return iter(())
