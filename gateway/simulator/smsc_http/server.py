"""The simulated service on a socket: a thin shell of aiohttp around SmscService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from gateway.simulator.smsc_http.admin import PREFIX, Admin
from gateway.simulator.smsc_http.model import SentMessage
from gateway.simulator.smsc_http.service import Ending, HttpCall, Reply, SmscService
from gateway.simulator.smsc_http.settings import HttpSettings
from protocols.smsc_http.callbacks import CallbackError
from protocols.smsc_http.requests import MAX_BODY, MAX_QUERY

_LATEST_S = 3600.0
"""The timer of the service is never set later: a clock that was put forward is noticed."""


class HttpSimulator:
    """A simulated service for one event loop: `start` it, point a client at `url`, `close` it."""

    def __init__(self, settings: HttpSettings | None = None) -> None:
        self.service = SmscService(settings)
        self._admin = Admin(self.service)
        self._runner: web.ServerRunner | None = None
        self._port = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._wake = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address cannot be had."""
        self._loop = asyncio.get_running_loop()
        server = web.Server(
            self._handle,
            request_factory=self._request,
            handler_cancellation=True,
            access_log=None,
            max_line_size=MAX_QUERY + 1024,
        )
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, backlog=1024)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._host, self._port = runner.addresses[0][:2]
        timeout = aiohttp.ClientTimeout(total=self.service.settings.handler_timeout_s)
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=self.service.settings.handler_calls),
        )
        count = self.service.settings.handler_calls
        self._workers = [asyncio.create_task(self._call_handler()) for _ in range(count)]

    async def close(self) -> None:
        """Stop listening, and leave undone what waits."""
        if self._runner is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._session.close()
        await self._runner.cleanup()
        self._runner = None

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def on_received(self) -> Callable[[SentMessage], None] | None:
        """Called for each message that is accepted."""
        return self.service.store.on_added

    @on_received.setter
    def on_received(self, call: Callable[[SentMessage], None] | None) -> None:
        self.service.store.on_added = call

    async def wait_until(self, predicate: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Return as soon as `predicate()` holds; it is asked after each thing that happens here.

        Raises TimeoutError after `timeout_s`.
        """
        if predicate():
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append((predicate, future))
        try:
            async with asyncio.timeout(timeout_s):
                await future
        finally:
            self._waiters = [waiter for waiter in self._waiters if waiter[1] is not future]

    def turn_over(self) -> None:
        """Look what is due: to be called after something was done to `service` by hand."""
        self.service.run(time.time())
        if len(self.service.callbacks):
            self._wake.set()
        self._arm()
        self._tell_waiters()

    def _tell_waiters(self) -> None:
        for predicate, future in self._waiters:
            if not future.done() and predicate():
                future.set_result(None)

    def _arm(self) -> None:
        """Set the timer to what happens next."""
        now = time.time()
        # a repetition that is due already waits for a worker, not for the timer
        repeat = self.service.callbacks.next_repetition
        moments = [self.service.due.next, repeat if repeat is not None and repeat > now else None]
        at = min((at for at in moments if at is not None), default=None)
        if at is None:
            return
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(min(max(at - now, 0.001), _LATEST_S), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.turn_over()

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=MAX_BODY)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path.startswith(PREFIX):
            reply = self._admin.handle(await _read(request, path, query), time.time())
            self.turn_over()
            return await self._answer(request, reply)
        try:
            with self.service.gate.present(path):
                call = await _read(request, path, query)
                reply = self.service.handle(call, request.remote or "", time.time())
                self.turn_over()
                return await self._answer(request, reply)
        finally:
            self._tell_waiters()

    async def _answer(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        if reply.ending is Ending.HANG:
            await self._loop.create_future()  # until the client gives up: the handler is cancelled then
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.ending is Ending.DROP and request.transport is not None:
            request.transport.abort()
        response = web.Response(status=reply.status or 500, body=reply.body)
        response.headers["Content-Type"] = reply.content_type
        return response

    async def _call_handler(self) -> None:
        """Post one event after the other, as long as any is due."""
        callbacks = self.service.callbacks
        while True:
            delivery = callbacks.take(time.time())
            if delivery is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            status = None
            try:
                url, content_type, body = callbacks.request(delivery)
                async with self._session.post(
                    url, data=body, headers={"Content-Type": content_type}, allow_redirects=False
                ) as response:
                    await response.read()
                    status = response.status
            except (aiohttp.ClientError, TimeoutError, OSError, CallbackError, ValueError):
                pass
            callbacks.posted(delivery, status, time.time())
            self.turn_over()


async def _read(request: web.BaseRequest, path: str, query: str) -> HttpCall:
    if request.headers.get("Expect", "").lower() == "100-continue":
        # Libraries ask before they send a large body, and without this wait for a second.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the answer
    content_type = request.headers.get("Content-Type", "")
    return HttpCall(request.method, path, query, content_type, await request.read())
