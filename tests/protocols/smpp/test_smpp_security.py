"""Lines 1–16 and 18 of the list of bad input, each at the session that meets it."""

from typing import Any

import pytest
from smpp_support import bound_pair, submit, vectors

from protocols.smpp import codec
from protocols.smpp import constants as c
from protocols.smpp.events import Closed, Refused
from protocols.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
    UnbindResp,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role, State

NACK_LENGTH = codec.encode_header(c.GENERIC_NACK, c.ESME_RINVCMDLEN, 0)


def give(session: Session, *pdus: Any, now: float = 1.0) -> list[Any]:
    return session.receive_data(b"".join(codec.encode(pdu) for pdu in pdus), now)


def fresh() -> Session:
    return Session(Role.SMSC, SessionSettings(), 0.0)


def goes_on(session: Session) -> bool:
    session.data_to_send()
    give(session, EnquireLink(sequence_number=99))
    return codec.decode(session.data_to_send()) == EnquireLinkResp(sequence_number=99)


@pytest.mark.parametrize("length", [0, 1, 4, 15])
def test_security_01_a_length_below_the_header_closes(length: int) -> None:
    smsc = fresh()
    assert smsc.receive_data(length.to_bytes(4, "big") + b"\0" * 12, 1.0) == [
        Closed(f"command_length is {length}", c.ESME_RINVCMDLEN)
    ]
    assert smsc.data_to_send() == NACK_LENGTH and smsc.state is State.CLOSED


@pytest.mark.parametrize("cut", [4, 16, 1000])
def test_security_02_a_length_over_the_maximum_is_refused_on_four_octets(cut: int) -> None:
    smsc, _ = bound_pair(smsc=SessionSettings(max_pdu_length=500))
    start = (501).to_bytes(4, "big") + codec.encode(submit(2))[4:]
    events = smsc.receive_data((start + b"a" * 900)[:cut], 1.0)
    assert events == [Closed("command_length is 501", c.ESME_RINVCMDLEN)]
    assert smsc.data_to_send() == NACK_LENGTH
    assert not smsc._partial


def test_security_02_the_maximum_itself_is_taken() -> None:
    pdu = submit(2, short_message=b"", tlvs=((0x0424, b"a" * 400),))
    length = len(codec.encode(pdu))
    smsc, _ = bound_pair(smsc=SessionSettings(max_pdu_length=length))
    assert give(smsc, pdu) == [pdu]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GET / HTTP/1.1\r\nHost: sms\r\n\r\n", "HTTP"),
        (b"POST /api HTTP/1.1\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
    ],
)
def test_security_03_other_protocols_are_closed_without_an_answer(data: bytes, name: str) -> None:
    smsc = fresh()
    assert smsc.receive_data(data, 1.0) == [Closed(f"peer speaks {name}, not SMPP", c.ESME_RINVCMDLEN)]
    assert smsc.data_to_send() == b""


def test_security_03_only_the_beginning_of_a_connection_is_looked_at() -> None:
    smsc, _ = bound_pair()
    (closed,) = smsc.receive_data(b"GET / HTTP/1.1\r\n", 1.0)
    assert closed == Closed("command_length is 1195725856", c.ESME_RINVCMDLEN)
    assert smsc.data_to_send() == NACK_LENGTH


ANSWERED = [row for row in vectors("malformed") if row["action"] == "ANSWER"]


def rows(line: str) -> Any:
    found = [row for row in ANSWERED if f"security {line}" in row["source"]]
    assert found
    return pytest.mark.parametrize("row", found, ids=[row["name"] for row in found])


