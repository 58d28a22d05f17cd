"""The composition root: builds the gateway from its configuration, starts it, reloads it, stops it.

Start: store, accounts and routes, control socket, connectors, listeners; READY is told last.  Stop is the
reverse: nothing new is taken, what is under way upstream is finished and committed, everybody is unbound.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from gateway.admin import all_handlers, record_of
from gateway.config.files import prints_of
from gateway.config.model import Config
from gateway.config.model import Connector as ConnectorConfig
from gateway.config.model import SmppListener as ListenerConfig
from gateway.config.smsc_model import SmscConnector as ServiceConfig
from gateway.core.accounts import Account
from gateway.core.admission import Admission
from gateway.core.batch import Answer, Batch, Row, not_kept
from gateway.core.blacklist import Blacklists
from gateway.core.clock import Clock
from gateway.core.cluster import DRAINED, asks_lease
from gateway.core.conditions import NOTHING_LATE, refused_late
from gateway.core.downstream import Outlet
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.histogram import LONG_SECONDS, Histogram
from gateway.core.incoming import Incoming
from gateway.core.logins import Logins
from gateway.core.message_ids import MessageIds, moment_of_id
from gateway.core.model import Delivery
from gateway.core.pauses import Pause
from gateway.core.receipts import ReceiptBook, results
from gateway.core.router import Router
from gateway.core.routing import RouteTable
from gateway.core.shared_outlet import SharedOutlet
from gateway.core.steady_clock import SteadyClock
from gateway.core.submission import Submission
from gateway.core.taps import Tapped
from gateway.core.upstream import Upstream
from gateway.dead_alarm import DeadAlarm
from gateway.egress.smpp_connector import STANDBY, SmppConnector
from gateway.housekeeping import Housekeeping, say_clock
from gateway.http_side import HttpSide
from gateway.ingress.smpp_listener import SmppListener
from gateway.ingress.smpp_outbind import OutbindCaller
from gateway.kinds import Connector, Startable
from gateway.money_side import MoneySide
from gateway.ops import sd_notify, state_dir
from gateway.ops.activation import Inherited
from gateway.ops.control import SOCKET_NAME, ControlSocket
from gateway.ops.faults import Faults
from gateway.ops.listening import path_too_long, why_not_listening
from gateway.ops.trace import Tracing
from gateway.reloading import Loaded, ReloadError, Reloading
from gateway.service_side import ServiceSide
from gateway.store.journal import Journal
from gateway.store.reading import reads_of
from gateway.sub_accounts import SubAccounts
from gateway.translate.vendor_tlvs import VendorTlvs
from gateway.web_side import WebSide
from gateway.wiring import all_connectors, apply_rules
from protocols.smpp.constants import ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
from protocols.sms.receipts import FORMS

if TYPE_CHECKING:
    from gateway.cluster_changes import ClusterChanges
    from gateway.cluster_side import ClusterSide
    from gateway.mail_side import MailSide

STOP_TIMEOUT_S = 7.0
UNBIND_TIMEOUT_S = 1.0
STOPPED = "the gateway was stopped"
NOTHING: frozenset[int] = frozenset()
_ESM_CLASS, _ACCEPTED_MS, _DONE_MS = map(Delivery._fields.index, ("esm_class", "accepted_ms", "done_ms"))
_RECEIPT = ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
"""The esm_class of a final receipt; notices have others."""


class DaemonError(Exception):
    """The gateway cannot start or go on; the text says what to do."""


class Daemon:
    """A running gateway."""

    def __init__(
        self,
        config: Config,
        state_dir: Path,
        events: Events,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        inherited: Inherited | None = None,
        node: str = "",
    ) -> None:
        self.config = config
        self.node = node or config.node or socket.gethostname()
        """What this node is called, if it shares its store with others."""
        self.store_url = config.store.reveal() if config.store else ""
        """Of PostgreSQL; "": SQLite. Another one, like another name, needs a restart."""
        self.store_address = str(config.store or "SQLite")
        """The same for people, without a password."""
        self.config_file: Path | None = None
        """Where it came from, and comes from again at a reload."""
        self.state_dir = state_dir
        self.events = events
        self.clock = clock or SteadyClock()
        self.random = random or Random()  # noqa: S311 - it spreads retries
        self.inherited = inherited or Inherited()
        """Sockets that were opened for us."""
        self.reads = reads_of(state_dir, self.store_url)
        """The store, for whoever asks what is in it."""
        self.started = self.clock.now()
        self.accounts: dict[str, Account] = {}
        self.outlets: dict[str, Outlet] = {}
        self.upstreams: dict[str, Upstream] = {}
        self.receipts: dict[str, ReceiptBook] = {}
        self.incoming = Incoming(events)
        self.admission: Admission
        self.connectors: dict[str, Connector] = {}
        self.pauses: dict[str, Pause] = {}
        """The connectors by which a person lets nothing go up."""
        self.listeners: list[SmppListener] = []
        self.mail: MailSide | None = None
        self.services: ServiceSide
        self.money: MoneySide
        self.http: HttpSide
        self.web = WebSide(self)
        self.cluster: ClusterSide | None = None
        """The other nodes; None: the store is this gateway's own."""
        self.changes: ClusterChanges | None = None
        """Hears what other nodes change."""
        self.is_ready = self.is_stopping = False
        self.boot = 0
        self.journal: Journal
        self.submission: Submission
        self._control: ControlSocket
        self._housekeeping: Housekeeping
        self._open_of_others: dict[str, int] = {}
        """Open messages of accounts that are not configured, for the day when they are again."""
        self.reloading = Reloading(self)
        self.sub_accounts = SubAccounts(self)
        self.faults = Faults(events, self.clock)
        self.dead_alarm = DeadAlarm(self)
        self.loop_lag = Histogram()
        """How late the timer of `Housekeeping` is."""
        self.end_s = Histogram(LONG_SECONDS)
        """From accepting a message to its final receipt."""
        self.logins = Logins(self.clock)
        self.tracing = Tracing(self.clock, self._smpp_sessions)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # -- start -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts everything; DaemonError, StoreError or OSError when that fails."""
        self._make_state_dir()
        delay_s = self.config.queue.commit_delay_ms / 1000
        where = {"url": self.store_url, "node": self.node}
        self.journal = Journal(self.state_dir, self._on_answer, self.fail, delay_s=delay_s, **where)
        self.journal.on_wait = self._say_store_waits
        opening = await self.journal.open()
        self.boot = opening.boot
        self._housekeeping = Housekeeping(self)
        if opening.node:
            from gateway.cluster_side import ClusterSide  # a gateway that is alone has no use for it

            self.cluster = ClusterSide(self, self.node)
            self.journal.guard = self.cluster.guard
            self.journal.on_hint = self.cluster.hint
            self.cluster.say_ended(opening.ended_ms_ago)
        self._start_clock(opening.newest_message_id)
        self.config = self.sub_accounts.opened(self.config)
        now = self.clock.now()
        queue = self.config.queue
        self.submission = Submission(
            self.journal,
            MessageIds(opening.newest_message_id, opening.node),
            Router(RouteTable(()), self.upstreams),
            self.events,
            max_messages=queue.max_messages,
            default_validity_ms=queue.default_validity_h * 3_600_000,
        )
        self.submission.open_messages = sum(opening.open_messages.values())
        self._open_of_others = dict(opening.open_messages)
        self.submission.shared = bool(opening.node)
        if opening.node:
            from gateway.cluster_changes import ClusterChanges  # nobody else changes a store of one's own

            self.changes = ClusterChanges(self)
        self.money = MoneySide(self, opening)
        self.money.configure(self.config)
        self.http = HttpSide(self, opening)
        for account in self.config.accounts:
            self.add_account(account.system_id, self.config, now)
        self.sub_accounts.share_rates()
        self.admission = Admission(self.clock, Blacklists(opening.blacklist), opening.day_counts)
        self.admission.configure(self.accounts, self.submission.default_validity_ms)
        self.incoming.blacklists = self.admission.blacklists
        self.incoming.configure(self.config.incoming, self.config.mail, self.config.accounts)
        waiting = {name for name, *_ in opening.queued}
        self.pauses = {name: Pause(since_ms, who) for name, since_ms, who in opening.pauses}
        self.services = ServiceSide(self, opening.marks)
        for connector in all_connectors(self.config):
            self.add_connector(connector)
            if connector.name not in waiting:
                self.upstreams[connector.name].queue.nothing_waits()
        self.forget_pauses()
        apply_rules(self.config, self.submission)
        if self.cluster is not None:
            await self.cluster.join()
        self._say_what_was_found(opening.queued, opening.in_doubt)
        self.sub_accounts.say_what_rests()
        await self.http.load(self.config)
        self._control = ControlSocket(self.state_dir, all_handlers(self), record_of(self))
        await self._control.start()
        for listener in self.config.listeners.smpp:
            await self._add_listener(listener)
        self._add_sessions(OutbindCaller(**self._sessions_need()))
        await self.services.start(self.config)
        if self.config.mail is not None:
            from gateway.mail_side import MailSide  # three megabytes that gateways without mail do not need

            self.mail = MailSide(self, self.config.mail)
            await self.mail.start(self.config)
        await self.http.start(self.config)
        await self.web.begin(self.config)
        for name, at in self.inherited.close_unused():
            fix = "configure a listener with this very address, or disable the socket unit"
            self.events.say("error", "socket_unused", socket=name, address=at, fix=fix)
        self._housekeeping.start()
        self.is_ready = True
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        sd_notify.notify("READY=1", f"STATUS=boot {self.boot}")
        self.events.say("info", "ready", boot=self.boot, pid=os.getpid())
        self.events.flush()

    def _say_store_waits(self, reason: str) -> None:
        """The server of the store is not reached; the start waits a minute for it."""
        fix = "see that PostgreSQL runs there and can be reached from here; this start tries for a minute"
        self.events.say("warning", "store_not_reached", server=self.store_address, reason=reason, fix=fix)

    def _start_clock(self, newest_message_id: int) -> None:
        """Whether the machine's clock can be right, by what is stored."""
        if isinstance(self.clock, SteadyClock) and newest_message_id:
            step = self.clock.begin(moment_of_id(newest_message_id))
            if step is not None:
                say_clock(self.events, step)

    def _make_state_dir(self) -> None:
        if problem := path_too_long(self.state_dir / SOCKET_NAME):
            raise DaemonError(problem)
        try:
            open_to = state_dir.make(self.state_dir)
        except state_dir.EverybodyWritesError as error:
            raise DaemonError(str(error)) from error
        except OSError as error:
            raise DaemonError(
                f"the state directory {self.state_dir} cannot be made: {error.strerror} – "
                "give another --state-dir, or make it yourself for this user"
            ) from error
        if open_to:
            fix = f"chmod 0700 {self.state_dir}"
            self.events.say("warning", "state_dir_open", mode=open_to, fix=fix)

    def forget_pauses(self) -> None:
        """Of connectors that are no longer configured: one of such a name that comes later is another one.

        Not where nodes share a store: what one of them does not configure, another one may.
        """
        if self.cluster is not None:
            return
        for name in set(self.pauses) - set(self.connectors):
            del self.pauses[name]
            self.journal.batch.pauses.append((name, 0, ""))
            self.journal.wake()

    def _say_what_was_found(self, queued: Iterable[tuple[str, int, int]], in_doubt: int) -> None:
        for connector, count, _ in queued:
            known = connector in self.upstreams
            self.events.say("info" if known else "error", "queue_found", connector=connector, messages=count)
            if not known:
                self.hand_over(connector)
                self.events.say(
                    "error", "queue_stuck", connector=connector, fix="configure this connector again"
                )
        if in_doubt:
            self.events.say(
                "warning", "ambiguous_found", segments=in_doubt, see="smsc-gateway queue ambiguous"
            )

    def add_account(self, name: str, config: Config, now: float) -> None:
        """What an account needs while the gateway runs; it is in this configuration."""
        section = next(account for account in config.accounts if account.system_id == name)
        self.accounts[name] = Account(section, now, self._open_of_others.pop(name, 0))
        if name not in self.outlets:  # an account that comes back may still have sessions that go
            kind = Outlet if self.cluster is None else SharedOutlet
            outlet = self.outlets[name] = kind(
                name, journal=self.journal, events=self.events, clock=self.clock, random=self.random
            )
            if self.cluster is not None and isinstance(outlet, SharedOutlet):
                outlet.guard = self.cluster.watch

    def add_connector(self, config: ConnectorConfig | ServiceConfig) -> None:
        """Starts a connector, unless this node is drained; OSError when a file of its TLS section cannot be
        read."""
        is_service = isinstance(config, ServiceConfig)
        upstream = Upstream(
            config.name,
            window=config.max_requests * config.list_max
            if isinstance(config, ServiceConfig)
            else config.window,
            rate=config.rate,
            whole=isinstance(config, ServiceConfig) or config.long_messages == "payload",
            service=is_service,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=self.random,
        )
        upstream.all = self.upstreams
        if self.cluster is not None:
            upstream.flow.part = 0  # until it is known what the others use
        if (pause := self.pauses.get(config.name)) is not None:
            upstream.pause(pause)
        if self.is_drained:
            upstream.hold(DRAINED)
        if config.incoming_account:
            upstream.on_alert = self.outlets[config.incoming_account].alert
        self.upstreams[config.name] = upstream
        # the ids that a service names are ours, as we gave them
        forms = FORMS[:1] if is_service else FORMS
        receipts = ReceiptBook(config.name, self.journal, self.events, forms=forms)
        self.receipts[config.name] = receipts
        connector: Connector
        if isinstance(config, ServiceConfig):
            connector = self.services.connector(config, upstream, receipts)
            if self.cluster is not None:
                connector.client.guard = self.cluster.watch
                connector.watcher.is_ours = partial(self.may, asks_lease(config.name))
        else:
            connector = SmppConnector(
                config,
                upstream=upstream,
                receipts=receipts,
                incoming=self.incoming,
                journal=self.journal,
                events=self.events,
                clock=self.clock,
                random=self.random,
            )
            connector.taps = self.tracing.taps
            if self.cluster is not None:
                connector.guard = self.cluster.watch
                if config.one_bind_only or self.is_drained:  # the next look says whether it binds here
                    connector.state = STANDBY
                    self.cluster.beat_soon()
        self.connectors[config.name] = connector
        if connector.state != STANDBY:
            self.start_connector(connector)

    def start_connector(self, connector: Connector) -> None:
        """Lets it bind, and notices when it dies."""
        for task in connector.start():
            task.add_done_callback(self.task_ended)

    def watch(self) -> None:
        """Does not return if this process must not say anything to anybody any more."""
        if self.cluster is not None:
            self.cluster.watch()

    @property
    def is_drained(self) -> bool:
        """Whether this node is out of service, or on the way there, and others do its work."""
        return self.cluster is not None and self.cluster.drain.begun

    def may(self, lease: str) -> bool:
        """Whether this node does what only one of all nodes does."""
        return self.cluster is None or self.cluster.may(lease)

    def sweep_soon(self) -> None:
        """Something may be old or over."""
        self._housekeeping.sweep_soon()

    async def _add_listener(self, config: ListenerConfig) -> None:
        listener = SmppListener(config, **self._sessions_need())
        await self.start_listener(listener, "smpp", str(config.address))
        self._add_sessions(listener)

    def _add_sessions(self, listener: SmppListener) -> None:
        listener.vendor_tlvs = VendorTlvs(self.config.vendor_tlvs)
        listener.taps = self.tracing.taps
        self.listeners.append(listener)

    def _smpp_sessions(self) -> Iterator[Tapped]:
        for listener in self.listeners:
            yield from listener.connections
        for connector in self.connectors.values():
            if isinstance(connector, SmppConnector):
                yield from connector.connections

    def _sessions_need(self) -> dict[str, Any]:
        return {
            "accounts": self.accounts,
            "outlets": self.outlets,
            "submission": self.submission,
            "journal": self.journal,
            "events": self.events,
            "clock": self.clock,
            "logins": self.logins,
        }

    async def start_listener(self, listener: Startable, protocol: str, address: str) -> None:
        """Starts a listener and says so; DaemonError when it cannot have its address."""
        try:
            await listener.start(self.inherited.take)
        except OSError as error:
            raise DaemonError(f"cannot listen on {address}: {why_not_listening(error)}") from error
        self.events.say("info", "listening", protocol=protocol, address=address)

    # -- the store's answers ---------------------------------------------------------------------------

    def _on_answer(self, batch: Batch, answer: Answer) -> None:
        """Hands what followed from a commit to whom it concerns."""
        again = answer.repeated or answer.keys_known
        self.submission.not_kept = not_kept(batch, answer) if again else NOTHING
        late = refused_late(answer.refused_late) if answer.refused_late else NOTHING_LATE
        self.submission.refused_late = late
        if self.mail is not None:
            self.mail.store_says(batch, answer)
        self.http.store_says(batch, answer, self.submission.not_kept.union(late))
        if answer.open_sends or answer.unfinished:
            self.services.store_says(answer)
        if self.changes is not None and answer.changes:
            self.changes.heard(answer.changes)
        if answer.refunds or answer.unfinished or answer.balances:
            self.money.store_says(batch, answer)
        if batch.receipts:
            results(self.receipts, batch.receipts, answer.results)
        for account, number in answer.stopped:
            self.incoming.stop_words.stopped(account, number)
        for message_id, *receipt in answer.unparked:
            if receipt[0] in self.receipts:
                self.receipts[receipt[0]].found_later(tuple(receipt), message_id)
        for account, count in answer.ended:
            self.submission.ended(self.accounts.get(account), count)
            if account in self._open_of_others:
                self._open_of_others[account] -= count
        now_ms = self.clock.now_ms()
        for message_id, state in answer.expired:
            self.events.ended(message_id, state, "time is over", now_ms)
        if self.cluster is not None:
            self.cluster.store_says(batch, answer)
        for connector, more in answer.moved:
            if connector in self.upstreams:
                self.upstreams[connector].moved(more=more)
            elif more:
                self.hand_over(connector)
        if answer.sweep_again:
            self._housekeeping.sweep_soon()
        for connector, due_ms in answer.queued:
            if connector in self.upstreams:
                self.upstreams[connector].queued(due_ms)
            else:
                self.hand_over(connector)  # a reload took it away while this was under way
        for connector, rows, next_due_ms in answer.claimed:
            if connector in self.upstreams:
                self.upstreams[connector].claimed(rows, next_due_ms)
            else:
                self._put_back(connector, rows, now_ms)
        if answer.counts:
            # After the batch's callbacks, which take back what this node has counted of the same.
            asyncio.get_running_loop().call_soon(self.admission.counted_elsewhere, answer.counts)
        if answer.fetched or answer.deliveries:
            # After the batch's callbacks: clients hear of a message's id before they hear of its end.
            asyncio.get_running_loop().call_soon(self._bring_down, answer)

    def _bring_down(self, answer: Answer) -> None:
        for account, rows, more in answer.fetched:
            if account in self.outlets:
                self.outlets[account].fetched(rows, more)
        self._offer(answer.deliveries)

    def _offer(self, rows: list[Row]) -> None:
        outlets = self.outlets
        touched = set()
        for row in rows:
            delivery = Delivery._make(row)
            outlet = outlets.get(delivery.account)
            if outlet is not None:
                outlet.offer(delivery)
                touched.add(outlet)
        for outlet in touched:
            outlet.pump()
        # how long ago they were accepted when they ended
        taken = [(row[_ACCEPTED_MS] - row[_DONE_MS]) / 1000 for row in rows if row[_ESM_CLASS] == _RECEIPT]
        self.end_s.observe_since(taken, 0.0)

    def processes(self) -> Iterator[tuple[str, int]]:
        """Each of our processes: what it does, its number."""
        yield "gateway", os.getpid()
        yield "store", self.journal.pid
        if self.mail is not None and self.mail.reader.pid is not None:
            yield "mail", self.mail.reader.pid
        if self.web.pid:
            yield "web", self.web.pid

    # -- the end ---------------------------------------------------------------------------------------

    def fail(self, reason: str) -> None:
        """Something that the gateway cannot be without is gone."""
        if not self._over.done():
            self.events.say("error", "failed", reason=reason)
            self._over.set_result(reason)

    def request_stop(self) -> None:
        """Ends `wait` in good order."""
        if not self._over.done():
            self._over.set_result("")

    async def wait(self) -> str:
        """Waits for the end; the reason, empty when it was asked for."""
        return await self._over

    def task_ended(self, task: asyncio.Task[None]) -> None:
        """A task that runs for as long as the gateway does has ended."""
        if not task.cancelled() and task.exception() is not None:
            self.faults.note(task.exception(), task.get_name())
            self.fail(f"{task.get_name()} died: {type(task.exception()).__name__}, see the fault before")

    async def stop(self) -> None:
        """Takes nothing new, finishes what is under way, unbinds everybody, closes the store."""
        self.is_stopping = True
        sd_notify.notify("STOPPING=1")
        self.events.say("info", "stopping")
        self.submission.closed_because = Refusal.STOPPING
        for listener in self.listeners:
            listener.stop_listening()
        if self.mail is not None:
            self.mail.stop_listening()
        self.services.stop_listening()
        self.http.stop_listening()
        for upstream in self.upstreams.values():
            upstream.hold(STOPPED)
        async with self.reloading.lock:  # a reload that is under way may add connectors
            await self.web.stop()
            await self._stop()

    async def _stop(self) -> None:
        for upstream in self.upstreams.values():
            upstream.hold(STOPPED)
        await self.until(
            lambda: self.journal.dead or not any(u.in_flight for u in self.upstreams.values()), STOP_TIMEOUT_S
        )
        await asyncio.gather(*(connector.stop(UNBIND_TIMEOUT_S) for connector in self.connectors.values()))
        await self._unbind_clients()
        if self.changes is not None:
            await self.changes.stop()
        await self.services.stop()
        await self.http.stop()
        if self.mail is not None:
            await self.mail.stop()
        self._housekeeping.stop()
        await self.dead_alarm.stop()
        await self._control.stop()
        if self.cluster is not None:
            self.cluster.stop()
        await self.journal.close()
        self.reads.close()
        self.logins.close()
        self.events.say("info", "stopped")
        self.events.flush()

    async def until(self, is_done: Callable[[], bool], timeout_s: float) -> None:
        """Looks until something is so, or the time is over."""
        deadline = self.clock.now() + timeout_s
        while not is_done() and self.clock.now() < deadline:  # noqa: ASYNC110 - it waits for many things at once
            await asyncio.sleep(0.02)

    async def _unbind_clients(self) -> None:
        connections = [connection for listener in self.listeners for connection in listener.connections]
        for connection in connections:
            connection.unbind()
        await self.until(lambda: all(connection.gone for connection in connections), UNBIND_TIMEOUT_S)
        for connection in connections:
            if not connection.gone:
                connection.close()

    # -- reload ----------------------------------------------------------------------------------------

    async def reload(self, config: Config) -> None:
        """Takes over a checked configuration, touching only what changed; see `gateway.reloading`."""
        with contextlib.suppress(ReloadError):  # the gateway is stopping
            await self.reloading.take_over(Loaded(config, prints_of(config)))

    def set_open_messages(self, counts: dict[str, int]) -> None:
        """How many messages each account has open at all nodes; who is not named has none."""
        self.submission.open_messages = sum(counts.values())
        for name, account in self.accounts.items():
            account.open_messages = counts.get(name, 0)
        self._open_of_others = {name: n for name, n in counts.items() if name not in self.accounts}

    def forget_account(self, name: str) -> None:
        """An account is no longer configured; its open messages are still counted."""
        self._open_of_others[name] = self.accounts.pop(name).open_messages

    async def stop_connector(self, name: str) -> None:
        """Sends nothing more by a connector, waits for its answers, and ends its links."""
        upstream = self.upstreams[name]
        upstream.hold("a reload ended this link")
        await self.until(lambda: self.journal.dead or not upstream.in_flight, STOP_TIMEOUT_S)
        await self.connectors.pop(name).stop(UNBIND_TIMEOUT_S)
        self.services.drop(name)

    def hand_over(self, name: str) -> None:
        """What waits for a connector that is not configured goes by the others of its routes."""
        self.journal.batch.moves.extend((name, other, 0) for other in self.upstreams)
        self.journal.wake()

    def _put_back(self, name: str, rows: Iterable[tuple[Row, Iterable[int]]], now_ms: int) -> None:
        """What was claimed for a connector that is no longer configured was not sent."""
        for fields, segments in rows:
            self.journal.batch.postponed.extend((fields[0], n, name, 0, 0, now_ms, "") for n in segments)
        self.journal.wake()
