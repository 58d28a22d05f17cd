"""Rewriting: what is left alone, what is refused, and that a new form survives the way through the store."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import draft
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.route_model import Rewrite
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.patterns import LONGEST_TEXT
from gateway.core.rewriting import Rewriting, readdressed, reworded, rewriting_of
from gateway.core.sent_as import SentAs, parse
from protocols.sms.alphabet import Alphabet, decode, encode

numbering = st.integers(0, 255)
senders = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
digits = st.text("0123456789", min_size=1, max_size=20)


@given(st.builds(SentAs, numbering, numbering, senders, numbering, numbering, digits))
def test_both_addresses_are_read_as_they_were_written(ends: SentAs) -> None:
    assert parse(str(ends)) == ends
    assert str(ends).endswith(ends.destination), "the store compares its last digits"


def of(*rewrites: tuple[str, str, str]) -> Rewriting:
    found = rewriting_of([Rewrite(what=what, match=match, replace=to) for what, match, to in rewrites])  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_rewrites_there_is_nothing() -> None:
    assert rewriting_of([]) is None


def test_what_does_not_match_as_a_whole_stays() -> None:
    message = draft(source="Example", destination="79991234567")
    rewriting = of(("source", "Exam", "x"), ("destination", "7999", "x"))
    assert readdressed(message, rewriting) is message


def test_only_the_changed_end_has_another_numbering() -> None:
    message = draft(source="Example", source_ton=5, destination="89161234567", destination_ton=0)
    found = readdressed(message, of(("destination", "8(.{10})", r"7\1")))
    assert isinstance(found, Draft)
    assert parse(found.sent_as) == SentAs(5, message.source_npi, "Example", 1, 1, "79161234567")
    found = readdressed(message, of(("destination", "8(.{10})", "911")))
    assert isinstance(found, Draft)
    assert parse(found.sent_as)[3:] == (0, message.destination_npi, "911"), "a short code keeps what came"


def test_a_plus_before_an_international_number_is_no_part_of_it() -> None:
    message = draft(destination="+79161234567", destination_ton=1)
    found = readdressed(message, of(("destination", "7916(.*)", r"7917\1")))
    assert isinstance(found, Draft)
    assert parse(found.sent_as).destination == "79171234567"


@pytest.mark.parametrize("to", ["", "abc", "1" * 21, "7 916", "٣", "+"])
def test_a_new_number_has_to_be_one(to: str) -> None:
    assert readdressed(draft(), of(("destination", ".*", to))) is Refusal.DESTINATION


@pytest.mark.parametrize("to", ["twelve chars", "жжжж", "a\nb", "1" * 21])
def test_a_new_sender_has_to_be_one(to: str) -> None:
    assert readdressed(draft(), of(("source", ".*", to))) is Refusal.SOURCE


CHANGE = of(("text", "a", "ж")).texts


@pytest.mark.parametrize(
    "fields",
    [
        {"data_coding": 4},
        {"data_coding": 0xF4},
        {"esm_class": 0x40, "user_data": b"\x05\x00\x03\x01\x02\x01aaa"},
        {"part": (1, 2, 1)},
        {"data_coding": 0x20},  # compressed
        {"data_coding": 0x80},  # reserved
        {"user_data": b""},
        {"data_coding": 0xC8},  # message waiting, discard: it has no UCS-2
        {"user_data": b"nothing to change".replace(b"a", b"")},
    ],
)
def test_what_is_no_plain_text_is_left_alone(fields: dict[str, Any]) -> None:
    message = draft(**{"user_data": b"aaa", **fields})
    assert reworded(message, CHANGE) is message


@given(st.text("ab ж€", max_size=200), st.sampled_from(["x", "ж", "€", "", "aa"]))
def test_the_new_text_is_what_is_counted(text: str, to: str) -> None:
    message = draft(user_data=encode(text, Alphabet.UCS2), data_coding=8)
    found = reworded(message, of(("text", "a", to)).texts)
    new = text.replace("a", to)
    if new == text:
        assert found is message
        return
    kind = Alphabet.UCS2 if found.data_coding == 8 else Alphabet.GSM7
    assert decode(found.user_data, kind) == new
    assert (kind is Alphabet.UCS2) == ("ж" in new)
    room = (70, 67) if kind is Alphabet.UCS2 else (160, 153)
    assert found.segments == 1 or len(found.user_data) > room[0] * (2 if kind is Alphabet.UCS2 else 1)


def test_what_follows_the_first_characters_stays() -> None:
    message = draft(user_data=b"a" * (LONGEST_TEXT + 10), segments=11)
    found = reworded(message, of(("text", "a", "b")).texts)
    assert found.user_data == b"b" * LONGEST_TEXT + b"a" * 10


def test_a_text_that_grows_without_end_is_no_sms_any_more() -> None:
    message = draft(user_data=b"a" * LONGEST_TEXT)
    found = reworded(message, of(("text", "a", "b" * 500), ("text", "b", "c" * 500)).texts)
    assert found.segments > 255
    assert found.user_data == message.user_data


def test_a_new_sender_may_be_a_long_number() -> None:
    rewriting = rewriting_of([Rewrite(what="source", match=".*", replace="+4915112345678")])
    assert rewriting is not None
    found = readdressed(draft(source="Example", source_ton=5), rewriting)
    assert isinstance(found, Draft)
    assert parse(found.sent_as)[:3] == (1, 1, "4915112345678")
