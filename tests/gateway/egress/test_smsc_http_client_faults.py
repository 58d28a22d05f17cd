"""The client of the SMSC service, and services that misbehave: what was sent is known, secrets are not."""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import ManualClock
from service_fakes import looped, turns

from gateway.config.basics import TlsClient, Url
from gateway.config.secret import Secret
from gateway.config.smsc_model import SmscConnector
from gateway.core.clock import Clock, SystemClock
from gateway.egress.smsc_http import client as client_module
from gateway.egress.smsc_http.client import BACKUP_S, NoAnswer, NotSent, SmscClient
from gateway.egress.smsc_http.waits import Waits

HOST = "127.0.0.1"
SECRETS = ("p-secret", "k-secret")
SENDING = {"phones": "+79161234567", "mes": "a text", "id": "g1"}
OK = b'{"id": "g1", "cnt": 1}'

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback, for as long as it is needed: its port."""
    writers: list[asyncio.StreamWriter] = []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(guarded, HOST, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return (head + await reader.readexactly(length)).decode()


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An answer as it is on the wire."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Raw:
    """A service that writes octets, whatever they are; `requests` are the bodies that came."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        """One for each request, the last one for all that follow; None: the connection ends without one."""
        self.requests: list[str] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.requests.append(await read_request(reader))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer:
                return


@asynccontextmanager
async def raw(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Raw]:
    service = Raw()
    service.answers = list(answers)
    async with serving(service.serve, tls=tls) as service.port:
        yield service


@asynccontextmanager
async def client_of(*urls: Url | int, clock: Clock | None = None, **fields: Any) -> AsyncIterator[SmscClient]:
    first, *backups = (url if isinstance(url, Url) else Url("http", HOST, url) for url in urls)
    sleep = fields.pop("sleep", asyncio.sleep)
    values: dict[str, Any] = {"login": "alex", "password": Secret("p-secret"), "timeout_s": 5.0, **fields}
    config = SmscConnector(name="centre", url=first, backup_urls=backups, **values)
    client = SmscClient(config, clock or SystemClock(), sleep=sleep)
    try:
        yield client
    finally:
        await client.close()


async def unused_port() -> int:
    server = await asyncio.start_server(lambda *_: None, HOST, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subject = f"-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    subprocess.run([*command.split(), *subject.split()], check=True, capture_output=True)
    return certificate, key


# -- nothing went out ----------------------------------------------------------------------------------


@looped
async def test_a_name_that_is_not_known_is_as_if_nobody_were_there() -> None:
    async with raw(http(OK)) as service:
        nowhere = Url("http", "no-such-host.invalid", service.port)
        async with client_of(nowhere, service.port) as client:
            assert await client.call("send", SENDING) == {"id": "g1", "cnt": 1}
        async with client_of(nowhere) as client:
            with pytest.raises(NotSent, match="no-such-host"):
                await client.call("send", SENDING)


@looped
async def test_a_service_whose_certificate_is_not_trusted_gets_nothing(tls_files: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)
    async with raw(http(OK), tls=context) as service:
        async with client_of(Url("https", HOST, service.port)) as client:
            with pytest.raises(NotSent, match="certificate"):
                await client.call("send", SENDING)
        assert service.requests == []
        trusted = TlsClient(ca=tls_files[0], server_name="localhost")
        async with client_of(Url("https", HOST, service.port), tls=trusted) as client:
            assert await client.call("send", SENDING) == {"id": "g1", "cnt": 1}
        other_name = TlsClient(ca=tls_files[0], server_name="smsc.example")
        async with client_of(Url("https", HOST, service.port), tls=other_name) as client:
            with pytest.raises(NotSent, match="Hostname mismatch"):
                await client.call("send", SENDING)
        assert len(service.requests) == 1


@looped
async def test_no_octet_of_a_request_goes_to_what_speaks_no_tls() -> None:
    async with raw(http(OK)) as service:
        async with client_of(Url("https", HOST, service.port), timeout_s=0.2) as client:
            with pytest.raises(NotSent):
                await client.call("send", SENDING)
        assert service.requests == []


@looped
async def test_who_does_not_take_the_connection_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is the shorter time, that of the connection or that of all."""

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # a TLS handshake that nobody answers

    async with serving(silence) as port:
        url = Url("https", HOST, port)
        async with client_of(url, timeout_s=0.2) as client:
            with pytest.raises(NotSent, match="did not answer in time"):
                await client.call("send", SENDING)
        monkeypatch.setattr(client_module, "CONNECT_TIMEOUT_S", 0.1)
        async with client_of(url, timeout_s=600) as client:
            with pytest.raises(NotSent, match="did not answer in time"):
                await client.call("send", SENDING)


