"""The simulated SMSC as a server: listening, the timers of its sessions, and waiting for what arrives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.message import Message
from gateway.simulator.settings import SimulatorSettings
from gateway.simulator.smsc import Smsc
from protocols.smpp.pdu import DataSm, DeliverSm
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role

_TICK_S = 0.5
_PEER_WINDOW = 100_000  # the gateway's own window is what limits it, not ours


class Simulator:
    """An SMSC for one event loop. `start` it, point an ESME at `port`, look at `received`, `close` it."""

    on_received: Callable[[Message], None] | None = None
    """Called for each submit, whatever its answer."""

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address cannot be had."""
        self._loop = asyncio.get_running_loop()
        self._smsc = Smsc(self.settings, self._loop, self._arrived, self._turn_over)
        self._server = await self._loop.create_server(self._connection, host, port, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]
        self._timer = self._loop.call_later(_TICK_S, self._tick)

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is None:
            return
        self._server.close()
        self._timer.cancel()
        self._smsc.delays.clear()
        self.drop_connections()
        await self.wait_until(lambda: not self._smsc.connections)
        self._smsc.delays.clear()
        self._server = None

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._port

    @property
    def received(self) -> deque[Message]:
        """The last `settings.keep` submits, oldest first, those without a good answer too."""
        return self._smsc.received

    @property
    def counters(self) -> Counters:
        """What happened since `start`."""
        return self._smsc.counters

    @property
    def connections(self) -> int:
        """How many TCP connections are open."""
        return len(self._smsc.connections)

    def deliver(self, pdu: DeliverSm | DataSm, system_id: str) -> None:
        """Send a deliver_sm or data_sm to the system_id, now or when it binds as a receiver."""
        self._smsc.deliveries.deliver(pdu, system_id)
        self._smsc.flush()

    def drop_connections(self) -> None:
        """Close every connection without an unbind, as a failing SMSC does."""
        for connection in self._smsc.connections:
            connection.transport.abort()

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

    def _connection(self) -> Connection:
        settings = SessionSettings(window=self.settings.window, peer_window=_PEER_WINDOW)
        return Connection(self._smsc, Session(Role.SMSC, settings, self._loop.time()), self._loop.time)

    def _arrived(self, message: Message) -> None:
        if self.on_received is not None:
            self.on_received(message)

    def _turn_over(self) -> None:
        for predicate, future in self._waiters:
            if not future.done() and predicate():
                future.set_result(None)

    def _tick(self) -> None:
        now = self._loop.time()
        for connection in list(self._smsc.connections):
            due = connection.session.next_timeout()
            if due is not None and due <= now and connection.alive:
                connection.dispatch(connection.session.handle_timeout(now), now)
        self._smsc.flush()
        self._timer = self._loop.call_later(_TICK_S, self._tick)