def refused_and_goes_on(row: dict[str, Any]) -> None:
    """The vector gets its own response with its status, and the session lives."""
    frame = bytes.fromhex(row["hex"])
    command_id = int.from_bytes(frame[4:8], "big")
    smsc = fresh() if command_id == c.BIND_TRANSCEIVER else bound_pair()[0]
    (event,) = smsc.receive_data(frame, 1.0)
    assert isinstance(event, Refused) and event.command_id == command_id
    assert c.status_name(event.status) == row["status"]
    assert smsc.data_to_send() == codec.encode_header(command_id | c.RESPONSE_BIT, event.status, 1)
    assert smsc.unanswered == 0 and goes_on(smsc)


@rows("4")
def test_security_04_a_string_without_nul_or_over_its_limit(row: dict[str, Any]) -> None:
    refused_and_goes_on(row)


@rows("5")
def test_security_05_a_wrong_sm_length(row: dict[str, Any]) -> None:
    refused_and_goes_on(row)


@rows("6")
def test_security_06_a_tlv_past_the_end(row: dict[str, Any]) -> None:
    refused_and_goes_on(row)


@rows("7")
def test_security_07_a_bomb_of_tlvs(row: dict[str, Any]) -> None:
    refused_and_goes_on(row)


def test_security_07_the_cap_is_a_setting() -> None:
    smsc, _ = bound_pair(smsc=SessionSettings(max_tlvs=1))
    (event,) = give(smsc, submit(2, tlvs=((0x1400, b""), (0x1401, b""))))
    assert isinstance(event, Refused) and event.status == c.ESME_RINVOPTPARSTREAM


@rows("8")
def test_security_08_a_duplicate_tlv_or_two_texts(row: dict[str, Any]) -> None:
    refused_and_goes_on(row)


def test_security_09_an_unknown_command() -> None:
    smsc, _ = bound_pair()
    frame = codec.encode_header(0xABC, 0, 7)
    assert smsc.receive_data(frame, 1.0) == [Refused(0xABC, c.ESME_RINVCMDID, "unknown command_id")]
    assert smsc.data_to_send() == codec.encode_header(c.GENERIC_NACK, c.ESME_RINVCMDID, 7)
    assert goes_on(smsc)


def test_security_10_operations_before_the_bind_the_fifth_closes() -> None:
    smsc = fresh()
    for number in range(1, 5):
        (event,) = give(smsc, submit(number))
        assert isinstance(event, Refused) and event.status == c.ESME_RINVBNDSTS
        assert smsc.data_to_send() == codec.encode_header(c.SUBMIT_SM_RESP, c.ESME_RINVBNDSTS, number)
    refused, closed = give(smsc, submit(5), submit(6))
    assert isinstance(refused, Refused)
    assert closed == Closed("5 refused PDUs before the bind", c.ESME_RINVBNDSTS)
    assert smsc.data_to_send() == codec.encode_header(c.SUBMIT_SM_RESP, c.ESME_RINVBNDSTS, 5)


def test_security_11_a_second_bind() -> None:
    smsc, _ = bound_pair()
    (event,) = give(smsc, BindTransceiver(sequence_number=7))
    assert isinstance(event, Refused) and event.status == c.ESME_RALYBND
    assert smsc.data_to_send() == codec.encode_header(c.BIND_TRANSCEIVER_RESP, c.ESME_RALYBND, 7)
    assert smsc.state is State.BOUND_TRX and goes_on(smsc)


def test_security_11_a_second_bind_while_the_first_is_checked() -> None:
    smsc = fresh()
    first = BindReceiver(sequence_number=1)
    request, refused = give(smsc, first, BindReceiver(sequence_number=2))
    assert request == first and isinstance(refused, Refused) and refused.status == c.ESME_RALYBND
    smsc.accept_bind(request, system_id="smsc")
    assert smsc.state is State.BOUND_RX


def test_security_12_a_receiver_submits() -> None:
    smsc, _ = bound_pair(c.BIND_RECEIVER)
    for number in range(10, 20):
        (event,) = give(smsc, submit(number))
        assert isinstance(event, Refused) and event.status == c.ESME_RINVBNDSTS
        assert smsc.data_to_send() == codec.encode_header(c.SUBMIT_SM_RESP, c.ESME_RINVBNDSTS, number)
    assert goes_on(smsc)


