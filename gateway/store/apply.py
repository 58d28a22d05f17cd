"""Applies one batch to the database, in one transaction, and says what followed from it.

The order of the steps is the meaning: what the SMSC answered is recorded before receipts are matched, ends
are worked out before new work is claimed.  Each step is a few statements over all rows of its kind.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import copy

from gateway.core.batch import Answer, Batch, Row, Sweep
from gateway.store.account_steps import AccountSteps
from gateway.store.admission_steps import AdmissionSteps
from gateway.store.api_steps import ApiSteps
from gateway.store.call_steps import CallSteps
from gateway.store.cluster_steps import ClusterSteps
from gateway.store.database import Database
from gateway.store.decision_steps import DecisionSteps
from gateway.store.doubts import doubt
from gateway.store.failover_steps import FailoverSteps
from gateway.store.history_steps import HistorySteps
from gateway.store.mail_steps import MailSteps
from gateway.store.money_steps import MoneySteps
from gateway.store.operation_steps import OperationSteps
from gateway.store.part_steps import PartSteps
from gateway.store.plain_receipts import end_plain
from gateway.store.record_steps import RecordSteps
from gateway.store.shared_steps import SharedSteps

KILLED = "the gateway ended before the SMSC's answer was recorded; whether any of it was sent is not known"
"""All that is known after a kill: between the intent and the answer nothing is written down."""
SWEEP_ROWS = 1000
"""A sweep that found so many of a kind has not seen all."""
OLD_ROWS = 1000
"""So many deliveries are buried of age at once; bury_old_deliveries has it too."""
EXCESS_ROWS = 10_000
"""So many deliveries of an account that has too many are buried at once; drop_dead has it too."""
BEFORE_ALL = (-(1 << 62), 0)
"""Before any place in a queue: due_ms, message_id."""
UNFINISHED_LOOK = 20_000
"""So many segments are looked at for those of one connector that wait for a receipt."""
RECEIPT_LOOK = 20_000
"""So many messages a sweep looks at for those whose receipt never came; the next one goes on behind them."""
REMEMBERED = 50_000
"""Ended messages whose segments are kept so that a repeated receipt is recognised."""


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The same numbers as spans, first and last: what goes down together was mostly written together."""
    first = last = -1
    for number in sorted(numbers):
        if number > last + 1:
            if last >= 0:
                yield first, last
            first = number
        last = number
    if last >= 0:
        yield first, last


