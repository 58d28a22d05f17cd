"""The steps of a batch that are about deliveries: incoming SMS and receipts, on their way down to sessions.

A delivery's row goes when a session has taken it.  What nobody fetches is a dead letter in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.core.batch import Answer, Batch, Sweep
from gateway.store.api_steps import ApiSteps
from gateway.store.cluster_steps import ClusterSteps
from gateway.store.database import Database
from gateway.store.decision_steps import DecisionSteps

OLD_ROWS = 1000
"""So many deliveries are buried of age at once; bury_old_deliveries has it too."""
EXCESS_ROWS = 10_000
"""So many deliveries of an account that has too many are buried at once; drop_dead has it too."""


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


class DeliverySteps:
    """Part of the Applier; `cluster`: where several nodes share the store."""

    def __init__(
        self, db: Database, cluster: ClusterSteps | None, api: ApiSteps, decisions: DecisionSteps
    ) -> None:
        self._run = db.run
        self._many = db.many
        self._cluster = cluster
        self._api = api
        self._decisions = decisions
        self._still_too_many = False
        self.read_again()

    def read_again(self) -> None:
        """What is stored; after a transaction that was undone as well."""
        self.has_ends = False
        """Deliveries were written that the answer has not yet,"""
        self.noticed = False
        """and others beside those of ends."""
        if self._cluster is None:
            self.read_last()

    def read_last(self) -> None:
        """Only what is newer is told; where the store is shared, the batch's first statement says."""
        self._last_delivery = int(self._run("last_delivery").fetchone()[0])

    def committed(self, answer: Answer) -> None:
        """What the batch has told need not be told again."""
        if answer.deliveries:
            self._last_delivery = answer.deliveries[-1][0]

    def take_once(self, batch: Batch) -> None:
        """Incoming SMS that a service may tell of twice, and how far its list was read: both or none."""
        for connector, id, now_ms, kind, row in batch.once:
            if self._run("insert_seen", (connector, id, now_ms)).rowcount:
                name = "incoming" if kind == "incoming" else "incoming_mail"
                setattr(batch, name, [*getattr(batch, name), row])
        self._many("set_mark", dict(batch.marks).items())  # of each what was said last

    def apply(self, batch: Batch, answer: Answer) -> None:
        """What came in, what became of deliveries, and then what there is to deliver."""
        if batch.incoming:
            self._many("insert_incoming", self._api.incoming(batch.incoming, "", answer))
        if batch.delivered:
            self._many("delete_deliveries", _runs(row[0] for row in batch.delivered))
        for row in batch.refused:
            self._run("bury_delivery", row)
            self._run("delete_delivery", row[:1])
        if batch.unclaimed:
            self._many("unclaim_deliveries", batch.unclaimed)
        if batch.replays:
            self._decisions.replay(batch.replays, answer)
            self.noticed = True
        self._tell_new(batch, answer)
        for account, after, limit in batch.fetches:
            found = sorted(self._run("fetch_deliveries", (account, after, limit)).fetchall())
            answer.fetched.append((account, found, len(found) == limit))

    def _tell_new(self, batch: Batch, answer: Answer) -> None:
        beside = self.noticed or batch.incoming or batch.incoming_mail or batch.sweeps
        if self.has_ends or beside:
            self.noticed = self.has_ends = False
            after = self._cluster.last_delivery() if self._cluster else self._last_delivery
            if beside and self._cluster:
                self._run("keep_deliveries", (after,))
            answer.deliveries = self._run("new_deliveries", (after,)).fetchall()

    # -- age ---------------------------------------------------------------------------------------------

    def sweep(self, sweep: Sweep) -> bool:
        """Deliveries that nobody fetches are dead letters; whether the next sweep has more of them."""
        self._run("purge_seen", (sweep.seen_before_ms,))
        self._run("purge_dead", (sweep.history_before_ms,))
        buried = self._run("bury_old_deliveries", (sweep.delivery_before_ms, sweep.now_ms)).rowcount
        if buried:
            self._run("drop_dead", (sweep.now_ms,))
        if sweep.with_counts or self._still_too_many:
            self._bury_excess(sweep)
        return buried >= OLD_ROWS or self._still_too_many

    def _bury_excess(self, sweep: Sweep) -> None:
        self._still_too_many = False
        for account, waiting in self._run("count_deliveries").fetchall():
            excess = waiting - sweep.deliveries_max
            if excess > 0:
                some = (account, min(excess, EXCESS_ROWS), sweep.now_ms)
                self._run("bury_excess_deliveries", some)
                self._run("drop_dead", (sweep.now_ms,))
                self._still_too_many |= excess > EXCESS_ROWS
