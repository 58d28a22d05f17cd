"""SMSCs that come to us: a socket for their outbind, and the receiver that is bound on it (SMPP v3.4 §2.2.1).

Such a link brings receipts and incoming SMS like any other; nothing goes up by it.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.config.basics import Address
from gateway.core.errors import system_reason
from gateway.egress.link_error import LinkError
from gateway.egress.smpp_connection import UpstreamConnection
from gateway.egress.smpp_link import SmppLink
from protocols.smpp.pdu import BindReceiver, Outbind

if TYPE_CHECKING:
    from gateway.egress.smpp_connector import SmppConnector

LINKS_MAX = 10
"""Connections at a time; more are closed at once."""
LISTEN_AGAIN_S = 5.0


class OutbindLink(SmppLink):
    """One connection that the SMSC made."""

    def __init__(self, connector: SmppConnector, host: Address) -> None:
        super().__init__(connector, host)
        self._outbind: asyncio.Future[Outbind | None] = asyncio.get_running_loop().create_future()
        self.ended.add_done_callback(self._wake)

    def _wake(self, ended: asyncio.Future[str]) -> None:
        if not self._outbind.done():
            self._outbind.set_result(None)

    def called(self, connection: UpstreamConnection, pdu: Outbind) -> None:
        if not self._outbind.done():
            self._outbind.set_result(pdu)

    async def serve(self, peer: str) -> None:
        """Waits for the outbind, binds, and waits for the end."""
        connector = self.connector
        [connection] = self.connections
        try:
            async with asyncio.timeout(connector.config.response_timeout_s):
                pdu = await self._outbind
                if pdu is None:
                    raise LinkError(self.ended.result())
                shown = pdu.password.encode("latin-1", "replace")
                known = connector.config.password.reveal().encode("latin-1", "replace")
                if not hmac.compare_digest(shown, known):
                    raise LinkError("its password is not this connector's")
                await connection.bind(BindReceiver)
        except (LinkError, TimeoutError) as error:
            reason = str(error) or "no outbind in time"
            name, now = connector.config.name, connector.clock.now()
            connector.events.seldom(
                "warning", "outbind_refused", now, connector=name, peer=peer, reason=reason
            )
            self.end(reason)
            return
        except asyncio.CancelledError:
            self.end("stopped")
            raise
        connector.take_in(self)
        connector.tell("info", "bound", mode="receiver", peer=peer)
        reason = await asyncio.shield(self.ended)
        connector.tell("warning", "link_lost", reason=reason, peer=peer)


class _OutbindConnection(UpstreamConnection):
    """A connection that says when it is made."""

    def __init__(self, link: OutbindLink, connected: Callable[[OutbindLink, str], None]) -> None:
        super().__init__(link)
        self._outbind_link, self._connected = link, connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        name = transport.get_extra_info("peername")  # None: it has left already
        self._connected(self._outbind_link, str(Address(*name[:2])) if name else "-")


class OutbindListener:
    """Where the SMSC of a connector may come to."""

    def __init__(self, connector: SmppConnector, address: Address) -> None:
        self.connector = connector
        self.address = address
        self.port = 0
        """The port that it has, once it listens."""
        self._serving: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listens until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                server = await loop.create_server(self._accept, self.address.host, self.address.port)
                break
            except OSError as error:
                reason = system_reason(error)
                name, now = self.connector.config.name, self.connector.clock.now()
                self.connector.events.seldom(
                    "error", "outbind_deaf", now, connector=name, address=self.address, reason=reason
                )
                await asyncio.sleep(LISTEN_AGAIN_S)
        try:
            self.port = server.sockets[0].getsockname()[1]
            self.connector.say("info", "listening", protocol="outbind", address=self.address)
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            for task in self._serving:
                task.cancel()

    def _accept(self) -> asyncio.Protocol:
        link = OutbindLink(self.connector, self.address)
        connection = _OutbindConnection(link, self._connected)
        link.connections.append(connection)
        return connection

    def _connected(self, link: OutbindLink, peer: str) -> None:
        if len(self._serving) >= LINKS_MAX:
            link.end(f"more than {LINKS_MAX} connections")
            return
        task = asyncio.get_running_loop().create_task(link.serve(peer), name="outbind")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
