"""A node among others on one store: beats, what it learns by them, leases, and the watch over its own.

Nothing of it exists where the store is SQLite.  The contract with the store's process is `Batch.beats` and
`Answer.view`; `gateway.core.cluster` has what can be said without a clock and without I/O.

A node that knows of no renewal of its lease for LONGEST_MS ends at once, before the others can have taken its
work over: without a goodbye, since whatever it still said or sent could be somebody else's by then. That is
looked at by the clock, before each answer of the store is handed on, and before an SMSC is written to: a
machine that slept sends nothing when it wakes.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gateway.cluster_drain import Drain
from gateway.cluster_shares import Shares
from gateway.connectors import start_connector
from gateway.core.batch import Answer, Batch, Row
from gateway.core.clock import elapsed_ms
from gateway.core.cluster import (
    HEARTBEAT_MS,
    HOUSEKEEPING,
    JOBS,
    LOOK_MS,
    Cluster,
    Lease,
    Peer,
    View,
    asks_lease,
    connector_lease,
)
from gateway.core.errors import StoreReadError
from gateway.core.model import Message
from gateway.core.shared_outlet import SharedOutlet
from gateway.egress.smpp_connector import STANDBY, SmppConnector
from gateway.ops.metrics import program_version

if TYPE_CHECKING:
    from gateway.daemon import Daemon
    from gateway.front.desk import Desk

TICK_S = 0.05
GIVE_UP_MS = 30_000
"""A node that has a connector's lease for so long and cannot bind it leaves it to another one …"""
ABSTAIN_MS = 60_000
"""… for so long."""
UNBIND_S = 1.0
_ACCOUNT = Message._fields.index("account")


def end_process() -> None:
    """Ends this process now: the kernel closes its sockets."""
    os._exit(1)


