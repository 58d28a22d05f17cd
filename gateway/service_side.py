"""The SMSC services' part of the daemon: connectors over HTTP, and the listeners that services call.

Only here are aiohttp and what needs it imported, and only when such a connector is configured: it is memory
that other gateways have no use for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gateway.config.model import Config
from gateway.config.smsc_model import SmscConnector as ConnectorConfig
from gateway.core.batch import Answer
from gateway.core.receipts import ReceiptBook
from gateway.core.upstream import Upstream

if TYPE_CHECKING:
    from gateway.core.smsc_sink import Endpoint
    from gateway.daemon import Daemon
    from gateway.egress.smsc_http.asker import Doubt
    from gateway.egress.smsc_http.connector import SmscConnector
    from gateway.ingress.smsc_callbacks import CallbackListener


class ServiceSide:
    """The connectors to services, by name, and the sockets for their calls."""

    def __init__(self, daemon: Daemon, marks: dict[str, int]) -> None:
        self._daemon = daemon
        self._marks = marks
        self._doubts: dict[str, list[Doubt]] = {}
        """What connectors left in doubt that a reload took away."""
        self.connectors: dict[str, SmscConnector] = {}
        self.listeners: list[CallbackListener] = []
        self._whose_call: Callable[[str], tuple[str, int] | None] | None = None

    def connector(self, config: ConnectorConfig, upstream: Upstream, receipts: ReceiptBook) -> SmscConnector:
        """A connector, not started yet; OSError when a file of its TLS section cannot be read."""
        from gateway.egress.smsc_http.connector import SmscConnector

        daemon = self._daemon
        connector = SmscConnector(
            config,
            upstream=upstream,
            receipts=receipts,
            incoming=daemon.incoming,
            journal=daemon.journal,
            events=daemon.events,
            clock=daemon.clock,
            random=daemon.random,
            boot=daemon.boot,
            marks=self._marks,
            may_command=self._may_command,
            on_death=daemon.task_ended,
        )
        connector.asker.take_over(self._doubts.pop(config.name, ()))
        self.connectors[config.name] = connector
        if self._whose_call is not None:
            connector.inbox.whose_call = self._whose_call
        self._tell_listeners()
        return connector

    def lead_calls(self, whose_call: Callable[[str], tuple[str, int] | None]) -> None:
        """Subscribers' calls go to accounts that wait for them (see SmscInbox.whose_call)."""
        self._whose_call = whose_call
        for connector in self.connectors.values():
            connector.inbox.whose_call = whose_call

    def _may_command(self, account: str) -> bool:
        """Whether an account's texts may hold commands to the service."""
        known = self._daemon.accounts.get(account)
        return known is not None and known.config.service_messages

    async def start(self, config: Config) -> None:
        """Listens for calls; DaemonError when an address cannot be had."""
        if not config.listeners.callbacks:
            return
        from gateway.ingress.smsc_callbacks import CallbackListener

        daemon = self._daemon
        for section in config.listeners.callbacks:
            # a path that is not known is answered 404, after which the service does not call again
            listener = CallbackListener(
                section, self._endpoints(), daemon.journal, daemon.events, daemon.clock
            )
            await daemon.start_listener(listener, "callbacks", listener.address)
            self.listeners.append(listener)

    def drop(self, name: str) -> None:
        """A connector has stopped."""
        connector = self.connectors.pop(name, None)
        if connector is not None:
            self._marks[connector.watcher.mark_name] = connector.watcher.mark
            self._doubts[name] = connector.asker.hand_over()
            self._tell_listeners()

    def _tell_listeners(self) -> None:
        for listener in self.listeners:
            listener.endpoints = self._endpoints()

    def _endpoints(self) -> dict[str, Endpoint]:
        from gateway.core.smsc_inbox import endpoints

        return endpoints(connector.inbox for connector in self.connectors.values())

    def store_says(self, answer: Answer) -> None:
        """Hands the store's answers to the connectors that asked."""
        for name, rows in answer.open_sends:
            if name in self.connectors:
                self.connectors[name].open_sends(rows)
        for row in answer.unfinished:
            if row[0] in self.connectors:
                self.connectors[row[0]].watcher.walked(row)

    def status(self) -> list[dict[str, Any]]:
        """What is particular to services: money, doubts, requests."""
        return [
            {
                "connector": name,
                "balance": connector.balance,
                "currency": connector.currency,
                "asking": len(connector.asker),
                "requests": connector.sender.requests,
                "sent_again": connector.asker.sent_again,
            }
            for name, connector in self.connectors.items()
        ]

    def problems(self) -> Iterator[str]:
        """What an admin should know of."""
        for name, connector in self.connectors.items():
            if connector.is_poor:
                yield f"the balance of {name} is low: {connector.balance} {connector.currency}".rstrip()

    def stop_listening(self) -> None:
        for listener in self.listeners:
            listener.stop_listening()

    async def stop(self) -> None:
        """Ends the listeners' connections; the connectors are stopped like all others."""
        for listener in self.listeners:
            await listener.stop()