# -- it went out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "the connection was lost"),
        (http(OK, length=len(OK) + 5, status="200 OK\r\nConnection: close"), "the connection was lost"),
        (http(b"<html>busy</html>", "Content-Type: text/html"), "unreadable"),
        (http(b""), "unreadable"),
        (http(OK, status="500 Internal Server Error"), "HTTP 500"),
        (http(OK, status="503 Service Unavailable"), "HTTP 503"),
        (http(OK, status="404 Not Found"), "HTTP 404"),
        (http(OK, "Location: http://127.0.0.1:1/", status="307 Temporary Redirect"), "HTTP 307"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the connection was lost"),
        (http(OK, "Transfer-Encoding: chunked"), "the connection was lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "the connection was lost"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "the connection was lost"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the connection was lost"),
        (http(b"\x1f\x8b" + bytes(30), "Content-Encoding: gzip"), "unreadable"),
        (http(b'{"cnt": 1}'), "unreadable"),
        (http(b'{"error_code": "many"}'), "unreadable"),
        (http(b"[" * 100_000), "unreadable"),
    ],
    ids=[
        "dropped",
        "cut",
        "html",
        "empty",
        "500",
        "503",
        "404",
        "redirect",
        "no-http",
        "two-lengths",
        "no-length",
        "long-header",
        "bad-chunk",
        "gzip",
        "half",
        "no-number",
        "deep",
    ],
)
@looped
async def test_it_may_have_been_carried_out(answer: bytes | None, says: str) -> None:
    async with raw(answer) as service, raw(http(OK)) as backup:
        async with client_of(service.port, backup.port) as client:
            with pytest.raises(NoAnswer, match=says) as caught:
                await client.call("send", SENDING)
        assert (len(service.requests), len(backup.requests)) == (1, 0)
        assert not any(secret in repr(caught.value) for secret in SECRETS)


@looped
async def test_a_kept_connection_that_ends_without_an_answer_is_not_tried_again() -> None:
    async with raw(http(OK), None) as service, client_of(service.port) as client:
        await client.call("send", SENDING)
        with pytest.raises(NoAnswer):
            await client.call("send", {**SENDING, "id": "g2"})
        assert (len(service.requests), service.connections) == (2, 1)


@looped
async def test_all_of_an_answer_has_to_come_in_time() -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http(OK, length=100_000))
        await reader.read()

    async with serving(begin) as port, client_of(port, timeout_s=1.0) as client:
        with pytest.raises(NoAnswer, match=r"within 1 s"):
            await client.call("send", SENDING)


@looped
async def test_an_answer_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER", 1 << 20)
    async with raw(http(b" " * (1 << 20) + OK)) as service, client_of(service.port) as client:
        with pytest.raises(NoAnswer, match="more than 1 MiB"):
            await client.call("send", SENDING)
    body = OK + b" " * ((1 << 20) - len(OK))
    async with raw(http(body)) as service, client_of(service.port) as client:
        assert await client.fetch("send", SENDING) == (body, "")


# -- hosts ---------------------------------------------------------------------------------------------


@looped
async def test_a_host_without_an_answer_rests_for_a_minute() -> None:
    clock = ManualClock()
    async with (
        raw(None, http(OK)) as main,
        raw(http(OK)) as backup,
        client_of(main.port, backup.port, clock=clock) as client,
    ):
        with pytest.raises(NoAnswer):
            await client.call("send", SENDING)
        await client.call("send", {**SENDING, "id": "g2"})
        assert (len(main.requests), len(backup.requests)) == (1, 1)
        clock.advance(BACKUP_S)
        await client.call("send", {**SENDING, "id": "g3"})
        assert (len(main.requests), len(backup.requests)) == (2, 1)


@looped
async def test_the_only_host_is_asked_though_it_should_rest() -> None:
    async with raw(None, http(OK)) as service, client_of(service.port, clock=ManualClock()) as client:
        with pytest.raises(NoAnswer):
            await client.call("send", SENDING)
        assert await client.call("send", {**SENDING, "id": "g2"}) == {"id": "g1", "cnt": 1}


