"""Sockets that mail clients and mail servers come to: who may connect, who may log in."""

from __future__ import annotations

import asyncio
import socket
import ssl
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from gateway.config.mail_model import LmtpListener as LmtpConfig
from gateway.config.mail_model import SmtpListener as SmtpConfig
from gateway.core.accounts import Account
from gateway.core.clock import Clock
from gateway.core.door import Door, Take, take_none
from gateway.core.events import REFUSED_LOGINS, Events
from gateway.core.logins import Logins
from gateway.ingress.smtp import STOPPING, TOO_MANY, LmtpSession, MailSession
from gateway.ingress.smtp_auth import MECHANISMS
from gateway.ingress.smtp_data import NOBODYS_SHARE, ROOM, Place, Room
from gateway.ingress.tls import certificate_ends, renew, server_context
from protocols.mail.envelope import MailFrom, RcptTo
from protocols.mail.errors import MailError

HANDSHAKE_S = 30.0


class Intake(Protocol):
    """What takes the mails; a recipient is what `check_recipient` made of it."""

    max_size: int
    max_recipients: int

    def account_of(self, peer: str) -> Account | None: ...

    def check_sender(self, account: Account | None, sender: MailFrom) -> None: ...

    def check_recipient(self, account: Account | None, rcpt: RcptTo) -> Any: ...

    async def take(
        self,
        account: Account | None,
        peer: str,
        sender: MailFrom,
        recipients: list[Any],
        raw: bytes,
        *,
        each: bool,
    ) -> list[str]: ...


