"""What the journeys of our SMSC side share: an SMSC that is scripted, and clients of other versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from journey_support import (
    HOST,
    PASSWORD,
    PATIENCE_S,
    SYSTEM_ID,
    Client,
    Gateway,
    config,
    connector,
    running,
)

from protocols.smpp import constants as c
from protocols.smpp.events import Answered, Closed
from protocols.smpp.pdu import Bind, BindTransceiver, Pdu, SubmitSm, SubmitSmResp, response_to
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role


class ScriptedSmsc(asyncio.Protocol):
    """An SMSC that takes everything, gives ids in order, and answers all else by `answer`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.got: list[Pdu] = []
        self.answer: Callable[[Pdu], Pdu | None] = response_to
        self.answered: list[Pdu] = []
        self.port = 0
        self._ids = 0
        self._session: Session
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        settings = SessionSettings(window=1000, peer_window=1000)
        self._session = Session(Role.SMSC, settings, self.loop.time())

    def data_received(self, data: bytes) -> None:
        session = self._session
        for event in session.receive_data(data, self.loop.time()):
            if isinstance(event, Bind):
                session.accept_bind(event, system_id="scripted", sc_interface_version=0x50)
            elif isinstance(event, Answered):
                self.answered.append(event.response)
            elif isinstance(event, Closed):
                self._transport.close()
            elif isinstance(event, SubmitSm):
                self.got.append(event)
                self._ids += 1
                session.respond(
                    SubmitSmResp(sequence_number=event.sequence_number, message_id=f"up-{self._ids}")
                )
            elif isinstance(event, Pdu):
                self.got.append(event)
                answer = self.answer(event)
                if answer is not None:
                    session.respond(answer)
        self.write()

    def write(self) -> None:
        self._transport.write(self._session.data_to_send())

    def send(self, pdu: Pdu) -> None:
        """Sends a request of the SMSC's own: a receipt, an incoming SMS, an alert."""
        self._session.send_request(pdu, self.loop.time(), pdu)
        self.write()

    def texts(self) -> list[bytes]:
        """What was submitted."""
        return [pdu.short_message for pdu in self.got if isinstance(pdu, SubmitSm)]

    def of(self, kind: type[Pdu]) -> list[Any]:
        """What came of one operation."""
        return [pdu for pdu in self.got if isinstance(pdu, kind)]


@asynccontextmanager
async def scripted(
    tmp_path: Path, *, link: dict[str, Any] | None = None, **configured: Any
) -> AsyncIterator[tuple[Gateway, ScriptedSmsc]]:
    """A gateway whose only connector is bound to a scripted SMSC."""
    smsc = ScriptedSmsc()
    server = await smsc.loop.create_server(lambda: smsc, HOST, 0)
    smsc.port = server.sockets[0].getsockname()[1]
    try:
        made = config(connector(smsc.port, **(link or {})), **configured)
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            yield gateway, smsc
    finally:
        server.close()


async def client_of(
    gateway: Gateway,
    version: int,
    kind: type[Bind] = BindTransceiver,
    system_id: str = SYSTEM_ID,
    window: int = 1000,
) -> Client:
    """A client that has bound with this interface_version."""
    client = await gateway.connect(window)
    response = await client.request(kind(system_id=system_id, password=PASSWORD, interface_version=version))
    assert response.command_status == c.ESME_ROK
    return client


async def patiently(future: asyncio.Future[Any]) -> Any:
    """What a future brings, if it comes soon enough."""
    async with asyncio.timeout(PATIENCE_S):
        return await future
