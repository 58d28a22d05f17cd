"""Answers an admin's questions beside the writer, by connections that can only read."""

from __future__ import annotations

from typing import Any

from gateway.store import (
    reader_depths,
    reader_find,
    reader_incoming,
    reader_lists,
    reader_receipts,
    reader_timeline,
)
from gateway.store.reader_find import Wanted
from gateway.store.reader_lists import LISTINGS
from gateway.store.reader_mail import mail_of
from gateway.store.reading import Reads

__all__ = ["LISTINGS", "ROWS_MAX", "Reader", "Wanted"]

ROWS_MAX = 100_000
"""No answer has more."""


class Reader:
    """A store's answers, each of them a question of its own; StoreReadError when there is none."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def listing(self, kind: str, limit: int) -> list[dict[str, Any]]:
        """Rows of one of LISTINGS; numbers are masked."""
        with self._reads.question() as connection:
            return reader_lists.listing(connection, kind, min(limit, ROWS_MAX))

    def summary(self) -> dict[str, Any]:
        """How much waits, and where."""
        with self._reads.question() as connection:
            return reader_lists.summary(connection)

    def depths(self, now_ms: int) -> reader_depths.Depths:
        """How much waits, and for how long, by indexes alone."""
        with self._reads.question() as connection:
            return reader_depths.depths(connection, now_ms)

    def size(self) -> int:
        """Octets of the whole database; of PostgreSQL's alone, for SQLite's is a file."""
        with self._reads.question() as connection:
            return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0])

    def unmatched(self, limit: int) -> list[dict[str, Any]]:
        """Receipts that match nothing, the newest first, and why as far as is known; numbers are masked."""
        with self._reads.question() as connection:
            return reader_receipts.unmatched(connection, min(limit, ROWS_MAX))

    def dead(self, account: str, limit: int) -> list[dict[str, Any]]:
        """Dead letters, see `reader_lists.dead_of`."""
        with self._reads.question() as connection:
            return reader_lists.dead_of(connection, account, min(limit, ROWS_MAX))

    def dead_counts(self, since_ms: int = 0) -> dict[str, int]:
        """How many dead letters there are, see `reader_lists.dead_counts`."""
        with self._reads.question() as connection:
            return reader_lists.dead_counts(connection, since_ms)

    def mail(self, mail_id: int) -> dict[str, Any] | None:
        """What became of a mail that came in; None: there is none, or nothing is said of it any more."""
        with self._reads.question() as connection:
            return mail_of(connection, mail_id)

    def timeline(self, message_id: int, *, full: bool = False) -> dict[str, Any] | None:
        """Everything that is known of one message, in the order in which it happened; None: nothing is.

        `full`: with the number as it is.
        """
        with self._reads.question() as connection:
            return reader_timeline.timeline(connection, message_id, full=full)

    def incoming(self, limit: int, *, full: bool = False) -> dict[str, Any]:
        """What is there of incoming SMS, see `reader_incoming.incoming`."""
        with self._reads.question() as connection:
            return reader_incoming.incoming(connection, min(limit, ROWS_MAX), full=full)

    def standing(self, message_id: int) -> dict[str, Any] | None:
        """Where a message stands, for a decision about it; see `reader_timeline.standing`."""
        with self._reads.question() as connection:
            return reader_timeline.standing(connection, message_id)

    def text(self, message_id: int) -> tuple[int, int, bytes] | None:
        """esm_class, data_coding and user_data of a message; None: there is none, or its text is not kept."""
        with self._reads.question() as connection:
            row = connection.execute(
                "SELECT esm_class, data_coding, user_data FROM message WHERE message_id = ?1 UNION ALL "
                "SELECT esm_class, data_coding, user_data FROM history_text WHERE message_id = ?1",
                (message_id,),
            ).fetchone()
            return tuple(row) if row is not None else None

    def find(
        self, wanted: Wanted, limit: int, *, full: bool = False, look: int = 0
    ) -> tuple[list[dict[str, Any]], int]:
        """Messages, the newest first, and up to which message_id (exclusive) it has not looked yet.

        It looks at `look` messages of a table at a time (0: SLICE); when `wanted.low_id` is reached it has
        seen all.
        """
        with self._reads.question() as connection:
            connection.begin()  # what ends meanwhile must not be in both tables
            return reader_find.find(connection, wanted, min(limit, ROWS_MAX), full=full, look=look)