class MailListener(ABC):
    """The connections of one listening socket, SMTP or LMTP."""

    protocol = "smtp"
    hello = "EHLO"
    address: str
    starttls: ssl.SSLContext | None = None
    require_tls = False
    _session: type[MailSession] = MailSession

    def __init__(
        self,
        config: SmtpConfig | LmtpConfig,
        *,
        accounts: Mapping[str, Account],
        intake: Intake,
        events: Events,
        clock: Clock,
        room: Room | None = None,
        hostname: str = "",
    ) -> None:
        self.hostname = hostname or socket.gethostname()
        self.accounts = accounts
        self.intake = intake
        self.events = events
        self.clock = clock
        self.loop = asyncio.get_running_loop()
        self.timeout_s = config.timeout_s
        self.handshake_s = min(config.timeout_s, HANDSHAKE_S)
        self.connections: set[MailSession] = set()
        self.stopping = False
        self.room = room or Room()
        self._door = Door(
            lambda: self._session(self),
            config.max_connections,
            events,
            clock,
            handshake_s=self.handshake_s,
            last_words=TOO_MANY,
        )
        self._offers: dict[tuple[int, bool, bool], bytes] = {}

    def stop_listening(self) -> None:
        """Takes no connection more, and sends away whoever has no mail under way."""
        self.stopping = True
        self._door.close()
        for session in tuple(self.connections):
            session.stop()

    def reloaded(self) -> None:
        """Takes over changed accounts."""
        for session in tuple(self.connections):
            session.look_again()

    @property
    def certificate_ends(self) -> float | None:
        """When the certificate that clients are shown ends, in seconds since 1970; None: there is none."""
        return None

    def renew_certificate(self) -> None:  # noqa: B027 - not every socket has one
        """Reads it anew, for connections that come from now on; OSError when that cannot be."""

    def close(self) -> None:
        """Ends every connection, whatever is under way."""
        for session in tuple(self.connections):
            session.leave(STOPPING)

    @abstractmethod
    async def start(self, take: Take = take_none) -> None:
        """Listens; OSError when the address cannot be had."""

    @property
    def under_way(self) -> int:
        """Mails that wait for their answer."""
        return sum(session.busy for session in self.connections)

    # -- connections -----------------------------------------------------------------------------------

    def connected(self, session: MailSession) -> str:
        """Keeps the connection; or the words to send it away with."""
        if self.stopping:
            return STOPPING
        self.connections.add(session)
        return ""

    def recognise(self, session: MailSession) -> None:
        """Somebody has an account, by its network or its login."""
        self._door.recognise(session)

    def disconnected(self, session: MailSession) -> None:
        self._door.left(session)
        self.connections.discard(session)

    def fault(self, session: MailSession, error: Exception) -> None:
        """Something that must not happen did, in the gateway; its text might hold some of the mail's."""
        place = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" in {Path(line.filename).name}:{line.lineno}" for line in place)
        reason = type(error).__name__ + where
        peer = session.peer or "local"
        self.events.seldom("error", "mail_fault", self.clock.now(), peer=peer, reason=reason)

    # -- what a client may do --------------------------------------------------------------------------

    def account_of(self, peer: str) -> Account | None:
        """The account that a client sends for without a login."""
        return self.intake.account_of(peer)

    def may_mail(self, account: Account | None) -> bool:
        """Whether a login of before a reload is still good."""
        return (
            account is not None
            and self.accounts.get(account.name) is account
            and account.config.mail is not None
            and not account.blocked
        )

    def place(self, account: Account | None) -> Place:
        """Room for a mail."""
        return Place(self.room, ROOM if account is not None else NOBODYS_SHARE)

    def offer(self, *, secure: bool, auth: bool) -> bytes:
        """The reply to EHLO or LHLO."""
        kind = (self.intake.max_size, secure, auth)
        if kind not in self._offers:
            self._offers[kind] = self._make_offer(*kind)
        return self._offers[kind]

    def _make_offer(self, max_size: int, secure: bool, auth: bool) -> bytes:
        words = [self.hostname, f"SIZE {max_size}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        if self.starttls is not None and not secure:
            words.append("STARTTLS")
        if auth:
            words.append(f"AUTH {MECHANISMS}")
        lines = [f"250-{word}\r\n" for word in (*words, "DSN")]
        return "".join((*lines, "250 ENHANCEDSTATUSCODES\r\n")).encode()

    async def login(self, name: str, password: str, peer: str) -> Account:
        """The account of a login; MailError when it is none."""
        raise MailError("503 5.5.1", "there is no login here")


class SmtpListener(MailListener):
    """A TCP socket."""

    def __init__(self, config: SmtpConfig, *, logins: Logins, hostname: str = "", **parts: Any) -> None:
        super().__init__(config, hostname=config.hostname or hostname, **parts)
        self.config = config
        self._logins = logins
        self._tls: ssl.SSLContext | None = None
        self.address = str(config.address)

    async def start(self, take: Take = take_none) -> None:
        """Listens; OSError when the address cannot be had, or a certificate cannot be read."""
        context = self._tls = server_context(self.config.tls)
        implicit = context if self.config.tls_mode == "implicit" else None
        if implicit is None:
            self.starttls = context
            self.require_tls = self.config.require_tls
        host, port = self.config.address
        await self._door.open(host, port, implicit, take=take)

    def renew_certificate(self) -> None:
        renew(self._tls, self.config.tls)

    @property
    def certificate_ends(self) -> float | None:
        return certificate_ends(self._tls)

    async def login(self, name: str, password: str, peer: str) -> Account:
        """The account of a login; MailError when it is none, which does not tell why."""
        account = self.accounts.get(name)
        if account is not None and account.config.mail is None:
            account = None  # so that its password cannot be guessed here
        good = await self._logins.verify(account, name, password, peer)
        if good is None:
            raise MailError("454 4.7.0", "too many logins at once, try again later")
        if account is None or not good:
            reason = "unknown name or bad password"
        elif account.blocked:
            reason = "the account is blocked"
        elif not account.allows_address(peer):
            reason = "the address is not in allowed_addresses"
        else:
            return account
        self.events.seldom(
            "warning",
            "mail_login_refused",
            self.clock.now(),
            at_most=REFUSED_LOGINS,
            account=name,
            peer=peer,
            reason=reason,
        )
        raise MailError("535 5.7.8", "unknown name or bad password")

    @property
    def port(self) -> int:
        """The port it listens on (the kernel's choice when 0 is configured)."""
        return self._door.port


class LmtpListener(MailListener):
    """A Unix socket; whoever may write to it sends for the account of its configuration."""

    protocol = "lmtp"
    hello = "LHLO"
    _session = LmtpSession

    def __init__(self, config: LmtpConfig, **parts: Any) -> None:
        super().__init__(config, **parts)
        self.config = config
        self.address = str(config.path)
        self._is_ours = True
        """The socket is not one that somebody else has opened, and keeps."""

    async def start(self, take: Take = take_none) -> None:
        """Listens; OSError when the socket cannot be made, or another program listens there."""
        bound = take(socket.AF_UNIX, self.address)
        self._is_ours = bound is None
        self._door.open_at(bound or _bind(self.config.path, int(self.config.mode, 8)))

    def stop_listening(self) -> None:
        super().stop_listening()
        if self._is_ours:
            self.config.path.unlink(missing_ok=True)

    def account_of(self, peer: str) -> Account | None:
        """The configured account; None when a reload took it away, and then no recipient is accepted."""
        return self.accounts.get(self.config.account)

    def offer(self, *, secure: bool, auth: bool) -> bytes:
        """The reply to LHLO, which never offers a login."""
        return super().offer(secure=secure, auth=False)


def _bind(path: Path, mode: int) -> socket.socket:
    """A Unix socket at this path, with this mode before anybody can reach it."""
    if path.is_socket() and not _is_listened_to(path):
        path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        path.chmod(mode)  # nobody can connect before the caller listens
    except OSError:
        bound.close()
        raise
    return bound


def _is_listened_to(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
