"""A route's policy on texts."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.connector_model import Transliteration
from gateway.core import texts
from gateway.core.texts import Recoded, any_script, recode, rewrite
from protocols.sms import alphabet, national, segments, udh
from protocols.sms.alphabet import Alphabet, as_gsm7

UDHI = 0x40
POLICIES = get_args(Transliteration)
TURKISH = "Değerli müşterimiz, siparişiniz yola çıktı. Bugün içinde teslim edilecek, lütfen evde olunuz."


def ucs2(text: str) -> bytes:
    return text.encode("utf-16-be")


def recoded(text: str, policy: str = "none", tables: tuple[str, ...] = (), coding: int = 8) -> Recoded | None:
    return recode(ucs2(text), coding, 0, transliterate=policy, shift_tables=tables)


def test_ucs2_that_gsm_can_write_is_written_in_gsm_by_every_policy() -> None:
    for policy in POLICIES:
        assert recoded("Hello {€}", policy) == Recoded(b"Hello \x1b(\x1be\x1b)", 0, 0, 1)


def test_a_letter_and_its_accent_are_one_character_first() -> None:
    assert recoded("cafe\u0301") == Recoded(b"caf\x05", 0, 0, 1)


@pytest.mark.parametrize(
    ("policy", "text", "expected"),
    [
        ("none", "“a” – b", None),
        ("typography", "“a” – b…", '"a" - b...'),
        ("typography", "“привет”", None),
        ("service_1", "Привет – Щука", "Privet - Shchuka"),
        ("service_2", "Привет", "npuBem"),
        ("service_1", "Їжак", None),  # not Russian, so not all of it gets into GSM 7 bit
        ("latin", "Їжак", "Izhak"),
        ("latin", "Łódź, Ωmega, ψωμί", "Lodz, Ωmega, psomi"),
        ("latin", "привет 日本", None),
        ("any", "привет 日本", "privet RiBen"),
        ("any", "नमस्ते", "nmste"),
        ("any", "ок 👍🏽", "ok :thumbsup:"),
        ("any", "مرحبا", "mrhb"),
        ("any", "é Ω ж", "é Ω zh"),
    ],
)
def test_plain_writing(policy: str, text: str, expected: str | None) -> None:
    found = recoded(text, policy)
    if expected is None:
        assert found is None
    else:
        assert found == Recoded(as_gsm7(expected) or b"?", 0, 0, 1)


def test_plain_writing_that_costs_a_segment_more_is_left_alone() -> None:
    assert recoded("ж" * 70, "service_2") is None  # ">I<" each: 210 characters
    assert recoded("ж" * 53, "service_2") is not None
    assert (
        recoded("…" * 60, "typography") is None or rewrite("…" * 60, "typography", ()).written.segments == 1
    )


def test_what_nobody_can_write_stays_ucs2() -> None:
    assert any_script("\ue000") == "\ue000"  # private use
    assert recoded("\ue000", "any") is None
    assert recoded("\U00030000", "any") is None  # a rare Han letter
    assert recoded("a\0ж", "any") is None


def test_shift_tables_save_a_segment() -> None:
    found = recoded(TURKISH, "none", ("portuguese", "turkish"))
    assert found is not None
    assert (found.data_coding, found.esm_class, found.segments) == (0, UDHI, 1)
    elements, data = udh.parse(found.user_data)
    assert elements == [(0x25, b"\x01")]
    assert national.decode(data, *national.tables_of(elements)) == TURKISH


def test_shift_tables_come_before_transliteration_and_after_plain_quotes() -> None:
    assert rewrite(TURKISH, "any", ("turkish",)).step == texts.TABLES
    assert rewrite(TURKISH, "any", ()).step == texts.TRANSLITERATION
    assert rewrite("ğ", "any", ("turkish",)).step == texts.TRANSLITERATION  # one SMS either way
    quoted = rewrite(f"“{TURKISH}”", "typography", ("turkish",))
    assert (quoted.step, quoted.text) == (texts.TABLES, f'"{TURKISH}"')
    assert rewrite("“a”" * 40, "typography", ("turkish",)).step == texts.TYPOGRAPHY
    assert rewrite("a", "any", ("turkish",)).step == texts.AS_GIVEN
    assert rewrite("ж", "none", ("turkish",)).step == texts.NOTHING_HELPED


def test_a_long_text_keeps_its_elements_before_the_whole_of_it() -> None:
    text = TURKISH * 4
    found = recoded(text, "none", ("turkish",))
    assert found is not None
    assert found.segments == 3
    assert segments.count(ucs2(text), Alphabet.UCS2) == 6
    elements, data = udh.parse(found.user_data)
    assert len(segments.split(data, Alphabet.GSM7, header=elements)) == 3


@pytest.mark.parametrize(
    ("coding", "expected"),
    [(0x08, 0x00), (0x18, 0x10), (0x1A, 0x12), (0x59, 0x51), (0xE9, 0xD9), (0xE0, 0xD0)],
)
def test_class_and_waiting_indication_stay(coding: int, expected: int) -> None:
    assert recoded("“Hi”", "typography", coding=coding) == Recoded(b'"Hi"', expected, 0, 1)


def test_other_bits_of_esm_class_stay() -> None:
    found = recode(ucs2(TURKISH), 8, 0x83, transliterate="none", shift_tables=["turkish"])
    assert found is not None
    assert found.esm_class == 0xC3


@pytest.mark.parametrize(
    ("user_data", "coding", "esm_class"),
    [
        (b"Hello", 0, 0),  # GSM 7 bit is the best already
        (b"\x1b\x1b\xff", 0, 0),
        (ucs2("Hello"), 4, 0),  # octets
        (ucs2("Hello"), 2, 0),
        (ucs2("Hello"), 5, 0),  # JIS
        (ucs2("Hello"), 0x0F, 0),  # reserved by SMPP
        (ucs2("Hello"), 0xF5, 0),
        (ucs2("Hello"), 0x28, 0),  # compressed
        (ucs2("Hello"), 0x85, 0),  # a reserved group
        (b"\x05\x00\x03\x01\x02\x01" + ucs2("Hello"), 8, UDHI),
        (ucs2("Hello") + b"\0", 8, 0),  # half a character
        (b"\xd8\x00" + ucs2("Hello"), 8, 0),  # half a pair
        (ucs2("Hello\ufffd"), 8, 0),
        (b"", 8, 0),
        ("caf\xe9 \xea".encode("latin-1"), 3, 0),  # ê is in no table: UCS-2 would be no gain
    ],
)
def test_what_is_not_a_text_is_left_as_it_is(user_data: bytes, coding: int, esm_class: int) -> None:
    assert recode(user_data, coding, esm_class, transliterate="typography", shift_tables=["turkish"]) is None


def test_latin_1_becomes_gsm() -> None:
    found = recode("caf\xe9 \xab\xbb".encode("latin-1"), 3, 0, transliterate="typography", shift_tables=())
    assert found == Recoded(b'caf\x05 ""', 0, 0, 1)


def test_latin_1_that_would_become_longer_stays() -> None:
    assert recode(b"[" * 80, 3, 0, transliterate="any", shift_tables=()) is not None
    assert recode(b"[" * 81, 3, 0, transliterate="any", shift_tables=()) is None


def test_the_general_library_is_loaded_by_the_first_such_text() -> None:
    """1,000 sessions have to fit into 100 MiB."""
    tree = ast.parse(Path(texts.__file__).read_text("utf-8"))
    imported = [name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names]
    imported += [str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert "anyascii" not in imported


@settings(deadline=None)
@given(
    text=st.text(st.sampled_from("ab €{“…жщğşçéí\u0301日😀👍🏽नम्त\x00"), min_size=1, max_size=200),
    policy=st.sampled_from(POLICIES),
    tables=st.lists(st.sampled_from(["turkish", "portuguese", "hindi", "spanish"]), unique=True),
    coding=st.sampled_from([8, 0x18, 0xE8]),
)
def test_whatever_comes_out_can_be_read_and_costs_no_more(
    text: str, policy: str, tables: list[str], coding: int
) -> None:
    data = ucs2(text)
    found = recode(data, coding, 0, transliterate=policy, shift_tables=tables)
    if found is None:
        return
    assert found.segments <= segments.count(data, Alphabet.UCS2)
    kind = alphabet.for_data_coding(found.data_coding)
    user_data, elements = found.user_data, []
    if found.esm_class & UDHI:
        elements, user_data = udh.parse(user_data)
    assert found.segments == segments.count(user_data, kind, header=elements)
    read = (
        national.decode(user_data, *national.tables_of(elements))
        if kind is Alphabet.GSM7
        else alphabet.decode(user_data, kind)
    )
    assert "\ufffd" not in read
    again = rewrite(text, policy, tables)
    assert read == again.text


@settings(deadline=None)
@given(data=st.binary(max_size=300), coding=st.integers(0, 255), esm_class=st.integers(0, 255))
def test_any_octets_are_taken(data: bytes, coding: int, esm_class: int) -> None:
    found = recode(data, coding, esm_class, transliterate="any", shift_tables=["turkish", "urdu"])
    assert found is None or found.segments >= 1
