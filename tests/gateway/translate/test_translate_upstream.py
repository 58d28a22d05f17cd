"""What comes from an SMSC: a receipt or an incoming SMS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import FINAL_STATES, INCOMING, Delivery, MessageState
from gateway.translate.smpp_deliver import deliver_sm_of
from gateway.translate.smpp_upstream import (
    IncomingSms,
    UpstreamReceipt,
    incoming_of,
    receipt_of,
    sms_of,
)
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm
from protocols.sms import receipts
from protocols.sms.udh import build, concatenation_element

VECTORS = Path(__file__).parents[2] / "vectors" / "sms" / "receipts.json"

TEXT = b"id:77 sub:001 dlvrd:001 submit date:2506151500 done date:2506151501 stat:DELIVRD err:042 text:hi"
FAILED = TEXT.replace(b"DELIVRD", b"UNDELIV")


def deliver(text: bytes = TEXT, esm_class: int = 4, *tlvs: tuple[int, bytes], **fields: Any) -> DeliverSm:
    return DeliverSm(short_message=text, esm_class=esm_class, tlvs=tlvs, source_addr="79161234567", **fields)


def id_tlv(upstream_id: str) -> tuple[int, bytes]:
    return (tlv.RECEIPTED_MESSAGE_ID, upstream_id.encode() + b"\0")


def state_tlv(state: int) -> tuple[int, bytes]:
    return (tlv.MESSAGE_STATE, bytes((state,)))


DELIVERED = UpstreamReceipt("77", 2, True, "042")
UNDELIVERABLE = UpstreamReceipt("77", 5, True, "042")


# -- which PDU is a receipt -------------------------------------------------------------------------


@pytest.mark.parametrize("esm_class", [0x04, 0x08, 0x44, 0x84, 0x05, 0x07])
def test_quirk_08_classes_that_say_receipt(esm_class: int) -> None:
    assert receipt_of(deliver(esm_class=esm_class)) == DELIVERED


def test_quirk_08_an_intermediate_notification_ends_nothing() -> None:
    for esm_class in (0x20, 0x60, 0xA0):
        assert receipt_of(deliver(esm_class=esm_class)) == DELIVERED._replace(final=0x20)
        assert receipt_of(deliver(b"", esm_class, id_tlv("77"), state_tlv(5))) == UpstreamReceipt(
            "77", 5, 0x20, "000"
        )
        assert receipt_of(deliver(b"", esm_class, id_tlv("77"))) == UpstreamReceipt("77", 1, 0x20, "000")


@pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x48, 0x90])
def test_an_acknowledgement_is_a_notice_with_its_words(esm_class: int) -> None:
    header = build([concatenation_element(1, 1, 1)]) if esm_class & 0x40 else b""
    got = receipt_of(deliver(header + b"I have read it", esm_class, id_tlv("77")))
    assert got == UpstreamReceipt("77", 2, esm_class & 0x18, "000", "I have read it")
    cyrillic = header + "да".encode("utf-16-be")
    got = receipt_of(deliver(cyrillic, esm_class, id_tlv("77"), data_coding=8))
    assert got is not None
    assert got.info == "да"


def test_an_acknowledgement_by_hand_is_never_the_end_whatever_it_says() -> None:
    got = receipt_of(deliver(TEXT.replace(b"DELIVRD", b"REJECTD"), 0x10, id_tlv("77"), state_tlv(8)))
    assert got is not None
    assert (got.final, got.state) == (0x10, 2)


@pytest.mark.parametrize("esm_class", [0x08, 0x10])
def test_an_acknowledgement_of_nobody_knows_what_is_an_sms(esm_class: int) -> None:
    assert receipt_of(deliver(b"yes", esm_class)) is None


def test_the_words_of_an_acknowledgement_are_not_taken_for_ours() -> None:
    for said in (b"tlv:140000017f", b"  tlv:140000017f", b" imsi:250"):
        got = receipt_of(deliver(said, 0x10, id_tlv("77")))
        assert got is not None
        assert not got.info.startswith(("tlv:", " "))


def test_tlvs_that_only_this_smsc_has_go_down_with_the_receipt() -> None:
    further = (
        (0x1403, b"\x01\x02"),
        (tlv.DPF_RESULT, b"\1"),
        (0x1501, b""),
        (tlv.MS_AVAILABILITY_STATUS, b"\0"),
    )
    got = receipt_of(deliver(TEXT, 4, id_tlv("77"), *further, state_tlv(2), (tlv.SOURCE_PORT, b"\0\1")))
    assert got is not None
    assert got.info.startswith("tlv:")
    assert tlv.read_stream(bytes.fromhex(got.info[4:]), 0, 64) == further
    assert got._replace(info="") == UpstreamReceipt("77", 2, 1, "000")


def test_what_goes_down_with_a_receipt_is_bounded() -> None:
    big = [(0x1400 + n, b"x" * 100) for n in range(20)]
    got = receipt_of(deliver(TEXT, 4, *big))
    assert got is not None
    assert len(got.info) <= 4 + 2 * 512
    assert tlv.read_stream(bytes.fromhex(got.info[4:]), 0, 64) == tuple(big[:4])
    got = receipt_of(deliver(TEXT, 4, (0x1400, b"x" * 600)))
    assert got is not None
    assert got.info == ""


def test_quirk_08_a_receipt_behind_a_udh() -> None:
    header = build([concatenation_element(1, 2, 1)])
    assert receipt_of(deliver(header + TEXT, 0x44)) == DELIVERED
    confused = build([(0x70, b" id:1 stat:UNDELIV")])
    assert receipt_of(deliver(confused + TEXT, 0x44)) == DELIVERED


@pytest.mark.parametrize("esm_class", [0x00, 0x40, 0x80, 0x03])
@pytest.mark.parametrize("text", [TEXT, b"id:1 stat:DELIVRD"])
def test_quirk_10_a_subscriber_who_writes_a_receipt_is_not_believed(text: bytes, esm_class: int) -> None:
    assert receipt_of(deliver(text, esm_class)) is None


def test_quirk_09_unless_the_connectors_receipts_are_told_by_their_text() -> None:
    assert receipt_of(deliver(esm_class=0), by_text=True) == DELIVERED
    assert receipt_of(deliver(b"id:1 and no more", 0), by_text=True) is None
    assert receipt_of(deliver(b"stat:DELIVRD", 0), by_text=True) is None
    assert receipt_of(deliver(b"hello", 0), by_text=True) is None


def test_a_receipted_message_id_is_a_receipt_whatever_the_class() -> None:
    assert receipt_of(deliver(b"", 0, id_tlv("77"), state_tlv(2))) == UpstreamReceipt("77", 2, True, "000")


def test_a_state_without_an_id_makes_no_receipt_of_an_sms() -> None:
    assert receipt_of(deliver(TEXT, 0, state_tlv(2))) is None


def test_quirk_32_an_empty_sms_is_an_sms() -> None:
    assert receipt_of(deliver(b"", 0)) is None
    assert receipt_of(deliver(b"", 0), by_text=True) is None


# -- what it says -----------------------------------------------------------------------------------


def test_quirk_11_text_only() -> None:
    assert receipt_of(deliver(FAILED)) == UNDELIVERABLE


def test_tlvs_only() -> None:
    pdu = deliver(b"", 4, id_tlv("77"), state_tlv(5), (tlv.NETWORK_ERROR_CODE, b"\x03\x00\x2a"))
    assert receipt_of(pdu) == UNDELIVERABLE


def test_quirk_11_an_id_in_a_tlv_and_the_state_in_the_text() -> None:
    assert receipt_of(deliver(FAILED.replace(b"id:77 ", b""), 4, id_tlv("77"))) == UNDELIVERABLE


def test_a_state_in_a_tlv_and_the_id_in_the_text() -> None:
    assert receipt_of(deliver(TEXT, 4, state_tlv(8))) == UpstreamReceipt("77", 8, True, "042")
    assert receipt_of(deliver(TEXT, 4, state_tlv(2))) == DELIVERED


def test_tlvs_are_believed_before_the_text() -> None:
    assert receipt_of(deliver(TEXT, 4, id_tlv("78"), state_tlv(5))) == UpstreamReceipt("78", 5, True, "042")


def test_a_receipt_that_says_nothing_is_still_one() -> None:
    assert receipt_of(deliver(b"hello", 4)) == UpstreamReceipt("", 7, True, "000")


@pytest.mark.parametrize("state", [1, 6, 0])
def test_quirk_19_states_that_are_not_the_end(state: int) -> None:
    assert receipt_of(deliver(b"", 4, id_tlv("77"), state_tlv(state))) == UpstreamReceipt(
        "77", state, False, "000"
    )


def test_quirk_19_acceptd_in_the_text() -> None:
    got = receipt_of(deliver(TEXT.replace(b"DELIVRD", b"ACCEPTD")))
    assert got == UpstreamReceipt("77", 6, False, "042")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (b"FAILED", 5),
        (b"REJECTED", 8),
        (b"0", 2),
        (b"ACKED", 6),
        (b"BUFFRED", 1),
        (b"NEWWORD", 7),
    ],
)
def test_quirk_17_security_23_words_for_states(word: bytes, state: int) -> None:
    got = receipt_of(deliver(TEXT.replace(b"DELIVRD", word)))
    assert got is not None
    assert (got.state, got.final) == (state, MessageState(state) in FINAL_STATES)


@pytest.mark.parametrize("value", [b"\x0a", b"\xff"])
def test_a_state_that_nobody_knows(value: bytes) -> None:
    assert receipt_of(deliver(b"", 4, id_tlv("77"), (tlv.MESSAGE_STATE, value))) == UpstreamReceipt(
        "77", 7, True, "000"
    )


def test_quirk_30_mistyped_tlvs_are_skipped() -> None:
    pdu = deliver(
        TEXT, 4, (tlv.MESSAGE_STATE, b""), (tlv.MESSAGE_STATE, b"\0\5"), (tlv.NETWORK_ERROR_CODE, b"x")
    )
    assert receipt_of(pdu) == DELIVERED


def test_quirk_30_an_id_without_its_nul() -> None:
    got = receipt_of(deliver(b"", 4, (tlv.RECEIPTED_MESSAGE_ID, b"77"), state_tlv(2)))
    assert got is not None
    assert got.upstream_id == "77"


@pytest.mark.parametrize(
    ("value", "error"),
    [(b"\x03\x00\x08", "008"), (b"\x00\x01\x02", "258"), (b"034", "034"), (b"\x03\xff\xff", "65535")],
)
def test_quirk_18_network_error_codes(value: bytes, error: str) -> None:
    got = receipt_of(deliver(b"", 4, id_tlv("77"), state_tlv(5), (tlv.NETWORK_ERROR_CODE, value)))
    assert got is not None
    assert got.error == error


@pytest.mark.parametrize("error", ["0034", "0x1F", "E12"])
def test_quirk_18_errors_that_are_no_three_digits(error: str) -> None:
    got = receipt_of(deliver(FAILED.replace(b"042", error.encode())))
    assert got is not None
    assert got.error == error


def test_quirk_12_a_receipt_in_data_sm() -> None:
    pdu = DataSm(esm_class=4, tlvs=((tlv.MESSAGE_PAYLOAD, FAILED),))
    assert receipt_of(pdu) == UNDELIVERABLE
    assert receipt_of(DataSm(esm_class=0, tlvs=((tlv.MESSAGE_PAYLOAD, TEXT),))) is None
    assert receipt_of(DataSm(esm_class=0, tlvs=((tlv.MESSAGE_PAYLOAD, TEXT),)), by_text=True) == DELIVERED


def test_quirk_12_a_receipt_in_message_payload() -> None:
    assert receipt_of(deliver(b"", 4, (tlv.MESSAGE_PAYLOAD, FAILED))) == UNDELIVERABLE


def test_quirk_13_a_receipt_in_ucs2() -> None:
    assert receipt_of(deliver(FAILED.decode().encode("utf-16-be"), 4, data_coding=8)) == UNDELIVERABLE


@pytest.mark.parametrize(
    "text",
    [
        b"id:77 submit date:2506151500 done date:2506151501 stat:DELIVRD err:042",
        b"id:77 stat:DELIVRD err:042",
        b"stat:DELIVRD err:042 id:77",
    ],
)
def test_quirk_14_fields_may_be_missing(text: bytes) -> None:
    assert receipt_of(deliver(text)) == DELIVERED


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace(b"text:", b"Text:"),
        TEXT.replace(b"submit date", b"submitdate").replace(b"done date", b"donedate"),
        TEXT.replace(b"err:042", b"err: 042"),
        TEXT + b"\0\xff id:1 stat:UNDELIV err:1",
    ],
)
def test_quirk_16_fields_may_look_otherwise(text: bytes) -> None:
    assert receipt_of(deliver(text)) == DELIVERED


def receipt_vectors() -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in json.loads(VECTORS.read_text()) if "text" in v]


@pytest.mark.parametrize("vector", receipt_vectors())
def test_every_text_that_smscs_were_seen_to_write(vector: dict[str, Any]) -> None:
    expect = vector["expect"]
    got = receipt_of(deliver(vector["text"].encode("latin-1")))
    assert got is not None
    assert got.upstream_id == expect.get("id", got.upstream_id)
    assert got.state == expect.get("state", got.state)
    assert got.error == (expect.get("error", got.error) or "000")


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_security_24_any_octets_are_a_receipt_or_none(
    text: bytes, esm_class: int, data_coding: int, by_text: bool
) -> None:
    got = receipt_of(deliver(text, esm_class, data_coding=data_coding), by_text=by_text)
    if got is not None:
        assert got.state in set(MessageState)
        assert len(got.upstream_id) <= receipts.MAX_ID


# -- incoming SMS -----------------------------------------------------------------------------------


def incoming(pdu: DeliverSm | DataSm) -> Delivery:
    return Delivery(1, *incoming_of(pdu, "app", NOW_MS))


def test_an_incoming_sms_comes_down_as_it_came() -> None:
    pdu = DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr="79161234567",
        dest_addr_ton=3,
        dest_addr_npi=9,
        destination_addr="1234",
        esm_class=0x40,
        protocol_id=3,
        data_coding=8,
        short_message=b"\x05\x00\x03\x01\x02\x01\x04\x1f",
        tlvs=((tlv.SOURCE_PORT, b"\1\2"), (0x1400, b"x"), (0x1400, b"")),
    )
    row = incoming(pdu)
    assert (row.account, row.message_id, row.state, row.created_ms) == ("app", 0, INCOMING, NOW_MS)
    assert deliver_sm_of(row, "decimal") == pdu


@pytest.mark.parametrize("octets", [254, 255, 2000])
def test_a_long_incoming_sms_is_in_message_payload_only_if_it_must(octets: int) -> None:
    text = b"x" * octets
    row = incoming(deliver(b"", 0, (tlv.MESSAGE_PAYLOAD, text), (tlv.SOURCE_PORT, b"\1\2")))
    assert row.user_data == text
    down = deliver_sm_of(row, "hex")
    assert (down.short_message or dict(down.tlvs)[tlv.MESSAGE_PAYLOAD]) == text
    assert bool(down.short_message) is (octets <= 254)
    assert down.tlvs[0] == (tlv.SOURCE_PORT, b"\1\2")


def test_an_incoming_data_sm() -> None:
    pdu = DataSm(
        source_addr="7916", destination_addr="1234", data_coding=4, tlvs=((tlv.MESSAGE_PAYLOAD, b"\0\1"),)
    )
    down = deliver_sm_of(incoming(pdu), "decimal")
    assert (down.source_addr, down.destination_addr, down.data_coding) == ("7916", "1234", 4)
    assert (down.short_message, down.protocol_id, down.tlvs) == (b"\0\1", 0, ())


# -- incoming SMS, as people read them ----------------------------------------------------------------


def read(text: bytes, *tlvs: tuple[int, bytes], udh: bool = False, **fields: Any) -> IncomingSms:
    return sms_of(deliver(text, 0x40 if udh else 0, *tlvs, destination_addr="1234", **fields))


def sar(reference: int, total: int, part: int) -> list[tuple[int, bytes]]:
    return [
        (tlv.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (tlv.SAR_TOTAL_SEGMENTS, bytes((total,))),
        (tlv.SAR_SEGMENT_SEQNUM, bytes((part,))),
    ]


def test_a_whole_sms_is_read() -> None:
    assert read(b"hello") == IncomingSms("79161234567", "1234", "hello", 0, 1, 1)
    assert read(b"", (tlv.MESSAGE_PAYLOAD, b"x" * 300)).text == "x" * 300
    assert read(b"") == IncomingSms("79161234567", "1234", "", 0, 1, 1)


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0, b"\x00\x1b\x65", "@€"),
        (1, b"@", "@"),
        (3, b"caf\xe9", "café"),
        (4, b"\x00\xff", "00 ff"),
        (6, "привет".encode("iso8859_5"), "привет"),
        (7, "שלום".encode("iso8859_8"), "שלום"),
        (8, "привет".encode("utf-16-be"), "привет"),
        (8, b"\xd8\x00", "\ufffd"),
        (0x11, b"flash", "flash"),
    ],
)
def test_the_text_is_read_by_its_data_coding(data_coding: int, octets: bytes, text: str) -> None:
    assert read(octets, data_coding=data_coding).text == text


@pytest.mark.parametrize(
    ("ton", "address", "digits"),
    [
        (1, "+79161234567", "79161234567"),
        (0, "0079161234567", "79161234567"),
        (5, "BANK", "BANK"),
        (3, "+12", "+12"),
    ],
)
def test_both_ends_are_in_digits(ton: int, address: str, digits: str) -> None:
    pdu = DeliverSm(source_addr_ton=ton, source_addr=address, dest_addr_ton=ton, destination_addr=address)
    assert sms_of(pdu)[:2] == (digits, digits)


@pytest.mark.parametrize("wide", [False, True])
def test_a_part_by_its_header(wide: bool) -> None:
    header = build([(0x24, b"\0"), concatenation_element(0x1C7, 3, 2, wide)])
    expected = IncomingSms("79161234567", "1234", "hello", 0x1C7 | 1 << 16 if wide else 0xC7, 3, 2)
    assert read(header + b"hello", udh=True) == expected
    assert read(b"", (tlv.MESSAGE_PAYLOAD, header + b"hello"), udh=True) == expected
    ucs2 = read(header + "да".encode("utf-16-be"), udh=True, data_coding=8)
    assert (ucs2.text, ucs2.part) == ("да", 2)


def test_a_header_without_concatenation_is_left_out() -> None:
    assert read(build([(0x05, b"\x0b\x84\x23\xf0")]) + b"hello", udh=True)[2:] == ("hello", 0, 1, 1)


def test_security_25_and_26_a_header_that_contradicts_itself_leaves_a_single_sms() -> None:
    assert read(b"\x63hello", udh=True)[2:] == ("chello", 0, 1, 1)
    for nonsense in (b"\x05\x00\x03\x07\x00\x00", b"\x05\x00\x03\x07\x02\x03", b"\x03\x00\x01\x07"):
        assert read(nonsense + b"hello", udh=True)[2:] == ("hello", 0, 1, 1)
    assert read(b"", udh=True)[2:] == ("", 0, 1, 1)


def test_a_part_by_its_tlvs() -> None:
    assert read(b"hello", *sar(0x1C7, 3, 2))[2:] == ("hello", 0x1C7 | 1 << 17, 3, 2)
    for nonsense in (sar(1, 3, 4), sar(1, 3, 0), sar(1, 0, 0), sar(1, 3, 2)[1:], sar(1, 3, 2)[:2]):
        assert read(b"hello", *nonsense)[2:] == ("hello", 0, 1, 1)


def test_quirk_28_references_of_different_kinds_are_different_ones() -> None:
    narrow, wide = (build([concatenation_element(7, 2, 1, wide)]) for wide in (False, True))
    read_so = [read(narrow + b"a", udh=True), read(wide + b"a", udh=True), read(b"a", *sar(7, 2, 1))]
    assert len({sms.reference for sms in read_so}) == 3


def test_quirk_27_with_a_header_and_tlvs_the_header_counts() -> None:
    header = build([concatenation_element(7, 3, 2)])
    assert read(header + b"hello", *sar(9, 2, 1), udh=True)[2:] == ("hello", 7, 3, 2)
    ports = build([(0x05, b"\x0b\x84\x23\xf0")])
    assert read(ports + b"hello", *sar(9, 2, 1), udh=True)[2:] == ("hello", 9 | 1 << 17, 2, 1)


def test_quirk_26_a_header_in_message_payload() -> None:
    header = build([(0x70, b"\1"), concatenation_element(0x102, 3, 2, True)])
    sms = read(b"", (tlv.MESSAGE_PAYLOAD, header + b"hello"), udh=True)
    assert sms[2:] == ("hello", 0x102 | 1 << 16, 3, 2)


def test_a_text_by_a_national_table_is_read() -> None:
    turkish = build([(0x25, b"\1"), (0x24, b"\1")])
    assert read(turkish + b"\x1bs\x1bi\x07", udh=True).text == "şıı"


def test_the_only_part_is_whole() -> None:
    assert read(b"hello", *sar(7, 1, 1))[2:] == ("hello", 0, 1, 1)
    assert read(b"\x05\x00\x03\x07\x01\x01hello", udh=True)[2:] == ("hello", 0, 1, 1)


def test_a_data_sm_is_read_too() -> None:
    pdu = DataSm(
        source_addr="7916", destination_addr="1234", tlvs=((tlv.MESSAGE_PAYLOAD, b"hi"), *sar(1, 2, 2))
    )
    assert sms_of(pdu) == IncomingSms("7916", "1234", "hi", 1 | 1 << 17, 2, 2)


@given(
    text=st.binary(max_size=60),
    esm_class=st.sampled_from([0, 0x40]),
    data_coding=st.integers(0, 255),
    tlvs=st.lists(
        st.tuples(st.sampled_from([0x20C, 0x20E, 0x20F, 0x424]), st.binary(max_size=3)), max_size=4
    ),
)
def test_anything_can_be_read(
    text: bytes, esm_class: int, data_coding: int, tlvs: list[tuple[int, bytes]]
) -> None:
    sms = sms_of(deliver(text, esm_class, *tlvs, data_coding=data_coding))
    sms.text.encode()  # no lone surrogate: it can be stored and written into a mail
    assert 1 <= sms.part <= sms.total <= 255
