"""The session: framing, binds, the table of states, windows, answers, unbinding."""

from typing import Any

import pytest
from smpp_support import bound_pair, submit

from protocols.smpp import codec, tlv
from protocols.smpp import constants as c
from protocols.smpp.errors import EncodeError, InvalidState, WindowFull
from protocols.smpp.events import Abandoned, Answered, Closed, Refused
from protocols.smpp.pdu import (
    PDU_BY_COMMAND,
    AlertNotification,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    response_to,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import APPLICATION_ANSWERS, OPERATIONS, STATE_AFTER_BIND, Role, State


def sent(session: Session) -> list[Pdu]:
    """What the session has queued, as PDUs."""
    data, pdus = session.data_to_send(), []
    while data:
        length = int.from_bytes(data[:4], "big")
        pdus.append(codec.decode(data[:length]))
        data = data[length:]
    return pdus


def give(session: Session, *pdus: Pdu, now: float = 1.0) -> list[Any]:
    return session.receive_data(b"".join(codec.encode(pdu) for pdu in pdus), now)


# --- framing ---


def test_a_chunk_gives_all_its_pdus_in_order() -> None:
    smsc, _ = bound_pair()
    pdus = [submit(number, short_message=b"%d" % number) for number in (5, 6, 7)]
    assert give(smsc, *pdus) == pdus


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 40, 1000])
def test_the_cut_of_the_stream_does_not_matter(size: int) -> None:
    smsc, _ = bound_pair()
    pdus = [submit(2), EnquireLink(sequence_number=3), submit(4, short_message=b"x" * 200), submit(5)]
    data = b"".join(codec.encode(pdu) for pdu in pdus)
    events: list[Any] = []
    for start in range(0, len(data), size):
        events += smsc.receive_data(data[start : start + size], 1.0)
    assert events == [pdu for pdu in pdus if isinstance(pdu, SubmitSm)]
    assert sent(smsc) == [EnquireLinkResp(sequence_number=3)]


def test_data_to_send_is_one_piece_taken_once() -> None:
    smsc, _ = bound_pair()
    give(smsc, EnquireLink(sequence_number=2), EnquireLink(sequence_number=3))
    assert len(smsc.data_to_send()) == 32
    assert smsc.data_to_send() == b""


# --- binds ---


@pytest.mark.parametrize(
    ("command_id", "state"), [(1, State.BOUND_RX), (2, State.BOUND_TX), (9, State.BOUND_TRX)]
)
def test_a_bind_moves_both_ends(command_id: int, state: State) -> None:
    smsc, esme = bound_pair(command_id)
    assert smsc.state is esme.state is state
    assert smsc.system_id == esme.system_id == "esme-one"
    assert smsc.interface_version == esme.interface_version == 0x34


def test_the_bind_response_names_us_and_our_version() -> None:
    smsc = Session(Role.SMSC, SessionSettings(), 0.0)
    (request,) = give(smsc, BindReceiver(system_id="a", sequence_number=5))
    smsc.accept_bind(request, system_id="smsc", sc_interface_version=0x50)
    assert sent(smsc) == [
        BindReceiverResp(sequence_number=5, system_id="smsc", tlvs=((tlv.SC_INTERFACE_VERSION, b"\x50"),))
    ]


def test_a_peer_of_version_33_gets_no_tlvs() -> None:
    smsc = Session(Role.SMSC, SessionSettings(), 0.0)
    (request,) = give(smsc, BindReceiver(interface_version=0x33))
    smsc.accept_bind(request, system_id="smsc")
    assert smsc.interface_version == 0x33
    assert [pdu.tlvs for pdu in sent(smsc)] == [()]


