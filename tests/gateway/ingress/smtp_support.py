"""A mail listener on a loop of the test's own, an intake that remembers, a client that speaks by lines."""

from __future__ import annotations

import asyncio
import functools
import inspect
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import ManualClock, account, recorded_events

from gateway.config.basics import Address, TlsServer
from gateway.config.mail_model import AccountMail
from gateway.config.mail_model import LmtpListener as LmtpConfig
from gateway.config.mail_model import SmtpListener as SmtpConfig
from gateway.config.secret import Secret
from gateway.core.accounts import Account
from gateway.core.logins import Logins
from gateway.core.passwords import hash_password
from gateway.ingress.smtp_listener import LmtpListener, MailListener, SmtpListener
from protocols.mail.envelope import MailFrom, RcptTo
from protocols.mail.errors import MailError

try:
    import uvloop

    LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
except ImportError:
    LOOPS = {"asyncio": asyncio.new_event_loop}

HOST = "127.0.0.1"
NAME = "sms.example.org"
PASSWORD = "pw"
PATIENCE_S = 30.0
TO = "79991234567@sms.example.org"


@functools.cache
def hashed(password: str) -> Secret:
    return Secret(hash_password(password))


def mail_account(name: str = "app", **fields: Any) -> Account:
    return account(**{"system_id": name, "password_hash": hashed(PASSWORD), "mail": AccountMail(), **fields})


def on_loops(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an async test on each kind of event loop; what a loop could only log is a failure."""

    @functools.wraps(test)
    def run(*, kind_of_loop: str, **fixtures: Any) -> None:
        async def bounded() -> None:
            problems: list[dict[str, Any]] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
            async with asyncio.timeout(30):
                await test(**fixtures)
            assert not problems, problems

        with asyncio.Runner(loop_factory=LOOPS[kind_of_loop]) as runner:
            runner.run(bounded())

    signature = inspect.signature(test)
    kind = inspect.Parameter("kind_of_loop", inspect.Parameter.KEYWORD_ONLY)
    parameters = [*signature.parameters.values(), kind]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return pytest.mark.parametrize("kind_of_loop", LOOPS)(run)  # type: ignore[no-any-return]


class FakeIntake:
    """Takes every mail to NAME at once, unless the test says otherwise."""

    def __init__(self) -> None:
        self.max_size = 100_000
        self.max_recipients = 100
        self.trusted: Account | None = None
        self.mails: list[tuple[Account | None, str, MailFrom, list[str], bytes]] = []
        self.asked: list[RcptTo] = []
        self.answers: list[Any] = []
        """What `take` does in turn: a text to answer with, an exception to raise, an Event to wait for."""
        self.taking = asyncio.Event()

    def account_of(self, peer: str) -> Account | None:
        return self.trusted

    def check_sender(self, account: Account | None, sender: MailFrom) -> None:
        if sender.address.startswith("fault"):
            raise RuntimeError("secret text of a fault")
        if account is not None and account.config.mail is not None:
            senders = account.config.mail.senders
            if senders and sender.address not in senders:
                raise MailError("553 5.7.1", "not your sender")

    def check_recipient(self, account: Account | None, rcpt: RcptTo) -> RcptTo:
        self.asked.append(rcpt)
        if not rcpt.address.endswith("@" + NAME):
            raise MailError("554 5.7.1", "relay access denied")
        if account is None and not rcpt.address.startswith("send@"):
            raise MailError("530 5.7.0", "Authentication required")
        if rcpt.address.startswith("nobody"):
            raise MailError("550 5.1.1", "no number: \r\n250 hi\x1b")
        return rcpt

    async def take(
        self,
        account: Account | None,
        peer: str,
        sender: MailFrom,
        recipients: list[RcptTo],
        raw: bytes,
        *,
        each: bool,
    ) -> list[str]:
        self.taking.set()
        answer = self.answers.pop(0) if self.answers else "250 2.0.0 queued as 1"
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = "250 2.0.0 queued late"
        if isinstance(answer, Exception):
            raise answer
        self.mails.append((account, peer, sender, [rcpt.address for rcpt in recipients], raw))
        if isinstance(answer, list):
            return answer
        return [answer] * (len(recipients) if each else 1)


class Client:
    """A mail client that sends octets and reads replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self) -> str:
        """The next reply, its lines joined by a line break; "" when the connection is closed."""
        lines = []
        async with asyncio.timeout(PATIENCE_S):
            while line := await self.reader.readline():
                lines.append(line.decode().removesuffix("\r\n"))
                if line[3:4] != b"-":
                    break
        return "\n".join(lines)

    async def say(self, line: str | bytes) -> str:
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def replies(self, *lines: str | bytes) -> list[str]:
        return [await self.say(line) for line in lines]

    async def code(self, line: str | bytes) -> str:
        """The reply's code with the enhanced one."""
        return " ".join((await self.say(line)).split()[:2])

    async def begin(self, hello: str = "EHLO client.example.org") -> str:
        """The reply to EHLO, after the greeting."""
        assert (await self.reply()).startswith("220 ")
        return await self.say(hello)

    async def envelope(self, sender: str = "a@example.org", *recipients: str) -> None:
        assert (await self.code(f"MAIL FROM:<{sender}>")).startswith("250")
        for recipient in recipients or (TO,):
            assert (await self.code(f"RCPT TO:<{recipient}>")).startswith("250")

    async def data(self, mail: bytes = b"Subject: hi\r\n\r\nhello\r\n.\r\n") -> str:
        """The reply to a mail, whose octets come with their end."""
        assert (await self.say("DATA")).startswith("354 ")
        self.send(mail)
        return await self.reply()

    async def is_closed(self) -> bool:
        """Waits for the other end to close; whether it did so without another word."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self.reader.read() == b""
        except ConnectionError:
            return True

    async def starttls(self, context: ssl.SSLContext) -> None:
        assert (await self.say("STARTTLS")).startswith("220 2.0.0")
        await self.handshake(context)

    async def handshake(self, context: ssl.SSLContext) -> None:
        await self.writer.start_tls(context, server_hostname=HOST)

    def close(self) -> None:
        self.writer.transport.abort()


class Server:
    """A listener, and what a test wants of it."""

    def __init__(self, intake: FakeIntake) -> None:
        self.intake = intake
        self.clock = ManualClock()
        self.events, self.lines = recorded_events()
        self.slept: list[float] = []
        self.logins = Logins(self.clock, sleep=self._sleep)
        self.accounts: dict[str, Account] = {"app": mail_account()}
        self.clients: list[Client] = []
        self.listener: MailListener

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    async def connect(self, **how: Any) -> Client:
        if isinstance(self.listener, LmtpListener):
            streams = await asyncio.open_unix_connection(str(self.listener.config.path), **how)
        else:
            assert isinstance(self.listener, SmtpListener)
            streams = await asyncio.open_connection(HOST, self.listener.port, **how)
        self.clients.append(Client(*streams))
        return self.clients[-1]

    async def client(self, hello: str = "EHLO client.example.org", **how: Any) -> Client:
        """A client that has been greeted."""
        client = await self.connect(**how)
        assert (await client.begin(hello)).startswith("250")
        return client

    async def until_connections(self, count: int) -> None:
        """Waits until the listener has so many connections; it hears of their end a moment later."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.listener.connections) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    def said(self, word: str) -> list[str]:
        return [line for line in "".join(self.lines).splitlines() if word in line]


