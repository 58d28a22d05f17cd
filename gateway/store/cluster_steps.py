"""What nodes on one store know of each other: runs and their leases, who takes over from whom, what each has
in memory.  Only where the database is shared; see `gateway.core.cluster` for the gateway's end.

A run (a row of `boot`) is a fencing token: each batch begins with `next_batch`, which changes the run's row
if no other node has ended the run.  So a batch of an ended run changes nothing, and a run cannot be ended in
the middle of one.  Times of leases are the database's.
"""

from __future__ import annotations

import json
import time
from typing import Any

from gateway.core.batch import Answer, Batch, Row
from gateway.store.database import Database, Found
from gateway.store.shared_steps import told
from gateway.store.sqlite_open import StoreError

NODES_MAX = 63
"""As many as a message's id has room for; 0 is a store without nodes."""

_STORED, _FENCED = "SG001", "SG002"
"""Errors of next_batch()."""
DAY_MS = 86_400_000
DAYS_AHEAD = 2
"""So many days without a sweep find a table of their own all the same."""


class FencedError(Exception):
    """Another node has ended this run and taken its work over."""


class StoredError(Exception):
    """The batch is stored already: its commit came through after somebody had looked whether it did."""


class ClusterSteps:
    """Part of the Applier; which of the runs that are over is taken over, and how, is the Applier's."""

    def __init__(self, db: Database, name: str, now_ms: int) -> None:
        self._db = db
        self._run = db.run
        self._many = db.many
        self.name = name
        self.batch_no = 0
        """Of the last batch that is known to be committed."""
        self.ended_ms_ago: int | None = None
        """An earlier run of this node was alive, and was ended: how long ago it had renewed its lease."""
        self.words: list[str] = []
        """Hints for other nodes: "d:ACCOUNT", deliveries wait; "q:CONNECTOR", messages do; "c", changes."""
        self._receivers: dict[str, None] = {}
        self._state: dict[str, Any] = {}
        self._last_delivery = 0
        self._waiting: Found | None = None
        self.node, self.boot = self._register(now_ms)
        self.restore()

    def _register(self, now_ms: int) -> tuple[int, int]:
        """The node's number, and this run."""
        self._db.begin()
        self._run("lock_nodes")
        found = (
            self._run("find_node", (self.name,)).fetchone()
            or self._run("insert_node", (self.name,)).fetchone()
        )
        if found is None:
            self._db.rollback()
            raise StoreError(
                f"{NODES_MAX} nodes have run on this database, and {self.name!r} is another one: give this "
                "one the name of a node that is no more (`node`)"
            )
        boot = self._run("start_run", (now_ms, found[0])).fetchone()[0]
        self._db.commit()
        return found[0], boot

    def restore(self) -> None:
        """Tells a connection that is new who it works for, and who receives here."""
        self._run("set_me", (self.boot, self.node))
        self._run("show_alive", (self.boot,))
        for account in self._receivers:
            self._run("add_receiver", (account,))

    def opened(self) -> None:
        """The others may take over from now on, when nothing is heard of this run."""
        self._run("opened_run", (self.boot,))

    # -- batches -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The first statement of each transaction, which fails where nothing may be changed: see `check`.

        While an earlier connection is still committing the same batch, it waits for the end of that.
        """
        self._waiting = None
        self._begun: Found | None = self._run("next_batch", (self.boot, self.batch_no + 1))

    @staticmethod
    def check(error: BaseException) -> None:
        """What a failed batch means, where that is known; raises FencedError, StoredError."""
        state = getattr(error, "sqlstate", None)
        if state == _FENCED:
            raise FencedError from error
        if state == _STORED:
            raise StoredError from error

    def last_delivery(self) -> int:
        """The newest delivery_id that was given before this transaction."""
        if self._begun is not None:
            self._last_delivery, self._begun = int(self._begun.fetchone()[0]), None
        return self._last_delivery

    def was_committed(self) -> bool:
        """Whether the batch whose commit was not answered is stored; FencedError as above."""
        self._waiting = None  # what it has asked went with the connection
        batch_no, fenced = self._run("find_run", (self.boot,)).fetchone()
        if fenced:
            raise FencedError
        return bool(batch_no > self.batch_no)

    # -- deliveries --------------------------------------------------------------------------------------

    def receive(self, batch: Batch) -> None:
        """Batch.receivers: whose deliveries this run has in memory."""
        for account, receives in batch.receivers:
            if receives:
                self._receivers[account] = None
                self._run("add_receiver", (account,))
            else:
                self._receivers.pop(account, None)
                self._run("drop_receiver", (account,))
                self._run("free_deliveries_of", (account, self.boot))

    # -- beats -------------------------------------------------------------------------------------------

    def beat(self, rows: list[Row]) -> None:
        """Stores what this run is."""
        text = rows[-1][0]
        self._state = json.loads(text)
        self._run("beat", (self.boot, text, int(any(renew for _, renew in rows))))

    def take_leases(self) -> None:
        """Those that it wants and nobody has; it leaves what it wants no longer."""
        wants = json.dumps(self._state.get("wants", []))
        self._run("leave_leases", (self.boot, wants))
        self._run("take_leases", (self.boot, wants))

    def lost_runs(self) -> list[Row]:
        """Ends runs whose leases are over: boot, name of the node; all that they had is to be set free."""
        return self._run("end_lost_runs", (self.boot,)).fetchall()

    def older_runs(self) -> list[Row]:
        """The same of earlier runs of this node, which may still be alive: see `ended_ms_ago`."""
        rows = self._run("end_older_runs", (self.node, self.boot)).fetchall()
        self.ended_ms_ago = min((row[2] for row in rows if row[2] is not None), default=None)
        return [row[:2] for row in rows]

    def free(self, boot: int) -> None:
        """What a run had that nobody needs to know more of."""
        self._run("requeue_unassigned", (boot,))
        self._run("free_deliveries", (boot,))
        self._run("free_letters", (boot,))
        self._run("free_calls", (boot,))
        self._run("free_leases", (boot,))

    def view(self, taken_over: list[Row]) -> Row:
        """The fields of gateway.core.cluster.View."""
        usable = [name for name, is_usable in self._state.get("connectors", {}).items() if is_usable]
        due = [row for row in self._run("list_due", (json.dumps(usable),)).fetchall() if row[1] is not None]
        waiting = [row[0] for row in self._run("list_waiting_accounts")]
        nodes = [(*row[:-1], tuple(row[-1])) for row in self._run("list_nodes").fetchall()]
        ours = next((row for row in nodes if row[0] == self.boot), None)
        leases = list(ours[-1]) if ours else []
        draining = ours[4] if ours else 0
        return (self.boot, self.node, nodes, leases, taken_over, waiting, due, draining)

    def drain(self, rows: list[Row], answer: Answer) -> None:
        """See Batch.drains."""
        for row in rows:
            answer.drained.append(int(self._run("set_draining", row).rowcount > 0))

    def unparked(self) -> list[Row]:
        """Receipts of the last minute that have a response by now."""
        return self._run("unpark_late", (self.now_ms(),)).fetchall()

    @staticmethod
    def now_ms() -> int:
        """By this machine's clock, as the times of receipts are."""
        return time.time_ns() // 1_000_000

    # -- days --------------------------------------------------------------------------------------------

    def make_days(self, now_ms: int) -> None:
        """Tables for the history of today and of the days that come next."""
        today = now_ms // DAY_MS
        self._run("make_history_days", (today, today + DAYS_AHEAD))

    # -- hints -------------------------------------------------------------------------------------------

    def hint(self, batch: Batch, answer: Answer) -> None:
        """Notes in `words` what other nodes may want to look at once this is committed; they would find it
        by their next beat anyway, so nothing is asked for while there are words that wait."""
        if self.words:
            return
        words = self.words
        if answer.ended or batch.incoming or batch.incoming_mail or batch.replays:
            self._waiting = self._run("list_new_waiting", (self.last_delivery(),))
        usable = self._state.get("connectors", {})
        queued = {row[0] for row in answer.queued}
        words += [f"q:{name}" for name in queued if not usable.get(name)]
        if any(told(batch, answer).values()):
            words.append("c")

    def committed(self) -> None:
        """The batch is durable."""
        self.batch_no += 1
        if self._waiting is not None:
            self.words += [f"d:{row[0]}" for row in self._waiting.fetchall()]
            self._waiting = None
