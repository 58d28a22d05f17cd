"""Time in the session: every timer by `now`, none by a clock."""

from typing import Any

import pytest
from smpp_support import bound_pair, submit

from protocols.smpp import codec
from protocols.smpp import constants as c
from protocols.smpp.events import Answered, Closed, Refused, TimedOut
from protocols.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSmResp,
    Unbind,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role, State

SETTINGS = SessionSettings(enquire_link_s=30, response_timeout_s=10, bind_timeout_s=5, pdu_timeout_s=8)
NO_PROBE = SessionSettings(enquire_link_s=0, response_timeout_s=10, bind_timeout_s=5, pdu_timeout_s=8)


def give(session: Session, pdu: Any, now: float) -> list[Any]:
    return session.receive_data(codec.encode(pdu), now)


def at_its_time(session: Session, due: float) -> list[Any]:
    """handle_timeout at `due`, having seen that nothing is due before."""
    assert session.next_timeout() == due
    assert session.handle_timeout(due - 0.001) == []
    assert session.data_to_send() == b""
    return session.handle_timeout(due)


def test_a_silent_peer_is_probed_then_left() -> None:
    smsc, _ = bound_pair(smsc=SETTINGS)
    assert at_its_time(smsc, 30.0) == []
    assert codec.decode(smsc.data_to_send()) == EnquireLink(sequence_number=1)
    assert at_its_time(smsc, 40.0) == [Closed("peer silent for 40 s")]
    assert smsc.state is State.CLOSED


@pytest.mark.parametrize(
    "pdu",
    [
        EnquireLinkResp(sequence_number=1),
        GenericNack(sequence_number=1, command_status=c.ESME_RINVCMDID),
        EnquireLink(sequence_number=8),
        submit(9),
    ],
    ids=lambda pdu: type(pdu).__name__,
)
def test_quirk_37_any_pdu_is_life(pdu: Any) -> None:
    smsc, _ = bound_pair(smsc=SETTINGS)
    smsc.handle_timeout(30.0)
    smsc.data_to_send()
    assert [event for event in give(smsc, pdu, 35.0) if event != pdu] == []
    assert smsc.next_timeout() == 65.0
    assert smsc.handle_timeout(64.9) == []


def test_a_probe_is_answered_once() -> None:
    smsc, _ = bound_pair(smsc=SETTINGS)
    smsc.handle_timeout(30.0)
    assert give(smsc, EnquireLinkResp(sequence_number=1), 31.0) == []
    (refused,) = give(smsc, EnquireLinkResp(sequence_number=1), 31.0)
    assert isinstance(refused, Refused) and refused.command_id == c.ENQUIRE_LINK_RESP


def test_half_a_pdu_is_no_life() -> None:
    smsc, _ = bound_pair(smsc=SETTINGS)
    smsc.receive_data(codec.encode(submit(2))[:20], 29.0)
    smsc.handle_timeout(30.0)
    assert codec.decode(smsc.data_to_send()) == EnquireLink(sequence_number=1)


def test_no_probe_when_switched_off() -> None:
    smsc, _ = bound_pair(smsc=NO_PROBE)
    assert smsc.next_timeout() is None and smsc.handle_timeout(1e6) == []


def test_requests_time_out_in_order_and_free_the_window() -> None:
    settings = SessionSettings(enquire_link_s=0, response_timeout_s=10, window=2)
    _, esme = bound_pair(esme=settings)
    esme.send_request(submit(), 1.0, "a")
    esme.send_request(submit(), 2.0, "b")
    esme.data_to_send()
    assert at_its_time(esme, 11.0) == [TimedOut("a", 2, 1.0)]
    assert esme.room == 1
    assert at_its_time(esme, 12.0) == [TimedOut("b", 3, 2.0)]
    assert esme.next_timeout() is None


def test_quirk_42_a_late_answer_finds_its_context() -> None:
    _, esme = bound_pair(esme=NO_PROBE)
    esme.send_request(submit(), 1.0, "a")
    esme.handle_timeout(11.0)
    (answered,) = give(esme, SubmitSmResp(sequence_number=2, message_id="42"), 50.0)
    assert isinstance(answered, Answered)
    assert (answered.late, answered.context, answered.sent_at) == (True, "a", 1.0)
    assert answered.response.message_id == "42"
    assert esme.outstanding == 0


def test_a_bind_that_is_not_answered_ends_the_session() -> None:
    esme = Session(Role.ESME, SETTINGS, 0.0)
    assert esme.next_timeout() is None
    esme.send_request(BindTransceiver(), 1.0, "bind")
    esme.data_to_send()
    assert at_its_time(esme, 11.0) == [TimedOut("bind", 1, 1.0), Closed("bind is not answered")]
    assert give(esme, BindTransceiverResp(sequence_number=1), 12.0) == []


def test_our_unbind_is_not_waited_for_for_ever() -> None:
    _, esme = bound_pair(esme=NO_PROBE)
    esme.unbind(3.0)
    assert codec.decode(esme.data_to_send()) == Unbind(sequence_number=2)
    assert at_its_time(esme, 13.0) == [Closed("unbind is not answered")]


def test_security_16_no_bind_in_time() -> None:
    smsc = Session(Role.SMSC, SETTINGS, 100.0)
    assert at_its_time(smsc, 105.0) == [Closed("no bind within 5 s", c.ESME_RINVBNDSTS)]


def test_the_bind_timer_waits_while_the_application_checks() -> None:
    smsc = Session(Role.SMSC, SETTINGS, 0.0)
    (request,) = give(smsc, BindReceiver(), 4.0)
    assert smsc.next_timeout() is None and smsc.handle_timeout(60.0) == []
    smsc.refuse_bind(request, c.ESME_RINVPASWD)
    smsc.data_to_send()
    assert at_its_time(smsc, 9.0) == [Closed("no bind within 5 s", c.ESME_RINVBNDSTS)]


def test_security_16_a_trickling_pdu_has_a_deadline_of_its_own() -> None:
    smsc, _ = bound_pair(smsc=NO_PROBE)
    frame = codec.encode(submit(2))
    # the end of one PDU with the beginning of the next: the clock starts with the beginning
    smsc.receive_data(frame[:30], 1.0)
    assert smsc.next_timeout() == 9.0
    assert len(smsc.receive_data(frame[30:] + frame[:2], 5.0)) == 1
    for second, at in enumerate(range(6, 13)):
        smsc.receive_data(frame[2 + second : 3 + second], float(at))
        assert smsc.next_timeout() == 13.0
    assert at_its_time(smsc, 13.0) == [Closed("a PDU is incomplete after 8 s", c.ESME_RINVCMDLEN)]


def test_a_pdu_that_completes_stops_its_deadline() -> None:
    smsc, _ = bound_pair(smsc=NO_PROBE)
    frame = codec.encode(submit(2))
    smsc.receive_data(frame[:3], 1.0)
    smsc.receive_data(frame[3:], 8.0)
    assert smsc.next_timeout() is None
    # and a later one starts anew
    smsc.receive_data(frame[:3], 20.0)
    assert smsc.next_timeout() == 28.0
