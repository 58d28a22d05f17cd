"""One configured upstream over SMPP: keeps its links bound.

Each link is with one of the connector's hosts: with `address`, or when it is not there with the next one.
While it is with a backup, `address` is tried with a second link, which takes the first one's place.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from random import Random

from gateway.config.basics import Address
from gateway.config.model import Connector as ConnectorConfig
from gateway.core import retry
from gateway.core.batch import Journal
from gateway.core.clock import Clock
from gateway.core.errors import system_reason
from gateway.core.events import Events
from gateway.core.incoming import Incoming
from gateway.core.receipts import ReceiptBook
from gateway.core.taps import NOBODY
from gateway.core.upstream import Upstream
from gateway.egress.link_error import LinkError
from gateway.egress.link_news import LinkNews
from gateway.egress.smpp_connection import UpstreamConnection
from gateway.egress.smpp_link import SmppLink
from gateway.egress.smpp_outbind import OutbindLink, OutbindListener
from gateway.egress.smsc_http.waits import Waits
from gateway.egress.tls import client_context
from gateway.translate.smpp_dialect import Dialect
from gateway.translate.smpp_status import status_of
from protocols.smpp import constants as c
from protocols.smpp.constants import command_name
from protocols.smpp.events import Refused
from protocols.smpp.pdu import AlertNotification, CancelSm, Pdu, QuerySm, ReplaceSm
from protocols.smpp.settings import SessionSettings
from protocols.sms.addresses import mask

FIRST_RECONNECT_S = 0.2
"""The first pause after a link that had been good."""
GOOD_AFTER_S = 5.0
STILL_BOUND_S = 30.0
"""The pause after ESME_RALYBND, when rebind_pause_s says nothing."""
_BY_CONFIG = {c.QUERY_SM: "query_sm", c.CANCEL_SM: "cancel_sm", c.REPLACE_SM: "replace_sm"}

STANDBY = "standby"
"""The state of one that is not to bind at this node now."""


class SmppConnector:
    """The links of one connector, and what they share."""

    taps = NOBODY

    def __init__(
        self,
        config: ConnectorConfig,
        *,
        upstream: Upstream,
        receipts: ReceiptBook,
        incoming: Incoming,
        journal: Journal,
        events: Events,
        clock: Clock,
        random: Random,
    ) -> None:
        self.config = config
        self.upstream = upstream
        self.receipts = receipts
        self.incoming = incoming
        self.journal = journal
        self.clock = clock
        self.connections: set[UpstreamConnection] = set()
        self.links: set[SmppLink] = set()
        self.state = "connecting"
        self.bad_inputs = 0
        self.hosts = (config.address, *config.backup_addresses)
        self.dialect = Dialect(config)
        self.too_fast = frozenset(map(status_of, config.throttle_statuses))
        """Statuses by which this SMSC says so."""
        self.settings = _settings_of(config)
        self.events = events
        self._news = LinkNews(self.say, config.binds, clock.now())
        self._random = random
        self._keepers: list[asyncio.Task[None]] = []
        self._others: list[asyncio.Task[None]] = []
        self._waits = Waits(clock)
        self.guard: Callable[[], object] | None = None
        """Called before the SMSC is written to; does not return if this process must not any more."""
        self._is_refused = False
        self._rests: set[asyncio.Future[None]] = set()
        """The pauses before the next try, of each link that is not there."""
        self._rebinds = 0
        self._failed = False
        """A try has failed since the last rebind."""
        self.tls = client_context(config.tls) if config.tls is not None else None
        self._prepare(upstream, receipts)

    def _prepare(self, upstream: Upstream, receipts: ReceiptBook) -> None:
        """Tells the core what it has to know of this SMSC."""
        config = self.config
        upstream.whole = self.dialect.whole
        upstream.flow.adaptive = config.adaptive
        upstream.silence.limit_s = config.silence_s
        upstream.limit_senders(config.sender_rate)
        upstream.operations = frozenset(config.operations)
        upstream.asks = self.ask
        upstream.approximated = lambda: self.dialect.approximated
        if config.id_form != "auto":
            receipts.only(config.id_form)

    def start(self) -> list[asyncio.Task[None]]:
        """Starts to keep the links; the tasks end only when they are cancelled."""
        if self.state == STANDBY:
            self.state = "connecting"
        tasks = self._more_keepers()
        if self.config.outbind_listen is not None:
            listener = OutbindListener(self, self.config.outbind_listen)
            loop = asyncio.get_running_loop()
            tasks.append(loop.create_task(listener.run(), name=f"{self.config.name} outbind"))
            self._others.append(tasks[-1])
        return tasks

    def _more_keepers(self) -> list[asyncio.Task[None]]:
        """Keeps as many links as are configured now; the new tasks."""
        if self.state == STANDBY:
            return []
        loop = asyncio.get_running_loop()
        tasks = [
            loop.create_task(self._keep(), name=f"{self.config.name} link {number}")
            for number in range(len(self._keepers) + 1, self.config.binds + 1)
        ]
        self._keepers.extend(tasks)
        return tasks

    def configure(self, config: ConnectorConfig) -> list[asyncio.Task[None]]:
        """Takes over options that need no new link (`live_options`), for the links that are there too."""
        old, self.config = self.config, config
        approximated = self.dialect.approximated
        self.dialect = Dialect(config)
        self.dialect.approximated = approximated
        self.too_fast = frozenset(map(status_of, config.throttle_statuses))
        self.settings = _settings_of(config)
        for connection in self.connections:
            connection.session.use_settings(self.settings)
        self.upstream.operations = frozenset(config.operations)
        self.upstream.silence.limit_s = config.silence_s
        if config.sender_rate != old.sender_rate:
            self.upstream.limit_senders(config.sender_rate)
        self.upstream.limit(config.window, config.rate, adaptive=config.adaptive)
        return self._more_keepers()

    def rebind(self) -> list[asyncio.Task[None]]:
        """Unbinds every link when it has its answers, or has waited for them as long as for any, and binds
        again with the first host; a login that was refused is tried again. The tasks of new links.

        Links that the SMSC has asked for by outbind are its own to make, and stay.
        """
        self._rebinds += 1
        self._failed = self._is_refused = False
        for link in self._own_links():
            if not link.makes_room:
                link.makes_room = True
                link.retire()
        for rest in self._rests:
            rest.cancel()
        self._keepers = [task for task in self._keepers if not task.done()]
        return self._more_keepers()

    @property
    def rebound(self) -> bool:
        """Whether the last rebind has made its links, or could not."""
        links = self._own_links()
        return not any(link.makes_room for link in links) and (
            self._failed or len(links) >= self.config.binds
        )

    def _own_links(self) -> list[SmppLink]:
        """Those that the SMSC has not asked for."""
        return [link for link in self.links if not isinstance(link, OutbindLink)]

    async def stop(self, timeout_s: float) -> None:
        """Unbinds every link and waits for the answers, so long at the most."""
        for task in (*self._keepers, *self._others):
            task.cancel()
        links = list(self.links)
        for link in links:
            link.unbind()
        try:
            if links:
                await asyncio.wait([link.ended for link in links], timeout=timeout_s)
        finally:
            for link in links:
                link.end(self.upstream.held or "stopped")
            self.state = "stopped"

    async def stand_by(self, timeout_s: float) -> None:
        """Unbinds as `stop` does, until it is started again: another node may bind."""
        try:
            await self.stop(timeout_s)
        finally:
            self._keepers, self._others = [], []
            self._is_refused = False
            self.state = STANDBY

    def tick(self, now: float) -> None:
        self._waits.tick(now)
        for connection in tuple(self.connections):
            connection.tick(now)
        self._news.tick(now, self.state, self.upstream.last_error)

    def say(self, level: str, name: str, **fields: object) -> None:
        """An event of this connector."""
        self.events.say(level, name, connector=self.config.name, **fields)

    def tell(self, level: str, name: str, **fields: object) -> None:
        """The same of what a bad SMSC can make happen again and again."""
        self._news.tell(level, name, self.clock.now(), **fields)

    def bad_input(self, refused: Refused) -> None:
        """The SMSC sent something malformed, and the session dealt with it."""
        self.bad_inputs += 1
        if self.bad_inputs in (1, 10, 100, 1000) or self.bad_inputs % 10_000 == 0:
            command = command_name(refused.command_id)
            self.say("warning", "bad_input", command=command, reason=refused.reason, count=self.bad_inputs)

    def alert(self, pdu: AlertNotification) -> None:
        """The SMSC says that a subscriber can be reached again."""
        if self.upstream.on_alert is not None:
            self.upstream.on_alert(pdu)
        else:
            number = mask(pdu.source_addr)
            self.events.seldom(
                "info", "subscriber_there", self.clock.now(), connector=self.config.name, number=number
            )

    def ask(self, request: object, then: Callable[[object | None], None]) -> bool:
        """Puts a question about a message to the SMSC by any link; see `Upstream.ask`."""
        assert isinstance(request, Pdu)
        operation = _BY_CONFIG.get(request.command_id)
        if operation is not None and operation not in self.config.operations:
            return False
        if isinstance(request, QuerySm | CancelSm | ReplaceSm):
            if isinstance(request, ReplaceSm) and self.dialect.reads:
                return False  # it does not say in which of this SMSC's alphabets its text is
            self.dialect.write_request(request)
        return any(link.ask(request, then) for link in self.links)

    def server_name(self, host: Address) -> str | None:
        """The name that the certificate of this host has to have."""
        return (self.config.tls.server_name or host.host) if self.config.tls is not None else None

    async def _keep(self) -> None:
        """Keeps one link bound, with growing pauses while that fails."""
        failures = turn = 0
        while not self._is_refused:
            rebinds = self._rebinds
            started, submitted = self.clock.now(), self.upstream.submitted
            link = SmppLink(self, self.hosts[turn])
            hold_s = 0.0
            try:
                await self._open(link)
                self._say_bound(link)
                last = await self._last_of(link)
                if last is not link:
                    turn = 0
                reason = last.ended.result()
            except (LinkError, OSError, TimeoutError) as error:
                reason = self._why(error, link.host)
                self._failed = True
                if isinstance(error, LinkError) and error.is_login and rebinds == self._rebinds:
                    self._stop_on_bad_login(reason)
                    return
                if isinstance(error, LinkError) and error.status == c.ESME_RALYBND:
                    hold_s = self.config.rebind_pause_s or STILL_BOUND_S
                    self._say_still_bound(hold_s)
                failures += 1
            else:
                hold_s = self.config.rebind_pause_s
                if last.makes_room:
                    failures = turn = 0
                    self.state = self._state_now()
                    await self._rest(hold_s)
                    continue
                lasted = self.clock.now() - started >= GOOD_AFTER_S
                failures = 0 if lasted or self.upstream.submitted > submitted else failures + 1
            turn = (turn + 1) % len(self.hosts)
            self.state = self._state_now()
            pause_s = self._pause_s(failures, turn)
            self.upstream.last_error = reason
            self.tell("warning", "link_lost", reason=reason, again_in=f"{max(pause_s, hold_s):.1f}s")
            await self._rest(hold_s, pause_s)
            if rebinds != self._rebinds:
                failures = turn = 0

    def _state_now(self) -> str:
        return "refused" if self._is_refused else "bound" if self.upstream.bound else "connecting"

    async def _rest(self, hold_s: float, pause_s: float = 0.0) -> None:
        """Waits for the longer of the two, or until a rebind wants to wait no more."""
        pause = self._waits.sleep(hold_s) if hold_s > pause_s else asyncio.sleep(pause_s)
        rest = asyncio.ensure_future(pause)
        self._rests.add(rest)
        try:
            await asyncio.wait((rest,))
        finally:
            rest.cancel()
            self._rests.discard(rest)

    async def _open(self, link: SmppLink) -> None:
        """Connects and binds; LinkError, OSError or TimeoutError when that fails."""
        try:
            await link.open()
        except (LinkError, OSError, TimeoutError) as error:
            link.end(self._why(error, link.host))
            raise
        except asyncio.CancelledError:
            link.end("stopped")  # half open: nobody else would ever close it
            raise
        self.take_in(link)

    def take_in(self, link: SmppLink) -> None:
        """A link that is bound is one of ours until it ends."""
        for connection in link.connections:
            connection.session.use_settings(self.settings)  # a reload may have come while it was bound
        self.links.add(link)
        link.ended.add_done_callback(lambda _: self.links.discard(link))

    async def _last_of(self, link: SmppLink) -> SmppLink:
        """Waits until the link ends, or the one with the first host that replaced it; which it was."""
        while link.host != self.config.address and self.config.fail_back_s:
            alarm = asyncio.ensure_future(self._waits.sleep(self.config.fail_back_s))
            try:
                await asyncio.wait((link.ended, alarm), return_when=asyncio.FIRST_COMPLETED)
            finally:
                alarm.cancel()
            if link.ended.done():
                break
            first = SmppLink(self, self.config.address)
            try:
                await self._open(first)
            except (LinkError, OSError, TimeoutError) as error:
                if isinstance(error, LinkError) and error.is_login:
                    self._say_bad_login(self._why(error, first.host))
                    break
                continue
            self.say("info", "failed_back", address=first.host)
            link.retire()
            link = first
        await asyncio.shield(link.ended)
        return link

    def _say_bound(self, link: SmppLink) -> None:
        self.state = "bound"
        if len(self.hosts) > 1:
            self.tell("info", "bound", mode=self.config.bind_mode, address=link.host)
        else:
            self.tell("info", "bound", mode=self.config.bind_mode)

    def _why(self, error: Exception, host: Address) -> str:
        if isinstance(error, LinkError):
            return str(error)
        # the numbers of TLS errors are not the system's
        assert isinstance(error, OSError)
        reason = str(error) if isinstance(error, ssl.SSLError) else system_reason(error)
        return f"{host}: {reason or 'it did not answer in time'}"

    def _say_still_bound(self, again_s: float) -> None:
        self.events.seldom(
            "warning",
            "still_bound",
            self.clock.now(),
            connector=self.config.name,
            again_in=f"{again_s:.1f}s",
            fix="the SMSC says that we are bound: it still has an old link, allows fewer than binds, or "
            "another gateway has this login",
        )

    def _pause_s(self, failures: int, turn: int) -> float:
        """The pause before the host of this turn; none between the hosts of one round."""
        if not failures:
            return self._random.random() * FIRST_RECONNECT_S
        if turn:
            return 0.0
        rounds = max(0, failures - 1) // len(self.hosts)
        return retry.delay_s(rounds, self._random, longest_s=self.config.reconnect_max_s)

    def _stop_on_bad_login(self, reason: str) -> None:
        """A password that is wrong stays wrong; trying on only gets the address blocked."""
        self.state = "refused"
        self.upstream.last_error = reason
        self._say_bad_login(reason)
        self._is_refused = True

    def _say_bad_login(self, reason: str) -> None:
        if not self._is_refused:
            self.say(
                "error",
                "login_refused",
                reason=reason,
                fix="correct system_id and password of this connector, then reload",
            )


def _settings_of(config: ConnectorConfig) -> SessionSettings:
    return SessionSettings(
        window=config.window,
        peer_window=config.receive_window,
        enquire_link_s=config.enquire_link_s,
        response_timeout_s=config.response_timeout_s,
    )