@asynccontextmanager
async def listening(
    *, trusted: bool = True, path: Path | None = None, accounts: list[Account] | None = None, **config: Any
) -> AsyncIterator[Server]:
    """A listener for as long as the block lasts: LMTP with a `path`, else SMTP.

    `trusted`: clients come from a network of the account, and need no login.
    """
    intake = FakeIntake()
    server = Server(intake)
    if accounts is not None:
        server.accounts = {it.name: it for it in accounts}
    if trusted and path is None:
        intake.trusted = server.accounts["app"]
    parts: dict[str, Any] = {
        "accounts": server.accounts,
        "intake": intake,
        "events": server.events,
        "clock": server.clock,
        "hostname": NAME,
    }
    listener: LmtpListener | SmtpListener
    if path is not None:
        listener = LmtpListener(LmtpConfig(path=path, account="app", **config), **parts)
    else:
        smtp = SmtpConfig(**{"address": Address(HOST, 0), **config})
        listener = SmtpListener(smtp, logins=server.logins, **parts)
    server.listener = listener
    await listener.start()
    try:
        yield server
    finally:
        for client in server.clients:
            client.close()
        listener.stop_listening()
        listener.close()
        await server.until_connections(0)
        server.logins.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for HOST."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("mail-pki")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:{HOST}"]
    files = ["-out", "good.pem", "-keyout", "good.key"]
    subprocess.run([*command.split(), *names, *files], cwd=folder, check=True, capture_output=True)
    return folder


def served(pki: Path) -> TlsServer:
    return TlsServer(certificate=pki / "good.pem", key=pki / "good.key")


def trusting(pki: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pki / "good.pem"))
