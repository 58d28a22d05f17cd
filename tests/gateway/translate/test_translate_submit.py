"""submit_sm to a draft of a message: what is refused, how segments are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_fakes import NOW_MS, draft
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.translate.smpp_submit import draft_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import SubmitSm
from protocols.smpp.times import format_absolute, format_relative
from protocols.sms import alphabet, segments, udh
from protocols.sms.alphabet import Alphabet

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


def taken(*, latin1: bool = False, **fields: Any) -> Draft:
    result = draft_of(submit(**fields), NOW_MS, latin1=latin1)
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
        protocol_id=0x41,
        priority_flag=2,
        registered_delivery=0x11,
        data_coding=4,
    )
    expected = draft(
        service_type="CMT",
        source_npi=8,
        esm_class=0x80,
        protocol_id=0x41,
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


def test_security_34_more_than_255_segments() -> None:
    for octets, expected in ((153 * 255, 255), (153 * 255 + 1, None), (64_000, None)):
        fields: Any = {"short_message": b"", "tlvs": ((tlv.MESSAGE_PAYLOAD, b"x" * octets),)}
        if expected is None:
            result = draft_of(submit(**fields), NOW_MS)
            # either word: counted over the limit, or not countable at all; never a silent cut
            assert result is Refusal.MALFORMED_TEXT or (isinstance(result, Draft) and result.segments > 255)
        else:
            assert taken(**fields).segments == expected


def test_a_clients_own_segment_stays_one() -> None:
    for text in (UDH_PART + b"x" * 134, UDH_PART + b"x" * 153, UDH_PART + b"\x04\x1f" * 67):
        got = taken(esm_class=c.ESM_CLASS_UDHI, short_message=text)
        assert (got.user_data, got.segments, got.esm_class) == (text, 1, 0x40)


def test_a_clients_own_segment_longer_than_an_sms_can_be() -> None:
    text = UDH_PART + b"x" * 260
    result = refusal(esm_class=c.ESM_CLASS_UDHI, short_message=b"", tlvs=((tlv.MESSAGE_PAYLOAD, text),))
    assert result is Refusal.MALFORMED_TEXT


def test_quirk_46_a_client_whose_default_is_latin1() -> None:
    plain = taken(latin1=True, short_message="Café [10€] @".replace("€", "£").encode("latin-1"))
    assert plain.data_coding == 0
    assert alphabet.decode(plain.user_data, Alphabet.GSM7) == "Café [10£] @"
    other = taken(latin1=True, short_message="français".encode("latin-1"))
    assert other.data_coding == 8
    assert other.user_data.decode("utf-16-be") == "français"


def test_latin1_counts_what_goes_up_and_not_what_came() -> None:
    brackets = taken(latin1=True, short_message=b"[" * 100)
    assert (len(brackets.user_data), brackets.segments) == (200, 2)
    accents = taken(latin1=True, short_message=b"\xe7" * 100)
    assert (len(accents.user_data), accents.segments) == (200, 2)


def test_latin1_keeps_a_udh_and_other_codings() -> None:
    got = taken(latin1=True, esm_class=c.ESM_CLASS_UDHI, short_message=UDH_PART + b"@[")
    assert got.user_data == UDH_PART + b"\0\x1b<"
    assert taken(latin1=True, data_coding=4, short_message=b"@[").user_data == b"@["
    assert taken(latin1=True, data_coding=8, short_message=b"\0@").user_data == b"\0@"


@given(st.binary(max_size=254), st.integers(0, 255), st.booleans(), st.sampled_from([0, 0x40]))
def test_any_text_is_taken_or_refused(text: bytes, data_coding: int, latin1: bool, esm_class: int) -> None:
    pdu = submit(short_message=text, data_coding=data_coding, esm_class=esm_class)
    result = draft_of(pdu, NOW_MS, latin1=latin1)
    if isinstance(result, Draft):
        assert 1 <= result.segments <= 10
        if not latin1 or data_coding:
            assert result.user_data == text
    else:
        assert result is Refusal.MALFORMED_TEXT
        assert esm_class


@pytest.mark.parametrize(
    ("data_coding", "text"),
    [
        (8, b"\xd8\x3d"),  # half an emoji
        (8, b"\xde\x00\x00a"),
        (8, b"\0a\0"),  # an odd number of octets
        (0, b"\x1b"),  # an escape and nothing after it
        (0, b"a\x1b\x7fb"),
        (0, b"\xff\x80"),
    ],
)
def test_security_33_bad_characters_are_kept_and_read_as_replacements(data_coding: int, text: bytes) -> None:
    got = taken(data_coding=data_coding, short_message=text)
    assert got.user_data == text
    alphabet.decode(text, alphabet.for_data_coding(data_coding))


def test_segments_counted_are_segments_sent() -> None:
    for octets in range(155, 320, 3):
        of = taken(tlvs=((tlv.MESSAGE_PAYLOAD, b"\x1b" * octets),), short_message=b"")
        assert len(segments.split(of.user_data, Alphabet.GSM7)) == of.segments


def test_a_validity_that_smpp_cannot_write_again_is_refused() -> None:
    assert refusal(validity_period="999999999999999R") is Refusal.VALIDITY
    assert taken(validity_period="050000000000000R").validity_period == "050000000000000R"
