"""Mail for the journeys: a gateway that takes and writes mail, clients that speak SMTP or LMTP, a smarthost.

Nothing of it uses the gateway's own code for mail: clients speak by lines, the smarthost is aiosmtpd's, and
what it got is read by the standard library.
"""

from __future__ import annotations

import asyncio
import base64
import email.policy
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from email.message import EmailMessage, Message
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple, cast

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from journey_support import (
    DESTINATION,
    HOST,
    PASSWORD,
    PATIENCE_S,
    Gateway,
    account,
    config,
    connector,
    running,
    simulated_smsc,
)

from gateway.config.mail_model import AccountMail, IncomingRule, LmtpListener, Mail, Smarthost, SmtpListener
from gateway.config.model import Account, Address, Config, Listeners
from gateway.simulator import Simulator
from gateway.simulator.message import Message as Sms
from protocols.smpp.pdu import DeliverSm
from protocols.sms.udh import build, concatenation_element

DOMAIN = "sms.example.org"
SENDER = "sender@example.net"
ANYBODY = (ip_network("127.0.0.0/8"),)
OTHER = "79161200002"
THIRD = "79161200003"
UNREACHABLE = "79161299002"
"""Numbers; the simulated SMSC cannot deliver to the last."""


def to(*locals_: str) -> tuple[str, ...]:
    """Paths at our domain; what follows a bar are parameters of RCPT."""
    parts = (local.partition("|") for local in locals_)
    return tuple(f"<{local}@{DOMAIN}> {parameters}".rstrip() for local, _, parameters in parts)


def mail(text: str | bytes = "hello", *fields: str, author: str = SENDER, header_id: str = "") -> bytes:
    """A mail's octets; `fields` are further lines of its header."""
    head = [f"From: {author}", *([f"Message-ID: {header_id}"] if header_id else []), *fields]
    if isinstance(text, str) and not text.isascii():
        head.append("Content-Type: text/plain; charset=utf-8")
    body = text.encode() if isinstance(text, str) else text
    return "\r\n".join((*head, "", "")).encode() + body.replace(b"\n", b"\r\n") + b"\r\n"


# -- clients -------------------------------------------------------------------------------------------


class MailClient:
    """A mail server or program that brings mail; replies are their lines, joined by a line break."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, each: bool) -> None:
        self.reader = reader
        self.writer = writer
        self.each = each
        self._good = 0

    async def reply(self) -> str:
        """The next reply; "" when the connection is closed."""
        lines = []
        async with asyncio.timeout(PATIENCE_S):
            while line := await self.reader.readline():
                lines.append(line.decode().rstrip("\r\n"))
                if line[3:4] != b"-":
                    break
        return "\n".join(lines)

    async def say(self, line: str) -> str:
        self.writer.write(line.encode() + b"\r\n")
        return await self.reply()

    async def hello(self) -> str:
        return await self.say("LHLO client.example.net" if self.each else "EHLO client.example.net")

    async def envelope(self, *recipients: str, sender: str = SENDER, options: str = "") -> list[str]:
        """The replies to MAIL and to each RCPT; `recipients` as `to` makes them."""
        replies = [await self.say(f"MAIL FROM:<{sender}>{options}")]
        if replies[0].startswith("250"):
            replies.extend([await self.say(f"RCPT TO:{recipient}") for recipient in recipients])
        self._good = sum(reply.startswith("250") for reply in replies[1:])
        return replies

    async def content(self, octets: bytes) -> None:
        """DATA and the mail, up to its end; the reply is not waited for."""
        reply = await self.say("DATA")
        assert reply.startswith("354"), reply
        stuffed = octets.replace(b"\r\n.", b"\r\n..")
        self.writer.write(stuffed + b".\r\n")

    async def data(self, octets: bytes) -> list[str]:
        """DATA and the mail; its reply, over LMTP one for each good recipient."""
        await self.content(octets)
        return [await self.reply() for _ in range(self._good if self.each else 1)]

    async def send(self, octets: bytes, *recipients: str, sender: str = SENDER, options: str = "") -> str:
        """The reply to a whole mail (over LMTP: the first), or the first reply that is a refusal."""
        for reply in await self.envelope(*(recipients or to(DESTINATION)), sender=sender, options=options):
            if not reply.startswith("250"):
                await self.say("RSET")
                return reply
        return (await self.data(octets))[0]

    async def login(self, name: str, password: str = PASSWORD) -> str:
        token = f"\0{name}\0{password}".encode()
        return await self.say("AUTH PLAIN " + base64.b64encode(token).decode())

    async def start_tls(self, context: ssl.SSLContext) -> None:
        reply = await self.say("STARTTLS")
        assert reply.startswith("220"), reply
        await self.writer.start_tls(context, server_hostname=HOST)

    def hang_up(self) -> None:
        _abort(self.writer.transport)


def _abort(transport: asyncio.BaseTransport | None) -> None:
    if transport is not None:
        cast(asyncio.Transport, transport).abort()


def queue_id(reply: str) -> str:
    """The id in the reply to a mail that was taken."""
    start, _, mail_id = reply.rpartition(" ")
    assert start == "250 2.0.0 queued as" and mail_id.isdecimal(), reply
    return mail_id


# -- the smarthost -------------------------------------------------------------------------------------


class Got(NamedTuple):
    """A mail that the smarthost took."""

    sender: str | None
    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def report(self) -> dict[str, str]:
        """The fields of a DSN (RFC 3464), by their names in small letters."""
        assert self.mail.get_content_type() == "multipart/report"
        assert self.mail.get_param("report-type") == "delivery-status"
        status = list(self.mail.iter_parts())[1]
        assert status.get_content_type() == "message/delivery-status"
        groups = status.get_payload()
        assert isinstance(groups, list)
        return {
            name.lower(): str(value)
            for group in groups
            if isinstance(group, Message)
            for name, value in group.items()
        }

    @property
    def text(self) -> str:
        """What a person reads."""
        body = self.mail.get_body(("plain",))
        assert body is not None
        return str(body.get_content())


class Sink:
    """A smarthost that collects mails; it answers RCPT or the mail with `answers` in turn, then takes all."""

    def __init__(self) -> None:
        self.mails: list[Got] = []
        self.tries = 0
        self.answers: list[str] = []
        """What it says in turn after DATA; "" hangs up instead."""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[SMTP] = set()

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        self.tries += 1
        answer = self.answers.pop(0) if self.answers else "250 2.0.0 taken"
        if not answer:
            _abort(server.transport)
            raise asyncio.CancelledError
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(Got(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return answer

    def _connection(self) -> SMTP:
        server = SMTP(
            self, enable_SMTPUTF8=True, hostname="smarthost.example.net", loop=asyncio.get_running_loop()
        )
        self._open.add(server)
        return server

    async def start(self) -> None:
        """Listens, at the port that it had before."""
        self._server = await asyncio.get_running_loop().create_server(self._connection, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody listens there any more, and whoever is connected is cut off."""
        if self._server is not None:
            self._server.close()
            for connection in self._open:
                _abort(connection.transport)
            self._open.clear()
            self._server = None

    def section(self, **fields: Any) -> Smarthost:
        return Smarthost(address=Address(HOST, self.port), **{"tls": "none", "timeout_s": 10, **fields})


