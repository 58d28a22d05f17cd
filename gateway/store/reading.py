"""How the store is read, beside whoever writes to it and whichever engine is behind it.

SQL of a reader is SQLite's, as far as PostgreSQL understands it (`gateway.store.postgres_sql.translated`).
Rows are got at by name and by place.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from gateway.core.batch import Row
from gateway.store.database import Found
from gateway.store.sqlite_open import FILE_NAME

STATEMENTS = "api"
"""The files of statements that only read begin so."""


class ReadConnection(Protocol):
    """One question's connection; each statement sees what was committed before it."""

    def begin(self) -> None:
        """From here on all statements see the same state of the store."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Found:
        """What a SELECT finds."""
        ...

    def tuples(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The same as plain tuples."""
        ...

    def run(self, name: str, parameters: Sequence[object] = ()) -> Found:
        """What a statement of the files of STATEMENTS finds; KeyError when there is none of this name."""
        ...


class Reads(Protocol):
    """A store that can be asked, from any thread."""

    def question(self) -> AbstractContextManager[ReadConnection]:
        """A connection that can only read, for as long as it takes to answer; StoreReadError, also of what
        is asked meanwhile, when that cannot be done."""
        ...

    def often(self, most_s: float) -> Reads:
        """The same store for somebody who asks all the time, one question after the other: the connection
        stays open, and no statement takes longer than this."""
        ...

    def close(self) -> None:
        """Nothing more is asked."""
        ...


def reads_of(folder: Path, url: str = "") -> Reads:
    """The store of a state directory, or PostgreSQL's at this address; nothing is opened yet."""
    if url:
        from gateway.store.postgres_reading import PostgresReads  # only who has PostgreSQL pays for it

        return PostgresReads(url)
    from gateway.store.sqlite_reading import SqliteReads

    return SqliteReads(folder / FILE_NAME)
