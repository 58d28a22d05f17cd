"""The connections of the pages: aiohttp's, behind the door that the gateway's own listeners have.

Strangers make room for who is logged in.  A connection has `KEEP_S` for the head of a request, a request the
time of its route, and its answer `WRITE_S` more to be taken.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from typing import Any, Protocol

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.core.clock import Clock
from gateway.core.door import Door
from gateway.core.events import Events
from gateway.ops.web.headers import HEADERS
from gateway.ops.web.settings import WebSettings

KEEP_S = 30
"""For the head of a request, from when it could begin; an idle connection ends too."""
WRITE_S = 30.0
"""A browser that takes longer for an answer, or for a part of a download, is cut off."""
HANDSHAKE_S = 10.0
TICK_S = 1.0
STOP_S = 0.5
"""For what is under way at the end; the daemon does not wait much longer."""
_SORRY = b"<!DOCTYPE html><title>400</title><p>This is no request that can be answered.</p>"

logging.getLogger("aiohttp").disabled = True  # strangers make it speak, and it would quote them
for _name in ("server", "web", "access"):
    logging.getLogger(f"aiohttp.{_name}").disabled = True


class Host(Protocol):
    """What a connection says to its listener."""

    clock: Clock
    connections: set[Connection]

    def left(self, connection: Connection) -> None:
        """It is over."""
        ...

    def known(self, connection: Connection) -> None:
        """Somebody who may be here uses it."""
        ...


class Connection(RequestHandler):
    """One connection."""

    __slots__ = ("_host", "until")

    def __init__(self, server: web.Server, host: Host, **options: Any) -> None:
        super().__init__(server, **options)
        self._host = host
        self.until = math.inf
        """When it is cut off."""

    @property
    def is_idle(self) -> bool:
        """Nothing is under way."""
        return self.until == math.inf

    def give_way(self) -> None:
        """Ends it now."""
        if self.transport is not None:
            self.transport.abort()

    def recognise(self) -> None:
        """It is somebody who may be here."""
        self._host.known(self)

    def extend(self, seconds: float = WRITE_S) -> None:
        """What is under way may take so long from now."""
        self.until = self._host.clock.now() + seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._host.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._host.left(self)
        super().connection_lost(exc)

    async def _handle_request(self, *args: Any) -> Any:
        self.extend()  # the route's time is added by `app`
        try:
            return await super()._handle_request(*args)
        finally:
            self.until = math.inf

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP: the words of the parser are for nobody."""
        response = web.Response(body=_SORRY, status=status, content_type="text/html", headers=HEADERS)
        response.force_close()
        return response


class WebListener:
    """All of them."""

    def __init__(
        self,
        app: web.Application,
        settings: WebSettings,
        tls: ssl.SSLContext | None,
        events: Events,
        clock: Clock,
    ) -> None:
        self.clock = clock
        self.connections: set[Connection] = set()
        self._tls = tls
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S)
        self._door = Door(
            self._make, settings.max_connections, events, clock, handshake_s=HANDSHAKE_S if tls else 0.0
        )
        self._ticking: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accepts on sockets that are bound."""
        await self._runner.setup()
        for one in sockets:
            self._door.open_at(one, self._tls)
        self._tick()

    def renew_certificate(self, settings: WebSettings) -> None:
        """For connections that come from now on; OSError when the files cannot be read."""
        if self._tls is not None:
            self._tls.load_cert_chain(settings.certificate, settings.key)

    def tick(self) -> None:
        """Cuts off whoever takes too long."""
        now = self.clock.now()
        for connection in tuple(self.connections):
            if connection.until <= now:
                connection.give_way()

    async def stop(self) -> None:
        """Ends all of it at once."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._door.close()
        for connection in tuple(self.connections):
            connection.give_way()
        await self._runner.cleanup()

    def known(self, connection: Connection) -> None:
        self._door.recognise(connection)

    def left(self, connection: Connection) -> None:
        self._door.left(connection)
        self.connections.discard(connection)

    def _make(self) -> Connection:
        server = self._runner.server
        assert server is not None
        return Connection(server, self, loop=self._loop, keepalive_timeout=KEEP_S, access_log=None)

    def _tick(self) -> None:
        self.tick()
        self._ticking = self._loop.call_later(TICK_S, self._tick)