class ClusterSide:
    """This node, and what it knows of the others."""

    def __init__(self, daemon: Daemon, name: str) -> None:
        self.name = name
        self.cluster = Cluster()
        self.drain = Drain(daemon)
        self.elapsed_ms: Callable[[], int] = elapsed_ms
        """Milliseconds of a clock that goes on while the machine sleeps."""
        self.end: Callable[[], object] = end_process
        self._daemon = daemon
        self._shares = Shares(daemon)
        self._lease = Lease(elapsed_ms())
        self._version = program_version()
        self._under_way: tuple[int, bool] | None = None  # when the beat was sent, whether it renews
        self._looked_ms = self._renewed_ms = -LOOK_MS
        self._seen_ms = 0  # when the store said last what the others are
        self._soon = True
        self._was: tuple[object, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._leaving: set[str] = set()
        """Connectors that are being unbound for another node."""
        self._tried_ms: dict[str, int] = {}
        """Connector → since when its lease is held here and it is not bound."""
        self._abstains_ms: dict[str, int] = {}
        """Connector → until when another node may try to bind it."""
        self._boots: set[int] = set()

    # -- beats -----------------------------------------------------------------------------------------

    async def join(self) -> None:
        """Begins, and waits until this node knows of the others, or cannot know."""
        journal = self._daemon.journal
        self._lease.renewed(self.elapsed_ms())  # nothing was sent before
        self._turn()
        while not self.cluster.peers and not journal.dead:  # noqa: ASYNC110 - for one of two things
            await asyncio.sleep(0.01)

    def say_ended(self, ms_ago: int | None) -> None:
        """An earlier run of this node was connected a moment ago; ms_ago: since when its lease was renewed.

        The server takes seconds to notice that a machine has no power or network any more.
        """
        if ms_ago is not None:
            fix = (
                "nothing, if its machine was lost a moment ago; else two gateways have one name and end each "
                "other: give this one another (node, or run --node)"
            )
            heartbeat_s = round(ms_ago / 1000, 1)
            events = self._daemon.events
            events.say("warning", "earlier_run_ended", node=self.name, heartbeat_s=heartbeat_s, fix=fix)

    def _turn(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(TICK_S, self._turn)
        self.tick()

    def tick(self) -> None:
        """Some twenty times each second: is the lease good, is a beat due."""
        self.watch()
        now_ms = self.elapsed_ms()
        if self._under_way is None and (
            self._soon or now_ms - self._looked_ms >= LOOK_MS or self._signature() != self._was
        ):
            self._beat()

    def _signature(self) -> tuple[object, ...]:
        """What the others should know at once when it changes, as far as that is cheap to tell."""
        daemon = self._daemon
        sessions = sum(len(listener.connections) for listener in daemon.smpp.listeners)
        return (sessions, self.drain.done, *(one.works_here for one in daemon.upstreams.values()))

    def _beat(self) -> None:
        now_ms = self.elapsed_ms()
        renews = now_ms - self._renewed_ms >= HEARTBEAT_MS
        if renews:
            self._renewed_ms = now_ms
        self._looked_ms, self._soon, self._was = now_ms, False, self._signature()
        self._under_way = (now_ms, renews)
        journal = self._daemon.journal
        journal.batch.beats.append((json.dumps(self.state()), int(renews)))
        journal.then(self._beaten)

    def _beaten(self, ok: bool) -> None:
        """The beat is over; one that could not be stored is made up for with the next."""
        if not ok and self._under_way is not None and self._under_way[1]:
            self._renewed_ms = -HEARTBEAT_MS
        self._under_way = None

    def state(self) -> dict[str, Any]:
        """What this node publishes."""
        return {
            "version": self._version,
            **self._shares.state(),
            "wants": sorted(self._wants()),
            "drained": int(self.drain.done),
        }

    def beat_soon(self) -> None:
        """The others have something to say, or should hear something."""
        self._soon = True

    # -- the lease -------------------------------------------------------------------------------------

    def guard(self, batch: Batch, answer: Answer) -> None:
        """The store has answered; before anything of it is handed on."""
        if batch.beats and not answer.error and self._under_way is not None and self._under_way[1]:
            self._lease.renewed(self._under_way[0])
        self.watch()

    def watch(self) -> None:
        """Ends the process when others may have taken over what it does."""
        if self._lease.is_over(self.elapsed_ms()):
            events = self._daemon.events
            age_s = round(self.lease_age_s, 1)
            fix = "see why the database was not reached, or this machine stood still; the node starts anew"
            events.say("error", "lease_lost", node=self.name, age_s=age_s, fix=fix)
            events.flush()
            self.end()

    @property
    def lease_age_s(self) -> float:
        """How long ago the beat was sent that has renewed the lease."""
        return self._lease.age_ms(self.elapsed_ms()) / 1000

    def heartbeat_s(self, peer: Peer) -> float:
        """How long ago a node's lease was renewed, as far as this one knows."""
        return round((peer.renewed_ms_ago + self.elapsed_ms() - self._seen_ms) / 1000, 1)

    def names(self) -> frozenset[str]:
        """What the nodes are called that live."""
        return frozenset(peer.name for peer in self.cluster.peers)

    # -- leases ----------------------------------------------------------------------------------------

    def may(self, lease: str) -> bool:
        """Whether this node does what only one does."""
        return lease in self.cluster.leases and not self.drain.begun

    def _wants(self) -> Iterator[str]:
        daemon, now_ms = self._daemon, self.elapsed_ms()
        for connector in self._single():
            name = connector.config.name
            if connector.state != STANDBY:
                yield connector_lease(name)  # until it is unbound, whatever else is wanted
            elif not self.drain.begun and self._abstains_ms.get(name, now_ms) <= now_ms:
                yield connector_lease(name)
        if not self.drain.begun:
            yield HOUSEKEEPING
            if daemon.http.desk is not None:
                yield JOBS
            yield from map(asks_lease, daemon.services.connectors)

    def _single(self) -> Iterator[SmppConnector]:
        """The connectors that only one node binds."""
        for connector in self._daemon.connectors.values():
            if isinstance(connector, SmppConnector) and connector.config.one_bind_only:
                yield connector

    def _keep_single(self, now_ms: int) -> None:
        if self._daemon.is_stopping:
            return
        for connector in self._single():
            name, is_held = connector.config.name, self._holds(connector)
            # a beat that wanted the lease may come back when this node has just given it up
            abstains = self._abstains_ms.get(name, now_ms) > now_ms
            if is_held and connector.state == STANDBY and not (self.drain.begun or abstains):
                self._tried_ms[name] = now_ms
                self._daemon.events.say("info", "lease_taken", lease=connector_lease(name))
                start_connector(self._daemon, connector)
            elif not is_held and connector.state != STANDBY:
                self._leave(connector)
            elif self._daemon.upstreams[name].bound:
                self._tried_ms[name] = now_ms
            elif is_held and self._is_hopeless(name, now_ms):
                self._abstains_ms[name] = now_ms + ABSTAIN_MS
                self._leave(connector)

    def _leave(self, connector: SmppConnector) -> None:
        """Unbinds it, once; only then is its lease for another node."""
        name = connector.config.name

        async def stand_by() -> None:
            try:
                await connector.stand_by(UNBIND_S)
            finally:
                self._leaving.discard(name)

        if name not in self._leaving:
            self._leaving.add(name)
            self._begin(stand_by())

    def _holds(self, connector: SmppConnector) -> bool:
        return connector_lease(connector.config.name) in self.cluster.leases

    def _is_hopeless(self, name: str, now_ms: int) -> bool:
        """It cannot be bound here, and another node may try."""
        is_old = now_ms - self._tried_ms.setdefault(name, now_ms) >= GIVE_UP_MS
        return is_old and any(not peer.draining for peer in self.cluster.others)

    # -- looks -----------------------------------------------------------------------------------------

    def store_says(self, batch: Batch, answer: Answer) -> None:
        """What a commit tells of the other nodes, before its callbacks run."""
        if answer.view:
            self.look(View(*answer.view))
        if answer.open_counts:
            self._count_open(answer.open_counts)

    def _count_open(self, rows: Iterable[Row]) -> None:
        """How many messages have not ended, of all nodes; with those that are on their way to the store."""
        counts: Counter[str] = Counter(dict(rows))
        for batch in self._daemon.journal.unanswered():
            counts.update(row[_ACCOUNT] for row in batch.accepted)
        self._daemon.set_open_messages(counts)

    def look(self, view: View) -> None:
        """What the store knows of all nodes, and what waits in it for this one."""
        had = self.cluster.leases
        self.cluster.look(view)
        self._seen_ms = self.elapsed_ms()
        if self._shares.look(self.cluster):
            self._soon = True
        self._keep_single(self.elapsed_ms())
        self._gained(self.cluster.leases - had)
        self._take_over(view.taken_over)
        self._find(view.waiting_accounts, view.due_connectors)
        self.drain.want(self.cluster.draining)

    def hint(self, words: Iterable[str]) -> None:
        """What another node has said just now: something waits ("d:ACCOUNT", "q:CONNECTOR"), or changed."""
        upstreams = self._daemon.upstreams
        self._find((word[2:] for word in words if word.startswith("d:")), ())
        for name in (word[2:] for word in words if word.startswith("q:")):
            if name in upstreams:
                upstreams[name].hinted()
        if any(word == "c" for word in words):
            self._soon = True

    def _find(self, accounts: Iterable[str], connectors: Iterable[Row]) -> None:
        daemon = self._daemon
        for name in accounts:
            outlet = daemon.outlets.get(name)
            if isinstance(outlet, SharedOutlet):
                outlet.found()
        for name, due_ms in connectors:
            if name in daemon.upstreams:
                daemon.upstreams[name].queued(due_ms)

    def _gained(self, leases: Iterable[str]) -> None:
        daemon = self._daemon
        if HOUSEKEEPING in leases:
            daemon.sweep_soon()
        if JOBS in leases and daemon.http.desk is not None:
            self._begin(self._know_jobs(daemon.http.desk))

    async def _know_jobs(self, desk: Desk) -> None:
        """Which mailing lists are due."""
        from gateway.front import job_records  # few have mailing lists

        try:
            await job_records.load(desk)
        except StoreReadError:
            self.cluster.leases -= {JOBS}  # the next look has it again, and so does this

    def _take_over(self, rows: Iterable[Row]) -> None:
        daemon = self._daemon
        for name, segments in rows:
            see = "smsc-gateway queue ambiguous" if segments else "-"
            daemon.events.say("warning", "taken_over", node=name, ambiguous=segments, see=see)
        boots = {peer.boot for peer in self.cluster.peers}
        if rows:
            for service in daemon.services.connectors.values():
                service.ask_for_open_sends()
        if self._boots - boots:  # it has left letters and calls
            if daemon.mail is not None and daemon.mail.postman is not None:
                daemon.mail.postman.wake()
            if daemon.http.desk is not None:
                daemon.http.caller.wake()
        self._boots = boots

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name="cluster")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._daemon.task_ended)

    def stop(self) -> None:
        """The gateway ends."""
        if self._handle is not None:
            self._handle.cancel()
        self.drain.stop()
        for task in self._tasks:
            task.cancel()
