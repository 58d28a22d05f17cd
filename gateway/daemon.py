"""The composition root: builds the gateway from its configuration, starts it, reloads it, stops it.

Start: store, accounts, connectors and routes, control socket, listeners; READY is told last.  Stop is the
reverse: nothing new is taken, what is under way upstream is finished and committed, everybody is unbound.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from gateway.admin import all_handlers, record_of
from gateway.config.files import prints_of
from gateway.config.model import Config
from gateway.connectors import add_connector, forget_pauses
from gateway.core.accounts import Account
from gateway.core.admission import Admission
from gateway.core.blacklist import Blacklists
from gateway.core.clock import Clock
from gateway.core.downstream import Outlet
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.histogram import LONG_SECONDS, Histogram
from gateway.core.incoming import Incoming
from gateway.core.logins import Logins
from gateway.core.message_ids import MessageIds
from gateway.core.pauses import Pause
from gateway.core.receipts import ReceiptBook
from gateway.core.router import Router
from gateway.core.routing import RouteTable
from gateway.core.shared_outlet import SharedOutlet
from gateway.core.steady_clock import SteadyClock
from gateway.core.submission import Submission
from gateway.core.upstream import Upstream
from gateway.dead_alarm import DeadAlarm
from gateway.housekeeping import Housekeeping
from gateway.http_side import HttpSide
from gateway.kinds import STOP_TIMEOUT_S, UNBIND_TIMEOUT_S, Connector, DaemonError, Startable
from gateway.money_side import MoneySide
from gateway.ops import sd_notify
from gateway.ops.activation import Inherited
from gateway.ops.control import ControlSocket
from gateway.ops.faults import Faults
from gateway.ops.listening import why_not_listening
from gateway.ops.trace import Tracing
from gateway.reloading import Loaded, ReloadError, Reloading
from gateway.service_side import ServiceSide
from gateway.smpp_side import SmppSide
from gateway.startup import (
    begin_clock,
    close_unused,
    make_state_dir,
    say_store_waits,
    say_what_was_found,
    settle_memory,
)
from gateway.store.journal import Journal, Opening
from gateway.store.reading import reads_of
from gateway.store_answers import hand_out
from gateway.sub_accounts import SubAccounts
from gateway.web_side import WebSide
from gateway.wiring import all_connectors, apply_rules

if TYPE_CHECKING:
    from gateway.cluster_changes import ClusterChanges
    from gateway.cluster_side import ClusterSide
    from gateway.mail_side import MailSide

STOPPED = "the gateway was stopped"


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
        self.smpp = SmppSide(self)
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
        self.open_of_others: dict[str, int] = {}
        """Open messages of accounts that are not configured, for the day when they are again."""
        self._on_answer = partial(hand_out, self)
        self.reloading = Reloading(self)
        self.sub_accounts = SubAccounts(self)
        self.faults = Faults(events, self.clock)
        self.dead_alarm = DeadAlarm(self)
        self.loop_lag = Histogram()
        """How late the timer of `Housekeeping` is."""
        self.end_s = Histogram(LONG_SECONDS)
        """From accepting a message to its final receipt."""
        self.logins = Logins(self.clock)
        self.tracing = Tracing(self.clock, self.smpp.sessions)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # -- start -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts everything; DaemonError, StoreError or OSError when that fails."""
        make_state_dir(self.state_dir, self.events)
        opening = await self._open_store()
        self._meet_other_nodes(opening)
        begin_clock(self.clock, opening.newest_message_id, self.events)
        self.config = self.sub_accounts.opened(self.config)
        self._build_submission(opening)
        self._build_accounts(opening)
        self._start_connectors(opening)
        apply_rules(self.config, self.submission)
        if self.cluster is not None:
            await self.cluster.join()
        say_what_was_found(self, opening)
        self.sub_accounts.say_what_rests()
        await self.http.load(self.config)
        self._control = ControlSocket(self.state_dir, all_handlers(self), record_of(self))
        await self._control.start()
        await self._listen()
        close_unused(self.inherited, self.events)
        self._housekeeping.start()
        self.is_ready = True
        settle_memory()
        sd_notify.notify("READY=1", f"STATUS=boot {self.boot}")
        self.events.say("info", "ready", boot=self.boot, pid=os.getpid())
        self.events.flush()

    async def _open_store(self) -> Opening:
        delay_s = self.config.queue.commit_delay_ms / 1000
        where = {"url": self.store_url, "node": self.node}
        self.journal = Journal(self.state_dir, self._on_answer, self.fail, delay_s=delay_s, **where)
        self.journal.on_wait = partial(say_store_waits, self.events, self.store_address)
        opening = await self.journal.open()
        self.boot = opening.boot
        self._housekeeping = Housekeeping(self)
        return opening

    def _meet_other_nodes(self, opening: Opening) -> None:
        """They are asked before anything is said outside, and heard of as soon as the store answers."""
        if not opening.node:
            return
        from gateway.cluster_side import ClusterSide  # a gateway that is alone has no use for it

        self.cluster = ClusterSide(self, self.node)
        self.journal.guard = self.cluster.guard
        self.journal.on_hint = self.cluster.hint
        self.cluster.say_ended(opening.ended_ms_ago)

    def _build_submission(self, opening: Opening) -> None:
        """What accepts messages; it knows no routes yet."""
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
        self.open_of_others = dict(opening.open_messages)
        self.submission.shared = bool(opening.node)
        if opening.node:
            from gateway.cluster_changes import ClusterChanges  # nobody else changes a store of one's own

            self.changes = ClusterChanges(self)

    def _build_accounts(self, opening: Opening) -> None:
        """Their money, what they want over HTTP, what they may send, and what comes for them."""
        now = self.clock.now()
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

    def _start_connectors(self, opening: Opening) -> None:
        """The links to SMSCs begin to bind; those that a person has paused stay so."""
        waiting = {name for name, *_ in opening.queued}
        self.pauses = {name: Pause(since_ms, who) for name, since_ms, who in opening.pauses}
        self.services = ServiceSide(self, opening.marks)
        for connector in all_connectors(self.config):
            add_connector(self, connector)
            if connector.name not in waiting:
                self.upstreams[connector.name].queue.nothing_waits()
        forget_pauses(self)

    async def _listen(self) -> None:
        """Opens the doors, each side its own."""
        await self.smpp.start(self.config)
        await self.services.start(self.config)
        if self.config.mail is not None:
            from gateway.mail_side import MailSide  # three megabytes that gateways without mail do not need

            self.mail = MailSide(self, self.config.mail)
            await self.mail.start(self.config)
        await self.http.start(self.config)
        await self.web.begin(self.config)

    async def start_listener(self, listener: Startable, protocol: str, address: str) -> None:
        """Starts a listener and says so; DaemonError when it cannot have its address."""
        try:
            await listener.start(self.inherited.take)
        except OSError as error:
            raise DaemonError(f"cannot listen on {address}: {why_not_listening(error)}") from error
        self.events.say("info", "listening", protocol=protocol, address=address)

    # -- accounts --------------------------------------------------------------------------------------

    def add_account(self, name: str, config: Config, now: float) -> None:
        """What an account needs while the gateway runs; it is in this configuration."""
        section = next(account for account in config.accounts if account.system_id == name)
        self.accounts[name] = Account(section, now, self.open_of_others.pop(name, 0))
        if name not in self.outlets:  # an account that comes back may still have sessions that go
            kind = Outlet if self.cluster is None else SharedOutlet
            outlet = self.outlets[name] = kind(
                name, journal=self.journal, events=self.events, clock=self.clock, random=self.random
            )
            if self.cluster is not None and isinstance(outlet, SharedOutlet):
                outlet.guard = self.cluster.watch

    def set_open_messages(self, counts: dict[str, int]) -> None:
        """How many messages each account has open at all nodes; who is not named has none."""
        self.submission.open_messages = sum(counts.values())
        for name, account in self.accounts.items():
            account.open_messages = counts.get(name, 0)
        self.open_of_others = {name: n for name, n in counts.items() if name not in self.accounts}

    def forget_account(self, name: str) -> None:
        """An account is no longer configured; its open messages are still counted."""
        self.open_of_others[name] = self.accounts.pop(name).open_messages

    # -- while it runs ---------------------------------------------------------------------------------

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
        self.smpp.stop_listening()
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
        await self.smpp.unbind_clients()
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

    # -- reload ----------------------------------------------------------------------------------------

    async def reload(self, config: Config) -> None:
        """Takes over a checked configuration, touching only what changed; see `gateway.reloading`."""
        with contextlib.suppress(ReloadError):  # the gateway is stopping
            await self.reloading.take_over(Loaded(config, prints_of(config)))
