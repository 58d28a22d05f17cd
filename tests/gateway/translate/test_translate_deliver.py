"""What goes down to a client."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, delivery, id_at
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.smpp_model import AccountSmpp
from gateway.core.message_ids import parse_id
from gateway.core.model import INCOMING, MessageState
from gateway.translate.smpp_deliver import USUAL, USUAL_50, deliver_sm_of, pdus_of, style_of
from gateway.translate.smpp_upstream import UpstreamReceipt, receipt_of
from protocols.smpp import tlv
from protocols.smpp.codec import decode_frame, encode
from protocols.smpp.constants import DELIVER_SM
from protocols.smpp.pdu import DataSm, DeliverSm
from protocols.sms import alphabet, receipts, udh


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("E12", "E12"),
        ("1024", "1024"),
        ("ESME_RINVDSTADR", "011"),
        ("0x00000400", "1024"),
        ("smsc_error_6", "006"),
        ("no receipt", "000"),
    ],
)
def test_a_receipt_says_in_digits_what_was_no_word_of_the_smsc(error: str, said: str) -> None:
    text = deliver_sm_of(delivery(state=8, error=error), "decimal").short_message
    assert b" err:%b text:" % said.encode() in text


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
    assert (receipt_of(pdu) or ())[:4] == UpstreamReceipt("855469", 2, True, "000")[:4]


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


# -- what accounts wish, and what old sessions do not know ------------------------------------------------


def test_an_account_without_wishes_has_the_very_usual_style() -> None:
    assert style_of(AccountSmpp(), 0x34) is USUAL
    assert style_of(AccountSmpp(), 0x50) is USUAL_50
    assert style_of(AccountSmpp(), 0x33) is not USUAL


def test_a_receipt_by_text_has_no_tlvs() -> None:
    (pdu,) = pdus_of(delivery(), "decimal", style_of(AccountSmpp(receipt_style="text"), 0x34))
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message.startswith(b"id:1001 ")
    assert pdu.tlvs == ()


def test_a_receipt_by_tlvs_has_no_text() -> None:
    row = delivery(state=5, error="042")
    (pdu,) = pdus_of(row, "decimal", style_of(AccountSmpp(receipt_style="tlv"), 0x34))
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message == b""
    assert dict(pdu.tlvs) == {
        tlv.RECEIPTED_MESSAGE_ID: b"1001\0",
        tlv.MESSAGE_STATE: b"\5",
        tlv.NETWORK_ERROR_CODE: b"\3\0\x2a",
    }


def test_receipts_have_the_esm_class_that_the_account_wants_and_nothing_else_has() -> None:
    style = style_of(AccountSmpp(receipt_esm_class=0), 0x34)
    assert [
        pdus_of(row, "decimal", style)[0].esm_class for row in (delivery(), delivery(esm_class=0x20))
    ] == [
        0,
        0x20,
    ]
    incoming = delivery(state=INCOMING, message_id=0, esm_class=0x40, user_data=b"\3\x22\1\0hi")
    assert pdus_of(incoming, "decimal", style)[0].esm_class == 0x40


def test_a_receipt_by_data_sm_has_its_text_in_the_payload() -> None:
    style = style_of(AccountSmpp(receipt_pdu="data_sm"), 0x34)
    (pdu,) = pdus_of(delivery(), "decimal", style)
    assert isinstance(pdu, DataSm)
    assert (pdu.source_addr, pdu.destination_addr, pdu.esm_class) == ("79161234567", "Example", 4)
    usual = deliver_sm_of(delivery(), "decimal")
    assert pdu.tlvs == (*usual.tlvs, (tlv.MESSAGE_PAYLOAD, usual.short_message))
    assert receipt_of(pdu) == receipt_of(usual)


def test_an_incoming_sms_comes_by_deliver_sm_even_where_receipts_come_by_data_sm() -> None:
    style = style_of(AccountSmpp(receipt_pdu="data_sm"), 0x34)
    row = delivery(state=INCOMING, message_id=0, esm_class=0, user_data=b"hi")
    assert pdus_of(row, "decimal", style) == (deliver_sm_of(row, "decimal"),)


def test_an_intermediate_notification_says_the_state_at_that_moment() -> None:
    pdu = deliver_sm_of(delivery(state=1, esm_class=0x20, error="027"), "decimal")
    parsed = receipts.parse_text(pdu.short_message)
    assert parsed is not None
    assert (parsed.state, parsed.error, pdu.esm_class) == (1, "027", 0x20)
    assert tlv.get(pdu.tlvs, tlv.MESSAGE_STATE) == b"\1"


@pytest.mark.parametrize("style", ["both", "text", "tlv"])
@pytest.mark.parametrize(("text", "coding"), [("Yes", 0), ("Да", 8)])
def test_an_acknowledgement_by_the_handset_has_the_text_that_its_user_gave(
    text: str, coding: int, style: str
) -> None:
    row = delivery(esm_class=0x10, user_data=text.encode(), data_coding=8 - coding, state=2)
    how = style_of(AccountSmpp(receipt_style=style, receipt_esm_class=0), 0x34)  # type: ignore[arg-type]
    (pdu,) = pdus_of(row, "decimal", how)
    assert isinstance(pdu, DeliverSm)
    assert alphabet.decode(pdu.short_message, alphabet.for_data_coding(pdu.data_coding)) == text
    assert (pdu.data_coding, pdu.esm_class) == (coding, 0x10)
    assert pdu.tlvs == (() if style == "text" else ((tlv.RECEIPTED_MESSAGE_ID, b"1001\0"),))


def test_the_receipt_of_one_part_says_which() -> None:
    pdu = deliver_sm_of(delivery(part=3, segments=1), "decimal")
    usual = deliver_sm_of(delivery(segments=1), "decimal")
    assert pdu.short_message == usual.short_message
    assert pdu.tlvs == (*usual.tlvs, (tlv.SAR_SEGMENT_SEQNUM, b"\3"))


def test_further_tlvs_of_the_smscs_receipt_go_down_with_ours() -> None:
    said = tlv.write_stream([(0x1400, b"abc"), (tlv.BILLING_IDENTIFICATION, b"\1\2")])
    pdu = deliver_sm_of(delivery(tlvs=b"tlv:" + said.hex().encode()), "decimal")
    usual = deliver_sm_of(delivery(), "decimal")
    assert pdu.short_message == usual.short_message
    assert pdu.tlvs == (*usual.tlvs, (0x1400, b"abc"), (tlv.BILLING_IDENTIFICATION, b"\1\2"))


@pytest.mark.parametrize("said", [b"tlv:xyz", b"tlv:14", b"tlv:140000ff", b"tlv:\xff"])
def test_further_tlvs_that_cannot_be_read_cost_no_receipt(said: bytes) -> None:
    assert deliver_sm_of(delivery(tlvs=said), "decimal") == deliver_sm_of(delivery(), "decimal")


def test_what_is_known_of_a_call_is_in_no_receipt() -> None:
    assert deliver_sm_of(delivery(tlvs=b"call: dtmf:1"), "decimal") == deliver_sm_of(delivery(), "decimal")


OLD = style_of(AccountSmpp(receipt_pdu="data_sm", receipt_style="tlv"), 0x33)


def test_a_receipt_for_an_old_session_is_a_deliver_sm_without_tlvs_whatever_the_account_wishes() -> None:
    (pdu,) = pdus_of(delivery(tlvs=b"tlv:140000020102"), "decimal", OLD)
    assert isinstance(pdu, DeliverSm)
    assert pdu.tlvs == ()
    assert pdu.short_message == deliver_sm_of(delivery(), "decimal").short_message


def test_the_receipt_of_a_look_up_is_cut_for_an_old_session() -> None:
    row = delivery(
        tlvs=b" cn:" + b"x" * 64 + b" net:" + b"y" * 64 + b" rcn:" + b"z" * 64 + b" rnet:" + b"w" * 64
    )
    assert tlv.get(deliver_sm_of(row, "decimal").tlvs, tlv.MESSAGE_PAYLOAD)
    (pdu,) = pdus_of(row, "decimal", OLD)
    assert isinstance(pdu, DeliverSm)
    assert (len(pdu.short_message), pdu.tlvs) == (254, ())


def joined(pdus: object) -> bytes:
    """The text of parts, in the order in which they come."""
    assert isinstance(pdus, list)
    texts = []
    for place, pdu in enumerate(pdus, 1):
        assert pdu.tlvs == ()
        assert pdu.esm_class & 0x40
        elements, text = udh.parse(pdu.short_message)
        found = udh.concatenation(elements)
        assert found is not None
        assert (found.total, found.sequence) == (len(pdus), place)
        assert len(pdu.short_message) <= 159
        texts.append(text)
    return b"".join(texts)


@pytest.mark.parametrize("coding", [0, 3, 8])
def test_a_long_incoming_sms_comes_to_an_old_session_in_parts(coding: int) -> None:
    text = ("Ж" * 300).encode("utf-16-be") if coding == 8 else b"0123456789" * 60
    row = delivery(state=INCOMING, message_id=0, esm_class=0, data_coding=coding, user_data=text)
    assert joined(pdus_of(row, "decimal", OLD)) == text


def test_a_long_incoming_sms_with_a_header_keeps_its_elements_in_each_part() -> None:
    ports = (5, b"\x0b\x84\x23\xf0")
    row = delivery(
        state=INCOMING,
        message_id=0,
        esm_class=0x40,
        data_coding=4,
        user_data=udh.build([ports]) + bytes(range(256)) * 2,
    )
    pdus = pdus_of(row, "decimal", OLD)
    assert joined(pdus) == bytes(range(256)) * 2
    assert all(ports in udh.parse(pdu.short_message)[0] for pdu in pdus if isinstance(pdu, DeliverSm))


def test_a_part_that_is_one_by_its_tlvs_has_a_header_for_an_old_session() -> None:
    sar = [(tlv.SAR_MSG_REF_NUM, b"\1\2"), (tlv.SAR_TOTAL_SEGMENTS, b"\3"), (tlv.SAR_SEGMENT_SEQNUM, b"\2")]
    row = delivery(state=INCOMING, message_id=0, esm_class=0, user_data=b"middle", tlvs=tlv.write_stream(sar))
    (pdu,) = pdus_of(row, "decimal", OLD)
    assert isinstance(pdu, DeliverSm)
    assert (pdu.esm_class, pdu.short_message, pdu.tlvs) == (0x40, b"\6\x08\4\1\2\3\2middle", ())


def test_a_short_incoming_sms_comes_to_an_old_session_as_it_is_without_its_tlvs() -> None:
    row = delivery(
        state=INCOMING,
        message_id=0,
        esm_class=0,
        user_data=b"hi",
        tlvs=tlv.write_stream([(tlv.USER_MESSAGE_REFERENCE, b"\0\1")]),
    )
    (pdu,) = pdus_of(row, "decimal", OLD)
    assert isinstance(pdu, DeliverSm)
    assert (pdu.esm_class, pdu.short_message, pdu.tlvs) == (0, b"hi", ())


def test_a_long_incoming_sms_with_a_broken_header_comes_to_an_old_session_cut() -> None:
    row = delivery(state=INCOMING, message_id=0, esm_class=0x40, user_data=b"\x20" + b"\x05\xff" * 200)
    (pdu,) = pdus_of(row, "decimal", OLD)
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message == (b"\x20" + b"\x05\xff" * 200)[:254]


def test_a_tlv_of_smpp_5_goes_to_no_older_session() -> None:
    older, newer = (tlv.USER_MESSAGE_REFERENCE, b"\1\2"), (tlv.SOURCE_NETWORK_ID, b"net\0")
    row = delivery(state=INCOMING, tlvs=tlv.write_stream([older, newer]))
    assert deliver_sm_of(row, "decimal", style_of(AccountSmpp(), 0x34)).tlvs == (older,)
    assert deliver_sm_of(row, "decimal", style_of(AccountSmpp(), 0x50)).tlvs == (older, newer)
    (wishing,) = pdus_of(row, "decimal", style_of(AccountSmpp(receipt_style="text"), 0x50))
    assert wishing.tlvs == (older, newer)
