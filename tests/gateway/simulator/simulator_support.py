"""An ESME over our own Session, for the simulator's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from gateway.simulator import Simulator, SimulatorSettings
from protocols.smpp import constants as c
from protocols.smpp.codec import encode
from protocols.smpp.events import Answered, Closed, Refused
from protocols.smpp.pdu import (
    AlertNotification,
    BindTransceiver,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    Outbind,
    Pdu,
    SubmitSm,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role

PATIENCE_S = 30.0
QUICK: dict[str, Any] = {"late_receipt_ms": 30.0, "receipt_retry_ms": 5.0}


class Esme(asyncio.Protocol):
    """Binds and submits through protocols.smpp; answers deliveries with `answers` in turn, then ESME_ROK."""

    def __init__(self, window: int = 1000) -> None:
        self.session = Session(Role.ESME, SessionSettings(window=window), asyncio.get_running_loop().time())
        self.deliveries: asyncio.Queue[DeliverSm | DataSm] = asyncio.Queue()
        self.calls: asyncio.Queue[AlertNotification | Outbind] = asyncio.Queue()
        self.answers: list[int | None] = []
        self.closed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.order: list[str] = []
        self._fences: list[asyncio.Future[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for event in self.session.receive_data(data, self.now()):
            if isinstance(event, DeliverSm | DataSm):
                self._take(event)
            elif isinstance(event, AlertNotification | Outbind):
                self.calls.put_nowait(event)
            elif isinstance(event, Answered):
                self.order.append(type(event.response).__name__)
                cast("asyncio.Future[Pdu]", event.context).set_result(event.response)
            elif isinstance(event, Refused) and event.command_id == c.ENQUIRE_LINK_RESP:
                self._fences.pop(0).set_result(None)
            elif isinstance(event, Closed):
                self.transport.close()
        self.write()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(exc)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def write(self) -> None:
        self.transport.write(self.session.data_to_send())

    def _take(self, event: DeliverSm | DataSm) -> None:
        self.order.append(type(event).__name__)
        status = self.answers.pop(0) if self.answers else c.ESME_ROK
        if status is not None:
            response = DeliverSmResp if isinstance(event, DeliverSm) else DataSmResp
            self.session.respond(response(sequence_number=event.sequence_number, command_status=status))
        self.deliveries.put_nowait(event)

    def send(self, pdu: Pdu) -> asyncio.Future[Pdu]:
        """Send a request; the future is its response."""
        future: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self.session.send_request(pdu, self.now(), future)
        self.write()
        return future

    async def request(self, pdu: Pdu) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.send(pdu)

    async def fence(self) -> None:
        """Everything that the simulator wrote before now has arrived."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._fences.append(future)
        # past the session, which keeps enquire_link and its answers to itself
        self.transport.write(encode(EnquireLink(sequence_number=c.MAX_SEQUENCE_NUMBER)))
        async with asyncio.timeout(PATIENCE_S):
            await future

    async def unbind(self) -> None:
        self.session.unbind(self.now())
        self.write()
        async with asyncio.timeout(PATIENCE_S):
            await self.closed

    async def call(self) -> Any:
        """The next alert_notification or outbind."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.calls.get()

    async def delivery(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.deliveries.get()


_connected: list[Esme] = []


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator of this event loop; at the end it is closed and every Esme with it."""
    simulator = Simulator(SimulatorSettings(**{**QUICK, **settings}))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.close()
        while _connected:
            esme = _connected.pop()
            esme.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                await esme.closed


async def connect(simulator: Simulator, window: int = 1000) -> Esme:
    """An ESME that is connected and not bound."""
    loop = asyncio.get_running_loop()
    _, esme = await loop.create_connection(lambda: Esme(window), "127.0.0.1", simulator.port)
    _connected.append(esme)
    return esme


async def bound(
    simulator: Simulator, bind: type[Pdu] = BindTransceiver, system_id: str = "esme", version: int = 0x34
) -> Esme:
    """An ESME that is bound, as a transceiver and over 3.4 unless said otherwise."""
    esme = await connect(simulator)
    request = cast(Any, bind)(system_id=system_id, password="pw", interface_version=version)
    response = await esme.request(request)
    assert response.command_status == c.ESME_ROK
    return esme


def play(scenario: Callable[[Simulator], Awaitable[None]], **settings: Any) -> None:
    """Run a scenario against a simulator of its own."""

    async def run() -> None:
        async with running(**settings) as simulator:
            await scenario(simulator)

    asyncio.run(run())


def submit(destination: str, text: bytes = b"hello", **fields: Any) -> SubmitSm:
    """A submit_sm that wants a receipt."""
    values = {"source_addr": "12345", "registered_delivery": 1, "short_message": text, **fields}
    return SubmitSm(destination_addr=destination, **values)