def test_a_refused_bind_may_be_tried_again() -> None:
    smsc, esme = Session(Role.SMSC, SessionSettings(), 0.0), Session(Role.ESME, SessionSettings(), 0.0)
    esme.send_request(BindTransmitter(password="wrong"), 0.0, "first")
    (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(request, BindTransmitter)
    smsc.refuse_bind(request, c.ESME_RINVPASWD)
    data = smsc.data_to_send()
    assert data == bytes.fromhex("00000010 80000002 0000000e 00000001")
    (answered,) = esme.receive_data(data, 0.0)
    assert isinstance(answered, Answered) and answered.response.command_status == c.ESME_RINVPASWD
    assert smsc.state is esme.state is State.OPEN
    esme.send_request(BindTransmitter(password="right"), 0.0)
    (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(request, BindTransmitter)
    smsc.accept_bind(request, system_id="smsc")
    assert smsc.state is State.BOUND_TX


def test_only_the_bind_that_waits_is_answered() -> None:
    smsc = Session(Role.SMSC, SessionSettings(), 0.0)
    (request,) = give(smsc, BindReceiver())
    with pytest.raises(InvalidState):
        smsc.accept_bind(BindReceiver(), system_id="smsc")
    smsc.accept_bind(request, system_id="smsc")
    with pytest.raises(InvalidState):
        smsc.refuse_bind(request, c.ESME_RBINDFAIL)


def test_a_bind_answered_after_the_end_is_dropped() -> None:
    smsc = Session(Role.SMSC, SessionSettings(), 0.0)
    (request,) = give(smsc, BindReceiver())
    smsc.abandon()
    smsc.accept_bind(request, system_id="smsc")
    assert smsc.state is State.CLOSED and smsc.data_to_send() == b""


@pytest.mark.parametrize(
    "frame", ["00000010 80000009 00000000 00000001", "00000011 80000009 00000000 00000001 00"]
)
def test_quirk_34_a_short_bind_response_is_enough(frame: str) -> None:
    esme = Session(Role.ESME, SessionSettings(), 0.0)
    esme.send_request(BindTransceiver(), 0.0)
    (answered,) = esme.receive_data(bytes.fromhex(frame), 0.0)
    assert isinstance(answered, Answered) and isinstance(answered.response, BindTransceiverResp)
    assert esme.state is State.BOUND_TRX


def test_the_smsc_tells_its_version() -> None:
    esme = Session(Role.ESME, SessionSettings(), 0.0)
    esme.send_request(BindTransceiver(), 0.0)
    give(esme, BindTransceiverResp(sequence_number=1, tlvs=((tlv.SC_INTERFACE_VERSION, b"\x50"),)))
    assert esme.interface_version == 0x50


def test_outbind_invites_a_bind() -> None:
    smsc, esme = Session(Role.SMSC, SessionSettings(), 0.0), Session(Role.ESME, SessionSettings(), 0.0)
    smsc.send_request(Outbind(system_id="smsc"), 0.0)
    assert smsc.outstanding == 0 and smsc.state is State.OUTBOUND
    assert esme.receive_data(smsc.data_to_send(), 0.0) == [Outbind(system_id="smsc", sequence_number=1)]
    assert esme.state is State.OUTBOUND
    esme.send_request(BindReceiver(), 0.0)
    (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(request, BindReceiver)
    smsc.accept_bind(request, system_id="smsc")
    assert smsc.state is State.BOUND_RX


def test_outbind_waits_for_its_bind_as_long_as_a_connection_does() -> None:
    smsc = Session(Role.SMSC, SessionSettings(bind_timeout_s=5), 0.0)
    smsc.send_request(Outbind(system_id="smsc"), 1.0)
    smsc.data_to_send()
    assert smsc.next_timeout() == 5.0
    assert [type(event) for event in smsc.handle_timeout(5.0)] == [Closed]


def test_outbind_that_is_refused_a_bind_can_be_bound_still() -> None:
    smsc, esme = Session(Role.SMSC, SessionSettings(), 0.0), Session(Role.ESME, SessionSettings(), 0.0)
    smsc.send_request(Outbind(system_id="smsc"), 0.0)
    esme.receive_data(smsc.data_to_send(), 0.0)
    for status in (c.ESME_RINVPASWD, c.ESME_ROK):
        esme.send_request(BindReceiver(system_id="esme"), 0.0)
        (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
        assert isinstance(request, BindReceiver)
        if status:
            smsc.refuse_bind(request, status)
        else:
            smsc.accept_bind(request, system_id="smsc")
        (answered,) = esme.receive_data(smsc.data_to_send(), 0.0)
        assert isinstance(answered, Answered) and answered.response.command_status == status
    assert smsc.state is esme.state is State.BOUND_RX


@pytest.mark.parametrize("pdu", [DeliverSm(), DataSm(), AlertNotification()])
def test_what_an_smsc_sends_comes_by_the_connection_of_its_outbind(pdu: Pdu) -> None:
    smsc, esme = Session(Role.SMSC, SessionSettings(), 0.0), Session(Role.ESME, SessionSettings(), 0.0)
    smsc.send_request(Outbind(system_id="smsc"), 0.0)
    esme.receive_data(smsc.data_to_send(), 0.0)
    esme.send_request(BindReceiver(), 0.0)
    (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(request, BindReceiver)
    smsc.accept_bind(request, system_id="smsc")
    esme.receive_data(smsc.data_to_send(), 0.0)
    smsc.send_request(pdu, 0.0)
    assert esme.receive_data(smsc.data_to_send(), 0.0) == [pdu]


# --- the version of both ---


@pytest.mark.parametrize(
    ("ours", "peers", "version"),
    [(0x34, 0x34, 0x34), (0x50, 0x34, 0x34), (0x50, 0x50, 0x50), (0x34, 0x50, 0x34), (0x50, 0, 0x33)],
)
def test_both_ends_agree_on_the_older_version(ours: int, peers: int, version: int) -> None:
    smsc, esme = Session(Role.SMSC, SessionSettings(), 0.0), Session(Role.ESME, SessionSettings(), 0.0)
    esme.send_request(BindTransceiver(interface_version=peers), 0.0)
    (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(request, BindTransceiver)
    smsc.accept_bind(request, system_id="smsc", sc_interface_version=ours)
    esme.receive_data(smsc.data_to_send(), 0.0)
    assert smsc.version == esme.version == version
    assert smsc.state is esme.state is State.BOUND_TRX


@pytest.mark.parametrize(
    ("version", "command_id"),
    [
        (0x00, c.DATA_SM),
        (0x33, c.DATA_SM),
        (0x33, c.BROADCAST_SM),
        (0x34, c.BROADCAST_SM),
        (0x34, c.QUERY_BROADCAST_SM),
        (0x34, c.CANCEL_BROADCAST_SM),
    ],
)
def test_a_command_of_a_later_version_is_unknown_and_the_session_stays(version: int, command_id: int) -> None:
    smsc, _ = bound_pair(version=version)
    (refused,) = give(smsc, PDU_BY_COMMAND[command_id](sequence_number=7))
    assert (refused.command_id, refused.status) == (command_id, c.ESME_RINVCMDID)
    assert sent(smsc) == [GenericNack(sequence_number=7, command_status=c.ESME_RINVCMDID)]
    assert give(smsc, submit(8)) == [submit(8)]


def test_an_esme_takes_what_an_smsc_of_an_older_version_sends_all_the_same() -> None:
    _, esme = bound_pair(version=0x33)
    assert give(esme, DataSm(sequence_number=7)) == [DataSm(sequence_number=7)]


# --- the matrix ---

STATES = [State.OPEN, State.OUTBOUND, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX]


def session_in(role: Role, state: State) -> Session:
    commands = {after: command for command, after in STATE_AFTER_BIND.items()}
    if state in commands:
        return bound_pair(commands[state], version=0x50)[0 if role is Role.SMSC else 1]
    session = Session(role, SessionSettings(), 0.0)
    if state is State.OUTBOUND:
        if role is Role.SMSC:
            session.send_request(Outbind(), 0.0)
            session.data_to_send()
        else:
            give(session, Outbind())
    return session


@pytest.mark.parametrize("command_id", OPERATIONS, ids=c.command_name)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.value)
@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_matrix_of_what_is_received(role: Role, state: State, command_id: int) -> None:
    session = session_in(role, state)
    pdu = PDU_BY_COMMAND[command_id](sequence_number=77)
    events, answers = give(session, pdu), sent(session)
    if state in OPERATIONS[command_id][role.peer]:
        if command_id == c.ENQUIRE_LINK:
            assert (events, answers) == ([], [EnquireLinkResp(sequence_number=77)])
        elif command_id == c.UNBIND:
            assert (events, answers) == ([Closed("unbind by peer")], [UnbindResp(sequence_number=77)])
        else:
            assert (events, answers) == ([pdu], [])
            assert session.unanswered == (command_id in APPLICATION_ANSWERS)
        return
    is_bind = command_id in STATE_AFTER_BIND and role is Role.SMSC
    status = c.ESME_RALYBND if is_bind else c.ESME_RINVBNDSTS
    assert answers == [response_to(pdu, status)]
    assert [(event.command_id, event.status) for event in events] == [(command_id, status)]
    assert session.state is state and session.unanswered == 0


@pytest.mark.parametrize("command_id", sorted(set(OPERATIONS) - {c.UNBIND}), ids=c.command_name)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.value)
@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_matrix_of_what_is_sent(role: Role, state: State, command_id: int) -> None:
    session = session_in(role, state)
    pdu = PDU_BY_COMMAND[command_id]()
    if state in OPERATIONS[command_id][role]:
        number = session.send_request(pdu, 1.0)
        assert number == pdu.sequence_number and sent(session) == [pdu]
    else:
        with pytest.raises(InvalidState, match=c.command_name(command_id)):
            session.send_request(pdu, 1.0)
        assert session.data_to_send() == b""


# --- our requests ---


def test_an_answer_brings_its_context_back() -> None:
    smsc, esme = bound_pair()
    number = esme.send_request(submit(), 5.0, context="order 1")
    smsc.receive_data(esme.data_to_send(), 5.0)
    smsc.respond(SubmitSmResp(sequence_number=number, message_id="42"))
    (answered,) = esme.receive_data(smsc.data_to_send(), 6.0)
    assert isinstance(answered, Answered)
    assert (answered.context, answered.sent_at, answered.late) == ("order 1", 5.0, False)
    assert answered.response == SubmitSmResp(sequence_number=number, message_id="42")
    assert esme.outstanding == smsc.unanswered == 0


def test_the_window_holds_messages_back_and_nothing_else() -> None:
    _, esme = bound_pair(esme=SessionSettings(window=2))
    esme.send_request(submit(), 1.0)
    assert esme.room == 1
    esme.send_request(submit(), 1.0)
    assert esme.room == 0
    with pytest.raises(WindowFull):
        esme.send_request(submit(), 1.0)
    with pytest.raises(WindowFull):
        esme.send_request(DataSm(), 1.0)
    esme.send_request(QuerySm(), 1.0)
    assert (esme.room, esme.outstanding) == (0, 3)
    give(esme, SubmitSmResp(sequence_number=2))
    give(esme, SubmitSmResp(sequence_number=3))
    assert esme.room == 1


def test_a_request_that_cannot_be_encoded_takes_no_place() -> None:
    _, esme = bound_pair()
    with pytest.raises(EncodeError):
        esme.send_request(submit(source_addr="1" * 21), 1.0)
    assert esme.outstanding == 0 and esme.data_to_send() == b""


def test_quirk_39_generic_nack_answers_by_its_number() -> None:
    _, esme = bound_pair()
    number = esme.send_request(submit(), 1.0, "order 1")
    nack = GenericNack(sequence_number=number, command_status=c.ESME_RINVCMDID)
    (answered,) = give(esme, nack)
    assert isinstance(answered, Answered) and answered.context == "order 1" and answered.response == nack


def test_quirk_39_generic_nack_of_number_0_answers_nothing() -> None:
    _, esme = bound_pair()
    esme.send_request(submit(), 1.0)
    events = give(esme, GenericNack(sequence_number=0, command_status=c.ESME_RINVCMDLEN))
    assert [type(event) for event in events] == [Refused] and esme.outstanding == 1


def test_a_response_whose_body_cannot_be_read_still_answers() -> None:
    _, esme = bound_pair()
    number = esme.send_request(submit(), 1.0, "order 1")
    body = b"9" * 300 + b"\0"
    frame = (16 + len(body)).to_bytes(4, "big") + codec.encode_header(c.SUBMIT_SM_RESP, 0, number)[4:] + body
    refused, answered = esme.receive_data(frame, 1.0)
    assert isinstance(refused, Refused) and refused.command_id == c.SUBMIT_SM_RESP
    assert isinstance(answered, Answered)
    assert answered.response == SubmitSmResp(sequence_number=number)


def test_alert_notification_waits_for_no_answer() -> None:
    smsc, esme = bound_pair()
    smsc.send_request(AlertNotification(), 1.0)
    assert smsc.outstanding == 0
    assert esme.receive_data(smsc.data_to_send(), 1.0) == [AlertNotification(sequence_number=1)]
    assert esme.unanswered == 0


def test_a_receipt_goes_down_and_is_answered() -> None:
    smsc, esme = bound_pair(1)
    number = smsc.send_request(DeliverSm(esm_class=4), 1.0, "receipt")
    (request,) = esme.receive_data(smsc.data_to_send(), 1.0)
    assert isinstance(request, DeliverSm)
    esme.respond(DeliverSmResp(sequence_number=request.sequence_number))
    (answered,) = smsc.receive_data(esme.data_to_send(), 1.0)
    assert isinstance(answered, Answered) and answered.context == "receipt" and number == 1


# --- the peer's requests ---


def test_the_peer_window_reopens_with_each_answer() -> None:
    smsc, _ = bound_pair(smsc=SessionSettings(peer_window=2))
    assert len(give(smsc, submit(2), submit(3))) == 2
    assert smsc.unanswered == 2
    smsc.respond(SubmitSmResp(sequence_number=2, message_id="1"))
    assert smsc.unanswered == 1
    assert give(smsc, submit(4)) == [submit(4)]


def test_a_refused_message_takes_no_place() -> None:
    smsc, _ = bound_pair()
    frame = codec.encode(submit(2))
    smsc.receive_data((len(frame) - 1).to_bytes(4, "big") + frame[4:-1], 1.0)
    assert smsc.unanswered == 0


def test_quirk_36_enquire_link_before_the_bind() -> None:
    smsc = Session(Role.SMSC, SessionSettings(), 0.0)
    assert give(smsc, EnquireLink(sequence_number=9)) == []
    assert sent(smsc) == [EnquireLinkResp(sequence_number=9)]


def test_quirk_40_requests_numbered_0_are_echoed_and_counted() -> None:
    _, esme = bound_pair(1, esme=SessionSettings(peer_window=2))
    assert len(give(esme, DeliverSm(), DeliverSm())) == 2
    assert esme.unanswered == 2
    assert give(esme, DeliverSm()) == [] and esme.throttled == 1
    esme.data_to_send()
    esme.respond(DeliverSmResp(sequence_number=0))
    assert esme.unanswered == 1
    esme.respond(DeliverSmResp(sequence_number=0))
    assert esme.unanswered == 0
    assert sent(esme) == [DeliverSmResp(sequence_number=0)] * 2


# --- the end ---


def test_our_unbind_ends_with_its_answer() -> None:
    smsc, esme = bound_pair()
    number = esme.send_request(submit(), 1.0, "order 1")
    esme.unbind(1.0)
    esme.unbind(1.0)
    with pytest.raises(InvalidState):
        esme.send_request(submit(), 1.0)
    assert [type(pdu) for pdu in sent(esme)] == [SubmitSm, Unbind]
    # what was under way is still answered
    assert [type(event) for event in give(esme, SubmitSmResp(sequence_number=number))] == [Answered]
    assert give(esme, UnbindResp(sequence_number=number + 1)) == [Closed("unbound")]
    assert esme.state is State.UNBOUND
    assert smsc.state is State.BOUND_TRX


def test_an_unbind_before_a_bind_is_refused() -> None:
    with pytest.raises(InvalidState):
        Session(Role.ESME, SessionSettings(), 0.0).unbind(0.0)


def test_nothing_happens_after_the_end() -> None:
    smsc, _ = bound_pair()
    assert give(smsc, Unbind(sequence_number=3), submit(4)) == [Closed("unbind by peer")]
    assert sent(smsc) == [UnbindResp(sequence_number=3)]
    assert give(smsc, submit(5)) == []
    smsc.respond(SubmitSmResp(sequence_number=2, message_id="1"))
    smsc.unbind(1.0)
    with pytest.raises(InvalidState):
        smsc.send_request(DeliverSm(), 1.0)
    assert smsc.data_to_send() == b""
    assert smsc.next_timeout() is None and smsc.handle_timeout(1e9) == []


def test_abandon_gives_what_was_unanswered() -> None:
    _, esme = bound_pair()
    esme.send_request(submit(), 1.0, "a")
    esme.send_request(submit(), 2.0, "b")
    assert esme.abandon() == [Abandoned(2, "a", 1.0), Abandoned(3, "b", 2.0)]
    assert esme.state is State.CLOSED and esme.outstanding == 0
    assert esme.abandon() == []
