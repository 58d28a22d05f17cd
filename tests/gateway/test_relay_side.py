"""Connectors, as the front asks them: what is told of a login, and how an answer can be missing."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.core.pauses import Pause
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.connector import SmscConnector
from gateway.front import relay
from gateway.relay_side import AskedService
from protocols.smsc_http.answers import Failure


class FakeConnector:
    """Its client answers what it is told to."""

    def __init__(self, answer: object, max_requests: int = 15) -> None:
        self.answer = answer
        self.told: list[int] = []
        self.client = SimpleNamespace(call=self.call)
        self.config = SimpleNamespace(max_requests=max_requests)
        self.upstream = SimpleNamespace(paused=None)

    async def call(self, operation: str, params: Any, **more: Any) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def failed(self, number: int) -> None:
        self.told.append(number)


def ask(connector: FakeConnector, operation: str = "operator") -> object:
    service = AskedService(cast(SmscConnector, connector))
    return asyncio.run(service.ask(operation, {"phone": "79990000001"}, ()))


@pytest.mark.parametrize(
    ("operation", "number", "told"),
    [
        ("operator", 3, []),  # nobody knows the operator
        ("rcv_buy", 3, []),  # that number is too dear
        ("waitcall", 3, []),
        ("send", 3, [3]),
        ("operator", 2, [2]),
        ("operator", 4, [4]),
        ("rcv_get", 9, [9]),
    ],
)
def test_no_client_takes_the_connector_away_from_the_others(
    operation: str, number: int, told: list[int]
) -> None:
    connector = FakeConnector(Failure(number, ""))
    assert ask(connector, operation) == Failure(number, "")
    assert connector.told == told


@pytest.mark.parametrize(
    ("error", "is_doubt"),
    [(NotSent("refused"), False), (NoAnswer("lost"), True), (RuntimeError("Session is closed"), True)],
    ids=["not sent", "no answer", "stopped by a reload"],
)
def test_whether_the_service_may_have_done_it(error: Exception, is_doubt: bool) -> None:
    with pytest.raises(relay.NoService) as caught:
        ask(FakeConnector(error))
    assert isinstance(caught.value, relay.NoAnswer) is is_doubt


@pytest.mark.parametrize(("max_requests", "places"), [(1, 1), (4, 1), (15, 3), (100, 25)])
def test_a_part_of_what_it_may_be_asked_is_for_clients(max_requests: int, places: int) -> None:
    assert AskedService(cast(SmscConnector, FakeConnector(None, max_requests))).places == places


def test_nothing_is_sent_by_one_that_is_paused_and_the_rest_is_asked() -> None:
    connector = FakeConnector({"id": 1})
    connector.upstream.paused = Pause(1, "admin")
    with pytest.raises(relay.NoService):
        ask(connector, "send")
    assert ask(connector) == {"id": 1}
