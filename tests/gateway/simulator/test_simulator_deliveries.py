"""Deliveries that nobody answers in time, by a manual clock and without sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.delays import Delays
from gateway.simulator.deliveries import Deliveries
from protocols.smpp.codec import encode
from protocols.smpp.events import Answered, TimedOut
from protocols.smpp.pdu import BindReceiver, DeliverSm, DeliverSmResp
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role

RESPONSE_TIMEOUT_S = 30.0


class Link:
    """A bound receiver of which only the session is there."""

    def __init__(self) -> None:
        settings = SessionSettings(response_timeout_s=RESPONSE_TIMEOUT_S, enquire_link_s=0)
        self.session = Session(Role.SMSC, settings, 0.0)
        [bind] = self.session.receive_data(encode(BindReceiver(sequence_number=1, system_id="esme")), 0.0)
        assert isinstance(bind, BindReceiver)
        self.session.accept_bind(bind, system_id="smsc")
        self.session.data_to_send()


class NoDelays:
    """Where a delivery to be retried later would go."""

    def __init__(self) -> None:
        self.pushed: list[float] = []

    def push(self, due: float, call: Callable[..., None], *args: Any) -> None:
        self.pushed.append(due)


def start() -> tuple[Deliveries, Counters, NoDelays, Connection]:
    counters, delays = Counters(), NoDelays()
    deliveries = Deliveries(counters, cast(Delays, delays), lambda: 0.0, lambda connection: None, 0.5)
    connection = cast(Connection, Link())
    deliveries.bound(connection)
    deliveries.deliver(DeliverSm(source_addr="15550001"), "esme")
    assert connection.session.outstanding == 1
    return deliveries, counters, delays, connection


def answer(connection: Connection, sequence_number: int, status: int, now: float) -> Answered:
    response = DeliverSmResp(sequence_number=sequence_number, command_status=status)
    [event] = connection.session.receive_data(encode(response), now)
    assert isinstance(event, Answered)
    return event


def test_unanswered_delivery_goes_again_and_its_late_answer_counts_once() -> None:
    deliveries, counters, _, connection = start()
    [event] = connection.session.handle_timeout(RESPONSE_TIMEOUT_S)
    assert isinstance(event, TimedOut)
    deliveries.timed_out(connection, event, RESPONSE_TIMEOUT_S)
    assert (counters.receipts_sent, counters.receipts_retried) == (2, 1)
    late = answer(connection, 1, 0, RESPONSE_TIMEOUT_S)
    assert late.late
    deliveries.answered(connection, late, RESPONSE_TIMEOUT_S)
    assert counters.receipts_acknowledged == 0
    deliveries.answered(connection, answer(connection, 2, 0, RESPONSE_TIMEOUT_S), RESPONSE_TIMEOUT_S)
    assert counters.receipts_acknowledged == 1


def test_temporary_refusal_waits_before_the_next_try() -> None:
    deliveries, counters, delays, connection = start()
    deliveries.answered(connection, answer(connection, 1, 0x64, 1.0), 1.0)
    assert delays.pushed == [1.5]
    assert (counters.receipts_sent, counters.receipts_retried) == (1, 1)
