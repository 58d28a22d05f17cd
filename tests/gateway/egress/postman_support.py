"""A postman between a table of letters and a smarthost of aiosmtpd, all in one loop; the clock is by hand."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from gateway_fakes import NOW_MS, FakeJournal, ManualClock, recorded_events

from gateway.config.basics import Address
from gateway.config.mail_model import Mail, Smarthost
from gateway.core.batch import Answer, Batch
from gateway.core.model import Letter, LetterKind
from gateway.egress.mail import Postman

HOST = "127.0.0.1"
PATIENCE_S = 60.0
DROP = "drop"
"""In place of a reply: the connection ends."""


class Mailed(NamedTuple):
    """What the smarthost took."""

    sender: str
    recipient: str
    options: list[str]
    content: bytes
    tls: bool
    login: str


def cut(connection: SMTP) -> None:
    """Ends a connection without a word."""
    if connection.transport is not None:
        cast(asyncio.Transport, connection.transport).abort()


class Handler:
    """aiosmtpd's hooks: takes everything, unless a reply was laid down for a step."""

    def __init__(self) -> None:
        self.mails: list[Mailed] = []
        self.replies: defaultdict[str, deque[str]] = defaultdict(deque)
        self.always: dict[str, str] = {}
        self.without: set[str] = set()
        self.ehlo = ""
        self.logins: list[str] = []
        self.password = b"open sesame"
        self.gate: asyncio.Event | None = None
        self.at_gate = asyncio.Event()

    def _reply(self, step: str, server: SMTP) -> str:
        reply = self.replies[step].popleft() if self.replies[step] else self.always.get(step, "250 ok")
        if reply == DROP:
            cut(server)
        return reply

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        if self.ehlo:
            return [self.ehlo]
        session.host_name = hostname
        return [line for line in responses if line[4:].split(" ")[0] not in self.without]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._reply("MAIL", server)
        if reply.startswith("250"):
            envelope.mail_from, envelope.mail_options = address, options
        return reply

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._reply("RCPT", server)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.gate is not None:
            self.at_gate.set()
            await self.gate.wait()
        reply = self._reply("DATA", server)
        if reply.startswith("250"):
            login = cast(LoginPassword, session.auth_data).login.decode() if session.authenticated else ""
            assert isinstance(envelope.content, bytes) and server.transport is not None
            self.mails.append(
                Mailed(
                    envelope.mail_from or "",
                    envelope.rcpt_tos[0],
                    [option.upper() for option in envelope.mail_options],
                    envelope.content,
                    session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
                    login,
                )
            )
        return reply

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(mechanism)
        return AuthResult(success=data.password == self.password, handled=False, auth_data=data)


class Server:
    """A listening smarthost; `opened` counts its connections."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, implicit: bool = False, **options: Any) -> None:
        self.handler = Handler()
        self.opened = 0
        self.open: set[SMTP] = set()
        self.port = 0
        self.changed = asyncio.Event()
        self._implicit = tls if implicit else None
        self._options = {"tls_context": None if implicit else tls, **options}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, HOST, self.port, ssl=self._implicit)
        self.port = self._server.sockets[0].getsockname()[1]

    def _protocol(self) -> SMTP:
        server = self
        options = {"hostname": "smarthost.example.org", "enable_SMTPUTF8": True, **self._options}

        class Protocol(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                if self not in server.open:  # it is made a second time by STARTTLS
                    server.opened += 1
                    server.open.add(self)
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                server.open.discard(self)
                server.changed.set()
                super().connection_lost(error)

            async def smtp_STARTTLS(self, arg: str) -> None:
                if "STARTTLS" in server.handler.always:
                    await self.push(server.handler.always["STARTTLS"])
                else:
                    await super().smtp_STARTTLS(arg)
                    self._hear_of_a_lost_handshake()

            def _hear_of_a_lost_handshake(self) -> None:
                """asyncio does not tell us of a connection that is lost before its TLS handshake is done."""
                if (tls := self._tls_protocol) is not None:
                    lost = tls.connection_lost

                    def both(error: Exception | None) -> None:
                        lost(error)
                        server.open.discard(self)
                        server.changed.set()

                    tls.connection_lost = both  # type: ignore[method-assign]

        return Protocol(
            self.handler,
            authenticator=self.handler.authenticate,
            loop=asyncio.get_running_loop(),
            **options,
        )

    async def stop(self) -> None:
        """Listens no longer, and ends all connections."""
        if self._server is not None:
            self._server.close()
            for protocol in tuple(self.open):
                cut(protocol)
            await self._server.wait_closed()
            self._server = None
            await self.until_closed()

    async def until_closed(self) -> None:
        """Waits until no connection is open."""
        async with asyncio.timeout(PATIENCE_S):
            while self.open:
                self.changed.clear()
                await self.changed.wait()


class Row:
    """A letter in the store."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.due_ms = letter.created_ms
        self.claimed = False
        self.reason = ""


