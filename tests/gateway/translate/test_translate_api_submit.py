"""Texts and octets of a request to drafts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import UNTIL_EXPIRY
from gateway.translate.api_submit import (
    SMS,
    SubmitError,
    Wanted,
    binary_of,
    coded_text,
    content_of,
    cut,
    draft_of,
    kind_of,
    source_of,
)
from protocols.sms.alphabet import decode, for_data_coding

NOW_MS = 1_750_000_000_000
WANTED = Wanted("order-1", "192.0.2.7", 60_000)


def test_a_draft_has_what_its_request_said() -> None:
    content = content_of("hello", "", SMS, {})
    draft = draft_of(content, (5, 0, "Example"), "79990000001", NOW_MS + 1000, NOW_MS, WANTED)
    assert (draft.source, draft.destination, draft.user_data) == ("Example", "79990000001", b"hello")
    assert (draft.due_ms, draft.expires_ms) == (NOW_MS + 1000, NOW_MS + 61_000)
    assert (draft.validity_period, draft.client_id, draft.address) == (UNTIL_EXPIRY, "order-1", "192.0.2.7")
    at_once = draft_of(content, (0, 0, ""), "79990000001", 0, NOW_MS, WANTED)
    assert at_once.expires_ms == NOW_MS + 60_000


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "sms"),
        ({"flash": "0"}, "sms"),
        ({"flash": ""}, "sms"),
        ({"flash": "1"}, "flash"),
        ({"bin": "2"}, "bin"),
    ],
)
def test_flags_choose_the_kind(params: dict[str, str], name: str) -> None:
    assert kind_of(params).name == name


def test_half_a_character_is_none() -> None:
    coded = coded_text("a\ud83d")
    assert decode(coded.user_data, for_data_coding(8)) == "a\ufffd"


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        ("", (0, 0, "")),
        ("+79990000001", (1, 1, "79990000001")),
        ("Example", (5, 0, "Example")),
        ("Привет", None),
        ("1" * 16, None),
        ("Longer than 11", None),
    ],
)
def test_who_can_be_a_sender(sender: str, source: tuple[int, int, str] | None) -> None:
    assert source_of(sender) == source


@given(text=st.text(min_size=1, max_size=1000), most=st.integers(1, 5))
def test_a_cut_text_is_the_longest_beginning_that_fits(text: str, most: int) -> None:
    short = cut(text, most)
    assert coded_text(short).segments <= most
    if coded_text(text).segments <= most:
        assert len(short) == len(text)
    elif text.isascii() and "\0" not in text:
        assert text.startswith(short)
        assert coded_text(text[: len(short) + 1]).segments > most


@given(mes=st.text(max_size=300), how=st.sampled_from(("1", "2")))
def test_any_octets_are_a_message_or_none(mes: str, how: str) -> None:
    try:
        content = binary_of(mes, how)
    except SubmitError as error:
        assert len(mes) < 4 or mes not in str(error)
        return
    assert content.coded.user_data and content.parts >= 1


@given(octets=st.binary(min_size=1, max_size=300))
def test_octets_without_a_header_go_as_they_are(octets: bytes) -> None:
    content = binary_of("00" + octets.hex(), "2")
    assert content.coded.user_data == octets
    assert content.parts == (1 if len(octets) <= 140 else -(-len(octets) // 134))
