"""One connection of a mail client, over SMTP (RFC 5321) or LMTP (RFC 2033).

The connection, its command loop and its protection from floods of unknown commands are aiosmtpd's.  Every
command is ours: the envelope with DSN, DATA by large pieces, AUTH with our accounts, replies that all have
enhanced codes (RFC 3463).  A mail is answered when the intake says so, which is after its commit.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NoReturn, cast

from aiosmtpd.smtp import SMTP

from gateway.core.accounts import Account
from gateway.ingress.smtp_auth import LINE_LIMIT, credentials
from gateway.ingress.smtp_data import HangUp, Place, read_data
from protocols.mail.envelope import MailFrom, parse_mail, parse_rcpt
from protocols.mail.errors import MailError

if TYPE_CHECKING:
    from gateway.ingress.smtp_listener import MailListener

logging.getLogger("mail.log").disabled = True  # aiosmtpd's: it would log addresses, twice a line

READ_LIMIT = 1 << 16
STUCK_AFTER_S = 10.0
"""A peer that does not read our last words for so long is cut off."""
LONGEST_MAIL = 10
"""A mail may take so many times the listener's timeout, however steadily it trickles in."""
BAD_LOGINS = 3
USELESS = 1000
"""Points after which a connection ends; a mail that is taken sets them back to 0."""
_BAD_COMMAND = 10
"""Points of what brings no mail forward: 100 of these, or a thousand recipients over the limit."""

OK = b"250 2.0.0 ok\r\n"
SENDER_OK = b"250 2.1.0 sender ok\r\n"
RECIPIENT_OK = b"250 2.1.5 recipient ok\r\n"
GO_AHEAD = b"354 end with <CR><LF>.<CR><LF>\r\n"
STOPPING = "421 4.3.2 the gateway stops, come back later"
MAKES_ROOM = "421 4.3.2 others need the connection, come back later"
TOO_MANY = b"421 4.3.2 too many connections\r\n"
FAULT = "451 4.3.0 a fault in the gateway, try again later"
_OF_AIOSMTPD = {
    "500 Error: command": "500 5.5.1 this command is not known here",
    "500 Error: bad syntax": "500 5.5.2 this is no command",
    "500 Command line too long": "500 5.5.2 the line is too long",
    "530 Must issue": "530 5.7.0 STARTTLS first",
    "502 5.5.1": "502 5.5.1 too many unknown commands, goodbye",
}


class _LineLimits(dict[str, int]):
    """Octets of a command's line; aiosmtpd's own table is shared by all connections, and cleared by each."""

    def __missing__(self, command: str) -> int:
        return _LONG_LINES.get(command, 512)


_LONG_LINES = {"MAIL": 2048, "RCPT": 2048, "AUTH": LINE_LIMIT}
_LINE_LIMITS = _LineLimits()


class _NoHandler:
    """What aiosmtpd would call for each command; nothing, and quickly found to be so."""

    def __dir__(self) -> tuple[str, ...]:
        return ()