class Store(FakeJournal):
    """The store's table of letters; commits by itself, unless it is held."""

    def __init__(self) -> None:
        super().__init__(self._apply)
        self.rows: dict[int, Row] = {}
        self.dead: dict[int, str] = {}
        self.sent: list[int] = []
        self.claims: list[tuple[int, int]] = []
        self.held = False
        self.fails = False
        self.changed = asyncio.Event()
        self.postman: Postman | None = None

    def then(self, callback: Callable[[bool], object]) -> None:
        super().then(callback)
        asyncio.get_running_loop().call_soon(self._commit_if_due)

    def wake(self) -> None:
        self.changed.set()
        asyncio.get_running_loop().call_soon(self._commit_if_due)

    def _commit_if_due(self) -> None:
        if self.is_due and not self.held:
            self.commit(not self.fails)
            self.changed.set()

    def _apply(self, batch: Batch, answer: Answer) -> None:
        for (letter_id,) in batch.letters_sent:
            del self.rows[letter_id]
            self.sent.append(letter_id)
        for letter_id, due_ms, reason in batch.letters_put_off:
            row = self.rows[letter_id]
            row.letter = row.letter._replace(tries=row.letter.tries + 1)
            row.due_ms, row.reason, row.claimed = due_ms, reason, False
        for letter_id, reason, _ in batch.letters_refused:
            del self.rows[letter_id]
            self.dead[letter_id] = reason
        for now_ms, limit in batch.letter_claims:
            self.claims.append((now_ms, limit))
            waiting = sorted((r for r in self.rows.values() if not r.claimed), key=lambda row: row.due_ms)
            due = [row for row in waiting if row.due_ms <= now_ms][:limit]
            for row in due:
                row.claimed = True
            following = next((row.due_ms for row in waiting if not row.claimed), None)
            assert self.postman is not None
            self.postman.claimed([tuple(row.letter) for row in due], following)

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until something is so; looks after each commit, and when there is something to commit."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class Office:
    """The postman, the store, the clock and the log."""

    def __init__(self, smarthost: Smarthost, mail: Mail) -> None:
        self.clock = ManualClock()
        self.store = Store()
        self.events, self.written = recorded_events()
        self.postman = Postman(
            smarthost,
            mail,
            journal=self.store,
            events=self.events,
            clock=self.clock,
            random=Random(5),
        )
        self.store.postman = self.postman
        self.tasks: list[asyncio.Task[None]] = []
        self._letter_id = 0

    def write(self, count: int = 1, **fields: Any) -> list[int]:
        """The store has new letters, and the daemon says so."""
        ids = [self._letter_id + n for n in range(1, count + 1)]
        self._letter_id += count
        for letter_id in ids:
            values = {"letter_id": letter_id, "created_ms": self.clock.now_ms(), **fields}
            self.store.rows[letter_id] = Row(letter(**values))
        self.postman.wake()
        return ids

    async def send(self, count: int = 1, **fields: Any) -> list[int]:
        """New letters, until all are sent or refused."""
        ids = self.write(count, **fields)
        await self.store.until(lambda: not any(letter_id in self.store.rows for letter_id in ids))
        return ids

    async def put_off(self, *letter_ids: int) -> list[Row]:
        """Waits until these are put off; their rows."""
        rows = [self.store.rows[letter_id] for letter_id in letter_ids]
        await self.store.until(lambda: all(row.reason and not row.claimed for row in rows))
        return rows

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.postman.tick(self.clock.now(), self.clock.now_ms())

    def events_named(self, name: str) -> list[str]:
        self.events.flush()
        lines = "\n".join(self.written).splitlines()
        return [line.split(" ", 1)[1] for line in lines if f" {name} " in line]


def letter(**fields: Any) -> Letter:
    values: dict[str, Any] = {
        "letter_id": 1,
        "kind": LetterKind.INCOMING.value,
        "recipient": "ops@example.org",
        "created_ms": NOW_MS,
        "tries": 0,
        "message_id": 0,
        "state": 0,
        "error": "",
        "done_ms": 0,
        "number": "79991234567",
        "own_number": "1234",
        "text": "On my way",
        "mail_id": 0,
        "received_ms": 0,
        "envid": "",
        "header_id": "",
        "subject": "",
        "returned": b"",
        "whole": 0,
        "address": "",
        "orcpt": "",
    }
    return Letter(**{**values, **fields})


def report(returned: bytes, **fields: Any) -> dict[str, Any]:
    """Fields of a report with RET=FULL."""
    return {"kind": 1, "state": 5, "error": "001", "returned": returned, "whole": 1, **fields}


def smarthost(port: int, **options: Any) -> Smarthost:
    return Smarthost(**{"address": Address(HOST, port), "tls": "none", "timeout_s": 5.0, **options})


@asynccontextmanager
async def office_at(port: int, **options: Any) -> AsyncIterator[Office]:
    """A postman at work for the smarthost at this port."""
    section = smarthost(port, **options)
    office = Office(section, Mail(domains=("sms.example.org",), smarthost=section))
    office.tasks = office.postman.start()
    try:
        yield office
    finally:
        await office.postman.stop(PATIENCE_S)
        assert all(task.done() for task in office.tasks)
        died = [task for task in office.tasks if not task.cancelled() and task.exception()]
        assert died == []


@asynccontextmanager
async def serving(server: Server | None = None, **options: Any) -> AsyncIterator[tuple[Office, Server]]:
    """The same with the smarthost."""
    server = server or Server()
    await server.start()
    try:
        async with office_at(server.port, **options) as office:
            yield office, server
    finally:
        await server.stop()


def changed(office: Office, **options: Any) -> list[asyncio.Task[None]]:
    """A reload."""
    section = replace(office.postman.smarthost, **options)
    new = office.postman.configure(section, replace(office.postman.mail, smarthost=section))
    office.tasks += new
    return new


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Runs a test's coroutine in a loop of its own."""

    async def main() -> None:
        async with asyncio.timeout(4 * PATIENCE_S):
            await test()

    asyncio.run(main())
