"""The table of operations, spelt out once more by hand."""

import pytest

from protocols.smpp import constants as c
from protocols.smpp.pdu import PDU_CLASSES
from protocols.smpp.state import ALLOWED, APPLICATION_ANSWERS, MESSAGE_OPERATIONS, OPERATIONS, Role, State

BINDS = {"bind_receiver", "bind_transmitter", "bind_transceiver"}
SUBMISSION = {
    *("submit_sm", "submit_multi", "data_sm", "query_sm", "cancel_sm", "replace_sm"),
    *("broadcast_sm", "query_broadcast_sm", "cancel_broadcast_sm"),
}
DELIVERY = {"deliver_sm", "data_sm", "alert_notification"}
LINK = {"enquire_link", "unbind"}

EXPECTED = {
    (Role.ESME, State.OPEN): BINDS | {"enquire_link"},
    (Role.ESME, State.OUTBOUND): BINDS | {"enquire_link"},
    (Role.ESME, State.BOUND_TX): SUBMISSION | LINK,
    (Role.ESME, State.BOUND_RX): LINK,
    (Role.ESME, State.BOUND_TRX): SUBMISSION | LINK,
    (Role.ESME, State.UNBOUND): {"enquire_link"},
    (Role.ESME, State.CLOSED): set(),
    (Role.SMSC, State.OPEN): {"outbind", "enquire_link"},
    (Role.SMSC, State.OUTBOUND): {"enquire_link"},
    (Role.SMSC, State.BOUND_TX): LINK,
    (Role.SMSC, State.BOUND_RX): DELIVERY | LINK,
    (Role.SMSC, State.BOUND_TRX): DELIVERY | LINK,
    (Role.SMSC, State.UNBOUND): {"enquire_link"},
    (Role.SMSC, State.CLOSED): set(),
}


@pytest.mark.parametrize(("role", "state"), EXPECTED)
def test_allowed(role: Role, state: State) -> None:
    assert {c.command_name(command) for command in ALLOWED[role, state]} == EXPECTED[role, state]


def test_the_table_is_complete() -> None:
    assert set(EXPECTED) == set(ALLOWED) == {(role, state) for role in Role for state in State}
    requests = {cls.command_id for cls in PDU_CLASSES if not cls.command_id & c.RESPONSE_BIT}
    assert set(OPERATIONS) == requests


def test_what_the_application_answers() -> None:
    assert {c.command_name(command) for command in APPLICATION_ANSWERS} == SUBMISSION | {"deliver_sm"}
    assert MESSAGE_OPERATIONS < APPLICATION_ANSWERS


def test_peer() -> None:
    assert Role.ESME.peer is Role.SMSC and Role.SMSC.peer is Role.ESME
