"""submit_sm to a draft of a message: what is refused, how segments are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_fakes import NOW_MS, draft
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.connector_model import VendorTlv
from gateway.config.model import Account
from gateway.config.secret import Secret
from gateway.config.smpp_model import AddressRule
from gateway.core.errors import Refusal
from gateway.core.model import Draft, Wish
from gateway.translate.smpp_reading import AS_SENT, Reading, reading_of
from gateway.translate.smpp_submit import draft_of
from gateway.translate.vendor_tlvs import VendorTlvs
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import SubmitSm
from protocols.smpp.times import format_absolute, format_relative
from protocols.sms import alphabet, segments, udh
from protocols.sms.alphabet import Alphabet

LATIN1 = Reading(to_text=lambda data: data.decode("latin-1"))
UDH_PART = udh.build([udh.concatenation_element(7, 2, 1)])


def submit(**fields: Any) -> SubmitSm:
    """What a client sends: "hello" to a mobile number."""
    return SubmitSm(
        **{
            "source_addr_ton": 5,
            "source_addr": "Example",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "79161234567",
            "registered_delivery": 1,
            "short_message": b"hello",
            **fields,
        }
    )


def taken(reading: Reading = AS_SENT, **fields: Any) -> Draft:
    result = draft_of(submit(**fields), NOW_MS, reading)
    assert isinstance(result, Draft), result
    return result


def refusal(**fields: Any) -> Refusal:
    result = draft_of(submit(**fields), NOW_MS)
    assert isinstance(result, Refusal)
    return result


def test_every_field_has_its_place() -> None:
    given_pdu = submit(
        service_type="CMT",
        source_addr_npi=8,
        esm_class=0x80,
        protocol_id=0x48,
        priority_flag=2,
        registered_delivery=0x11,
        data_coding=4,
    )
    expected = draft(
        service_type="CMT",
        source_npi=8,
        esm_class=0x80,
        protocol_id=0x48,
        priority=2,
        registered_delivery=0x11,
        data_coding=4,
    )
    assert draft_of(given_pdu, NOW_MS) == expected


# -- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x44, 0x07, 0xE4])
def test_security_21_a_receipt_from_a_client(esm_class: int) -> None:
    assert refusal(esm_class=esm_class) is Refusal.RECEIPT_CLASS


@pytest.mark.parametrize("esm_class", [0x00, 0x03, 0x08, 0x10, 0x80])
def test_other_classes_are_the_clients_matter(esm_class: int) -> None:
    assert taken(esm_class=esm_class).esm_class == esm_class


@pytest.mark.parametrize(
    ("ton", "sender"),
    [
        (5, "Exam\rple"),
        (5, "Exam\nple"),
        (1, "7916\0"),
        (0, "\x1b[2J"),
        (5, "\x7f"),
        (5, "x\x85y"),
        (5, "TwelveLetter"),
    ],
)
def test_security_31_a_sender_with_control_characters_or_too_long(ton: int, sender: str) -> None:
    assert refusal(source_addr_ton=ton, source_addr=sender) is Refusal.SOURCE


@pytest.mark.parametrize(
    ("ton", "sender"),
    [(5, "ElevenChars"), (5, "A b.c"), (1, "+79161234567"), (0, ""), (3, "1234"), (5, "Café")],
)
def test_senders_that_are_taken(ton: int, sender: str) -> None:
    assert taken(source_addr_ton=ton, source_addr=sender).source == sender


@pytest.mark.parametrize(
    ("ton", "number"),
    [
        (1, ""),
        (1, "12"),
        (1, "+"),
        (1, "7916123456789012"),
        (1, "7916-123-45-67"),
        (0, "Example"),
        (1, "79161234567 "),
        (1, "7916²²²2222"),
        (5, "Example"),
        (2, "+79161234567"),
        (1, "++79161234567"),
    ],
)
def test_security_32_a_destination_that_is_no_number(ton: int, number: str) -> None:
    assert refusal(dest_addr_ton=ton, destination_addr=number) is Refusal.DESTINATION


@pytest.mark.parametrize(
    ("ton", "number", "digits"),
    [
        (1, "79161234567", "79161234567"),
        (1, "+79161234567", "79161234567"),
        (0, "0079161234567", "79161234567"),
        (2, "0079161234567", "0079161234567"),
        (3, "911", "911"),
        (1, "123456789012345", "123456789012345"),
    ],
)
def test_quirk_50_destinations_that_are_taken(ton: int, number: str, digits: str) -> None:
    assert taken(dest_addr_ton=ton, destination_addr=number).destination == digits


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x05",
        b"\x05\x00\x03\x07\x02",
        b"\xff" + b"x" * 100,
        b"\x05\x00\x03\x07\x02\x03x",
        b"\x05\x00\x03\x07\x00\x00x",
    ],
)
def test_security_25_26_a_broken_udh(text: bytes) -> None:
    assert refusal(esm_class=c.ESM_CLASS_UDHI, short_message=text) is Refusal.MALFORMED_TEXT


@pytest.mark.parametrize(
    "period", ["2501010000000", "99999999999999+", "251399000000000+", "000000000000000X"]
)
def test_times_that_are_none(period: str) -> None:
    assert refusal(schedule_delivery_time=period) is Refusal.SCHEDULE
    assert refusal(validity_period=period) is Refusal.VALIDITY


def test_a_validity_that_is_over_before_it_begins() -> None:
    past = format_absolute(datetime.fromtimestamp(NOW_MS / 1000 - 60, UTC))
    assert refusal(validity_period=past) is Refusal.VALIDITY
    hour, two = format_relative(timedelta(hours=1)), format_relative(timedelta(hours=2))
    assert refusal(schedule_delivery_time=two, validity_period=hour) is Refusal.VALIDITY
    assert refusal(schedule_delivery_time=hour, validity_period=hour) is Refusal.VALIDITY


def test_times_that_are_taken() -> None:
    hour, two = format_relative(timedelta(hours=1)), format_relative(timedelta(hours=2))
    got = taken(schedule_delivery_time=hour, validity_period=two)
    assert (got.due_ms, got.expires_ms) == (NOW_MS + 3_600_000, NOW_MS + 7_200_000)
    assert got.validity_period == two
    soon = format_absolute(datetime.fromtimestamp(NOW_MS / 1000 + 90, UTC))
    assert taken(validity_period=soon).expires_ms == NOW_MS + 90_000
    assert taken(schedule_delivery_time=soon).due_ms == NOW_MS + 90_000


# -- text and segments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_coding", "octets", "count"),
    [
        (0, 0, 1),
        (0, 160, 1),
        (0, 161, 2),
        (0, 306, 2),
        (0, 307, 3),
        (8, 140, 1),
        (8, 142, 2),
        (8, 268, 2),
        (8, 270, 3),
        (3, 140, 1),
        (3, 141, 2),
        (4, 141, 2),
        (0xF5, 141, 2),
        (0xC8, 160, 1),
    ],
)
def test_segments_are_counted_in_the_alphabet_of_data_coding(
    data_coding: int, octets: int, count: int
) -> None:
    assert taken(data_coding=data_coding, short_message=b"\0" * octets).segments == count


def test_message_payload_is_the_text_and_no_tlv_of_the_message() -> None:
    text = b"x" * 1000
    got = taken(short_message=b"", tlvs=((tlv.MESSAGE_PAYLOAD, text), (tlv.SOURCE_PORT, b"\1\2")))
    assert (got.user_data, got.segments) == (text, 7)
    assert tlv.read_stream(got.tlvs, 0, 9) == ((tlv.SOURCE_PORT, b"\1\2"),)


@pytest.mark.parametrize(("octets", "segments"), [(153 * 255, 255), (153 * 255 + 1, 256), (64_000, 419)])
def test_security_34_more_than_255_segments_are_counted_and_so_refused(octets: int, segments: int) -> None:
    """More than any max_segments, so never a silent cut."""
    got = taken(short_message=b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * octets),))
    assert got.segments == segments


@pytest.mark.parametrize(("octets", "count"), [(160, 1), (161, 2)])
def test_a_header_that_says_nothing_is_left_out(octets: int, count: int) -> None:
    got = taken(short_message=b"\0" + b"x" * octets, esm_class=c.ESM_CLASS_UDHI | 0x03)
    assert (got.user_data, got.esm_class, got.segments) == (b"x" * octets, 0x03, count)
    assert taken(short_message=b"\0", esm_class=c.ESM_CLASS_UDHI, data_coding=0x10).user_data == b""


def test_a_clients_own_segment_stays_one() -> None:
    for text in (UDH_PART + b"x" * 134, UDH_PART + b"x" * 153, UDH_PART + b"\x04\x1f" * 67):
        got = taken(esm_class=c.ESM_CLASS_UDHI, short_message=text)
        assert (got.user_data, got.segments, got.esm_class) == (text, 1, 0x40)


def test_a_clients_own_segment_longer_than_an_sms_can_be() -> None:
    text = UDH_PART + b"x" * 260
    result = refusal(esm_class=c.ESM_CLASS_UDHI, short_message=b"", tlvs=((tlv.MESSAGE_PAYLOAD, text),))
    assert result is Refusal.MALFORMED_TEXT


def test_quirk_46_a_client_whose_default_is_latin1() -> None:
    plain = taken(LATIN1, short_message="Café [10€] @".replace("€", "£").encode("latin-1"))
    assert plain.data_coding == 0
    assert alphabet.decode(plain.user_data, Alphabet.GSM7) == "Café [10£] @"
    other = taken(LATIN1, short_message="français".encode("latin-1"))
    assert other.data_coding == 8
    assert other.user_data.decode("utf-16-be") == "français"


def test_latin1_counts_what_goes_up_and_not_what_came() -> None:
    brackets = taken(LATIN1, short_message=b"[" * 100)
    assert (len(brackets.user_data), brackets.segments) == (200, 2)
    accents = taken(LATIN1, short_message=b"\xe7" * 100)
    assert (len(accents.user_data), accents.segments) == (200, 2)


def test_latin1_keeps_a_udh_and_other_codings() -> None:
    got = taken(LATIN1, esm_class=c.ESM_CLASS_UDHI, short_message=UDH_PART + b"@[")
    assert got.user_data == UDH_PART + b"\0\x1b<"
    assert taken(LATIN1, data_coding=4, short_message=b"@[").user_data == b"@["
    assert taken(LATIN1, data_coding=8, short_message=b"\0@").user_data == b"\0@"


@given(st.binary(max_size=254), st.integers(0, 255), st.booleans(), st.sampled_from([0, 0x40]))
def test_any_text_is_taken_or_refused(text: bytes, data_coding: int, latin1: bool, esm_class: int) -> None:
    pdu = submit(short_message=text, data_coding=data_coding, esm_class=esm_class)
    result = draft_of(pdu, NOW_MS, LATIN1 if latin1 else AS_SENT)
    if isinstance(result, Draft):
        assert 1 <= result.segments <= 10
        if esm_class and text[0] == 0:  # a header that says nothing
            assert not result.esm_class & 0x40
        elif data_coding == 8 and not esm_class:
            assert result.user_data == text.decode("utf-16-be", "replace").encode("utf-16-be")
        elif not latin1 or data_coding:
            assert result.user_data == text
    elif result is Refusal.SPECIAL:
        assert data_coding & 3 == 2 or esm_class
    else:
        assert result is Refusal.MALFORMED_TEXT
        assert esm_class


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        (b"\xd8\x3d", b"\xff\xfd"),  # half an emoji
        (b"\xde\x00\x00a", b"\xff\xfd\x00a"),
        (b"\0a\0", b"\0a\xff\xfd"),  # an odd number of octets
        (b"\xd8\x3d\xde\x00", b"\xd8\x3d\xde\x00"),
    ],
)
def test_security_33_half_a_character_becomes_the_replacement_character(text: bytes, replaced: bytes) -> None:
    assert taken(data_coding=8, short_message=text).user_data == replaced


def test_security_33_half_a_character_at_the_border_of_the_senders_own_segments_is_kept() -> None:
    header = udh.build([udh.concatenation_element(7, 2, 1)])
    got = taken(data_coding=8, esm_class=c.ESM_CLASS_UDHI, short_message=header + b"\xd8\x3d")
    assert got.user_data == header + b"\xd8\x3d"
    by_tlvs = taken(data_coding=8, short_message=b"\xd8\x3d", tlvs=sar(7, 2, 1))
    assert by_tlvs.user_data == b"\xd8\x3d"


@pytest.mark.parametrize("text", [b"\x1b", b"a\x1b\x7fb", b"\xff\x80"])
def test_security_33_bad_escapes_are_kept_and_read_as_the_standard_says(text: bytes) -> None:
    assert taken(short_message=text).user_data == text
    alphabet.decode(text, Alphabet.GSM7)


def sar(reference: int, total: int, number: int) -> tuple[tuple[int, bytes], ...]:
    return (
        (tlv.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (tlv.SAR_TOTAL_SEGMENTS, bytes((total,))),
        (tlv.SAR_SEGMENT_SEQNUM, bytes((number,))),
    )


def test_which_part_of_which_text_a_segment_is() -> None:
    def part(**fields: Any) -> tuple[int, int, int] | None:
        return taken(esm_class=c.ESM_CLASS_UDHI, **fields).part

    assert part(short_message=udh.build([udh.concatenation_element(7, 3, 2)]) + b"x") == (7, 3, 2)
    wide = udh.build([(0x24, b"\1"), udh.concatenation_element(7, 3, 2, wide=True)])
    assert part(short_message=wide + b"x") == (7 | 1 << 16, 3, 2)
    assert part(short_message=udh.build([udh.concatenation_element(7, 1, 1)]) + b"x") is None
    assert part(short_message=udh.build([(0x24, b"\1")]) + b"x") is None
    assert taken(tlvs=sar(7, 3, 2)).part == (7 | 1 << 17, 3, 2)
    assert taken(tlvs=sar(7, 1, 1)).part is None
    assert taken(tlvs=sar(7, 3, 2)[:2]).part is None
    assert taken().part is None


@pytest.mark.parametrize(("total", "number"), [(0, 0), (0, 1), (2, 0), (2, 3)])
def test_security_26_sar_tlvs_that_contradict_themselves_are_refused(total: int, number: int) -> None:
    assert refusal(tlvs=sar(7, total, number)) is Refusal.MALFORMED_TEXT


PUSH_PORTS = (0x05, bytes.fromhex("0b8423f0"))
SPECIAL = [
    ("silent", {"protocol_id": 0x40}),
    *(("replace_types", {"protocol_id": pid}) for pid in range(0x41, 0x48)),
    *(("class2", {"protocol_id": pid}) for pid in (0x7C, 0x7D, 0x7F)),
    *(("class2", {"data_coding": dc}) for dc in (0xF2, 0xF6, 0x12, 0x16, 0x1A, 0x52)),
    (
        "wap_push",
        {
            "esm_class": 0x40,
            "data_coding": 4,
            "short_message": udh.build([PUSH_PORTS]) + b"\1",
        },
    ),
    (
        "wap_push",
        {
            "esm_class": 0x40,
            "data_coding": 4,
            "short_message": udh.build(
                [udh.concatenation_element(7, 2, 1), (0x05, bytes.fromhex("0b8423f0"))]
            )
            + b"\1",
        },
    ),
    ("wap_push", {"tlvs": ((tlv.DESTINATION_PORT, bytes.fromhex("0b84")),)}),
    ("wap_push", {"tlvs": ((tlv.DESTINATION_PORT, bytes.fromhex("c34f")),)}),
    (
        "wap_push",
        {"esm_class": 0x40, "data_coding": 4, "short_message": bytes.fromhex("060504c34fc0021234")},
    ),
]


@pytest.mark.parametrize(("kind", "fields"), SPECIAL, ids=str)
def test_security_28_to_30_what_a_handset_obeys_is_refused_unless_allowed(
    kind: str, fields: dict[str, Any]
) -> None:
    assert refusal(**fields) is Refusal.SPECIAL
    others = frozenset({"silent", "replace_types", "class2", "wap_push"}) - {kind}
    assert draft_of(submit(**fields), NOW_MS, Reading(allow=others)) is Refusal.SPECIAL
    assert isinstance(draft_of(submit(**fields), NOW_MS, Reading(allow=frozenset({kind}))), Draft)


@pytest.mark.parametrize(
    "fields",
    [
        {"data_coding": 0xF1},
        {"data_coding": 0xF3},
        {"data_coding": 0x02},
        {"data_coding": 0x0A},
        {"data_coding": 0xC2},
        {"protocol_id": 0x3F},
        {"protocol_id": 0x48},
        {"tlvs": ((tlv.DESTINATION_PORT, bytes.fromhex("1388")),)},
    ],
    ids=str,
)
def test_what_a_handset_only_shows_is_taken(fields: dict[str, Any]) -> None:
    assert taken(**fields).segments == 1


def test_only_allowed_tlvs_are_taken() -> None:
    only = Reading(tags=frozenset({tlv.MESSAGE_PAYLOAD, 0x1400}))
    assert taken(only, tlvs=((0x1400, b"x"),)).tlvs == bytes.fromhex("1400000178")
    assert draft_of(submit(tlvs=((0x1401, b"x"),)), NOW_MS, only) is Refusal.TLV
    configured = Reading(vendor=VendorTlvs([VendorTlv(name="tariff", tag="0x1401", type="integer")]))
    assert taken(configured, tlvs=((0x1401, b"x"),)).tlvs == bytes.fromhex("1401000178")
    assert draft_of(submit(tlvs=((0x1401, b""),)), NOW_MS, configured) is Refusal.OPTION_VALUE


def test_numbers_are_read_by_the_accounts_rules() -> None:
    rules = Reading(
        has_rules=True, source=AddressRule(ton=0, npi=8), destination=AddressRule(ton=1, npi=1, prefix="plus")
    )
    got = taken(
        rules, source_addr="1234", source_addr_ton=3, dest_addr_ton=0, destination_addr="0079161234567"
    )
    assert (got.source_ton, got.source_npi, got.source) == (0, 8, "1234")
    assert (got.destination_ton, got.destination_npi, got.destination) == (1, 1, "79161234567")
    assert taken(rules).source_ton == 5


def test_what_else_the_sender_wants_is_kept() -> None:
    assert taken().flags == 0
    assert taken(replace_if_present_flag=1).flags == Wish.REPLACE
    assert taken(sm_default_msg_id=7, short_message=b"").flags == 7 << 8
    per_part = Reading(flags=Wish.PER_PART)
    assert taken(per_part).flags == Wish.PER_PART
    assert taken(per_part, registered_delivery=0).flags == 0


@pytest.mark.parametrize(
    ("coding", "octets", "data_coding", "user_data"),
    [
        ("utf8", "Привет".encode(), 8, "Привет".encode("utf-16-be")),
        ("utf8", "é @".encode(), 0, b"\x05 \0"),
        ("utf8", b"a\xff", 0, b"a?"),
        ("ascii", b"@[", 0, b"\0\x1b<"),
        ("ascii", b"a\xe9", 0, b"a?"),
        ("latin1", b"\xe7", 8, b"\0\xe7"),
        ("gsm7_packed", bytes.fromhex("c8329bfd06"), 0, b"Hello"),
        ("gsm7", b"\0", 0, b"\0"),
    ],
)
def test_quirk_46_data_coding_0_is_the_alphabet_of_the_account(
    coding: str, octets: bytes, data_coding: int, user_data: bytes
) -> None:
    account = Account(system_id="app", password_hash=Secret("x"), data_coding_0=coding)  # type: ignore[arg-type]
    got = taken(reading_of(account, VendorTlvs()), short_message=octets)
    assert (got.data_coding, got.user_data) == (data_coding, user_data)


def test_packed_septets_behind_a_header_begin_at_a_septets_border() -> None:
    account = Account(system_id="app", password_hash=Secret("x"), data_coding_0="gsm7_packed")
    packed = alphabet.pack(b"Hello")
    shifted = (int.from_bytes(packed, "little") << 1).to_bytes(len(packed), "little")
    got = taken(
        reading_of(account, VendorTlvs()), esm_class=c.ESM_CLASS_UDHI, short_message=UDH_PART + shifted
    )
    assert got.user_data == UDH_PART + b"Hello"


def test_a_segment_that_ucs2_would_make_two_is_written_with_what_gsm_has() -> None:
    got = taken(LATIN1, esm_class=c.ESM_CLASS_UDHI, short_message=UDH_PART + b"\xe7" + b"a" * 130)
    assert (got.data_coding, got.segments) == (0, 1)
    assert got.user_data == UDH_PART + b"c" + b"a" * 130


def test_a_segment_by_tlvs_is_kept_in_one_sms_too() -> None:
    sar = ((tlv.SAR_MSG_REF_NUM, b"\0\7"), (tlv.SAR_TOTAL_SEGMENTS, b"\2"), (tlv.SAR_SEGMENT_SEQNUM, b"\1"))
    got = taken(Reading(to_text=lambda data: data.decode("utf-8")), short_message="я".encode() * 71, tlvs=sar)
    assert (got.data_coding, got.user_data) == (0, b"ya" * 71)
    single = udh.build([udh.concatenation_element(9, 1, 1)]) + b"x"
    assert taken(short_message=single, esm_class=c.ESM_CLASS_UDHI, tlvs=sar).part == (7 | 1 << 17, 2, 1)


def test_segments_counted_are_segments_sent() -> None:
    for octets in range(155, 320, 3):
        of = taken(tlvs=((tlv.MESSAGE_PAYLOAD, b"\x1b" * octets),), short_message=b"")
        assert len(segments.split(of.user_data, Alphabet.GSM7)) == of.segments


def test_a_validity_that_smpp_cannot_write_again_is_refused() -> None:
    assert refusal(validity_period="999999999999999R") is Refusal.VALIDITY
    assert taken(validity_period="050000000000000R").validity_period == "050000000000000R"