# -- the gateway ---------------------------------------------------------------------------------------


class Post:
    """A gateway with mail, its SMSC, its smarthost, and what a test wants of them."""

    def __init__(self, gateway: Gateway, smsc: Simulator, sink: Sink) -> None:
        self.gateway = gateway
        self.smsc = smsc
        self.sink = sink
        self.clients: list[MailClient] = []

    @property
    def side(self) -> Any:
        assert self.gateway.daemon.mail is not None
        return self.gateway.daemon.mail

    async def connect(self) -> MailClient:
        """A client over SMTP that has read the greeting."""
        port = next(listener.port for listener in self.side.listeners if listener.protocol == "smtp")
        return await self._greeted(*await asyncio.open_connection(HOST, port), each=False)

    async def client(self) -> MailClient:
        """A client over SMTP that has said EHLO."""
        client = await self.connect()
        assert (await client.hello()).startswith("250")
        return client

    async def lmtp(self) -> MailClient:
        """A client over LMTP that has said LHLO."""
        path = next(listener.config.path for listener in self.side.listeners if listener.protocol == "lmtp")
        client = await self._greeted(*await asyncio.open_unix_connection(str(path)), each=True)
        assert (await client.hello()).startswith("250")
        return client

    async def _greeted(self, *streams: Any, each: bool) -> MailClient:
        client = MailClient(*streams, each=each)
        self.clients.append(client)
        greeting = await client.reply()
        assert greeting.startswith("220"), greeting
        return client

    async def send(self, octets: bytes, *recipients: str, **envelope: str) -> str:
        """The reply to a mail over a connection of its own."""
        client = await self.client()
        reply = await client.send(octets, *recipients, **envelope)
        client.hang_up()
        return reply

    async def sms(self, count: int = 1) -> list[Sms]:
        """What the SMSC has got, as soon as it is so much."""
        await self.smsc.wait_until(lambda: len(self.smsc.received) >= count)
        return list(self.smsc.received)

    async def texts(self, count: int = 1) -> list[tuple[str, str]]:
        """The destinations and texts of that, in the order of destinations."""
        return sorted((it.destination, text_of(it)) for it in await self.sms(count))

    async def letters(self, count: int = 1) -> list[Got]:
        """What the smarthost has got, as soon as it is so much."""
        await self.gateway.until(lambda: len(self.sink.mails) >= count)
        return self.sink.mails

    async def letters_in_time(self, count: int) -> list[Got]:
        """The same of letters that may still be put off: the clock goes on whenever nothing is under way."""
        postman = self.gateway.daemon.mail.postman  # type: ignore[union-attr]
        assert postman is not None

        def come() -> bool:
            if len(self.sink.mails) < count and not postman.in_memory and not postman._claiming:
                self.gateway.clock.advance(60)
            return len(self.sink.mails) >= count

        await self.gateway.until(come)
        return self.sink.mails

    async def settled(self) -> None:
        """Every SMS has ended, and every letter has been sent."""
        await self.gateway.emptied()
        await self.gateway.until(lambda: not self.waiting())

    def waiting(self) -> list[dict[str, Any]]:
        """Letters that are not sent yet, without the dead ones."""
        return [it for it in self.gateway.listing("letters") if not it["died_ms"]]

    def dead(self) -> list[dict[str, Any]]:
        return [it for it in self.gateway.listing("letters") if it["died_ms"]]

    @contextmanager
    def held_store(self) -> Iterator[Callable[[], None]]:
        """The store writes nothing until the test says so, or the block ends."""
        pid = self.gateway.daemon.journal.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield lambda: os.kill(pid, signal.SIGCONT)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def taking(self, mails: int = 1) -> None:
        """So many mails wait for their commit."""
        journal = self.gateway.daemon.journal

        def rows() -> int:
            batches = [journal.batch, *(batch for batch, _ in journal._under_way)]
            return sum(len(batch.mails) for batch in batches)

        await self.gateway.until(lambda: rows() >= mails)

    def ends(self, mail_id: str) -> list[str]:
        """What `smsc-gateway message QUEUE_ID` says of a mail's messages."""
        found = self.gateway.reader.mail(int(mail_id))
        assert found is not None
        return [it["state"] for it in found["messages"]]

    def deliver(self, text: str, own_number: str, **sms: Any) -> None:
        """A subscriber's SMS, see `incoming`."""
        self.smsc.deliver(incoming(text, own_number, **sms), "gateway")

    async def reload(self, **changes: Any) -> None:
        """Takes over a configuration with these sections."""
        await self.gateway.daemon.reload(replace(self.gateway.daemon.config, **changes))


