"""What the Applier needs of a database: named statements, run in its transaction.

Both engines have the same statements under the same names; what one of them says otherwise is its own affair
(`gateway.store.postgres_sql`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from gateway.core.batch import Row


class Found(Protocol):
    """What a statement found or changed."""

    @property
    def rowcount(self) -> int:
        """Rows that it changed, of all the rows that it was run for."""
        ...

    @property
    def description(self) -> Any:
        """None: it changes rows and brings none."""
        ...

    def fetchone(self) -> Any:
        """The next row; None: there is no more."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """One connection, in one transaction at a time."""

    shared: bool
    """Whether other nodes may write to it at the same time."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def begin(self) -> None:
        """Opens a transaction that will write."""
        ...

    def commit(self) -> None:
        """Returns when everything since `begin` is durable."""
        ...

    def rollback(self) -> None:
        """Forgets everything since `begin`."""
        ...

    def run(self, name: str, row: Row = ()) -> Found:
        """Runs one statement."""
        ...

    def many(self, name: str, rows: Iterable[Row]) -> Found:
        """Runs one statement for each of the rows."""
        ...

    def span(self, table: str, after: int, limit: int) -> tuple[int, int]:
        """Of the next rows of a table after this one, in the order of their ids: the last one, and how many
        they are."""
        ...

    def scrub(self) -> bool:
        """Outside of a transaction: what was deleted can be read nowhere any more; False: not now."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...