class Applier:
    """The state that outlives a batch: counts that spare a look, and what is remembered."""

    def __init__(self, db: Database, now_ms: int, node_name: str = "node") -> None:
        """A run begins; `node_name`: whose, where several nodes share the store."""
        self.db = db
        self._run = db.run
        self._many = db.many
        if db.shared:
            self.cluster = ClusterSteps(db, node_name, now_ms)
            self.boot = self.cluster.boot
            self.open_messages: list[Row] = []
            """account, how many of its messages had not ended when the run began."""
            self.admission = AdmissionSteps(self._run, self._many)
            self.shared = SharedSteps(self.boot, self._run, self._many)
        else:
            self.boot = self._run("start_boot", (now_ms,)).fetchone()[0]
            self._run("drop_waiting_index")
        self.uncertain: Answer | None = None
        """While a commit is under way: what is to be said of the batch if it succeeds."""
        self.calls = CallSteps(self.boot, self._run, self._many, shared=db.shared)
        self.api = ApiSteps(self._run, self._many, self.calls, shared=db.shared)
        self.records = RecordSteps(self._run, self._many)
        self.mail = MailSteps(self.boot, self._run, self._many, self.api, shared=db.shared)
        self.parts = PartSteps(self._run, self._many, shared=db.shared)
        self.failover = FailoverSteps(self._run, self._many)
        self.operations = OperationSteps(self._run, self._many, self.parts)
        self.decisions = DecisionSteps(self._run, self._many)
        self.accounts = AccountSteps(self._run, self._many)
        self.money = MoneySteps(self._run, self._many, shared=db.shared)
        self.history = HistorySteps(db)
        self._old_after = 0
        self._still_too_many = False
        self._read_counts()

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
        if answer.deliveries:
            self.last_delivery = answer.deliveries[-1][0]
        return answer

    def read_again(self) -> None:
        """What is held of a database of which a transaction was undone."""
        self.uncertain = None
        self._read_counts()
        self.failover.forget_places()
        self.mail.read_counts()
        self.parts.read_counts()
        self.history.read_settings()
        self.calls.read_uses()

    def _apply(self, batch: Batch, answer: Answer) -> None:
        if self.db.shared:
            batch = self.admission.apply(batch, answer)
            self.cluster.receive(batch)
        if batch.audits or batch.audit_ends:
            self._audit(batch, answer)
        ended = self._accept(batch, answer)
        taken_over = self._beat(batch, answer) if batch.beats else []
        ended |= bool(taken_over)
        self.api.apply(batch, answer)
        self.records.apply(batch)
        if batch.counted or batch.blacklisted or batch.unblacklisted:
            self.accounts.apply(batch)
        if batch.credits:
            self.money.credit(batch.credits)
        if batch.submitted:
            self._many("record_submitted", (row[:5] for row in batch.submitted))
        again: Iterable[Row] | None = None
        if (self.money.early or self.db.shared) and (batch.submitted or batch.doubts):
            told = [*(row[3] for row in batch.submitted), *(row[0] for row in batch.doubts)]
            again = self.money.taken_after_all(told)
        if batch.submitted:
            self._unpark(batch.submitted, batch, answer)
        if again is not None:
            self.money.take_again(again, answer)
        if batch.postponed:
            self._postpone(batch.postponed, answer)
        if batch.rerouted:
            self.failover.reroute(batch.rerouted, answer)
        if batch.doubts:
            self._doubt(batch.doubts, answer)
            ended = True
        if batch.late:  # after the doubts: both may come within one commit
            self._record_late(batch, answer)
        if batch.receipts:
            ended |= self._receipts(batch, answer)
        if batch.handed_over:
            if self.db.shared:
                self._many("lock_messages", [row[:1] for row in batch.handed_over])
            self._many("end_handed_over", batch.handed_over)
            ended = True
        if batch.failed:
            self._many("end_message", batch.failed)
            ended = True
        if batch.pauses:
            self.decisions.pause(batch.pauses)
        if batch.decisions:
            self.in_doubt -= self.decisions.decide(batch.decisions, answer)
            ended = True
        if ended:
            self._finish(answer)  # before the claims: what has ended must not go up
        if batch.queries or batch.cancels or batch.replacements:
            self.operations.requests(batch, answer)
            if batch.recharges:
                self.money.recharge(batch.recharges, answer)
            self._finish(answer)
        if batch.moves:
            self.failover.move(batch.moves, answer)
        for row in batch.sweeps:  # what this queues a claim of the same batch has to see
            sweep = Sweep(*row)
            self.parts.sweep(sweep.assembly_before_ms, sweep.now_ms, answer)
        for row in batch.claims:
            if self._claim(row, answer):
                self._finish(answer)
        if batch.incidents:
            self._many("insert_incident", batch.incidents)
        if batch.once or batch.marks:
            self._once(batch)
        for row in batch.open_sends:
            found = self._run("list_open_sends", (*row, self.boot)).fetchall()
            self._run("adopt_open_sends", (*row, self.boot))
            answer.open_sends.append((*row, [(r[:-3], *r[-3:]) for r in found]))
        for row in batch.unfinished:
            answer.unfinished.append(self._unfinished(*row))
        self.mail.letters(batch)
        if batch.incoming_mail:
            self.mail.incoming(batch.incoming_mail, answer)
        for row in batch.letter_claims:
            answer.letters.append(self.mail.claim(*row))
        self.calls.apply(batch, answer)
        for row in batch.call_claims:
            answer.calls.append(self.calls.claim(*row))
        if batch.erasures:
            self.history.erase(batch.erasures, answer)
            self.parked -= sum(counts.get("parked_receipt", 0) for counts, *_ in answer.erased)
            self.mail.read_counts()
        for row in batch.sweeps:
            self._sweep(Sweep(*row), answer)
        self._deliveries(batch, answer)
        if self.db.shared:
            self._share(batch, answer, taken_over)

    def _share(self, batch: Batch, answer: Answer, taken_over: list[Row]) -> None:
        """What nodes on one store tell each other."""
        if batch.drains:
            self.cluster.drain(batch.drains, answer)
        self.shared.tell(batch, answer)
        self.cluster.hint(batch, answer)
        if batch.beats:
            answer.view = self.cluster.view(taken_over)

    def _beat(self, batch: Batch, answer: Answer) -> list[Row]:
        """This run lives, and those that do not are over; what they had is in doubt, or anybody's."""
        self.cluster.beat(batch.beats)
        now_ms = self.cluster.now_ms()
        taken_over = [
            (name, self._take_over(boot, now_ms, answer)) for boot, name in self.cluster.lost_runs()
        ]
        self.cluster.take_leases()  # of a run that is over too
        late = self.cluster.unparked()
        if late:
            batch.receipts = [*batch.receipts, *late]
            answer.unparked.extend((0, *row) for row in late)
        return taken_over

    def _take_over(self, boot: int, now_ms: int, answer: Answer) -> int:
        """A run is over: how many segments of it are in doubt."""
        self.cluster.free(boot)
        found = self._run("list_open_intents", (boot,)).fetchall()
        self._doubt([(*row[:2], now_ms, KILLED, "", row[2]) for row in found], answer)
        self.shared.run_is_over(boot)
        return len(found)

    def _audit(self, batch: Batch, answer: Answer) -> None:
        for row in batch.audits:
            answer.audited.append(self._run("insert_audit", (*row, self.boot)).fetchone()[0])
        self._many("end_audit", batch.audit_ends)

    # -- upward ----------------------------------------------------------------------------------------

    def _accept(self, batch: Batch, answer: Answer) -> bool:
        """What comes in; whether messages end that it takes the place of."""
        if batch.request_keys:
            self.api.leave_out_repeated(batch, answer)
        accepted, intents = batch.accepted, batch.intents
        if batch.registered:
            self.history.register(batch.registered)
        if batch.mails:
            accepted, intents = self.mail.take(batch, answer)
        if accepted:
            self._many("insert_message", accepted)
        if intents:
            self._many("insert_intent", [(*row, self.boot) for row in intents])
        if batch.assigned:
            self._many("insert_assigned", [(*row, self.boot) for row in batch.assigned])
        if batch.charges:
            self.money.charge(batch.charges, {row[0] for row in accepted} if answer.repeated else None)
        if batch.parts:
            self.parts.gather(batch.parts, answer)
        if batch.replaced_by:
            self.operations.replace(batch.replaced_by)
        return bool(batch.replaced_by)

    def _record_late(self, batch: Batch, answer: Answer) -> None:
        for row in batch.late:
            taken = self._run("record_late", row).rowcount
            self._run("insert_incident", (row[3], row[0], f"late response from {row[5]}: id {row[1]}"))
            if taken:
                self._run("resume_after_late", (row[3],))
                self._settle(row[0], "late response", row[3], row[4])
        self._unpark(batch.late, batch, answer)

    def _unpark(self, responses: list[Row], batch: Batch, answer: Answer) -> None:
        """Receipts that came before these responses are matched like those of this batch."""
        if self.db.shared:
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

    def _postpone(self, rows: list[Row], answer: Answer) -> None:
        self._many("drop_submission", [row[:2] for row in rows])
        self._many("postpone_message", [(row[2], row[4], row[3], row[3], row[0]) for row in rows])
        self._many("insert_retry_incident", [(row[0], *row[5:]) for row in rows if row[4]])
        answer.queued.extend(row[2:4] for row in rows)

    def _doubt(self, rows: Sequence[Row], answer: Answer) -> None:
        if self.db.shared:
            doubted = doubt(self._many, rows)
            self.in_doubt += doubted.segments
            answer.queued.extend((connector, 0) for connector in doubted.connectors)
            return
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

    def _settle(self, now_ms: int, how: str, message_id: int, segment: int) -> None:
        self.in_doubt -= self._run("settle", (now_ms, how, message_id, segment)).rowcount

    def stopped(self, now_ms: int) -> None:
        """The run ends in good order; other nodes have all that is left of it at once.

        What is under way now, because the gateway was killed, is in doubt: whoever looks next, or starts,
        takes the run over, and has it said in a log.
        """
        if self.db.shared:
            self.db.begin()
            self.cluster.begin()
            if self._run("list_open_intents", (self.boot,)).fetchone():
                self._run("end_lease", (self.boot,))
            else:
                self.cluster.free(self.boot)
                self.shared.run_is_over(self.boot)
                self._run("stop_boot", (now_ms, self.boot))
            self.db.commit()
        else:
            self._run("stop_boot", (now_ms, self.boot))

    def recover(self, now_ms: int) -> int:
        """At the start: what an earlier run was sending when it ended is in doubt; how many segments."""
        if self.db.shared:
            return self._recover_older(now_ms)
        open_intents = self._run("list_open_intents", (self.boot,)).fetchall()
        rows = [
            (message_id, segment, now_ms, KILLED, "", intent_ms)
            for message_id, segment, intent_ms in open_intents
        ]
        answer = Answer()
        self.db.begin()
        self._run("requeue_unassigned")
        self._doubt(rows, answer)
        self._finish(answer)
        self.db.commit()
        self._read_last_delivery()
        return len(rows)

    def _recover_older(self, now_ms: int) -> int:
        """Of earlier runs of this node, and of others whose leases are over."""
        answer = Answer()
        self.db.begin()
        self.cluster.begin()
        ended = [*self.cluster.older_runs(), *self.cluster.lost_runs()]
        in_doubt = sum(self._take_over(boot, now_ms, answer) for boot, _ in ended)
        self._finish(answer)
        self.open_messages = self.shared.opened()
        self.cluster.make_days(now_ms)
        self.db.commit()
        self.cluster.batch_no += 1
        return in_doubt

    def _claim(self, claim: Row, answer: Answer) -> bool:
        connector, room, now_ms, with_intents = claim
        claimed: list[Row] = []
        intents: list[Row] = []
        sent: list[Row] = []
        expired: list[Row] = []
        last = BEFORE_ALL
        for row in self._run("claim_messages", (connector, now_ms, room)).fetchall():
            message_id, segments, due_ms, expires_ms = row[0], row[17], row[21], row[22]
            row, under_way = row[:-1], row[-1]
            if not with_intents and segments > 1 and self._run("make_whole", (message_id,)).rowcount:
                segments = 1
                row = (*row[:17], 1, *row[18:])
            if expires_ms <= now_ms:
                expired.append((message_id, 3, "", now_ms))
                last = due_ms, message_id
                continue
            wanted = list(range(1, segments + 1))
            if under_way is not None:
                taken = set(map(int, str(under_way).split(",")))
                wanted = [n for n in wanted if n not in taken]
            if claimed and len(wanted) > room:
                break
            last = due_ms, message_id
            room -= len(wanted)
            sent.append((message_id,))
            if wanted:
                claimed.append((row, wanted))
                intents.extend((message_id, n, connector, now_ms, self.boot) for n in wanted)
            if room <= 0:
                break
        if with_intents:
            self._many("insert_intent", intents)
        self._many("mark_sent_without" if self.db.shared and not with_intents else "mark_sent", sent)
        self._many("end_message", expired)
        answer.expired.extend(row[:2] for row in expired)
        found = self._run("next_due", (connector, *last)).fetchone()
        answer.claimed.append((connector, claimed, found[0] if found else None))
        return bool(expired)

    def _unfinished(self, connector: str, after: int, limit: int) -> Row:
        found = self._run("list_unfinished", (connector, after, limit, UNFINISHED_LOOK)).fetchall()
        if len(found) == limit:
            return connector, [row[1:] for row in found], found[-1][0]
        last = self._run("last_looked_at", (after, UNFINISHED_LOOK)).fetchone()[0]
        return connector, [row[1:] for row in found], last or 0

    # -- downward --------------------------------------------------------------------------------------

    def _once(self, batch: Batch) -> None:
        """Incoming SMS that a service may tell of twice, and how far its list was read: both or none."""
        for connector, id, now_ms, kind, row in batch.once:
            if self._run("insert_seen", (connector, id, now_ms)).rowcount:
                name = "incoming" if kind == "incoming" else "incoming_mail"
                setattr(batch, name, [*getattr(batch, name), row])
        self._many("set_mark", dict(batch.marks).items())  # of each what was said last

    def _receipts(self, batch: Batch, answer: Answer) -> bool:
        ended = self._plain(batch, answer) if self.db.shared else {}
        results: list[Row] = [(1, ended.get(n), 0) for n in range(len(batch.receipts))]
        rows = [(n, *row) for n, row in enumerate(batch.receipts) if n not in ended]
        changed = self._others(rows, results, answer) if rows else 0
        answer.results = results
        # The last receipts are those that `_unpark` took out of the parked ones.
        early = results[len(results) - len(answer.unparked) :]
        answer.unparked = [
            (row[0] or found[1], *row[1:])
            for row, found in zip(answer.unparked, early, strict=True)
            if found[0]
        ]
        return changed > 0

    def _plain(self, batch: Batch, answer: Answer) -> dict[int, int]:
        """Ends what ends in the usual way: places of receipts, their messages."""
        plain = end_plain(self._many, batch.receipts)
        answer.ended.extend(plain.ended)
        answer.deliveries = plain.deliveries
        self.remembered.extend(sorted(plain.messages.values()))
        self._forget_excess()
        return plain.messages

    def _others(self, rows: list[Row], results: list[Row], answer: Answer) -> int:
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
            self.noticed = self.operations.notices()
        if changed:
            run("end_single")
            if run("touch_receipts").rowcount:
                if run("touched_per_part").fetchone():
                    self.noticed |= run("write_part_receipts").rowcount > 0
                run("end_folded")
                run("forget_touched")
            if self.in_doubt or self.db.shared:
                self.in_doubt -= run("settle_by_receipt", (rows[0][10],)).rowcount
        run("forget_receipts")
        return changed

    def _finish(self, answer: Answer) -> None:
        """Moves what ended to history and writes the receipts that were asked for."""
        run = self._run
        ended = run("count_ended").fetchall()
        if ended:
            self._has_ends = True
            gathered = any(row[3] for row in ended)
            if gathered and self.parts.end_carried():
                ended = run("count_ended").fetchall()
            answer.ended.extend(row[:2] for row in ended)
            if any(row[4] for row in ended):
                self.money.give_back(answer)
            if self.in_doubt or self.db.shared:
                self.in_doubt -= run("settle_by_end").rowcount
            run("write_history")
            run("write_deliveries")
            self.history.ended(odd=gathered or any(row[4] for row in ended))
            if any(row[2] for row in ended):
                self.mail.finish(answer)
            if any(row[5] for row in ended):
                self.api.finish(answer)
            if gathered:
                self.parts.forget()
            run("close_submissions")
            self.remembered.extend(row[0] for row in run("list_ended"))
            run("delete_ended")
        run("forget_ended")
        self._forget_excess()

    def _forget_excess(self) -> None:
        excess = len(self.remembered) - REMEMBERED
        if excess > 0:
            self._many("forget_submission", [(message_id,) for message_id in self.remembered[:excess]])
            del self.remembered[:excess]

    def _deliveries(self, batch: Batch, answer: Answer) -> None:
        if batch.incoming:
            self._many("insert_incoming", self.api.incoming(batch.incoming, "", answer))
        if batch.delivered:
            self._many("delete_deliveries", _runs(row[0] for row in batch.delivered))
        for row in batch.refused:
            self._run("bury_delivery", row)
            self._run("delete_delivery", row[:1])
        if batch.unclaimed:
            self._many("unclaim_deliveries", batch.unclaimed)
        if batch.replays:
            self.decisions.replay(batch.replays, answer)
            self.noticed = True
        beside = self.noticed or batch.incoming or batch.incoming_mail or batch.sweeps
        if self._has_ends or beside:
            self.noticed = self._has_ends = False
            after = self.cluster.last_delivery() if self.db.shared else self.last_delivery
            if beside and self.db.shared:
                self._run("keep_deliveries", (after,))
            answer.deliveries = self._run("new_deliveries", (after,)).fetchall()
        for account, after, limit in batch.fetches:
            found = sorted(self._run("fetch_deliveries", (account, after, limit)).fetchall())
            answer.fetched.append((account, found, len(found) == limit))

    # -- age -------------------------------------------------------------------------------------------

    def _sweep(self, sweep: Sweep, answer: Answer) -> None:
        run = self._run
        run("end_expired", (sweep.now_ms,))
        self._end_without_receipt(sweep)
        ended = run("list_ended").fetchall()
        answer.expired.extend(ended)
        self._finish(answer)
        if self.db.shared:
            self.shared.sweep(sweep.now_ms)
            self.cluster.make_days(sweep.now_ms)
            self._run("drop_history_days", (sweep.history_before_id,))
        self.money.sweep(sweep.history_before_id)
        self.api.forget(sweep.history_before_id)
        purged = [
            run("purge_history", (sweep.history_before_id,)).rowcount,
            run("purge_incidents", (sweep.history_before_ms,)).rowcount,
            run("purge_ambiguous", (sweep.history_before_ms,)).rowcount,
            run("purge_audit", (sweep.audit_before_ms,)).rowcount,
            run("purge_parked", (sweep.parked_before_ms,)).rowcount,
        ]
        run("purge_seen", (sweep.seen_before_ms,))
        self.parked -= purged[-1]
        answer.sweep_again |= max(len(ended), *purged) >= SWEEP_ROWS
        run("purge_dead", (sweep.history_before_ms,))
        answer.sweep_again |= self._bury(sweep)
        self.mail.sweep(sweep, answer)
        answer.sweep_again |= self.accounts.sweep(sweep.now_ms)
        answer.sweep_again |= self.history.sweep(sweep)
        answer.sweep_again |= self.api.sweep(sweep)
        answer.sweep_again |= self.calls.sweep(sweep.history_before_ms, sweep.now_ms)

    def _bury(self, sweep: Sweep) -> bool:
        """Deliveries that nobody fetches are dead letters; whether the next sweep has more of them."""
        buried = self._run("bury_old_deliveries", (sweep.delivery_before_ms, sweep.now_ms)).rowcount
        if buried:
            self._run("drop_dead", (sweep.now_ms,))
        if sweep.with_counts or self._still_too_many:
            self._still_too_many = False
            for account, waiting in self._run("count_deliveries").fetchall():
                excess = waiting - sweep.deliveries_max
                if excess > 0:
                    some = (account, min(excess, EXCESS_ROWS), sweep.now_ms)
                    self._run("bury_excess_deliveries", some)
                    self._run("drop_dead", (sweep.now_ms,))
                    self._still_too_many |= excess > EXCESS_ROWS
        return buried >= OLD_ROWS or self._still_too_many

    def _end_without_receipt(self, sweep: Sweep) -> None:
        after = self._old_after
        looked, last = self._run("look_for_old", (after, sweep.oldest_id, RECEIPT_LOOK)).fetchone()
        if looked:
            asked = (sweep.now_ms, after, last, sweep.receipt_before_ms, SWEEP_ROWS)
            if self._run("end_without_receipt", asked).rowcount >= SWEEP_ROWS:
                return  # what has ended is gone the next time
        self._old_after = last if looked >= RECEIPT_LOOK else 0

    def _read_counts(self) -> None:
        self._has_ends = False  # deliveries were written that the answer has not yet
        self.noticed = False  # and others beside those of ends
        self.parked: int = self._run("count_parked").fetchone()[0]
        self.in_doubt: int = self._run("count_in_doubt").fetchone()[0]
        # an array, because 50,000 numbers as objects are 2 MiB
        self.remembered: array[int] = array("q", (row[0] for row in self._run("list_done")))
        if not self.db.shared:
            self._read_last_delivery()

    def _read_last_delivery(self) -> None:
        self.last_delivery = int(self._run("last_delivery").fetchone()[0])