def text_of(message: Sms) -> str:
    """The text of an SMS: UCS-2, or GSM 7 bit within what ASCII has at the same places."""
    return message.text.decode("utf-16-be" if message.data_coding & 0x0C == 8 else "ascii")


def incoming(
    text: str, own_number: str, number: str = DESTINATION, part: tuple[int, int] | None = None
) -> DeliverSm:
    """What a subscriber sends us, in UCS-2 where it has to be; `part`: which of how many."""
    header = build([concatenation_element(7, part[1], part[0])]) if part else b""
    plain = text.isascii()
    return DeliverSm(
        source_addr_ton=1 if number.isdecimal() else 5,
        source_addr=number,
        destination_addr=own_number,
        esm_class=0x40 if part else 0,
        data_coding=0 if plain else 8,
        short_message=header + text.encode("ascii" if plain else "utf-16-be"),
    )


def mailer(system_id: str = "app", **fields: Any) -> Account:
    """An account whose mail comes from this machine without a login; `mail` as a dict has further options."""
    options = {"networks": ANYBODY, "subject": "", **fields.pop("mail", {})}
    return account(system_id, mail=AccountMail(**options), **fields)


def mail_config(
    smsc: Simulator,
    sink: Sink | None,
    *,
    accounts: Sequence[Account] | None = None,
    mail: dict[str, Any] | None = None,
    smtp: dict[str, Any] | None = None,
    lmtp: Path | None = None,
    incoming: Sequence[IncomingRule] = (),
    link: dict[str, Any] | None = None,
    **configured: Any,
) -> Config:
    accounts = [mailer()] if accounts is None else accounts
    made = config(connector(smsc.port, **(link or {})), accounts=accounts, **configured)
    listeners = Listeners(
        smpp=made.listeners.smpp,
        smtp=[SmtpListener(address=Address(HOST, 0), **(smtp or {}))],
        lmtp=[LmtpListener(path=lmtp, account=accounts[0].system_id)] if lmtp else [],
    )
    section = Mail(domains=[DOMAIN], **{"smarthost": sink.section() if sink else None, **(mail or {})})
    return replace(made, listeners=listeners, mail=section, incoming=incoming)


@asynccontextmanager
async def a_sink() -> AsyncIterator[Sink]:
    sink = Sink()
    await sink.start()
    try:
        yield sink
    finally:
        await sink.stop()


@asynccontextmanager
async def posting(
    made: Config, state_dir: Path, smsc: Simulator, sink: Sink, **how: Any
) -> AsyncIterator[Post]:
    """A gateway of this configuration for as long as the block lasts; its connector is linked."""
    async with running(made, state_dir, **how) as gateway:
        await gateway.linked()
        post = Post(gateway, smsc, sink)
        try:
            yield post
        finally:
            for client in post.clients:
                client.hang_up()


@asynccontextmanager
async def post_office(
    state_dir: Path, *, smarthost: bool = True, smsc: dict[str, Any] | None = None, **configured: Any
) -> AsyncIterator[Post]:
    """A gateway with an SMSC and a smarthost; see `mail_config`."""
    async with a_sink() as sink, simulated_smsc(**(smsc or {})) as simulator:
        made = mail_config(simulator, sink if smarthost else None, **configured)
        async with posting(made, state_dir, simulator, sink) as post:
            yield post
