"""The steps of a batch that are about receipts: which segment each one is of, and what it ends.

A receipt that matches nothing is parked, for its response may come after it, in this batch or a later one.
"""

from __future__ import annotations

from gateway.core.batch import Answer, Batch, Row
from gateway.store.database import Database
from gateway.store.delivery_steps import DeliverySteps
from gateway.store.doubt_steps import DoubtSteps
from gateway.store.end_steps import EndSteps
from gateway.store.operation_steps import OperationSteps
from gateway.store.plain_receipts import end_plain

SWEEP_ROWS = 1000
"""A sweep that has forgotten so many parked receipts has not seen all."""


class ReceiptSteps:
    """Part of the Applier."""

    def __init__(
        self,
        db: Database,
        operations: OperationSteps,
        doubts: DoubtSteps,
        deliveries: DeliverySteps,
        ends: EndSteps,
    ) -> None:
        self._run = db.run
        self._many = db.many
        self._shared = db.shared
        self._operations = operations
        self._doubts = doubts
        self._deliveries = deliveries
        self._ends = ends
        self.read_count()

    def read_count(self) -> None:
        """What is stored; after a transaction that was undone as well."""
        self.parked: int = self._run("count_parked").fetchone()[0]
        """So many receipts, which spares a look where there are none."""

    def unpark(self, responses: list[Row], batch: Batch, answer: Answer) -> None:
        """Receipts that came before these responses are matched like those of this batch."""
        if self._shared:
            known = {(row[2], row[5]): row[3] for row in responses}
            found = self._many("unpark", known).fetchall()
            early = [(known[row[-1], row[0]], *row[:-1]) for row in found]
        elif self.parked:
            early = []
            for row in responses:
                found = self._run("unpark", (row[2], row[5])).fetchall()
                early.extend((row[3], *receipt) for receipt in found)
            self.parked -= len(early)
        else:
            return
        if early:
            batch.receipts = [*batch.receipts, *(row[1:] for row in early)]
            answer.unparked.extend(early)

    def apply(self, batch: Batch, answer: Answer) -> bool:
        """See Batch.receipts; whether messages may have ended that are to be finished."""
        ended = self._end_plain(batch, answer) if self._shared else {}
        results: list[Row] = [(1, ended.get(n), 0) for n in range(len(batch.receipts))]
        rows = [(n, *row) for n, row in enumerate(batch.receipts) if n not in ended]
        changed = self._match(rows, results, answer) if rows else 0
        answer.results = results
        # The last receipts are those that `unpark` took out of the parked ones.
        early = results[len(results) - len(answer.unparked) :]
        answer.unparked = [
            (row[0] or found[1], *row[1:])
            for row, found in zip(answer.unparked, early, strict=True)
            if found[0]
        ]
        return changed > 0

    def _end_plain(self, batch: Batch, answer: Answer) -> dict[int, int]:
        """Ends what ends in the usual way: places of receipts, their messages."""
        plain = end_plain(self._many, batch.receipts)
        answer.ended.extend(plain.ended)
        answer.deliveries = plain.deliveries
        self._ends.remember(plain.messages.values())
        return plain.messages

    def _match(self, rows: list[Row], results: list[Row], answer: Answer) -> int:
        """Matches receipts, each with its place in the batch before it, and ends what can be of any kind; how
        many segments have got their end."""
        run = self._run
        self._many("insert_receipt_row", rows)
        matched = run("match_same").rowcount
        if matched < len(rows):
            matched += run("match_replay").rowcount
        if matched < len(rows):
            matched += run("match_second").rowcount
        if matched < len(rows):
            matched += run("match_third").rowcount
        if matched < len(rows):
            self.parked += run("park_unmatched").rowcount
        for row, result in zip(rows, run("receipt_results").fetchall(), strict=True):
            results[row[0]] = result
        changed = run("record_final").rowcount
        if changed < len(rows) and any(row[8] != 1 for row in rows):
            self._deliveries.noticed = self._operations.notices()
        if changed:
            run("end_single")
            if run("touch_receipts").rowcount:
                if run("touched_per_part").fetchone():
                    self._deliveries.noticed |= run("write_part_receipts").rowcount > 0
                run("end_folded")
                run("forget_touched")
            self._doubts.settle_by_receipts()
        run("forget_receipts")
        return changed

    # -- age ---------------------------------------------------------------------------------------------

    def sweep(self, parked_before_ms: int) -> bool:
        """Forgets receipts that matched nothing in all that time; whether there are more."""
        purged = self._run("purge_parked", (parked_before_ms,)).rowcount
        self.parked -= purged
        return purged >= SWEEP_ROWS
