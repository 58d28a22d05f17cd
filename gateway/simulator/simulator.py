"""The simulated SMSC as a server: listening, the timers of its sessions, and waiting for what arrives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from gateway.simulator.binds import SYSTEM_ID
from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.message import Message
from gateway.simulator.settings import SimulatorSettings, parse_address
from gateway.simulator.smsc import Smsc
from protocols.smpp.pdu import AlertNotification, DataSm, DeliverSm, Outbind
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
        self._calling: asyncio.Task[None] | None = None
        self._called: Connection | None = None
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address cannot be had."""
        self._loop = asyncio.get_running_loop()
        self._smsc = Smsc(self.settings, self._loop, self._arrived, self._turn_over)
        self._server = await self._loop.create_server(self._connection, host, port, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        self._call()

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is None:
            return
        self._server.close()
        self._timer.cancel()
        if self._calling is not None:
            self._calling.cancel()
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

    def alert(self, pdu: AlertNotification, system_id: str) -> bool:
        """Send an alert_notification to a receiving session of the system_id; False: there is none."""
        sent = self._smsc.deliveries.write(pdu, system_id)
        self._smsc.flush()
        return sent

    async def outbind(self, host: str, port: int, password: str = "") -> None:
        """Connect to an ESME, send outbind and serve what binds there. OSError when nobody listens."""
        _, connection = await self._loop.create_connection(self._connection, host, port)
        request = Outbind(system_id=SYSTEM_ID, password=password)
        connection.session.send_request(request, self._loop.time())
        connection.write()
        self._called = connection

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
        settings = SessionSettings(
            window=self.settings.window,
            peer_window=_PEER_WINDOW,
            unknown_responses_per_min=_PEER_WINDOW,  # those to the frames that the session does not know
        )
        return Connection(self._smsc, Session(Role.SMSC, settings, self._loop.time()), self._loop.time)

    def _call(self) -> None:
        """Connect to the ESME of the settings, again whenever it is not there or has gone."""
        called = self._called is not None and self._called.alive
        if self.settings.outbind and not called and (self._calling is None or self._calling.done()):
            self._calling = self._loop.create_task(self._outbind())

    async def _outbind(self) -> None:
        host, port = parse_address("outbind", self.settings.outbind)
        with suppress(OSError):  # the next tick tries again
            await self.outbind(host, port, self.settings.outbind_password)

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
        self._call()
        self._timer = self._loop.call_later(_TICK_S, self._tick)
