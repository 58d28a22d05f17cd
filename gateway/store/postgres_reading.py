"""Reads of a store that is PostgreSQL: connections that can only read, of which a few stay open.

What comes back is what SQLite would say: a truth value is 0 or 1, a sum of whole numbers is one.  Each
statement is planned with its values, because then partitions and partial indexes are found; the planner is
kept to indexes, since what it knows of a queue is always out of date.
"""

from __future__ import annotations

import contextlib
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import TransactionStatus

from gateway.core.batch import Row
from gateway.core.errors import StoreReadError
from gateway.store.database import Found
from gateway.store.postgres_database import adapt
from gateway.store.postgres_open import connect
from gateway.store.postgres_sql import postgres_statements, translated
from gateway.store.reading import STATEMENTS
from gateway.store.sqlite_open import StoreError

QUESTION_MAX_S = 60.0
"""No statement takes longer: what it holds keeps the server from cleaning up."""
IDLE_MAX = 2
"""So many connections stay open while nobody asks."""
_SETTINGS = {
    "default_transaction_read_only": "on",
    "timezone": "UTC",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # what is wanted in the order of an index comes by it, and ends with the page, and not all of it at first
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
    "idle_in_transaction_session_timeout": "60s",
}
_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""A server that is gone without a word is noticed within seconds."""
_translated = lru_cache(maxsize=500)(translated)


@lru_cache(maxsize=1)
def _statements() -> dict[str, bytes]:
    return {name: it.text.encode() for name, it in postgres_statements(STATEMENTS).items()}


class _Row:
    """By name and by place, as sqlite3.Row."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: Sequence[Any]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, at: int | str) -> Any:
        return self._values[self._places[at] if isinstance(at, str) else at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        """The columns' names."""
        return list(self._places)


def _rows(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> Callable[[Sequence[Any]], _Row]:
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: _Row(places, values)


class _Number(Loader):
    """A numeric: a sum of bigint is one."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text or b"N" in text else int(text)


class _Truth(Loader):
    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class PostgresReading:
    """See `gateway.store.reading.ReadConnection`."""

    def __init__(self, url: str, most_s: float) -> None:
        options: dict[str, Any] = {"application_name": "smsc-gateway reads", **_ALIVE}
        self.connection = connection = connect(url, **options)
        connection.prepare_threshold = None
        connection.cursor_factory = psycopg.RawCursor
        adapt(connection)
        connection.adapters.register_loader("numeric", _Number)
        connection.adapters.register_loader("bool", _Truth)
        settings = {**_SETTINGS, "statement_timeout": str(max(1, int(most_s * 1000)))}
        calls = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
        connection.execute(f"SELECT {calls}".encode())
        connection.row_factory = _rows

    def begin(self) -> None:
        self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Found:
        return self.connection.execute(_translated(sql).encode(), parameters)

    def tuples(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return [tuple(row) for row in self.execute(sql, parameters)]

    def run(self, name: str, parameters: Sequence[object] = ()) -> Found:
        return self.connection.execute(_statements()[name], parameters)

    def is_lost(self) -> bool:
        """Whether the server has closed it, as far as is known without asking."""
        if self.connection.closed:
            return True
        poll = select.poll()
        poll.register(self.connection.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))  # nobody has asked anything, so it is the end, or its announcement


class PostgresReads:
    """See `gateway.store.reading.Reads`."""

    def __init__(self, url: str, most_s: float = QUESTION_MAX_S) -> None:
        self.url = url
        self._most_s = most_s
        self._idle: list[PostgresReading] = []
        self._lock = threading.Lock()
        self._is_closed = False

    @contextlib.contextmanager
    def question(self) -> Iterator[PostgresReading]:
        try:
            reading = self._take()
            try:
                yield reading
            finally:
                self._give_back(reading)
        except (psycopg.Error, StoreError) as error:
            raise StoreReadError(str(error).strip()) from error

    def often(self, most_s: float) -> PostgresReads:
        return PostgresReads(self.url, most_s)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for reading in idle:
            reading.connection.close()

    def _take(self) -> PostgresReading:
        while True:
            with self._lock:
                reading = self._idle.pop() if self._idle else None
            if reading is None:
                return PostgresReading(self.url, self._most_s)
            if not reading.is_lost():
                return reading
            reading.connection.close()

    def _give_back(self, reading: PostgresReading) -> None:
        connection = reading.connection
        with contextlib.suppress(psycopg.Error):
            if connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
            with self._lock:
                is_kept = not connection.closed and not self._is_closed and len(self._idle) < IDLE_MAX
                if is_kept:
                    self._idle.append(reading)
            if is_kept:
                return
        connection.close()
