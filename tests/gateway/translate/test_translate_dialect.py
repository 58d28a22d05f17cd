"""What an SMSC that differs gets and sends: alphabets, numbers, TLVs."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, id_at, message
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Address, Connector
from gateway.config.secret import Secret
from gateway.config.smpp_model import AddressRule
from gateway.core.model import Message
from gateway.translate.smpp_dialect import Dialect
from gateway.translate.smpp_upstream import incoming_of, sms_of
from gateway.translate.smpp_upward import submits_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm, SubmitSm
from protocols.sms import alphabet, national, udh
from protocols.sms.alphabet import Alphabet

PART = udh.build([udh.concatenation_element(7, 2, 1)])


def dialect(**fields: Any) -> Dialect:
    """Of a connector that is configured so."""
    values: dict[str, Any] = {"system_id": "gw", "password": Secret("-"), **fields}
    return Dialect(Connector(name="up", address=Address("127.0.0.1", 1), **values))


def gsm(text: str) -> bytes:
    return alphabet.encode(text, Alphabet.GSM7)


def sent(of: Message, way: Dialect) -> list[SubmitSm]:
    return submits_of(of, range(1, of.segments + 1), NOW_MS, way)


def only(way: Dialect, text: bytes = b"hello", **fields: Any) -> SubmitSm:
    (pdu,) = sent(message(id_at(NOW_MS), user_data=text, **fields), way)
    return pdu


def test_a_connector_as_configured_by_default_changes_nothing() -> None:
    way = dialect()
    assert (way.writes, way.reads, way.sar, way.whole, way.wide_reference) == (False,) * 5
    assert way.version == 0x34


# -- quirks 46, 47: alphabets on the way up ------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "text", "octets"),
    [
        ("latin1", "é@ü_", b"\xe9@\xfc_"),
        ("ascii", "a@$_", b"a@$_"),
        ("utf8", "é€Δ", "é€Δ".encode()),
        ("ucs2", "é@", b"\0\xe9\0@"),
        ("gsm7_packed", "hellohello", bytes.fromhex("E8329BFD4697D9EC37")),
        ("gsm7_packed", "€", b"\x9b\x32"),
    ],
)
def test_quirk_46_data_coding_0_is_what_the_smsc_means_by_it(coding: str, text: str, octets: bytes) -> None:
    pdu = only(dialect(data_coding_0=coding), gsm(text))
    assert (pdu.short_message, pdu.data_coding) == (octets, 0)


def test_quirk_49_what_latin_1_has_not_goes_as_ucs2_if_it_is_one_sms() -> None:
    way = dialect(data_coding_0="latin1")
    pdu = only(way, gsm("1 €"))
    assert (pdu.short_message, pdu.data_coding, way.approximated) == ("1 €".encode("utf-16-be"), 8, 0)
    little = only(dialect(data_coding_0="latin1", ucs2_order="little"), gsm("1 €"))
    assert (little.short_message, little.data_coding) == ("1 €".encode("utf-16-le"), 8)


def test_quirk_49_and_as_question_marks_that_are_counted_if_it_would_be_more() -> None:
    way = dialect(data_coding_0="latin1")
    pdu = only(way, gsm("€" + "x" * 70))
    assert (pdu.short_message, pdu.data_coding, way.approximated) == (b"?" + b"x" * 70, 0, 1)
    long = message(id_at(NOW_MS), user_data=gsm("€" + "x" * 300), segments=2)
    first, second = sent(long, way)
    assert udh.parse(first.short_message)[1].startswith(b"?x")
    assert (first.data_coding, second.data_coding, way.approximated) == (0, 0, 2)


def test_a_header_stays_as_it_is_before_another_alphabet() -> None:
    pdu = only(dialect(data_coding_0="latin1"), PART + gsm("é"), esm_class=c.ESM_CLASS_UDHI)
    assert pdu.short_message == PART + b"\xe9"


TURKISH = [(udh.LOCKING_SHIFT, b"\1"), (udh.SINGLE_SHIFT, b"\1")]


def turkish(text: str, *elements: udh.Element) -> bytes:
    encoded = national.encode(text, 1, 1)
    assert encoded is not None
    return udh.build([*elements, *TURKISH]) + encoded


@pytest.mark.parametrize(
    ("coding", "data_coding", "octets"),
    [("utf8", 0, "Değerli".encode()), ("latin1", 8, "Değerli".encode("utf-16-be"))],
)
def test_a_text_in_national_tables_is_read_by_them_before_another_alphabet(
    coding: str, data_coding: int, octets: bytes
) -> None:
    pdu = only(dialect(data_coding_0=coding), turkish("Değerli"), esm_class=c.ESM_CLASS_UDHI)
    assert (pdu.data_coding, pdu.short_message, pdu.esm_class) == (data_coding, octets, 0)


def test_the_rest_of_its_header_stays() -> None:
    place = udh.concatenation_element(7, 2, 1)
    pdu = only(dialect(data_coding_0="utf8"), turkish("Değerli", place), esm_class=c.ESM_CLASS_UDHI)
    assert pdu.short_message == udh.build([place]) + "Değerli".encode()
    assert pdu.esm_class == c.ESM_CLASS_UDHI


def test_packed_septets_begin_at_a_septet_after_the_header() -> None:
    """3GPP TS 23.040 §9.2.3.24: six octets of header and a fill bit are seven septets."""
    (pdu,) = sent(
        message(id_at(NOW_MS), user_data=PART + b"hello", esm_class=c.ESM_CLASS_UDHI),
        dialect(data_coding_0="gsm7_packed"),
    )
    assert pdu.short_message == PART + bytes.fromhex("D06536FB0D")


def test_a_long_packed_text_fits_into_its_parts() -> None:
    of = message(id_at(NOW_MS), user_data=b"x" * 400, segments=3)
    pdus = sent(of, dialect(data_coding_0="gsm7_packed"))
    assert [len(pdu.short_message) for pdu in pdus] == [140, 140, 6 + 83]
    assert [pdu.data_coding for pdu in pdus] == [0, 0, 0]


@pytest.mark.parametrize("data_coding", [0x10, 0xF0, 0xC8])
def test_quirk_48_a_message_class_has_its_own_alphabet(data_coding: int) -> None:
    assert only(dialect(data_coding_0="latin1"), gsm("é"), data_coding=data_coding).short_message == b"\5"


@pytest.mark.parametrize(("data_coding", "swaps"), [(8, True), (0x18, True), (4, False), (0, False)])
def test_quirk_47_the_order_of_ucs2(data_coding: int, swaps: bool) -> None:
    pdu = only(dialect(ucs2_order="little"), PART + b"\4\x1f\4\x20", data_coding=data_coding, esm_class=0x40)
    assert pdu.short_message == PART + (b"\x1f\4\x20\4" if swaps else b"\4\x1f\4\x20")


def test_a_text_that_grows_beyond_short_message_goes_in_message_payload() -> None:
    pdu = only(dialect(data_coding_0="utf8"), gsm("é" * 150))
    assert (pdu.short_message, dict(pdu.tlvs)[tlv.MESSAGE_PAYLOAD]) == (b"", ("é" * 150).encode())


# -- numbers ------------------------------------------------------------------------------------------


def test_quirk_50_numbers_are_written_as_the_smsc_wants_them() -> None:
    way = dialect(source=AddressRule(ton=2, npi=8), destination=AddressRule(ton=0, prefix="plus"))
    pdu = only(way, source="12345", source_ton=3, destination="79161234567")
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (2, 8, "12345")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (0, 1, "+79161234567")


def test_names_stay_names() -> None:
    pdu = only(dialect(source=AddressRule(ton=1, npi=1, prefix="00")), source="Example", source_ton=5)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (5, 0, "Example")


# -- quirk 29: TLVs -----------------------------------------------------------------------------------

NO_TLVS = [{"tlvs": False}, {"interface_version": "3.3"}]


@pytest.mark.parametrize("fields", NO_TLVS)
def test_quirk_29_an_smsc_without_tlvs_gets_none(fields: dict[str, Any]) -> None:
    pdu = only(dialect(**fields), tlvs=tlv.write_stream(((tlv.SOURCE_PORT, b"\1\2"), (0x1400, b"x"))))
    assert (pdu.tlvs, pdu.short_message) == ((), b"hello")


@pytest.mark.parametrize("fields", NO_TLVS)
@pytest.mark.parametrize("long_messages", ["sar", "payload", "udh"])
def test_quirk_29_its_long_texts_have_headers(fields: dict[str, Any], long_messages: str) -> None:
    way = dialect(long_messages=long_messages, **fields)
    assert (way.sar, way.whole) == (False, False)
    pdus = sent(message(id_at(NOW_MS), user_data=b"x" * 300, segments=2), way)
    assert all(pdu.esm_class == c.ESM_CLASS_UDHI and not pdu.tlvs for pdu in pdus)
    assert b"".join(udh.parse(pdu.short_message)[1] for pdu in pdus) == b"x" * 300


def test_quirk_29_parts_that_a_client_joined_by_tlvs_are_joined_by_a_header() -> None:
    own = ((tlv.SAR_MSG_REF_NUM, b"\0\7"), (tlv.SAR_TOTAL_SEGMENTS, b"\2"), (tlv.SAR_SEGMENT_SEQNUM, b"\1"))
    pdu = only(dialect(tlvs=False), tlvs=tlv.write_stream(own))
    assert (pdu.short_message, pdu.esm_class, pdu.tlvs) == (PART + b"hello", 0x40, ())
    behind_ports = udh.build([(5, b"\1\2\3\4")]) + b"hello"
    pdu = only(dialect(tlvs=False), behind_ports, tlvs=tlv.write_stream(own), esm_class=0x40)
    elements, text = udh.parse(pdu.short_message)
    assert (elements, text) == ([(0, b"\7\2\1"), (5, b"\1\2\3\4")], b"hello")


def test_a_text_without_a_place_is_not_sent() -> None:
    with pytest.raises(ValueError, match="takes no TLVs"):
        only(dialect(tlvs=False), b"x" * 300)


@pytest.mark.parametrize(("version", "octet"), [("3.3", 0x33), ("3.4", 0x34), ("5.0", 0x50)])
def test_the_version_of_the_bind(version: str, octet: int) -> None:
    assert dialect(interface_version=version).version == octet


# -- the way down -------------------------------------------------------------------------------------


def down(way: Dialect, text: bytes, data_coding: int = 0, **fields: Any) -> tuple[bytes, int, str]:
    """User data and data_coding as an account gets them, and the text as people read it."""
    pdu = DeliverSm(source_addr="79161234567", short_message=text, data_coding=data_coding, **fields)
    if way.reads:
        way.read(pdu)
    row = incoming_of(pdu, "app", NOW_MS)
    return row[12], row[11], sms_of(pdu).text


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        ("latin1", b"\xe9@", "é@"),
        ("ascii", b"a_$", "a_$"),
        ("utf8", "é€".encode(), "é€"),
        ("ucs2", b"\0h\0i", "hi"),
        ("gsm7_packed", bytes.fromhex("E8329BFD4697D9EC37"), "hellohello"),
        ("gsm7_packed", bytes.fromhex("31D98C56B3DD1A"), "1234567"),  # padded with CR
        ("gsm7_packed", bytes.fromhex("31D98C56B3DD00"), "1234567"),  # and with zeros
        ("gsm7_packed", b"", ""),
    ],
)
def test_an_incoming_text_of_data_coding_0_comes_down_in_gsm(coding: str, octets: bytes, text: str) -> None:
    assert down(dialect(data_coding_0=coding), octets) == (gsm(text), 0, text)


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        ("latin1", b"\xe1", "á"),
        ("utf8", "тест".encode(), "тест"),
        ("ucs2", "тест".encode("utf-16-be"), "тест"),
    ],
)
def test_quirk_47_and_as_ucs2_where_gsm_has_it_not(coding: str, octets: bytes, text: str) -> None:
    assert down(dialect(data_coding_0=coding), octets) == (text.encode("utf-16-be"), 8, text)


def test_quirk_47_incoming_ucs2_in_the_other_order() -> None:
    text = "тест"
    way = dialect(ucs2_order="little")
    assert down(way, text.encode("utf-16-le"), 8) == (text.encode("utf-16-be"), 8, text)
    way = dialect(ucs2_order="little", data_coding_0="ucs2")
    assert down(way, text.encode("utf-16-le")) == (text.encode("utf-16-be"), 8, text)


def test_an_incoming_text_in_national_tables_is_of_gsm_whatever_0_means() -> None:
    pdu = DeliverSm(short_message=turkish("Değerli"), esm_class=c.ESM_CLASS_UDHI)
    dialect(data_coding_0="latin1").read(pdu)
    assert (pdu.data_coding, pdu.short_message) == (0, turkish("Değerli"))


def test_an_incoming_part_keeps_its_header() -> None:
    packed = PART + bytes.fromhex("D06536FB0D")
    data, data_coding, text = down(dialect(data_coding_0="gsm7_packed"), packed, esm_class=0x40)
    assert (data, data_coding, text) == (PART + b"hello", 0, "hello")


def test_an_incoming_text_in_message_payload_is_read_too() -> None:
    way = dialect(data_coding_0="latin1")
    pdus: list[DeliverSm | DataSm] = [
        DeliverSm(tlvs=((tlv.SOURCE_PORT, b"\0\1"), (tlv.MESSAGE_PAYLOAD, b"\xe9" * 300))),
        DataSm(tlvs=((tlv.SOURCE_PORT, b"\0\1"), (tlv.MESSAGE_PAYLOAD, b"\xe9" * 300))),
    ]
    for pdu in pdus:
        way.read(pdu)
        row = incoming_of(pdu, "app", NOW_MS)
        assert (row[12], row[11], row[13]) == (gsm("é" * 300), 0, b"\2\x0a\0\2\0\1")


@given(st.text(st.characters(codec="latin-1"), max_size=120).map(gsm), st.integers(0, 20))
def test_a_text_survives_both_ways_in_packed_form(text: bytes, ports: int) -> None:
    text = text.rstrip(b"\0")  # "@": padding with zeros looks the same
    way = dialect(data_coding_0="gsm7_packed")
    header = udh.build([(0x70, b"\0" * ports)]) if ports else b""
    esm_class = c.ESM_CLASS_UDHI if header else 0
    pdu = only(way, header + text, esm_class=esm_class)
    assert down(way, pdu.short_message, esm_class=esm_class)[0] == header + text


@given(st.binary(max_size=254), st.integers(0, 255), st.sampled_from([0, 0x40]), st.data())
def test_security_24_any_octets_are_read_as_something(
    octets: bytes, data_coding: int, esm_class: int, data: st.DataObject
) -> None:
    coding = data.draw(st.sampled_from(["gsm7", "latin1", "ascii", "utf8", "ucs2", "gsm7_packed"]))
    down(dialect(data_coding_0=coding, ucs2_order="little"), octets, data_coding, esm_class=esm_class)
