"""Applies one batch to the database, in one transaction, and says what followed from it.

The order of the steps is the meaning, and stands here: what the SMSC answered is recorded before receipts are
matched, ends are worked out before new work is claimed.  What a step does stands in the file of its subject;
each is a few statements over all rows of its kind.
"""

from __future__ import annotations

from copy import copy

from gateway.core.batch import Answer, Batch, Row, Sweep
from gateway.store.acceptance_steps import AcceptanceSteps
from gateway.store.account_steps import AccountSteps
from gateway.store.admission_steps import AdmissionSteps
from gateway.store.api_steps import ApiSteps
from gateway.store.call_steps import CallSteps
from gateway.store.claim_steps import ClaimSteps
from gateway.store.cluster_steps import ClusterSteps
from gateway.store.database import Database
from gateway.store.decision_steps import DecisionSteps
from gateway.store.delivery_steps import DeliverySteps
from gateway.store.doubt_steps import DoubtSteps
from gateway.store.end_steps import EndSteps
from gateway.store.failover_steps import FailoverSteps
from gateway.store.history_steps import HistorySteps
from gateway.store.mail_steps import MailSteps
from gateway.store.money_steps import MoneySteps
from gateway.store.operation_steps import OperationSteps
from gateway.store.part_steps import PartSteps
from gateway.store.receipt_steps import ReceiptSteps
from gateway.store.record_steps import RecordSteps
from gateway.store.recovery_steps import RecoverySteps, TakeoverSteps
from gateway.store.response_steps import ResponseSteps
from gateway.store.shared_steps import SharedSteps


