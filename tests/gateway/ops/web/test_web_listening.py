"""The connections of the pages: who takes too long is cut off, and strangers make room."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from gateway_fakes import ManualClock, recorded_events
from web_pages import USERS

from gateway.ops.web import listening
from gateway.ops.web import pages as all_pages
from gateway.ops.web.app import SHELL, make_app
from gateway.ops.web.gateway_client import GatewayClient
from gateway.ops.web.listening import WRITE_S, WebListener
from gateway.ops.web.page import ANSWER_S, Route, Visit
from gateway.ops.web.settings import WebSettings
from gateway.ops.web.shell import Shell

PATIENCE_S = 30.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Site:
    """Pages on a port."""

    def __init__(self, listener: WebListener, shell: Shell, clock: ManualClock, port: int) -> None:
        self.listener = listener
        self.shell = shell
        self.clock = clock
        self.port = port

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)

    async def request(self, streams: Streams, path: str = "/login", cookie: str = "") -> bytes:
        """An answer's head and body on this connection."""
        reader, writer = streams
        more = f"Cookie: smsc={cookie}\r\n" if cookie else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        return head + await reader.readexactly(length)


@asynccontextmanager
async def site(tmp_path: Path, *routes: Route, **options: Any) -> AsyncIterator[Site]:
    clock = ManualClock()
    settings = WebSettings(USERS, **options)
    events, _ = recorded_events()
    with pytest.MonkeyPatch.context() as patch:
        known = [*all_pages.routes(), *routes]
        patch.setattr("gateway.ops.web.app.routes", lambda: iter(known))
        app = make_app(settings, GatewayClient(tmp_path / "none"), clock, events.say)
    listener = WebListener(app, settings, None, events, clock)
    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    await listener.start([bound])
    try:
        yield Site(listener, app[SHELL], clock, port)
    finally:
        await listener.stop()


async def gone(streams: Streams) -> bool:
    """Whether the other end ends the connection."""
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionError):
            await streams[0].read()
        streams[1].close()
        return True


def test_a_head_or_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        monkeypatch.setattr(listening, "KEEP_S", 0.05)
        async with site(tmp_path) as it:
            silent, slow = await it.connect(), await it.connect()
            slow[1].write(b"GET /login HTTP/1.1\r\nHost: loc")
            assert await gone(silent) and await gone(slow)

            monkeypatch.setattr(listening, "KEEP_S", 3600)
            body = await it.connect()
            body[1].write(b"POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n")
            body[1].write(
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\nname="
            )
            await until(lambda: any(not one.is_idle for one in it.listener.connections))
            it.clock.advance(3600)
            it.listener.tick()
            assert await gone(body)
            assert not it.listener.connections

    asyncio.run(check())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - it waits for many things
            await asyncio.sleep(0.001)


async def long_page(visit: Visit) -> web.StreamResponse:
    return visit.answer(b"x" * (32 << 20), "text/plain")


async def long_file(visit: Visit) -> web.StreamResponse:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    return await visit.download('many \r\n"x".csv', "text/csv", chunks())


async def broken_file(visit: Visit) -> web.StreamResponse:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"some of it"
        raise ValueError("the rest is lost")

    return await visit.download("x.csv", "text/csv", chunks())


@pytest.mark.parametrize(("path", "after_s"), [("/long", ANSWER_S + WRITE_S), ("/file", WRITE_S)])
def test_who_does_not_take_an_answer_is_cut_off(tmp_path: Path, path: str, after_s: float) -> None:
    async def check() -> None:
        routes = Route("GET", "/long", long_page, "open"), Route("GET", "/file", long_file, "open")
        async with site(tmp_path, *routes) as it:
            streams = await it.connect()
            streams[1].write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = await streams[0].readuntil(b"\r\n\r\n")
            if path == "/file":
                assert b"filename*=UTF-8''many%20%0D%0A%22x%22.csv\r\n" in head
            [connection] = it.listener.connections
            # the write buffer is over its mark: it waits for the browser
            await until(lambda: connection.transport.get_write_buffer_size() > 1 << 16)  # type: ignore[union-attr]
            it.clock.advance(after_s - 1)
            it.listener.tick()
            assert it.listener.connections
            it.clock.advance(1)
            it.listener.tick()
            await until(lambda: not it.listener.connections)
            streams[1].transport.abort()

    asyncio.run(check())


def test_a_download_that_breaks_is_cut_off_and_does_not_look_whole(tmp_path: Path) -> None:
    async def check() -> None:
        async with site(tmp_path, Route("GET", "/broken", broken_file, "open")) as it:
            streams = await it.connect()
            streams[1].write(b"GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = b""
            with suppress(ConnectionError):
                async with asyncio.timeout(PATIENCE_S):
                    got = await streams[0].read()
            assert not got.endswith(b"0\r\n\r\n")
            streams[1].close()

    asyncio.run(check())


def test_strangers_make_room_for_each_other_and_who_is_logged_in_stays(tmp_path: Path) -> None:
    async def check() -> None:
        async with site(tmp_path, max_connections=5) as it:
            token = it.shell.sessions.begin(USERS[0])
            known = await it.connect()
            assert b" 303 " in await it.request(known, "/login", token)
            strangers = [await it.connect() for _ in range(4)]
            for one in strangers:
                assert b" 200 " in await it.request(one)  # whoever only sees the login stays a stranger
            for _ in range(20):
                newcomer = await asyncio.open_connection("127.0.0.1", it.port)
                assert b" 200 " in await it.request(newcomer)
                strangers.append(newcomer)
                assert len(it.listener.connections) <= 5
            assert await gone(strangers[0])
            assert b" 303 " in await it.request(known, "/login", token)
            for one in (known, *strangers):
                one[1].close()

    asyncio.run(check())


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /login HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /login HTTP/1.1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"GET /login HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"GET /<script>alert(1)</script> HTTP/9.9\r\n\r\n",
        b"<script>alert(1)</script>\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_a_page_that_quotes_nothing(
    tmp_path: Path, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    async def check() -> None:
        async with site(tmp_path) as it:
            reader, writer = await it.connect()
            writer.write(sent)
            async with asyncio.timeout(PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                got = head + await reader.readexactly(length)
            writer.close()
            assert got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 421 ")), got
            assert b"alert" not in got and b"aiohttp" not in got.lower() and b"python" not in got.lower()
            assert b"default-src 'none'" in got and b"\r\nServer: smsc-gateway\r\n" in got

    asyncio.run(check())
    assert capfd.readouterr().err == ""


def test_who_sends_many_requests_at_once_gets_its_answers_in_order(tmp_path: Path) -> None:
    async def check() -> None:
        async with site(tmp_path) as it:
            reader, writer = await it.connect()
            writer.write(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40)
            writer.write(b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S):
                got = await reader.read()
            writer.close()
            assert got.count(b"HTTP/1.1 404") == 40 and got.count(b"HTTP/1.1 200") == 1

    asyncio.run(check())


def test_the_end_does_not_wait_for_what_takes_long(tmp_path: Path) -> None:
    async def late(visit: Visit) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def check() -> None:
        async with site(tmp_path, Route("GET", "/late", late, "open", timeout_s=3600)) as it:
            idle, busy = await it.connect(), await it.connect()
            await it.request(idle)
            busy[1].write(b"GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: any(not one.is_idle for one in it.listener.connections))
        for streams in (idle, busy):
            assert await gone(streams)

    asyncio.run(asyncio.wait_for(check(), PATIENCE_S))