@looped
async def test_what_no_host_took_may_have_gone_to_one_of_them() -> None:
    gone = await unused_port()
    async with raw(None) as service, client_of(gone, service.port) as client:
        with pytest.raises(NoAnswer):
            await client.call("send", SENDING)


# -- turns ---------------------------------------------------------------------------------------------


class Gate:
    """A service that answers when it is let."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.open = asyncio.Event()
        self.changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            async with self.changed:
                self.inside += 1
                self.most = max(self.most, self.inside)
                self.changed.notify_all()
            await self.open.wait()
            self.inside -= 1
            writer.write(http(b'[{"status": 1, "id": "g1", "phone": "1"}]'))


@asynccontextmanager
async def gate() -> AsyncIterator[tuple[Gate, int]]:
    service = Gate()
    async with serving(service.serve) as port:
        yield service, port
        service.open.set()


async def inside(service: Gate, count: int) -> None:
    async with service.changed:
        await service.changed.wait_for(lambda: service.inside == count)


@looped
async def test_statuses_that_wait_for_a_place_leave_the_others_theirs() -> None:
    async with gate() as (service, port), client_of(port, max_requests=5) as client:
        asking = [
            asyncio.ensure_future(client.call("status", {"phone": str(n), "id": "g1"})) for n in range(20)
        ]
        await inside(service, 3)
        sending = asyncio.ensure_future(client.fetch("send", SENDING))
        await inside(service, 4)
        service.open.set()
        await asyncio.gather(sending, *asking)
        assert service.most <= 5


@looped
async def test_the_next_turn_is_counted_from_when_the_question_went_out() -> None:
    """Two lists of statuses have a minute between them at the service, however long the first one waited."""
    clock = ManualClock()
    waits = Waits(clock)
    listed = {"phone": "1,2", "id": "g1,g1"}
    async with (
        gate() as (service, port),
        client_of(port, clock=clock, sleep=waits.sleep, max_requests=1) as client,
    ):
        first = asyncio.ensure_future(client.call("status", {"phone": "1", "id": "g1"}))
        await inside(service, 1)
        lists = [asyncio.ensure_future(client.call("status", listed)) for _ in range(2)]
        await turns()
        clock.advance(20)
        service.open.set()
        await first
        await asyncio.wait(lists, return_when=asyncio.FIRST_COMPLETED)
        assert client.due_s("status", listed) == 61
        clock.advance(60.5)
        waits.tick(clock.now())
        await turns()
        assert sum(it.done() for it in lists) == 1
        clock.advance(0.5)
        waits.tick(clock.now())
        await asyncio.gather(*lists)


@looped
async def test_a_call_that_is_given_up_frees_its_place() -> None:
    async with gate() as (service, port), client_of(port, max_requests=1) as client:
        for _ in range(3):
            asking = asyncio.ensure_future(client.call("send", SENDING, at_once=True))
            await inside(service, 1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            service.inside = 0
        service.open.set()
        assert await client.fetch("send", SENDING, at_once=True)


# -- secrets -------------------------------------------------------------------------------------------


@looped
async def test_secrets_are_in_the_body_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gone = await unused_port()
    async with raw(http(OK), None) as service:
        key = {"login": "", "password": None, "api_key": Secret("k-secret")}
        async with client_of(service.port) as client, client_of(service.port, **key) as other:
            await client.call("send", SENDING)
            errors = []
            for asking in (client, other):
                with pytest.raises(NoAnswer) as caught:
                    await asking.call("send", {**SENDING, "id": "g2"})
                errors.append(caught)
            said = [repr(vars(client)), repr(vars(other)), caplog.text]
        async with client_of(gone) as client:
            with pytest.raises(NotSent) as lost:
                await client.call("send", SENDING)
        said += [str(it.getrepr(style="native")) for it in (*errors, lost)]
    for request, secret in zip(service.requests, ("p-secret", "p-secret", "k-secret"), strict=True):
        head, body = request.split("\r\n\r\n")
        assert secret in body and secret not in head
        assert ("apikey=k-secret" in body) is (secret == "k-secret")
        assert ("login=" in body) is (secret == "p-secret")
        assert head.startswith("POST /sys/send.php HTTP/1.1")
    for text in said:
        assert not any(secret in text for secret in SECRETS)
