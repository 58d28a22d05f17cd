"""A connector's links to its SMSC.

A link is one transceiver connection, or a transmitter and a receiver that live and die together.  It is with
one of the connector's hosts.  When another one takes its place it retires: it gets no more messages, waits
for the answers to those it has sent, answers what the SMSC has sent, and only then unbinds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.config.basics import Address
from gateway.core.model import Message
from gateway.egress.link_error import LinkError
from gateway.egress.smpp_connection import UpstreamConnection
from protocols.smpp.pdu import Bind, BindReceiver, BindTransceiver, BindTransmitter, Outbind, Pdu

if TYPE_CHECKING:
    from gateway.egress.smpp_connector import SmppConnector

_BINDS: dict[str, tuple[type[Bind], ...]] = {
    "transceiver": (BindTransceiver,),
    "pair": (BindTransmitter, BindReceiver),
    "transmitter": (BindTransmitter,),
    "receiver": (BindReceiver,),
}


class SmppLink:
    """One link of a connector (the core's Link)."""

    def __init__(self, connector: SmppConnector, host: Address) -> None:
        self.connector = connector
        self.host = host
        self.retiring = False
        self.makes_room = False
        """A person wants another link in its place."""
        self.connections: list[UpstreamConnection] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """The reason why the link is no more."""
        self._sender: UpstreamConnection | None = None
        self._leaves = False

    async def open(self) -> None:
        """Connects and binds; LinkError or OSError when that fails."""
        config = self.connector.config
        loop = asyncio.get_running_loop()
        for bind in _BINDS[config.bind_mode]:
            async with asyncio.timeout(config.response_timeout_s):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self),
                    self.host.host,
                    self.host.port,
                    ssl=self.connector.tls,
                    server_hostname=self.connector.server_name(self.host),
                )
                self.connections.append(connection)
                await connection.bind(bind)
            if self.ended.done():  # while this connection was being made; `end` may not have seen it
                connection.close()
                raise LinkError(self.ended.result())
            if bind is not BindReceiver:
                self._sender = connection
        if self._sender is not None:
            self.connector.upstream.link_up(self)

    def end(self, reason: str) -> None:
        """The link is over, whatever ended it: every connection of it closes."""
        if not self.ended.done():
            self.ended.set_result(reason)
            self.connector.upstream.link_down(self)
            for connection in self.connections:
                connection.close()

    def unbind(self) -> None:
        """Says goodbye; the answers end the link."""
        self.connector.upstream.link_down(self)
        for connection in self.connections:
            connection.unbind()

    def retire(self) -> None:
        """Takes no more messages, and says goodbye when it has its answers."""
        self.retiring = True
        self.connector.upstream.link_down(self)
        self.settled()

    def settled(self) -> None:
        """Some answers have come, or were given up."""
        sessions = [connection.session for connection in self.connections]
        if not self.retiring or self._leaves or any(session.outstanding for session in sessions):
            return
        self._leaves = True
        if any(session.unanswered for session in sessions):
            # Behind the commits that their answers wait for, so these go first. What comes meanwhile is not
            # waited for: a busy SMSC would never let us go.
            self.connector.journal.then(lambda ok: self._leave())
        else:
            self.unbind()

    def _leave(self) -> None:
        if not self.ended.done():
            self.unbind()

    def called(self, connection: UpstreamConnection, pdu: Outbind) -> None:
        """The SMSC has sent outbind, which means nothing where we have come to it."""

    def ask(self, request: Pdu, then: Callable[[object | None], None]) -> bool:
        """Puts a question about a message; False: it cannot be sent by this link now."""
        return self._sender is not None and not self.retiring and self._sender.ask(request, then)

    # -- the core's Link -------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        return self._sender.room if self._sender is not None else 0

    @property
    def stuck(self) -> bool:
        return self._sender is not None and self._sender.stuck

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        assert self._sender is not None
        self._sender.submit(message, segments)