_NO_HANDLER = _NoHandler()
_SHARED = ("MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "HELP", "EXPN", "QUIT")


class MailSession(SMTP):
    """A connection over SMTP."""

    each = False
    ident = "ESMTP"
    commands: tuple[str, ...] = tuple(
        f"smtp_{name}" for name in (*_SHARED, "HELO", "EHLO", "STARTTLS", "AUTH")
    )

    def __init__(self, listener: MailListener) -> None:
        self.listener = listener
        self.intake = listener.intake
        self.account: Account | None = None
        self.peer = ""
        self.secure = False
        self.busy = False
        """Whether a mail is being taken: its answer has to be waited for."""
        self._bad_logins = 0
        self._useless = 0
        self._heard_at = 0.0
        self._data_until = 0.0  # while a mail comes in: when it has to be over
        super().__init__(
            _NO_HANDLER,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            hostname=listener.hostname,
            ident=self.ident,
            tls_context=listener.starttls,
            require_starttls=listener.require_tls,
            timeout=listener.timeout_s,
            loop=listener.loop,
        )

    line_length_limit = READ_LIMIT
    command_size_limits = _LINE_LIMITS

    def __dir__(self) -> tuple[str, ...]:
        # aiosmtpd looks through all attributes of every new connection for its commands: a fifth of its cost
        return self.commands

    # -- connection ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self.peer = address_of(transport)
        refusal = self.listener.connected(self)
        if refusal:
            transport.set_protocol(asyncio.Protocol())
            transport.write(refusal.encode() + b"\r\n")
            transport.close()
            return
        self.secure = transport.get_extra_info("sslcontext") is not None
        self._look_who()
        super().connection_made(transport)
        assert self._handler_coroutine is not None
        self._handler_coroutine.add_done_callback(_look_at)

    def _look_who(self) -> None:
        """Whether its network is an account's."""
        self.account = self.listener.account_of(self.peer)
        if self.account is not None:
            self.listener.recognise(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.listener.disconnected(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._data_until:
            self._heard_at = self.loop.time()
        super().data_received(data)

    def eof_received(self) -> bool | None:
        # Not aiosmtpd's, which drops what a client sent right before it closed its side.
        return super(SMTP, self).eof_received()

    def leave(self, last_words: str = "") -> None:
        """Ends the connection when the peer has read what is buffered, or when that takes too long."""
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None or transport.is_closing():
            return
        if last_words:
            transport.write(_line(last_words))
        unread = transport.get_write_buffer_size()  # a closed TLS transport has no answer
        assert self._handler_coroutine is not None
        self._handler_coroutine.cancel()
        transport.close()
        if unread:
            self.loop.call_later(STUCK_AFTER_S, transport.abort)

    @property
    def is_idle(self) -> bool:
        """No mail is coming in or being taken."""
        return not (self.busy or self._data_until)

    def give_way(self) -> None:
        """Ends the connection now: another one needs its place."""
        transport = cast("asyncio.Transport | None", self.transport)
        if self.secure or (transport is not None and transport.get_write_buffer_size()):
            self.leave()
            if transport is not None:
                transport.abort()  # the end of TLS would wait for the client's word
        else:
            self.leave(MAKES_ROOM)

    def look_again(self) -> None:
        """A reload has changed accounts: whoever lost his goes, everybody else has what is configured now."""
        if self.session is None or not self.session.authenticated:
            self._look_who()
        elif not self.listener.may_mail(self.account):
            self.leave("421 4.7.0 the account was changed, log in again")

    def stop(self) -> None:
        """Sends the client away, unless a mail of it is under way, which is answered first."""
        if not self._data_until:
            self.leave(STOPPING)

    # -- time ------------------------------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        self._heard_at = self.loop.time()
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_later(self._timeout_duration, self._timeout_cb)

    def _timeout_cb(self) -> None:
        now = self.loop.time()
        due = self._heard_at + self._timeout_duration
        if self.busy:
            due = now + self._timeout_duration
        elif self._data_until:
            due = min(due, self._data_until)
        if now < due:
            self._timeout_handle = self.loop.call_later(due - now, self._timeout_cb)
        else:
            self.leave("421 4.4.2 timeout")

    # -- replies ---------------------------------------------------------------------------------------

    async def push(self, status: str | bytes | None) -> None:
        """Sends a reply of aiosmtpd's own, with an enhanced code."""
        if not isinstance(status, str):
            return
        for start, better in _OF_AIOSMTPD.items():
            if status.startswith(start):
                await self._refuse(better)
                if start == "502 5.5.1":
                    await self._end()
                return
        await self._reply(_line(status))

    async def _reply(self, line: bytes) -> None:
        self._writer.write(line)
        await self._writer.drain()

    async def _refuse(self, text: str, points: int = _BAD_COMMAND) -> None:
        self._useless += points
        if self._useless > USELESS:
            await self._end("421 4.7.0 too many commands that bring no mail")
        await self._reply(_line(text, utf8=self._sender is not None and self._sender.utf8))

    async def _useless_ok(self, line: bytes) -> None:
        self._useless += _BAD_COMMAND
        if self._useless > USELESS:
            await self._end("421 4.7.0 too many commands that bring no mail")
        await self._reply(line)

    async def _end(self, last_words: str = "") -> NoReturn:
        """Leaves, and never returns: the command loop must not see what else the client has sent."""
        self.leave(last_words)
        raise asyncio.CancelledError

    async def handle_exception(self, error: Exception) -> str:
        """What a fault of ours sounds like to the client."""
        if isinstance(error, OSError | EOFError):  # the client is gone
            await self._end()
        self.listener.fault(self, error)
        return FAULT

    # -- the conversation ------------------------------------------------------------------------------

    def _set_post_data_state(self) -> None:
        self._sender: MailFrom | None = None
        self._recipients: list[Any] = []
        self._seen = 0  # RCPT commands of this mail

    async def _greet(self, name: str | None, *, extended: bool) -> None:
        if not name:
            await self._refuse("501 5.5.4 say who you are")
            return
        assert self.session is not None
        self._set_post_data_state()
        self.session.extended_smtp = extended
        self.session.host_name = name
        offer = self.listener.offer(secure=self.secure, auth=self._may_login()) if extended else None
        await self._useless_ok(offer or b"250 %b\r\n" % self.hostname.encode())

    async def smtp_HELO(self, hostname: str | None) -> None:
        await self._greet(hostname, extended=False)

    async def smtp_EHLO(self, hostname: str | None) -> None:
        await self._greet(hostname, extended=True)

    async def smtp_MAIL(self, arg: str | None) -> None:
        session = self.session
        assert session is not None
        if self.listener.stopping:
            await self._end(STOPPING)
        if not session.host_name:
            await self._refuse(f"503 5.5.1 say {self.listener.hello} first")
            return
        if self._sender is not None:
            await self._refuse("503 5.5.1 a mail is begun already")
            return
        try:
            sender = parse_mail(arg or "", esmtp=session.extended_smtp, max_size=self.intake.max_size)
            self.intake.check_sender(self.account, sender)
        except MailError as error:
            await self._refuse(str(error))
            return
        self._sender = sender
        await self._reply(SENDER_OK)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if self._sender is None:
            await self._refuse("503 5.5.1 say MAIL first")
            return
        self._seen += 1
        if self._seen > self.intake.max_recipients:
            await self._refuse("452 4.5.3 too many recipients", points=1)
            return
        assert self.session is not None
        try:
            rcpt = parse_rcpt(arg or "", esmtp=self.session.extended_smtp)
            if not (self._sender.utf8 or rcpt.address.isascii()):
                raise MailError("553 5.6.7", "an address outside ASCII needs the parameter SMTPUTF8")
            recipient = self.intake.check_recipient(self.account, rcpt)
        except MailError as error:
            await self._refuse(str(error), points=1)
            return
        self._recipients.append(recipient)
        await self._reply(RECIPIENT_OK)

    async def smtp_DATA(self, arg: str | None) -> None:
        if arg:
            await self._refuse("501 5.5.4 DATA stands alone")
            return
        if not self._recipients:
            await self._refuse("503 5.5.1 no recipient that is ok")
            return
        self._data_until = self.loop.time() + LONGEST_MAIL * self._timeout_duration
        await self._reply(GO_AHEAD)
        with self.listener.place(self.account) as place:
            replies = await self._receive(place)
        self._data_until = 0.0
        utf8 = self._sender is not None and self._sender.utf8
        self._set_post_data_state()
        self._reset_timeout()
        await self._reply(b"".join([_line(reply, utf8=utf8) for reply in replies]))
        if self.listener.stopping:
            await self._end(STOPPING)

    async def _receive(self, place: Place) -> list[str]:
        try:
            raw = await read_data(self._reader, self.intake.max_size, place)
        except MailError as error:
            return [str(error)] * (len(self._recipients) if self.each else 1)
        except HangUp as last_words:
            await self._end(str(last_words))
        return await self._take(raw)

    async def _take(self, raw: bytes) -> list[str]:
        assert self._sender is not None
        self.busy = True
        try:
            replies = await self.intake.take(
                self.account, self.peer, self._sender, self._recipients, raw, each=self.each
            )
        except Exception as error:
            self.listener.fault(self, error)
            return [FAULT] * (len(self._recipients) if self.each else 1)
        finally:
            self.busy = False
        if any(reply.startswith("2") for reply in replies):
            self._useless = 0
        else:
            self._useless += _BAD_COMMAND
        return replies

    async def smtp_RSET(self, arg: str | None) -> None:
        self._set_post_data_state()
        await self._useless_ok(OK)

    async def smtp_NOOP(self, arg: str | None) -> None:
        await self._useless_ok(OK)

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self._useless_ok(b"252 2.1.5 send a mail and see\r\n")

    async def smtp_EXPN(self, arg: str) -> None:
        await self._refuse("502 5.5.1 there are no lists to look at")

    async def smtp_HELP(self, arg: str | None) -> None:
        await self._useless_ok(b"214 2.0.0 see RFC 5321\r\n")

    async def smtp_QUIT(self, arg: str | None) -> None:
        await self._end("221 2.0.0 goodbye")

    # -- TLS and login ---------------------------------------------------------------------------------

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        context = self.listener.starttls
        if arg:
            await self._refuse("501 5.5.4 STARTTLS stands alone")
            return
        if context is None or self.secure:
            await self._refuse("503 5.5.1 there is no STARTTLS here now")
            return
        cast(asyncio.Transport, self.transport).pause_reading()
        await self._reply(b"220 2.0.0 ready\r\n")
        # What came before this moment came in the clear, from anybody (RFC 3207 §6).
        self._reader._buffer.clear()  # type: ignore[attr-defined]
        self.busy = True
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=self.listener.handshake_s)
            if self._writer.transport is None:
                raise ConnectionResetError  # asyncio's way to say that the client left meanwhile
        except BaseException as error:
            self.connection_lost(None)  # between both transports nobody else tells us
            raise asyncio.CancelledError from error
        finally:
            self.busy = False
        self.transport = self._writer.transport
        self.session = self._create_session()
        self._set_post_data_state()
        self.secure = True
        self.require_starttls = False
        self._look_who()

    def _may_login(self) -> bool:
        """Whether a password may be told here: under TLS, or from a mail server that is trusted anyway."""
        return self.secure or self.listener.account_of(self.peer) is not None

    async def smtp_AUTH(self, arg: str | None) -> None:
        assert self.session is not None
        if not (self.session.host_name and self.session.extended_smtp):
            await self._refuse("503 5.5.1 say EHLO first")
        elif self.session.authenticated or self._sender is not None:
            await self._refuse("503 5.5.1 not now")
        elif not self._may_login():
            await self._refuse("538 5.7.11 STARTTLS first: a password is not told in the clear")
        else:
            await self._login(arg or "")

    async def _login(self, argument: str) -> None:
        assert self.session is not None
        try:
            name, password = await credentials(argument, self._ask)
            self.busy = True
            self.account = await self.listener.login(name, password, self.peer)
        except MailError as error:
            self._bad_logins += 1
            if self._bad_logins >= BAD_LOGINS:
                await self._reply(_line(str(error)))
                await self._end("421 4.7.0 too many attempts to log in")
            await self._refuse(str(error))
            return
        finally:
            self.busy = False
        self.session.authenticated = True
        self.listener.recognise(self)
        self._reset_timeout()
        await self._reply(b"235 2.7.0 welcome\r\n")

    async def _ask(self, challenge: bytes) -> bytes:
        await self._reply(challenge + b"\r\n")
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            line = b""
        if not line or len(line) > LINE_LIMIT:
            await self._end("500 5.5.2 the line is too long")
        return line


class LmtpSession(MailSession):
    """A connection over LMTP: a mail server's, for the account of the listener, answered per recipient."""

    each = True
    ident = "LMTP"
    commands = tuple(f"smtp_{name}" for name in (*_SHARED, "LHLO"))

    async def smtp_LHLO(self, arg: str | None) -> None:
        await self._greet(arg, extended=True)


def address_of(transport: asyncio.BaseTransport) -> str:
    """The peer's IP address, without the scope of IPv6 and of IPv4 in its own form; "" of a Unix socket."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return ""
    host = str(name[0]).partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def _line(text: str, *, utf8: bool = False) -> bytes:
    """A reply of one line, whatever a text brings."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text[:500].encode("utf-8" if utf8 else "ascii", "replace") + b"\r\n"


def _look_at(task: asyncio.Task[None]) -> None:
    """A connection that broke is an error of its task, which nobody waits for."""
    if not task.cancelled():
        task.exception()
