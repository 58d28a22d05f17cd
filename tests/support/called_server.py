"""A handler or webhook on loopback that answers with octets, and remembers what came."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

HOST = "127.0.0.1"
PATIENCE_S = 60.0


class Came(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> str:
        return self.path.partition("?")[2]


def answer(status: str = "200 OK", *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class CalledServer:
    """`answers` are given one by one, then `usual`.

    An answer is octets, a number (a status), None (the connection ends), or a function of the request that
    gives one of them; an Event among `answers` is waited for before `usual` is given.
    """

    def __init__(self, usual: int | bytes | Callable[[Came], int | bytes | None] | None = 200) -> None:
        self.usual = usual
        self.answers: deque[int | bytes | asyncio.Event | None] = deque()
        self.came: list[Came] = []
        self.connections = 0
        self.inside = 0
        self.most_inside = 0
        self.port = 0
        self.changed = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/h"

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until something is so; looks after each request."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            request = await read_request(reader)
            self.came.append(request)
            self.inside += 1
            self.most_inside = max(self.inside, self.most_inside)
            self.changed.set()
            try:
                octets = await self._next(request)
            finally:
                self.inside -= 1
            if octets is None:
                return
            writer.write(octets)
            await writer.drain()

    async def _next(self, request: Came) -> bytes | None:
        given = self.answers.popleft() if self.answers else self.usual
        if isinstance(given, asyncio.Event):
            await given.wait()
            given = self.usual
        if callable(given):
            given = given(request)
        return answer(f"{given} Said") if isinstance(given, int) else given


async def read_request(reader: asyncio.StreamReader) -> Came:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    return Came(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def called(
    server: CalledServer | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[CalledServer]:
    """The server, for as long as it is needed."""
    server = server or CalledServer()
    writers: list[asyncio.StreamWriter] = []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            await server.serve(reader, writer)
        writer.close()

    listening = await asyncio.start_server(guarded, HOST, server.port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