class Applier:
    """One run's work on the store; what outlives a batch is held by the steps that it spares a look."""

    def __init__(self, db: Database, now_ms: int, node_name: str = "node") -> None:
        """A run begins; `node_name`: whose, where several nodes share the store."""
        self.db = db
        self._run = db.run
        self._many = db.many
        if db.shared:
            self.cluster = ClusterSteps(db, node_name, now_ms)
            self.boot = self.cluster.boot
            self.admission = AdmissionSteps(self._run, self._many)
            self.shared = SharedSteps(self.boot, self._run, self._many)
        else:
            self.boot = self._run("start_boot", (now_ms,)).fetchone()[0]
            self._run("drop_waiting_index")
        self.uncertain: Answer | None = None
        """While a commit is under way: what is to be said of the batch if it succeeds."""
        self._make_steps()

    def _make_steps(self) -> None:
        db, boot, run, many = self.db, self.boot, self._run, self._many
        self.calls = CallSteps(boot, run, many, shared=db.shared)
        self.api = ApiSteps(run, many, self.calls, shared=db.shared)
        self.records = RecordSteps(run, many)
        self.mail = MailSteps(boot, run, many, self.api, shared=db.shared)
        self.parts = PartSteps(run, many, shared=db.shared)
        self.failover = FailoverSteps(run, many)
        self.operations = OperationSteps(run, many, self.parts)
        self.decisions = DecisionSteps(run, many)
        self.accounts = AccountSteps(run, many)
        self.money = MoneySteps(run, many, shared=db.shared)
        self.history = HistorySteps(db)
        self.doubts = DoubtSteps(db)
        self.deliveries = DeliverySteps(db, self.cluster if db.shared else None, self.api, self.decisions)
        self.ends = EndSteps(
            db, self.doubts, self.deliveries, self.parts, self.money, self.history, self.mail, self.api
        )
        self.receipts = ReceiptSteps(db, self.operations, self.doubts, self.deliveries, self.ends)
        self.responses = ResponseSteps(db, self.money, self.doubts, self.receipts)
        self.claims = ClaimSteps(boot, db)
        self.acceptance = AcceptanceSteps(
            boot, db, self.api, self.history, self.mail, self.money, self.parts, self.operations
        )
        self.recovery: RecoverySteps | TakeoverSteps
        if db.shared:
            self.takeover = TakeoverSteps(db, self.cluster, self.shared, self.doubts, self.ends)
            self.recovery = self.takeover
        else:
            self.recovery = RecoverySteps(boot, db, self.doubts, self.ends, self.deliveries)

    def apply(self, batch: Batch) -> Answer:
        """Commits the batch; raises what the database raises, with nothing applied, when that fails."""
        answer = Answer()
        self.db.begin()
        try:
            if self.db.shared:
                self.cluster.begin()
            elif not len(batch):  # it asks whether the store can write again
                self._run("write_boot_again", (self.boot,))
            self._apply(copy(batch), answer)
            self.uncertain = answer
            self.db.commit()
        except BaseException as error:
            if self.db.shared:
                self.cluster.check(error)
                raise  # the connection may be gone: see `read_again`
            self.uncertain = None
            if self.db.in_transaction:
                self.db.rollback()
            self.read_again()
            raise
        return self.committed(answer)

    def committed(self, answer: Answer) -> Answer:
        """The batch is durable."""
        self.uncertain = None
        if self.db.shared:
            self.cluster.committed()
            self.shared.committed()
            return answer
        self.history.scrub()
        self.deliveries.committed(answer)
        return answer

    def read_again(self) -> None:
        """What is held of a database of which a transaction was undone."""
        self.uncertain = None
        self.receipts.read_count()
        self.doubts.read_count()
        self.ends.read_remembered()
        self.deliveries.read_again()
        self.failover.forget_places()
        self.mail.read_counts()
        self.parts.read_counts()
        self.history.read_settings()
        self.calls.read_uses()

    # -- the way of a batch ------------------------------------------------------------------------------

    def _apply(self, batch: Batch, answer: Answer) -> None:
        """All steps, in their order; the batch is a copy, to which steps add what others left for them."""
        if self.db.shared:
            batch = self.admission.apply(batch, answer)
            self.cluster.receive(batch)
        if batch.audits or batch.audit_ends:
            self._audit(batch, answer)
        ended = self.acceptance.apply(batch, answer)
        taken_over = self.takeover.beat(batch, answer) if batch.beats else []
        ended |= bool(taken_over)
        self._keep(batch, answer)
        ended |= self._results(batch, answer)
        if batch.pauses:
            self.decisions.pause(batch.pauses)
        if batch.decisions:
            self.doubts.in_doubt -= self.decisions.decide(batch.decisions, answer)
            ended = True
        if ended:
            self.ends.finish(answer)  # before the claims: what has ended must not go up
        if batch.queries or batch.cancels or batch.replacements:
            self.operations.requests(batch, answer)
            if batch.recharges:
                self.money.recharge(batch.recharges, answer)
            self.ends.finish(answer)
        self._queues(batch, answer)
        if batch.once or batch.marks:  # before the steps that take incoming SMS
            self.deliveries.take_once(batch)
        for row in batch.open_sends:
            answer.open_sends.append(self.claims.open_sends(*row))
        for row in batch.unfinished:
            answer.unfinished.append(self.claims.unfinished(*row))
        self._mail_and_calls(batch, answer)
        if batch.erasures:
            self.history.erase(batch.erasures, answer)
            self.receipts.parked -= sum(counts.get("parked_receipt", 0) for counts, *_ in answer.erased)
            self.mail.read_counts()
        for row in batch.sweeps:
            self._sweep(Sweep(*row), answer)
        self.deliveries.apply(batch, answer)
        if self.db.shared:
            self._share(batch, answer, taken_over)

    def _audit(self, batch: Batch, answer: Answer) -> None:
        for row in batch.audits:
            answer.audited.append(self._run("insert_audit", (*row, self.boot)).fetchone()[0])
        self._many("end_audit", batch.audit_ends)

    def _keep(self, batch: Batch, answer: Answer) -> None:
        """What accounts have beside their messages."""
        self.api.apply(batch, answer)
        self.records.apply(batch)
        if batch.counted or batch.blacklisted or batch.unblacklisted:
            self.accounts.apply(batch)
        if batch.credits:
            self.money.credit(batch.credits)

    def _results(self, batch: Batch, answer: Answer) -> bool:
        """What came of messages upstream; whether some have ended."""
        ended = False
        self.responses.record(batch, answer)
        if batch.postponed:
            self.responses.postpone(batch.postponed, answer)
        if batch.rerouted:
            self.failover.reroute(batch.rerouted, answer)
        if batch.doubts:
            self.doubts.doubt(batch.doubts, answer)
            ended = True
        if batch.late:  # after the doubts: both may come within one commit
            self.responses.record_late(batch, answer)
        if batch.receipts:
            ended |= self.receipts.apply(batch, answer)
        if batch.handed_over:
            self.responses.end_handed_over(batch.handed_over)
            ended = True
        if batch.failed:
            self._many("end_message", batch.failed)
            ended = True
        return ended

    def _queues(self, batch: Batch, answer: Answer) -> None:
        """What goes up next, and by which connector."""
        if batch.moves:
            self.failover.move(batch.moves, answer)
        for row in batch.sweeps:  # what this queues a claim of the same batch has to see
            sweep = Sweep(*row)
            self.parts.sweep(sweep.assembly_before_ms, sweep.now_ms, answer)
        for row in batch.claims:
            if self.claims.claim(row, answer):
                self.ends.finish(answer)
        if batch.incidents:
            self._many("insert_incident", batch.incidents)

    def _mail_and_calls(self, batch: Batch, answer: Answer) -> None:
        self.mail.letters(batch)
        if batch.incoming_mail:
            self.mail.incoming(batch.incoming_mail, answer)
        for row in batch.letter_claims:
            answer.letters.append(self.mail.claim(*row))
        self.calls.apply(batch, answer)
        for row in batch.call_claims:
            answer.calls.append(self.calls.claim(*row))

    def _sweep(self, sweep: Sweep, answer: Answer) -> None:
        """What the time does."""
        answer.sweep_again |= self.ends.sweep(sweep, answer)
        if self.db.shared:
            self.shared.sweep(sweep.now_ms)
            self.cluster.make_days(sweep.now_ms)
            self._run("drop_history_days", (sweep.history_before_id,))
        self.money.sweep(sweep.history_before_id)
        self.api.forget(sweep.history_before_id)
        answer.sweep_again |= self.history.purge(sweep)
        answer.sweep_again |= self.receipts.sweep(sweep.parked_before_ms)
        answer.sweep_again |= self.deliveries.sweep(sweep)
        self.mail.sweep(sweep, answer)
        answer.sweep_again |= self.accounts.sweep(sweep.now_ms)
        answer.sweep_again |= self.history.sweep(sweep)
        answer.sweep_again |= self.api.sweep(sweep)
        answer.sweep_again |= self.calls.sweep(sweep.history_before_ms, sweep.now_ms)

    def _share(self, batch: Batch, answer: Answer, taken_over: list[Row]) -> None:
        """What nodes on one store tell each other."""
        if batch.drains:
            self.cluster.drain(batch.drains, answer)
        self.shared.tell(batch, answer)
        self.cluster.hint(batch, answer)
        if batch.beats:
            answer.view = self.cluster.view(taken_over)
