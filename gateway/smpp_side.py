"""The SMPP clients' part of the daemon: the sockets that they bind at, the calls that make them bind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.config.model import Config
from gateway.core.taps import Tapped
from gateway.egress.smpp_connector import SmppConnector
from gateway.ingress.smpp_listener import SmppListener
from gateway.ingress.smpp_outbind import OutbindCaller
from gateway.kinds import UNBIND_TIMEOUT_S
from gateway.translate.vendor_tlvs import VendorTlvs

if TYPE_CHECKING:
    from gateway.daemon import Daemon


class SmppSide:
    """The listeners, and the one that has no socket and calls."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.listeners: list[SmppListener] = []

    async def start(self, config: Config) -> None:
        """Listens; DaemonError when an address cannot be had."""
        for section in config.listeners.smpp:
            listener = SmppListener(section, **self._needs())
            await self._daemon.start_listener(listener, "smpp", str(section.address))
            self._add(listener, config)
        self._add(OutbindCaller(**self._needs()), config)

    def _add(self, listener: SmppListener, config: Config) -> None:
        listener.vendor_tlvs = VendorTlvs(config.vendor_tlvs)
        listener.taps = self._daemon.tracing.taps
        self.listeners.append(listener)

    def _needs(self) -> dict[str, Any]:
        daemon = self._daemon
        return {
            "accounts": daemon.accounts,
            "outlets": daemon.outlets,
            "submission": daemon.submission,
            "journal": daemon.journal,
            "events": daemon.events,
            "clock": daemon.clock,
            "logins": daemon.logins,
        }

    def sessions(self) -> Iterator[Tapped]:
        """All SMPP sessions, of clients and to SMSCs."""
        for listener in self.listeners:
            yield from listener.connections
        for connector in self._daemon.connectors.values():
            if isinstance(connector, SmppConnector):
                yield from connector.connections

    def stop_listening(self) -> None:
        """Lets nobody bind any more."""
        for listener in self.listeners:
            listener.stop_listening()

    async def unbind_clients(self) -> None:
        """Unbinds every client, and hangs up on those that do not answer."""
        connections = [connection for listener in self.listeners for connection in listener.connections]
        for connection in connections:
            connection.unbind()
        await self._daemon.until(lambda: all(connection.gone for connection in connections), UNBIND_TIMEOUT_S)
        for connection in connections:
            if not connection.gone:
                connection.close()
