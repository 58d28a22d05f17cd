"""The steps of a batch that are about ends: what has ended goes to the history, and whoever asked is told.

The statements of other steps end a message by listing it in temp.ended; here that is carried out, for all of
them at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from gateway.core.batch import Answer, Row, Sweep
from gateway.store.api_steps import ApiSteps
from gateway.store.database import Database
from gateway.store.delivery_steps import DeliverySteps
from gateway.store.doubt_steps import DoubtSteps
from gateway.store.history_steps import HistorySteps
from gateway.store.mail_steps import MailSteps
from gateway.store.money_steps import MoneySteps
from gateway.store.part_steps import PartSteps

REMEMBERED = 50_000
"""Ended messages whose segments are kept so that a repeated receipt is recognised."""
RECEIPT_LOOK = 20_000
"""So many messages a sweep looks at for those whose receipt never came; the next one goes on behind them."""
SWEEP_ROWS = 1000
"""A sweep that has ended so many of a kind has not ended all."""


class EndSteps:
    """Part of the Applier."""

    def __init__(
        self,
        db: Database,
        doubts: DoubtSteps,
        deliveries: DeliverySteps,
        parts: PartSteps,
        money: MoneySteps,
        history: HistorySteps,
        mail: MailSteps,
        api: ApiSteps,
    ) -> None:
        self._run = db.run
        self._many = db.many
        self._doubts = doubts
        self._deliveries = deliveries
        self._parts = parts
        self._money = money
        self._history = history
        self._mail = mail
        self._api = api
        self._old_after = 0
        self.read_remembered()

    def read_remembered(self) -> None:
        """What is stored; after a transaction that was undone as well."""
        # an array, because 50,000 numbers as objects are 2 MiB
        self._remembered: array[int] = array("q", (row[0] for row in self._run("list_done")))

    def finish(self, answer: Answer) -> None:
        """Moves what ended to history and writes the receipts that were asked for."""
        run = self._run
        ended = run("count_ended").fetchall()
        if ended:
            self._deliveries.has_ends = True
            gathered = any(row[3] for row in ended)
            if gathered and self._parts.end_carried():
                ended = run("count_ended").fetchall()
            answer.ended.extend(row[:2] for row in ended)
            if any(row[4] for row in ended):
                self._money.give_back(answer)
            self._doubts.settle_by_ends()
            run("write_history")
            run("write_deliveries")
            self._history.ended(odd=gathered or any(row[4] for row in ended))
            if any(row[2] for row in ended):
                self._mail.finish(answer)
            if any(row[5] for row in ended):
                self._api.finish(answer)
            if gathered:
                self._parts.forget()
            run("close_submissions")
            self._remembered.extend(row[0] for row in run("list_ended"))
            run("delete_ended")
        run("forget_ended")
        self._forget_excess()

    def remember(self, messages: Iterable[int]) -> None:
        """These have ended without `finish`."""
        self._remembered.extend(sorted(messages))
        self._forget_excess()

    def _forget_excess(self) -> None:
        excess = len(self._remembered) - REMEMBERED
        if excess > 0:
            self._many("forget_submission", [(message_id,) for message_id in self._remembered[:excess]])
            del self._remembered[:excess]

    # -- age ---------------------------------------------------------------------------------------------

    def sweep(self, sweep: Sweep, answer: Answer) -> bool:
        """Ends what has lived too long, or waited too long for its receipt; whether there is more."""
        self._run("end_expired", (sweep.now_ms,))
        self._end_without_receipt(sweep)
        ended: list[Row] = self._run("list_ended").fetchall()
        answer.expired.extend(ended)
        self.finish(answer)
        return len(ended) >= SWEEP_ROWS

    def _end_without_receipt(self, sweep: Sweep) -> None:
        after = self._old_after
        looked, last = self._run("look_for_old", (after, sweep.oldest_id, RECEIPT_LOOK)).fetchone()
        if looked:
            asked = (sweep.now_ms, after, last, sweep.receipt_before_ms, SWEEP_ROWS)
            if self._run("end_without_receipt", asked).rowcount >= SWEEP_ROWS:
                return  # what has ended is gone the next time
        self._old_after = last if looked >= RECEIPT_LOOK else 0
