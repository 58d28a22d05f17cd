"""A socket that SMPP clients come to: who may connect, who may bind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping

from gateway.config.model import SmppListener as ListenerConfig
from gateway.core.accounts import Account
from gateway.core.batch import Journal
from gateway.core.clock import Clock
from gateway.core.door import Door, Take, take_none
from gateway.core.downstream import Outlet
from gateway.core.errors import Refusal
from gateway.core.events import REFUSED_LOGINS, Events
from gateway.core.histogram import Histogram
from gateway.core.logins import Logins
from gateway.core.submission import Submission
from gateway.core.taps import NOBODY
from gateway.ingress.smpp import SmppConnection
from gateway.ingress.smpp_operations import Operations
from gateway.ingress.tls import certificate_ends, renew, server_context
from gateway.translate.smpp_reading import Reading, reading_of
from gateway.translate.vendor_tlvs import VendorTlvs
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.events import Refused
from protocols.smpp.pdu import Bind, Tlvs
from protocols.smpp.settings import SessionSettings

CONGESTION_FOR_S = 0.25
"""So long one answer to "how full are you?" is good enough."""


class SmppListener:
    """The sessions of one listening socket."""

    taps = NOBODY

    def __init__(
        self,
        config: ListenerConfig,
        *,
        accounts: Mapping[str, Account],
        outlets: Mapping[str, Outlet],
        submission: Submission,
        journal: Journal,
        events: Events,
        clock: Clock,
        logins: Logins,
    ) -> None:
        self.config = config
        self.accounts = accounts
        self.outlets = outlets
        self.submission = submission
        self.journal = journal
        self.events = events
        self.clock = clock
        self.vendor_tlvs = VendorTlvs()
        self.connections: set[SmppConnection] = set()
        self.bad_inputs = 0
        self.stopping = False
        """It does not listen any more."""
        self.accept_s = Histogram()
        """From reading a submit_sm to its answer."""
        self.operations = Operations(self)
        self._congestion: dict[str, tuple[float, Tlvs]] = {}
        self._logins = logins
        self._checks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self.soon: Callable[[Callable[[], object]], object] = self._loop.call_soon
        self._tls: ssl.SSLContext | None = None
        self._door = Door(
            lambda: SmppConnection(self),
            config.max_connections,
            events,
            clock,
            handshake_s=config.bind_timeout_s,
        )
        self._unbound = SessionSettings(
            bind_timeout_s=config.bind_timeout_s,
            enquire_link_s=config.enquire_link_s,
            response_timeout_s=config.response_timeout_s,
        )

    async def start(self, take: Take = take_none) -> None:
        """Listens; OSError when the address cannot be had."""
        host, port = self.config.address
        self._tls = server_context(self.config.tls)
        await self._door.open(host, port, self._tls, take=take)

    def renew_certificate(self) -> None:
        """Reads it anew, for connections that come from now on; OSError when that cannot be."""
        renew(self._tls, self.config.tls)

    @property
    def certificate_ends(self) -> float | None:
        """When the certificate that clients are shown ends, in seconds since 1970; None: there is none."""
        return certificate_ends(self._tls)

    @property
    def port(self) -> int:
        """The port it listens on (the kernel's choice when 0 is configured)."""
        return self._door.port

    @property
    def name(self) -> str:
        """What people know it by."""
        return str(self.config.address)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to say of it."""
        return True

    def stop_listening(self) -> None:
        self.stopping = True
        self._door.close()

    def tick(self, now: float) -> None:
        for connection in tuple(self.connections):
            connection.tick(now)

    # -- settings --------------------------------------------------------------------------------------

    def settings(self, account: Account | None = None) -> SessionSettings:
        """A session's limits: before the login, or of an account."""
        if account is None:
            return self._unbound
        return SessionSettings(
            window=account.config.smpp.deliver_window or account.config.window,
            peer_window=account.config.window,
            bind_timeout_s=self.config.bind_timeout_s,
            enquire_link_s=self.config.enquire_link_s,
            response_timeout_s=self.config.response_timeout_s,
        )

    def reload(self, vendor_tlvs: VendorTlvs) -> None:
        """Takes over a changed configuration, for the sessions that are there too."""
        self.vendor_tlvs = vendor_tlvs
        for connection in self.connections:
            connection.configure()

    def reading_of(self, account: Account) -> Reading:
        """How the messages of an account are read."""
        return reading_of(account.config, self.vendor_tlvs)

    def congestion_of(self, account: Account) -> Tlvs:
        """How full the queue is for an account, as a TLV; worked out a few times each second."""
        now = self.clock.now()
        until, tlvs = self._congestion.get(account.name, (now, ()))
        if now >= until:
            submission = self.submission
            full = max(
                account.open_messages / account.config.max_open,
                submission.open_messages / submission.max_messages,
            )
            tlvs = ((tlv.CONGESTION_STATE, bytes((max(0, min(99, int(full * 100))),))),)
            self._congestion[account.name] = now + CONGESTION_FOR_S, tlvs
        return tlvs

    @staticmethod
    def window_of(account: Account | None) -> int:
        """Requests that a client may leave unanswered before its socket is read no further."""
        return account.config.window if account else 1

    # -- connections -----------------------------------------------------------------------------------

    def connected(self, connection: SmppConnection) -> None:
        """One more, who has not bound yet."""
        self.connections.add(connection)

    def disconnected(self, connection: SmppConnection) -> None:
        self._door.left(connection)
        self.connections.discard(connection)
        if connection.account is not None:
            connection.account.sessions -= 1
            if connection.share is not None:
                connection.account.shares.leave(connection.share)
            self.say("info", "disconnected", connection)

    def say(self, level: str, name: str, connection: SmppConnection, **fields: object) -> None:
        """An event of one session."""
        account = connection.account.name if connection.account else "-"
        self.events.say(level, name, account=account, peer=connection.peer, **fields)

    def closed(self, connection: SmppConnection, reason: str) -> None:
        """A session has ended itself; strangers who only look in get no line each."""
        if connection.account is not None:
            self.say("info", "session_closed", connection, reason=reason)
        else:
            now = self.clock.now()
            self.events.seldom(
                "info", "session_closed", now, account="-", peer=connection.peer, reason=reason
            )

    def bad_input(self, connection: SmppConnection, refused: Refused) -> None:
        """The session has answered something malformed."""
        self.bad_inputs += 1
        self.events.seldom(
            "warning",
            "bad_input",
            self.clock.now(),
            peer=connection.peer,
            command=c.command_name(refused.command_id),
            answer=c.status_name(refused.status),
            reason=refused.reason,
        )

    # -- login -----------------------------------------------------------------------------------------

    def authenticate(self, connection: SmppConnection, request: Bind) -> None:
        """Checks a bind; the password off the loop, unless this account's was found right before."""
        account = self.accounts.get(request.system_id)
        if account is not None and self._logins.is_known(account, request.password, connection.peer):
            self._bind(connection, request, account)
            return
        task = self._loop.create_task(self._check_password(connection, request, account))
        self._checks.add(task)
        task.add_done_callback(self._login_ended)

    def _login_ended(self, task: asyncio.Task[None]) -> None:
        self._checks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.events.say("error", "login_failed", reason=type(task.exception()).__name__)

    async def _check_password(
        self, connection: SmppConnection, request: Bind, account: Account | None
    ) -> None:
        good = await self._logins.verify(account, request.system_id, request.password, connection.peer)
        if connection.gone:
            return
        if good is None:
            self._refuse(connection, request, c.ESME_RBINDFAIL, "too many logins at once")
        elif account is None or not good:
            self._refuse(connection, request, c.ESME_RINVPASWD, "unknown system_id or bad password")
        else:
            self._bind(connection, request, account)

    def _bind(self, connection: SmppConnection, request: Bind, account: Account) -> None:
        if account.blocked:
            self._refuse(connection, request, c.ESME_RBINDFAIL, "the account is blocked")
        elif not account.allows_address(connection.peer):
            self._refuse(connection, request, c.ESME_RBINDFAIL, "the address is not in allowed_addresses")
        elif account.sessions + account.sessions_elsewhere >= account.config.max_binds:
            self._refuse(connection, request, c.ESME_RBINDFAIL, f"max_binds ({account.config.max_binds})")
        elif self.submission.closed_because is Refusal.STOPPING:
            # Only then: while the disk is nearly full, clients that fetch their receipts empty it.
            self._refuse(connection, request, c.ESME_RSYSERR, Refusal.STOPPING.value)
        else:
            account.sessions += 1
            self._door.recognise(connection)
            connection.accept_bind(request, account, self.outlets[account.name])
            self.say("info", "bound", connection, mode=connection.session.state.value)

    def _refuse(self, connection: SmppConnection, request: Bind, status: int, reason: str) -> None:
        self.events.seldom(
            "warning",
            "bind_refused",
            self.clock.now(),
            at_most=REFUSED_LOGINS,
            system_id=request.system_id,
            peer=connection.peer,
            answer=c.status_name(status),
            reason=reason,
        )
        connection.refuse_bind(request, status)
