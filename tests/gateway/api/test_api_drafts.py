"""From JSON to a draft: each field, and what is said of one that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS
from hypothesis import given
from hypothesis import strategies as st
from json_api import TO

from gateway.api.drafts import FIELDS, TEXT_MAX, VALIDITY_MAX_S, draft_of, kind_of, moment_of
from gateway.core.model import UNTIL_EXPIRY, Draft, Wish
from protocols.sms.alphabet import Alphabet, decode


def draft(**fields: Any) -> Draft:
    found = draft_of(
        {"to": TO, "text": "hello", **{name.rstrip("_"): v for name, v in fields.items()}}, NOW_MS, ""
    )
    assert isinstance(found, Draft), found
    return found


def errors(item: Any) -> dict[str, str]:
    found = draft_of(item, NOW_MS, "")
    assert isinstance(found, list), found
    return {error.field: error.detail for error in found}


def wrong(**fields: Any) -> dict[str, str]:
    return errors({"to": TO, "text": "hello", **{name.rstrip("_"): v for name, v in fields.items()}})


def octets(**fields: Any) -> Draft:
    found = draft_of({"to": TO, **fields}, NOW_MS, "")
    assert isinstance(found, Draft), found
    return found


def test_a_plain_message() -> None:
    found = draft_of(
        {"to": f"+{TO}", "text": "hello", "from": "Example"}, NOW_MS, "192.0.2.7", Wish.CALLED.value
    )
    assert isinstance(found, Draft)
    assert (found.source_ton, found.source_npi, found.source) == (5, 0, "Example")
    assert (found.destination_ton, found.destination_npi, found.destination) == (1, 1, TO)
    assert (found.esm_class, found.data_coding, found.user_data, found.segments) == (0, 0, b"hello", 1)
    assert (found.registered_delivery, found.due_ms, found.expires_ms) == (1, 0, 0)
    assert (found.flags, found.address, found.client_id) == (Wish.CALLED.value, "192.0.2.7", "")


@pytest.mark.parametrize(
    ("text", "coding", "segments"),
    [
        ("a" * 160, 0, 1),
        ("a" * 161, 0, 2),
        ("ё" * 70, 8, 1),
        ("ё" * 71, 8, 2),
        ("€" * 80, 0, 1),
        ("€" * 81, 0, 2),
    ],
)
def test_the_alphabet_and_the_parts_of_a_text(text: str, coding: int, segments: int) -> None:
    found = draft(text=text)
    assert (found.data_coding, found.segments) == (coding, segments)
    assert decode(found.user_data, Alphabet.UCS2 if coding else Alphabet.GSM7) == text


def test_a_flash_goes_to_the_display() -> None:
    assert draft(flash=True).data_coding == 0x10
    assert draft(flash=True, text="ё").data_coding == 0x18


def test_a_text_in_latin_letters() -> None:
    found = draft(text="Привет", transliterate="latin")
    assert (found.data_coding, found.user_data) == (0, b"Privet")
    assert draft(text="Привет").data_coding == 8


@pytest.mark.parametrize(
    ("sender", "found"),
    [
        ("", (0, 0, "")),
        ("+79990000003", (1, 1, "79990000003")),
        ("79990000003", (1, 1, "79990000003")),
        ("1234", (3, 0, "1234")),
        ("Example", (5, 0, "Example")),
    ],
)
def test_senders(sender: str, found: tuple[int, int, str]) -> None:
    one = draft(from_=sender)
    assert (one.source_ton, one.source_npi, one.source) == found


def test_times() -> None:
    found = draft(send_at="2025-06-15T20:00:00.5Z", validity_s=60)
    due = 1_750_017_600_500
    assert (found.due_ms, found.expires_ms, found.validity_period) == (due, due + 60_000, UNTIL_EXPIRY)
    assert draft(validity_s=60).expires_ms == NOW_MS + 60_000
    assert draft(send_at="2020-01-01T00:00:00Z").due_ms == 0, "that is over, so at once"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01t03:00:01+03:00", 1000),
        ("1970-01-01 00:00:01z", 1000),
        ("1970-01-01T00:00:00+03:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01", None),
        ("2026-01-01T00:00:00+99:00", None),
        ("٢٠٢٦-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", 253402387139000),
        (1750000000, None),
    ],
)
def test_moments(text: object, moment: int | None) -> None:
    assert moment_of(text) == moment


def test_octets_with_and_without_a_header() -> None:
    plain = octets(data_hex="00FF10")
    assert (plain.data_coding, plain.esm_class, plain.user_data) == (4, 0, b"\x00\xff\x10")
    long = octets(data_hex="00" * 141)
    assert long.segments == 2
    framed = octets(udh_hex="06050415810000", data_hex="01")
    assert (framed.esm_class, framed.user_data, framed.segments) == (
        0x40,
        bytes.fromhex("0605041581000001"),
        1,
    )
    assert kind_of(framed) == ""
    push = octets(udh_hex="0605040B8423F0", data_hex="25060403AE81EA")
    assert kind_of(push) == "wap_push"
    assert kind_of(plain) == ""


@pytest.mark.parametrize(
    ("item", "field", "told"),
    [
        ({}, "udh_hex", "write"),
        ({"data_hex": ""}, "data_hex", "empty"),
        ({"data_hex": "0"}, "data_hex", "two hexadecimal digits"),
        ({"data_hex": 7}, "data_hex", "two hexadecimal digits"),
        ({"data_hex": "00", "text": "a"}, "text", "not with data_hex"),
        ({"data_hex": "00", "flash": True}, "flash", "not with data_hex"),
        ({"data_hex": "00", "udh_hex": "05"}, "udh_hex", "no header"),
        ({"data_hex": "00", "udh_hex": "0003"}, "udh_hex", "behind the header"),
        ({"data_hex": "00", "udh_hex": "0500030102 01".replace(" ", "")}, "udh_hex", "joins parts itself"),
        ({"data_hex": "00" * 200, "udh_hex": "8B70" + "89" + "00" * 137}, "udh_hex", "no room"),
    ],
)
def test_octets_that_are_none(item: dict[str, Any], field: str, told: str) -> None:
    item = item or {"udh_hex": 1, "data_hex": "00"}
    assert told in errors({"to": TO, **item})[field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("to", value)
            for value in (None, 7, "", "+7", "12", "7999 000", "+0999000000", "7" * 16, "٧٩٩٩٠٠٠٠٠٠١")
        ),
        *(("text", value) for value in (None, "", 7, ["a"], "a" * (TEXT_MAX + 1), "\ud800", "ё" * 17_086)),
        *(("from_", value) for value in (None, 7, "TwelveLetter", "7" * 16, "a\n", "ёж", "\ud800")),
        *(("flash", value) for value in (None, 1, "true")),
        *(("send_at", value) for value in (None, 7, "tomorrow", "2030-01-01T00:00:00Z")),
        *(("validity_s", value) for value in (None, 0, -1, True, 1.5, "60", VALIDITY_MAX_S + 1)),
        *(("max_parts", value) for value in (None, 1.0, -1, 256, True, "1")),
        *(("transliterate", value) for value in (None, 1, "cyrillic", [])),
        *(("priority", value) for value in (None, 0.0, False, -1, 4, True, "1")),
        *(("reference", value) for value in (None, 7, "a" * 65, "a\n", "\ud800")),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, value: object) -> None:
    assert list(wrong(**{field: value})) == [field.rstrip("_")]


def test_all_fields_that_are_wrong_are_named_at_once() -> None:
    found = errors({"to": "x", "text": "", "from": 7, "priority": 9, "colour": "red"})
    assert set(found) == {"to", "text", "from", "priority", "colour"}
    assert "reference" in found["colour"], "it says what there is"


def test_a_text_of_more_parts_than_wanted_is_refused() -> None:
    assert draft(text="a" * 161, max_parts=2).segments == 2
    assert "takes 2 SMS, and 1 is the most" in wrong(text="a" * 161, max_parts=1)["text"]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.just(TO)
LISTS = st.lists(st.text(max_size=3), max_size=2) | st.dictionaries(st.text(max_size=3), st.text(max_size=3))


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), SCALARS | LISTS))
def test_whatever_comes_is_a_draft_or_has_errors(item: dict[str, Any]) -> None:
    found = draft_of(item, NOW_MS, "")
    if isinstance(found, Draft):
        assert found.user_data
        assert 1 <= found.segments <= 255
        assert found.destination.isdecimal()
    else:
        assert found
        assert all(error.detail for error in found)
