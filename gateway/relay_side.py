"""The services that the front asks in its clients' place, by the names of their connectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.front.relay import NoAnswer as Doubtful
from gateway.front.relay import NoService, Relay, Service
from protocols.smsc_http import errors
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.requests import File

if TYPE_CHECKING:
    from gateway.egress.smsc_http.connector import SmscConnector
    from gateway.front.desk import Desk
    from gateway.service_side import ServiceSide

_NO_TWO_ALIKE = frozenset({"send"})
"""With an id of ours each is another request, so none waits for a turn."""

_SENDS = frozenset({"send"})
"""Where error 3 says that our login has no money; elsewhere it is an operator that nobody knows, or a number
for rent that is too dear, and no reason to send no more messages."""
_PART = 4
"""So much of what a connector may ask at once is for clients: its messages are sent beside it."""


class AskedService:
    """A connector, as the front asks it."""

    def __init__(self, connector: SmscConnector) -> None:
        self._connector = connector

    async def ask(self, operation: str, params: Mapping[str, str], files: Sequence[File]) -> object:
        """See gateway.front.relay.Service."""
        connector = self._connector
        if operation in _SENDS and connector.upstream.paused is not None:
            raise NoService("the connector is paused")
        at_once = operation in _NO_TWO_ALIKE
        try:
            answer = await connector.client.call(operation, params, files=files, at_once=at_once)
        except NotSent as error:
            raise NoService(str(error)) from None
        except NoAnswer as error:
            raise Doubtful(str(error)) from None
        except RuntimeError:  # a reload has closed the session under it
            raise Doubtful("the connector has stopped") from None
        if isinstance(answer, Failure) and (operation in _SENDS or answer.number != errors.NO_MONEY):
            connector.failed(answer.number)
        return answer

    def due_s(self, operation: str, params: Mapping[str, str]) -> float:
        """See gateway.front.relay.Service."""
        if operation in _NO_TWO_ALIKE:
            return 0.0
        return self._connector.client.due_s(operation, params)

    @property
    def places(self) -> int:
        """See gateway.front.relay.Service."""
        return max(1, self._connector.config.max_requests // _PART)

    def watch(self, upstream_id: str) -> None:
        """See gateway.front.relay.Service."""
        self._connector.watcher.watch(upstream_id)


class Services(Mapping[str, Service]):
    """All connectors that there are just now."""

    def __init__(self, connectors: Mapping[str, SmscConnector]) -> None:
        self._connectors = connectors

    def __getitem__(self, name: str) -> Service:
        return AskedService(self._connectors[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._connectors)

    def __len__(self) -> int:
        return len(self._connectors)


def relay_of(desk: Desk, side: ServiceSide) -> Relay:
    """The relay, with the connectors that there are at each request."""
    relay = Relay(desk, Services(side.connectors))
    side.lead_calls(relay.waiting.whose)
    return relay
