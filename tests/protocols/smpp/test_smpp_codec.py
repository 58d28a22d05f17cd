"""The codec: vectors made by hand, round trips, the fast path against the table, what cannot be encoded."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smpp_support import any_pdu, expected_pdu, pdus, submit, vectors

from protocols.smpp import codec, tlv
from protocols.smpp import constants as c
from protocols.smpp.errors import Action, DecodeError, EncodeError
from protocols.smpp.layouts import LAYOUTS
from protocols.smpp.pdu import (
    PDU_CLASSES,
    BindTransceiver,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    DistributionList,
    EnquireLink,
    GenericNack,
    QuerySm,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)

GOOD = vectors("pdus")
BAD = vectors("malformed")


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


@pytest.mark.parametrize("vector", GOOD, ids=ids(GOOD))
def test_vector_decodes(vector: dict[str, Any]) -> None:
    assert codec.decode(bytes.fromhex(vector["hex"])) == expected_pdu(vector)


@pytest.mark.parametrize("vector", GOOD, ids=ids(GOOD))
def test_vector_encodes(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    if vector["reencodes"]:
        assert codec.encode(expected_pdu(vector)) == frame
    elif "longer than" not in vector["name"]:
        assert codec.encode(expected_pdu(vector)) != frame


@pytest.mark.parametrize("vector", BAD, ids=[f"{row['source']}: {row['name']}" for row in BAD])
def test_malformed_vector(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    with pytest.raises(DecodeError) as caught:
        codec.decode(frame)
    error = caught.value
    assert c.status_name(error.status) == vector["status"]
    assert error.action is Action[vector["action"]]
    assert error.sequence_number == 1
    assert error.command_id == int.from_bytes(frame[4:8], "big")


def test_every_pdu_has_a_vector_and_a_layout() -> None:
    assert {vector["pdu"] for vector in GOOD} == {cls.__name__ for cls in PDU_CLASSES}
    assert set(LAYOUTS) == {cls.command_id for cls in PDU_CLASSES} == set(c.COMMAND_NAMES)


@pytest.mark.parametrize("cls", PDU_CLASSES)
def test_layout_names_the_fields_of_the_class(cls: Any) -> None:
    shared = {"sequence_number", "command_status", "tlvs"}
    assert {field.name for field in LAYOUTS[cls.command_id]} == set(cls.__dataclass_fields__) - shared - {
        "command_id"
    }


@given(any_pdu)
@settings(max_examples=200, deadline=None)
def test_round_trip(pdu: Any) -> None:
    frame = codec.encode(pdu)
    assert int.from_bytes(frame[:4], "big") == len(frame)
    assert codec.decode(frame) == pdu


@given(pdus(SubmitSm) | pdus(DeliverSm) | pdus(SubmitSmResp) | pdus(DeliverSmResp), st.data())
@settings(max_examples=200, deadline=None)
def test_fast_path_agrees_with_the_table(pdu: Any, data: st.DataObject) -> None:
    """A frame, whole or damaged in one octet, means the same to both readers."""
    frame = bytearray(codec.encode(pdu))
    if data.draw(st.booleans()) and len(frame) > 16:
        frame[data.draw(st.integers(16, len(frame) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del frame[data.draw(st.integers(16, len(frame))) :]
    frame[:4] = len(frame).to_bytes(4, "big")
    header = (pdu.command_id, pdu.command_status, pdu.sequence_number)
    assert outcome(lambda: codec.decode(bytes(frame))) == outcome(
        lambda: codec.decode_by_layout(bytes(frame), *header)
    )


def outcome(run: Any) -> Any:
    try:
        return run()
    except DecodeError as error:
        return str(error)


def test_decode_takes_one_frame_and_nothing_after_it() -> None:
    frame = codec.encode(EnquireLink(sequence_number=1))
    with pytest.raises(DecodeError) as caught:
        codec.decode(frame + frame)
    assert (caught.value.status, caught.value.action) == (c.ESME_RINVCMDLEN, Action.CLOSE)
    assert caught.value.sequence_number == 1


def test_unknown_tlvs_and_status_are_encoded_unchanged() -> None:
    tlvs = ((0x1500, b"b"), (0x1400, b""), (0x1500, b"a"), (tlv.USER_MESSAGE_REFERENCE, b"\0\1\2"))
    pdu = submit(7, tlvs=tlvs, command_status=0x4FF)
    assert codec.decode(codec.encode(pdu)) == pdu


def test_error_text_holds_no_field_values() -> None:
    frame = codec.encode(submit(7, source_addr="SECRETSOURCE", short_message=b"SECRETTEXT"))
    broken = (len(frame) - 3).to_bytes(4, "big") + frame[4:-3]
    with pytest.raises(DecodeError) as caught:
        codec.decode(broken)
    assert "SECRET" not in str(caught.value)
    assert "ESME_RINVMSGLEN" in str(caught.value) and "submit_sm 7" in str(caught.value)


def test_deliver_sm_may_repeat_tlvs() -> None:
    """A receipt is not lost over a rule that exists for senders of messages."""
    tlvs = ((tlv.MESSAGE_STATE, b"\2"), (tlv.MESSAGE_STATE, b"\2"), (tlv.MESSAGE_PAYLOAD, b"text"))
    pdu = DeliverSm(sequence_number=1, short_message=b"text", tlvs=tlvs)
    assert codec.decode(codec.encode(pdu)) == pdu


def test_tlv_limit_is_the_callers() -> None:
    pdu = submit(1, tlvs=((0x1400, b""), (0x1401, b""), (0x1402, b"")))
    frame = codec.encode(pdu)
    assert codec.decode(frame, max_tlvs=3) == pdu
    with pytest.raises(DecodeError) as caught:
        codec.decode(frame, max_tlvs=2)
    assert caught.value.status == c.ESME_RINVOPTPARSTREAM


@pytest.mark.parametrize(
    ("pdu", "named"),
    [
        (SubmitSm(source_addr="1" * 21), "source_addr"),
        (SubmitSm(destination_addr="1" * 21), "destination_addr"),
        (SubmitSm(destination_addr="12\x0034"), "destination_addr"),
        (SubmitSm(source_addr="a\0"), "source_addr"),
        (SubmitSm(source_addr="Я"), "source_addr"),
        (SubmitSm(service_type="toolong"), "service_type"),
        (SubmitSm(service_type="a\0"), "service_type"),
        (SubmitSm(validity_period="0" * 17), "validity_period"),
        (SubmitSm(schedule_delivery_time="\0"), "schedule_delivery_time"),
        (SubmitSm(short_message=b"a" * 256), "short_message"),
        (SubmitSm(esm_class=256), "esm_class"),
        (SubmitSm(data_coding=-1), "data_coding"),
        (SubmitSm(sequence_number=1 << 32), "submit_sm"),
        (SubmitSm(tlvs=((0x1400, b"a" * 65_536),)), "TLV"),
        (SubmitSm(tlvs=((0x10000, b""),)), "TLV"),
        (DeliverSm(source_addr="1" * 21), "source_addr"),
        (SubmitSmResp(message_id="1" * 65), "message_id"),
        (SubmitSmResp(message_id="\0"), "message_id"),
        (SubmitSmResp(message_id="Я"), "message_id"),
        (SubmitSmResp(command_status=-1), "submit_sm_resp"),
        (QuerySm(message_id="Я"), "message_id"),
        (BindTransceiver(password="1" * 33), "password"),
        (DataSm(source_addr="1" * 65), "source_addr"),
        (SubmitMulti(dest_addresses=(DistributionList("l" * 21),)), "dl_name"),
        (SubmitMulti(dest_addresses=(DistributionList("l"),) * 256), "number_of_dests"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(pdu: Any, named: str) -> None:
    with pytest.raises(EncodeError, match=named):
        codec.encode(pdu)


@pytest.mark.parametrize("cls", [SubmitSmResp, DeliverSmResp])
def test_our_error_response_is_its_header(cls: Any) -> None:
    frame = codec.encode(cls(sequence_number=5, command_status=c.ESME_RTHROTTLED))
    assert frame == bytes.fromhex(f"00000010 {cls.command_id:08x} 00000058 00000005")


def test_encode_header_is_a_whole_pdu() -> None:
    frame = codec.encode_header(c.GENERIC_NACK, c.ESME_RINVCMDID, 3)
    assert codec.decode(frame) == GenericNack(command_status=c.ESME_RINVCMDID, sequence_number=3)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"POST", "HTTP"),
        (b"PRI * HTTP/2.0", "HTTP/2"),
        (b"\x16\x03\x01\x02\x00", "TLS"),
        (b"\x00\x00\x00\x10", None),
        (b"\x16\x04\x00\x00", None),
        (b"GETX", None),
    ],
)
def test_foreign_protocols_are_known_by_four_octets(data: bytes, name: str | None) -> None:
    assert codec.foreign_protocol(data) == name
