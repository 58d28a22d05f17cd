"""What goes down to a client."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, delivery, id_at
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.message_ids import parse_id
from gateway.core.model import MessageState
from gateway.translate.smpp_deliver import deliver_sm_of
from gateway.translate.smpp_upstream import UpstreamReceipt, receipt_of
from protocols.smpp import tlv
from protocols.smpp.codec import decode_frame, encode
from protocols.smpp.constants import DELIVER_SM
from protocols.sms import receipts


@pytest.mark.parametrize("state", [int(state) for state in MessageState])
@pytest.mark.parametrize("form", ["decimal", "hex", "uuid"])
def test_a_receipt_reads_back_in_text_and_in_tlvs(state: int, form: str) -> None:
    message_id = 722_104_798_412_800_001
    row = delivery(message_id=message_id, state=state, error="042", segments=3)
    pdu = deliver_sm_of(row, form)
    parsed = receipts.parse_text(pdu.short_message)
    assert parsed is not None
    tlvs = dict(pdu.tlvs)
    assert tlvs[tlv.RECEIPTED_MESSAGE_ID] == parsed.id.encode() + b"\0"
    assert parse_id(parsed.id) == message_id
    assert tlvs[tlv.MESSAGE_STATE] == bytes((state,))
    if 1 <= state <= 8:
        assert parsed.state == state
    assert (parsed.error, parsed.text) == ("042", "hello")
    assert (parsed.sub, parsed.dlvrd) == (3, 3 if state == 2 else 0)
    assert (parsed.submit_date, parsed.done_date) == ("2506151506", "2506151506")


def test_addresses_and_class_of_a_receipt() -> None:
    pdu = deliver_sm_of(delivery(), "decimal")
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, "79161234567")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (5, 0, "Example")
    assert (pdu.esm_class, pdu.data_coding) == (4, 0)


def test_the_dates_of_a_receipt_are_those_of_the_message() -> None:
    row = delivery(accepted_ms=NOW_MS, done_ms=NOW_MS + 3_600_000 * 30)
    parsed = receipts.parse_text(deliver_sm_of(row, "decimal").short_message)
    assert parsed is not None
    assert (parsed.submit_date, parsed.done_date) == ("2506151506", "2506162106")


def test_a_receipt_without_an_error_says_000() -> None:
    parsed = receipts.parse_text(deliver_sm_of(delivery(error=""), "decimal").short_message)
    assert parsed is not None
    assert parsed.error == "000"


@pytest.mark.parametrize(
    ("error", "value"),
    [("042", b"\x03\x00\x2a"), ("1", b"\x03\x00\x01"), ("255", b"\x03\x00\xff"), ("65535", b"\x03\xff\xff")],
)
def test_an_error_that_is_a_number_is_a_network_error_code(error: str, value: bytes) -> None:
    pdu = deliver_sm_of(delivery(state=5, error=error), "decimal")
    assert tlv.get(pdu.tlvs, tlv.NETWORK_ERROR_CODE) == value
    got = receipt_of(pdu)
    assert got is not None
    assert int(got.error) == int(error)


@pytest.mark.parametrize("error", ["", "000", "0", "65536", "9" * 16, "E12", "no receipt", "١"])
def test_any_other_error_is_in_the_text_alone(error: str) -> None:
    pdu = deliver_sm_of(delivery(state=5, error=error), "decimal")
    assert [tag for tag, _ in pdu.tlvs] == [tlv.RECEIPTED_MESSAGE_ID, tlv.MESSAGE_STATE]


INFO = " imsi:250023012345678 msc:79232510066 mcc:250 mnc:02 cn:Russian+Federation net:MegaFON"


def test_a_receipt_of_a_look_up_says_what_is_known_of_the_number() -> None:
    row = delivery(message_id=855469, tlvs=INFO.encode())
    pdu = deliver_sm_of(row, "decimal")
    assert pdu.short_message == (
        b"id:855469 stat:DELIVRD err:000 imsi:250023012345678 msc:79232510066 mcc:250 mnc:02"
        b" cn:Russian+Federation net:MegaFON rcn: rnet:"
    )
    assert [tag for tag, _ in pdu.tlvs] == [tlv.RECEIPTED_MESSAGE_ID, tlv.MESSAGE_STATE]
    assert receipt_of(pdu) == UpstreamReceipt("855469", 2, True, "000")


def test_a_look_up_that_failed_has_its_error() -> None:
    pdu = deliver_sm_of(delivery(message_id=855469, tlvs=b" mcc:250", state=5, error="006"), "decimal")
    assert pdu.short_message == b"id:855469 stat:UNDELIV err:006 imsi: msc: mcc:250 mnc: cn: net: rcn: rnet:"
    assert tlv.get(pdu.tlvs, tlv.NETWORK_ERROR_CODE) == b"\x03\x00\x06"


@given(
    st.integers(id_at(1_600_000_000_000), (1 << 63) - 1),
    st.sampled_from(["decimal", "hex", "uuid"]),
    st.integers(1, 8),
    st.binary(max_size=20),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16),
)
def test_every_receipt_fits_and_comes_back_from_the_wire(
    message_id: int, form: str, state: int, text: bytes, error: str
) -> None:
    row = delivery(message_id=message_id, state=state, user_data=text, error=error, segments=255)
    pdu = deliver_sm_of(row, form)
    assert len(pdu.short_message) <= 254
    assert decode_frame(encode(pdu), DELIVER_SM, 0, 0, 64) == pdu
    got = receipt_of(pdu)
    assert got is not None
    assert parse_id(got.upstream_id) == message_id
    assert got.state == state
