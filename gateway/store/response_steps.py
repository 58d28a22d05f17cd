"""The steps of a batch that are about responses: what SMSCs answered to the segments that went up."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.batch import Answer, Batch, Row
from gateway.store.database import Database
from gateway.store.doubt_steps import DoubtSteps
from gateway.store.money_steps import MoneySteps
from gateway.store.receipt_steps import ReceiptSteps


class ResponseSteps:
    """Part of the Applier."""

    def __init__(self, db: Database, money: MoneySteps, doubts: DoubtSteps, receipts: ReceiptSteps) -> None:
        self._run = db.run
        self._many = db.many
        self._shared = db.shared
        self._money = money
        self._doubts = doubts
        self._receipts = receipts

    def record(self, batch: Batch, answer: Answer) -> None:
        """See Batch.submitted: the SMSC has taken these, and the money that came back of them is taken again,
        as that of segments in doubt is."""
        if batch.submitted:
            self._many("record_submitted", (row[:5] for row in batch.submitted))
        again: Iterable[Row] | None = None
        if (self._money.early or self._shared) and (batch.submitted or batch.doubts):
            told = [*(row[3] for row in batch.submitted), *(row[0] for row in batch.doubts)]
            again = self._money.taken_after_all(told)
        if batch.submitted:
            self._receipts.unpark(batch.submitted, batch, answer)
        if again is not None:
            self._money.take_again(again, answer)

    def postpone(self, rows: list[Row], answer: Answer) -> None:
        """See Batch.postponed."""
        self._many("drop_submission", [row[:2] for row in rows])
        self._many("postpone_message", [(row[2], row[4], row[3], row[3], row[0]) for row in rows])
        self._many("insert_retry_incident", [(row[0], *row[5:]) for row in rows if row[4]])
        answer.queued.extend(row[2:4] for row in rows)

    def record_late(self, batch: Batch, answer: Answer) -> None:
        """See Batch.late."""
        for row in batch.late:
            taken = self._run("record_late", row).rowcount
            self._run("insert_incident", (row[3], row[0], f"late response from {row[5]}: id {row[1]}"))
            if taken:
                self._run("resume_after_late", (row[3],))
                self._doubts.settle(row[0], "late response", row[3], row[4])
        self._receipts.unpark(batch.late, batch, answer)

    def end_handed_over(self, rows: list[Row]) -> None:
        """See Batch.handed_over."""
        if self._shared:
            self._many("lock_messages", [row[:1] for row in rows])
        self._many("end_handed_over", rows)
