"""A callback listener on a loop of the test's own, a sink that remembers, a client that speaks HTTP."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from gateway_fakes import FakeJournal, ManualClock, recorded_events

from gateway.config.basics import Address
from gateway.config.secret import Secret
from gateway.config.smsc_model import CallbackListener as ListenerConfig
from gateway.config.smsc_model import SmscCallback
from gateway.core.smsc_sink import Endpoint
from gateway.ingress.smsc_callbacks import CallbackListener
from protocols.smsc_http.callbacks import Call, IncomingCall, StatusCall, WaitCall

HOST = "127.0.0.1"
PATH = "/smsc/centre"
PATIENCE_S = 30.0
SECRET = "my-secret_1"
PHONE = "79999999999"
STATUS = {
    "id": "1234",
    "phone": PHONE,
    "status": "1",
    "sha1": "af4931a7032c80f16770aad46bf3eb5748c9393a",
}
"""A status call with the hash that the secret makes."""


def callback(**fields: Any) -> SmscCallback:
    return SmscCallback(**{"path": PATH, "secret": Secret(SECRET), **fields})


class FakeSink:
    """Takes every call, unless the test says otherwise; each leaves a row in the batch."""

    def __init__(self, journal: FakeJournal) -> None:
        self.journal = journal
        self.calls: list[tuple[Call, int]] = []
        self.fault: Exception | None = None

    def status(self, call: StatusCall, now_ms: int) -> None:
        self._take("status", call, now_ms)

    def incoming(self, call: IncomingCall, now_ms: int) -> None:
        self._take("incoming", call, now_ms)

    def wait_call(self, call: WaitCall, now_ms: int) -> None:
        self._take("wait_call", call, now_ms)

    def _take(self, method: str, call: Call, now_ms: int) -> None:
        assert {"status": StatusCall, "incoming": IncomingCall, "wait_call": WaitCall}[method] is type(call)
        if self.fault is not None:
            raise self.fault
        self.calls.append((call, now_ms))
        self.journal.batch.handed_over.append((len(self.calls), now_ms))


class Journal(FakeJournal):
    """Commits in the next turn of the loop, or when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.by_itself: bool | None = True
        """How a commit ends that the test does not make; None: the test makes it."""
        self.asked = asyncio.Event()

    def then(self, callback: Callable[[bool], object]) -> None:
        super().then(callback)
        self.asked.set()
        if self.by_itself is not None:
            asyncio.get_running_loop().call_soon(self.commit, self.by_itself)


class Server:
    """A listener and a client of it."""

    def __init__(self, config: ListenerConfig, client: aiohttp.ClientSession, **fields: Any) -> None:
        self.client = client
        self.journal = Journal()
        self.sink = FakeSink(self.journal)
        self.clock = ManualClock()
        events, self.lines = recorded_events()
        endpoints = {PATH: Endpoint("centre", callback(**fields), self.sink)}
        self.listener = CallbackListener(config, endpoints, self.journal, events, self.clock)
        self.port = 0
        self.scheme = "http" if config.tls is None else "https"

    async def call(
        self, data: Any = STATUS, *, path: str = PATH, method: str = "POST", **options: Any
    ) -> tuple[int, str]:
        """Status and body of the answer."""
        url = f"{self.scheme}://{HOST}:{self.port}{path}"
        async with self.client.request(method, url, data=data, **options) as response:
            return response.status, await response.text()

    async def until_connections(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.listener.connections) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)

    def said(self) -> str:
        return "".join(self.lines)


@asynccontextmanager
async def listening(
    *,
    tls: Any = None,
    trust: ssl.SSLContext | None = None,
    max_connections: int = 10,
    request_timeout_s: float = 10,
    **fields: Any,
) -> AsyncIterator[Server]:
    config = ListenerConfig(
        address=Address(HOST, 0),
        tls=tls,
        max_connections=max_connections,
        request_timeout_s=request_timeout_s,
    )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust or True)) as client:
        server = Server(config, client, **fields)
        await server.listener.start()
        server.port = server.listener.port
        try:
            yield server
        finally:
            await server.listener.stop()
            assert server.listener.connections == []


def on_one_loop(test: Callable[[], Awaitable[None]]) -> None:
    """Runs what is asked of many values, and so not on every kind of loop."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test()

    asyncio.run(bounded())


def form(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()
