"""An SMSC that does what a test tells it to, PDU by PDU; the simulated one is too well-behaved for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from journey_support import HOST, PATIENCE_S

from protocols.smpp import constants as c
from protocols.smpp.events import Answered, Closed
from protocols.smpp.pdu import RESPONSES, Bind, Outbind, Pdu, SubmitSm, SubmitSmResp
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role


class SmscConnection(asyncio.Protocol):
    """One connection; `answer` may be another function, and what it returns None for waits for `respond`."""

    def __init__(self, smsc: ScriptedSmsc, outbind: Outbind | None = None) -> None:
        self.smsc = smsc
        self._loop = asyncio.get_running_loop()
        settings = SessionSettings(window=1000, peer_window=1000, bind_timeout_s=3600)
        self.session = Session(Role.SMSC, settings, self._loop.time())
        self.bind: Bind | None = None
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.transport: asyncio.Transport
        self._outbind = outbind
        self._reason = "closed without a word"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.smsc.connections.append(self)
        if self._outbind is not None:
            self.session.send_request(self._outbind, self._loop.time())
            self.write()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(self._reason)
        self.smsc.connections.remove(self)

    def data_received(self, data: bytes) -> None:
        for event in self.session.receive_data(data, self._loop.time()):
            if isinstance(event, Bind):
                self._bind(event)
            elif isinstance(event, Answered):
                cast("asyncio.Future[Pdu]", event.context).set_result(event.response)
            elif isinstance(event, Closed):
                self._reason = event.reason
                self.write()
                self.transport.close()
            elif isinstance(event, Pdu):
                self.smsc.got.put_nowait((self, event))
                response = self.smsc.answer(event)
                if response is not None:
                    self.respond(event, response)
        self.write()

    def _bind(self, event: Bind) -> None:
        status = self.smsc.binds.pop(0) if self.smsc.binds else c.ESME_ROK
        if status == c.ESME_ROK:
            self.bind = event
            version = event.interface_version
            self.session.accept_bind(event, system_id="scripted", sc_interface_version=version)
        else:
            self.session.refuse_bind(event, status)

    def respond(self, request: Pdu, response: Pdu) -> None:
        response.sequence_number = request.sequence_number
        self.session.respond(response)
        self.write()

    def write(self) -> None:
        data = self.session.data_to_send()
        if data:
            self.transport.write(data)

    async def request(self, pdu: Pdu) -> Any:
        """The gateway's answer."""
        future: asyncio.Future[Pdu] = self._loop.create_future()
        self.session.send_request(pdu, self._loop.time(), future)
        self.write()
        async with asyncio.timeout(PATIENCE_S):
            return await future

    def tell(self, pdu: Pdu) -> None:
        """Sends what has no answer."""
        self.session.send_request(pdu, self._loop.time())
        self.write()

    async def end(self) -> str:
        """Waits until the connection is closed; why."""
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.shield(self.closed)


class ScriptedSmsc:
    """Takes any bind, unless `binds` has statuses for the next ones, and answers with `answer`."""

    def __init__(self) -> None:
        self.connections: list[SmscConnection] = []
        self.binds: list[int] = []
        self.got: asyncio.Queue[tuple[SmscConnection, Pdu]] = asyncio.Queue()
        self.answer: Callable[[Pdu], Pdu | None] = self.take
        self.taken: list[SubmitSm] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    def take(self, pdu: Pdu) -> Pdu | None:
        """The answer of an SMSC that takes everything; ids are T1, T2, …"""
        if isinstance(pdu, SubmitSm):
            self.taken.append(pdu)
            return SubmitSmResp(message_id=f"T{len(self.taken)}")
        return RESPONSES[pdu.command_id]()

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SmscConnection(self), HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def call(self, port: int, outbind: Outbind) -> SmscConnection:
        """Connects to the gateway and says that it may bind."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: SmscConnection(self, outbind), HOST, port)
        return connection

    async def request(self, kind: type[Pdu] = SubmitSm) -> tuple[SmscConnection, Any]:
        """The next request of this kind, and where it came."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                connection, pdu = await self.got.get()
                if isinstance(pdu, kind):
                    return connection, pdu

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.transport.abort()
        for connection in tuple(self.connections):
            await connection.end()


@asynccontextmanager
async def scripted_smsc(port: int = 0) -> AsyncIterator[ScriptedSmsc]:
    smsc = ScriptedSmsc()
    await smsc.start(port)
    try:
        yield smsc
    finally:
        await smsc.close()
