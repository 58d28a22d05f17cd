"""A listener for HTTP on a loop of the test's own, apps that remember, and octets in and out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway_fakes import ManualClock, recorded_events

from gateway.config.basics import Address
from gateway.config.model import HttpListener as ListenerConfig
from gateway.core.http import HttpCall, HttpReply, HttpStream
from gateway.ingress.http_listener import HttpListener
from gateway.ingress.http_requests import Mount

HOST = "127.0.0.1"
BODY_MAX = 1000
PATIENCE_S = 30.0
GET = b"GET /a/x HTTP/1.1\r\nHost: h\r\n\r\n"

Answer = HttpReply | HttpStream


async def plainly(call: HttpCall) -> Answer:
    """The app that everything goes to."""
    return HttpReply(200, "text/plain", call.path.encode() + b":" + call.body)


class Server:
    """A listener with one app, under /a/."""

    def __init__(self, config: ListenerConfig) -> None:
        self.clock = ManualClock()
        self.events, self.lines = recorded_events()
        self.calls: list[HttpCall] = []
        self.answer: Callable[[HttpCall], Awaitable[Answer]] = plainly
        self.came = asyncio.Event()
        self.listener = HttpListener(config, [Mount("/a/", self._app, BODY_MAX)], self.events, self.clock)

    async def _app(self, call: HttpCall) -> Answer:
        self.calls.append(call)
        self.came.set()
        return await self.answer(call)

    async def open(self, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.listener.port, **options)

    async def say(self, octets: bytes, *, ends: bool = False, **options: Any) -> bytes:
        """What is answered until the connection ends. `ends`: nothing more comes; else the time runs out."""
        reader, writer = await self.open(**options)
        try:
            writer.write(octets)
            if ends:
                writer.write_eof()
            return await self.rest_of(reader)
        finally:
            writer.close()

    async def rest_of(self, reader: asyncio.StreamReader) -> bytes:
        """Everything until the connection ends, while the listener's time runs."""
        reading = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(PATIENCE_S):
            while not reading.done():
                await asyncio.wait([reading], timeout=0.005)
                if not reading.done():
                    self.turn(1)
        try:
            return reading.result()
        except ConnectionError:
            return b""

    def turn(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.listener.tick(self.clock.now())

    async def until(self, predicate: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not predicate():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    def said(self) -> str:
        return "".join(self.lines)


@asynccontextmanager
async def serving(**fields: Any) -> AsyncIterator[Server]:
    values = {"address": Address(HOST, 0), "request_timeout_s": 10.0, **fields}
    server = Server(ListenerConfig(**values))
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    await server.listener.start()
    try:
        yield server
    finally:
        server.listener.stop_listening()
        await server.listener.stop(1.0)
        await server.until(lambda: not server.listener.connections)
    assert faults == []


def statuses(octets: bytes) -> list[int]:
    """Of the answers in what was answered."""
    return [int(found) for found in re.findall(rb"(?:^|\n|[^\w.]|\w)HTTP/1\.1 (\d{3}) ", octets)]


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One answer with a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0")))
