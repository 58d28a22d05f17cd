"""What a run leaves when it ends, in good order or not, and who goes on with it.

What it was sending at that moment is in doubt.  Whatever else it had in hand is as if it had not.
"""

from __future__ import annotations

from gateway.core.batch import Answer, Batch, Row
from gateway.store.cluster_steps import ClusterSteps
from gateway.store.database import Database
from gateway.store.delivery_steps import DeliverySteps
from gateway.store.doubt_steps import DoubtSteps
from gateway.store.end_steps import EndSteps
from gateway.store.shared_steps import SharedSteps

KILLED = "the gateway ended before the SMSC's answer was recorded; whether any of it was sent is not known"
"""All that is known after a kill: between the intent and the answer nothing is written down."""


class RecoverySteps:
    """Part of the Applier, where the store has no other nodes: the next run goes on."""

    def __init__(
        self, boot: int, db: Database, doubts: DoubtSteps, ends: EndSteps, deliveries: DeliverySteps
    ) -> None:
        self._boot = boot
        self._db = db
        self._run = db.run
        self._doubts = doubts
        self._ends = ends
        self._deliveries = deliveries

    def recover(self, now_ms: int) -> int:
        """At the start: what an earlier run was sending when it ended is in doubt; how many segments."""
        open_intents = self._run("list_open_intents", (self._boot,)).fetchall()
        rows = [
            (message_id, segment, now_ms, KILLED, "", intent_ms)
            for message_id, segment, intent_ms in open_intents
        ]
        answer = Answer()
        self._db.begin()
        self._run("requeue_unassigned")
        self._doubts.doubt(rows, answer)
        self._ends.finish(answer)
        self._db.commit()
        self._deliveries.read_last()
        return len(rows)

    def stopped(self, now_ms: int) -> None:
        """The run ends in good order."""
        self._run("stop_boot", (now_ms, self._boot))


class TakeoverSteps:
    """Part of the Applier, where several nodes share the store: the one that looks first goes on."""

    def __init__(
        self, db: Database, cluster: ClusterSteps, shared: SharedSteps, doubts: DoubtSteps, ends: EndSteps
    ) -> None:
        self._db = db
        self._run = db.run
        self._cluster = cluster
        self._shared = shared
        self._doubts = doubts
        self._ends = ends
        self.open_messages: list[Row] = []
        """account, how many of its messages had not ended when the run began."""

    def recover(self, now_ms: int) -> int:
        """At the start: how many segments are in doubt now, of earlier runs of this node, and of others whose
        leases are over."""
        answer = Answer()
        self._db.begin()
        self._cluster.begin()
        ended = [*self._cluster.older_runs(), *self._cluster.lost_runs()]
        in_doubt = sum(self._take_over(boot, now_ms, answer) for boot, _ in ended)
        self._ends.finish(answer)
        self.open_messages = self._shared.opened()
        self._cluster.make_days(now_ms)
        self._db.commit()
        self._cluster.batch_no += 1
        return in_doubt

    def beat(self, batch: Batch, answer: Answer) -> list[Row]:
        """This run lives, and those that do not are over: name of the node, how many of its segments are in
        doubt.  What else they had is anybody's."""
        self._cluster.beat(batch.beats)
        now_ms = self._cluster.now_ms()
        taken_over = [
            (name, self._take_over(boot, now_ms, answer)) for boot, name in self._cluster.lost_runs()
        ]
        self._cluster.take_leases()  # of a run that is over too
        late = self._cluster.unparked()
        if late:
            batch.receipts = [*batch.receipts, *late]
            answer.unparked.extend((0, *row) for row in late)
        return taken_over

    def _take_over(self, boot: int, now_ms: int, answer: Answer) -> int:
        """A run is over: how many segments of it are in doubt."""
        self._cluster.free(boot)
        found = self._run("list_open_intents", (boot,)).fetchall()
        self._doubts.doubt([(*row[:2], now_ms, KILLED, "", row[2]) for row in found], answer)
        self._shared.run_is_over(boot)
        return len(found)

    def stopped(self, now_ms: int) -> None:
        """The run ends in good order; other nodes have all that is left of it at once.

        What is under way now, because the gateway was killed, is in doubt: whoever looks next, or starts,
        takes the run over, and has it said in a log.
        """
        boot = self._cluster.boot
        self._db.begin()
        self._cluster.begin()
        if self._run("list_open_intents", (boot,)).fetchone():
            self._run("end_lease", (boot,))
        else:
            self._cluster.free(boot)
            self._shared.run_is_over(boot)
            self._run("stop_boot", (now_ms, boot))
        self._db.commit()
