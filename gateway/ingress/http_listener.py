"""A socket where applications send over HTTP: it hands each request to the app whose path it has.

aiohttp's parser reads (see `http_connection`), and nothing else of aiohttp is in a request's way: its server
makes objects of each request that cost more than the message does. The module is imported where such a
listener is configured.
"""

from __future__ import annotations

import asyncio
import ssl
import traceback
from collections.abc import Iterable
from pathlib import Path

from gateway.config.model import HttpListener as ListenerConfig
from gateway.core.clock import Clock
from gateway.core.door import Door, Take, take_none
from gateway.core.events import Events
from gateway.ingress.http_connection import HttpConnection
from gateway.ingress.http_reader import IS_STRICT
from gateway.ingress.http_requests import Mount
from gateway.ingress.http_turns import Turns
from gateway.ingress.http_writing import Dates
from gateway.ingress.tls import certificate_ends, renew, server_context

ROOM = 128 << 20
"""Octets of bodies that are coming or wait for their turn, over all connections of a listener."""
TICK_EVERY_S = 0.5
STOP_TIMEOUT_S = 5.0


class HttpListener:
    """The connections of one listening socket. `mounts` may be replaced by a reload."""

    def __init__(self, config: ListenerConfig, mounts: Iterable[Mount], events: Events, clock: Clock) -> None:
        self.config = config
        self.mounts = tuple(mounts)
        self.address = str(config.address)
        self.clock = clock
        self.dates = Dates()
        self.turns = Turns(asyncio.get_running_loop())
        self.connections: set[HttpConnection] = set()
        self.bad_inputs = 0
        """Requests that were none, or too much of one."""
        self.faults = 0
        """Requests that were answered 500, for a mistake of the gateway's."""
        self.stopping = False
        self._events = events
        self._room = ROOM
        self._looked_at = clock.now()
        self._door = Door(
            lambda: HttpConnection(self),
            config.max_connections,
            events,
            clock,
            handshake_s=config.request_timeout_s,
        )
        self._tls: ssl.SSLContext | None = None

    async def start(self, take: Take = take_none) -> None:
        """Listens; OSError when the address cannot be had, or a certificate cannot be read."""
        if not IS_STRICT:
            raise OSError(
                "aiohttp has no parser in C here: install it from its wheel, without AIOHTTP_NO_EXTENSIONS"
            )
        host, port = self.config.address
        self._tls = server_context(self.config.tls)
        await self._door.open(host, port, self._tls, take=take)

    @property
    def port(self) -> int:
        """The port it listens on (the kernel's choice when 0 is configured)."""
        return self._door.port

    def renew_certificate(self) -> None:
        """Reads it anew, for connections that come from now on; OSError when that cannot be."""
        renew(self._tls, self.config.tls)

    @property
    def certificate_ends(self) -> float | None:
        """When the certificate that clients are shown ends, in seconds since 1970; None: there is none."""
        return certificate_ends(self._tls)

    def tick(self, now: float) -> None:
        """Ends connections that take too long; called a few times a second."""
        if now - self._looked_at < TICK_EVERY_S:
            return
        self._looked_at = now
        for connection in tuple(self.connections):
            connection.tick(now, self.config.request_timeout_s)

    def stop_listening(self) -> None:
        """Takes no connection more; requests that came are answered, and then their connections end."""
        self.stopping = True
        self._door.close()
        for connection in tuple(self.connections):
            connection.finish()

    async def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Waits so long for the last answers, and ends every connection."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self.connections and loop.time() < deadline:  # noqa: ASYNC110 - for many of them at once
            await asyncio.sleep(0.02)
        for connection in tuple(self.connections):
            connection.abort()

    # -- the connections' side -------------------------------------------------------------------------------

    def admits(self, connection: HttpConnection) -> bool:
        """Whether one more connection is taken."""
        self.connections.add(connection)
        return not self.stopping

    def recognise(self, connection: HttpConnection) -> None:
        """A whole request has come."""
        self._door.recognise(connection)

    def forget(self, connection: HttpConnection) -> None:
        """A connection is over."""
        self._door.left(connection)
        self.connections.discard(connection)

    def take_room(self, octets: int) -> bool:
        """Whether so many more octets of bodies may be kept."""
        if octets > self._room:
            return False
        self._room -= octets
        return True

    def give_room(self, octets: int) -> None:
        """So many are not kept any more."""
        self._room += octets

    def fault(self, error: Exception) -> None:
        """Something that must not happen did, in the gateway; its text might hold some of the request's."""
        self.faults += 1
        place = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" in {Path(line.filename).name}:{line.lineno}" for line in place)
        reason = type(error).__name__ + where
        self._events.seldom("error", "http_fault", self.clock.now(), reason=reason)
