"""The steps of a batch that are about doubt: segments of which nobody knows whether the SMSC has taken them.

What becomes of one is the policy of its message (`on_ambiguous`): it is held, it goes up again, or it ends.
It is settled when a receipt or a late response shows what happened, when its message ends, or by a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.batch import Answer, Row
from gateway.store.database import Database


class DoubtSteps:
    """Part of the Applier."""

    def __init__(self, db: Database) -> None:
        self._run = db.run
        self._many = db.many
        self._shared = db.shared
        self.read_count()

    def read_count(self) -> None:
        """What is stored; after a transaction that was undone as well."""
        self.in_doubt: int = self._run("count_in_doubt").fetchone()[0]
        """So many segments, which spares a look where there are none; other nodes have theirs."""

    def doubt(self, rows: Sequence[Row], answer: Answer) -> None:
        """See Batch.doubts."""
        if self._shared:
            self._doubt_all(rows, answer)
        else:
            self._doubt_each(rows, answer)

    def _doubt_all(self, rows: Sequence[Row], answer: Answer) -> None:
        """All at once: a node that takes over from a lost one has to be done with all that this had under way
        before its own beat is answered."""
        self._many("lock_in_doubt", [row[:1] for row in rows])
        found = self._many("doubt", [(n, *row) for n, row in enumerate(rows)]).fetchall()
        self.in_doubt += sum(row[1] for row in found)
        answer.queued.extend((row[0], 0) for row in found if row[0] is not None)

    def _doubt_each(self, rows: Sequence[Row], answer: Answer) -> None:
        connectors = set()
        for message_id, segment, now_ms, evidence, link, sent_ms in rows:
            if not self._run("mark_doubt", (message_id, segment)).rowcount:
                continue
            self.in_doubt += 1
            self._run("insert_incident", (message_id, now_ms, f"in doubt: {evidence}"))
            self._run("end_in_doubt", (now_ms, message_id))
            # Holding comes first: a message that the next statement counts as doubted once must not
            # be held by the same doubt.
            self._run("hold_in_doubt", (message_id,))
            if self._run("requeue_in_doubt", (message_id,)).rowcount:
                connectors.add(self._run("connector_of", (message_id,)).fetchone()[0])
            self._run("insert_ambiguous", (now_ms, evidence, link, sent_ms, message_id, segment))
        answer.queued.extend((connector, 0) for connector in connectors)

    def settle(self, now_ms: int, how: str, message_id: int, segment: int) -> None:
        """Of this segment it is known now."""
        self.in_doubt -= self._run("settle", (now_ms, how, message_id, segment)).rowcount

    def settle_by_receipts(self) -> None:
        """Of the segments that have got their end by receipts of this batch."""
        if self.in_doubt or self._shared:
            self.in_doubt -= self._run("settle_by_receipt").rowcount

    def settle_by_ends(self) -> None:
        """Of the messages in temp.ended."""
        if self.in_doubt or self._shared:
            self.in_doubt -= self._run("settle_by_end").rowcount