@pytest.mark.parametrize("number", [0, 0x80000000, 0xFFFFFFFF])
def test_security_13_odd_sequence_numbers_are_echoed(number: int) -> None:
    smsc, _ = bound_pair()
    assert give(smsc, submit(number)) == [submit(number)]
    smsc.respond(SubmitSmResp(sequence_number=number, message_id="1"))
    assert codec.decode(smsc.data_to_send()).sequence_number == number
    assert smsc.unanswered == 0


def test_security_13_a_number_is_not_used_again_while_it_is_unanswered() -> None:
    smsc, _ = bound_pair()
    give(smsc, submit(7))
    (event,) = give(smsc, submit(7, short_message=b"other"))
    assert isinstance(event, Refused) and event.status == c.ESME_RUNKNOWNERR
    assert smsc.data_to_send() == codec.encode_header(c.SUBMIT_SM_RESP, c.ESME_RUNKNOWNERR, 7)
    assert smsc.unanswered == 1
    smsc.respond(SubmitSmResp(sequence_number=7, message_id="1"))
    assert give(smsc, submit(7)) == [submit(7)]


def test_security_13_a_client_that_does_not_count_may_have_several_zeros_unanswered() -> None:
    smsc, _ = bound_pair()
    assert give(smsc, submit(0), submit(0)) == [submit(0), submit(0)]
    assert smsc.unanswered == 2
    for left in (1, 0):
        smsc.respond(SubmitSmResp(sequence_number=0, message_id="1"))
        assert smsc.unanswered == left


def test_security_14_responses_to_nothing_are_counted_then_close() -> None:
    smsc, _ = bound_pair()
    strange = SubmitSmResp(sequence_number=1000)
    for _ in range(100):
        (event,) = give(smsc, strange, now=10.0)
        assert isinstance(event, Refused) and event.status == 0
    assert smsc.data_to_send() == b""
    _, closed = give(smsc, strange, now=10.0)
    assert closed == Closed("more than 100 responses a minute answer nothing", 0)


def test_security_14_the_count_begins_anew_each_minute() -> None:
    smsc, _ = bound_pair()
    strange = SubmitSmResp(sequence_number=1000)
    give(smsc, *[strange] * 100, now=100.0)
    give(smsc, *[strange] * 100, now=160.0)
    assert smsc.state is State.BOUND_TRX
    give(smsc, strange, now=219.9)
    assert smsc.state is State.CLOSED


def test_security_15_a_response_of_the_wrong_type_is_ignored() -> None:
    _, esme = bound_pair()
    number = esme.send_request(submit(), 1.0)
    (event,) = give(esme, UnbindResp(sequence_number=number))
    assert isinstance(event, Refused) and event.command_id == c.UNBIND_RESP
    assert esme.outstanding == 1 and esme.state is State.BOUND_TRX


def test_security_18_a_client_beyond_its_window_is_throttled() -> None:
    smsc, _ = bound_pair(smsc=SessionSettings(peer_window=2))
    events = give(smsc, *(submit(number) for number in range(2, 6)))
    assert events == [submit(2), submit(3)]
    assert smsc.data_to_send() == b"".join(
        codec.encode_header(c.SUBMIT_SM_RESP, c.ESME_RTHROTTLED, number) for number in (4, 5)
    )
    assert (smsc.unanswered, smsc.throttled) == (2, 2)


def test_security_38_events_of_bad_input_hold_no_values() -> None:
    smsc, _ = bound_pair()
    frame = codec.encode(SubmitSm(sequence_number=2, source_addr="79160000001", short_message=b"my text"))
    broken = (len(frame) - 2).to_bytes(4, "big") + frame[4:-2]
    (event,) = smsc.receive_data(broken, 1.0)
    assert "7916" not in str(event) and "my text" not in str(event)
