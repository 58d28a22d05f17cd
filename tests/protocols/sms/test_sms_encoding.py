"""The cheapest alphabet of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms import national, segments
from protocols.sms.alphabet import Alphabet
from protocols.sms.encoding import Written, choose_national
from protocols.sms.shift_tables import LANGUAGES

ALL = tuple(LANGUAGES)
TURKISH = "Değerli müşterimiz, siparişiniz yola çıktı. Bugün içinde teslim edilecek, lütfen evde olunuz."
HINDI = "आपका ऑर्डर भेज दिया गया है। आज शाम तक आपको मिल जाएगा, कृपया घर पर रहें। धन्यवाद, फिर मिलेंगे!"


def read(written: Written) -> str:
    if written.alphabet is Alphabet.UCS2:
        return written.data.decode("utf-16-be")
    return national.decode(written.data, *written.tables)


@pytest.mark.parametrize(
    ("text", "languages", "alphabet", "tables", "count"),
    [
        ("Hello {you} €", ALL, Alphabet.GSM7, (0, 0), 1),
        ("ğ" * 70, ALL, Alphabet.UCS2, (0, 0), 1),  # nothing to save
        (TURKISH, (), Alphabet.UCS2, (0, 0), 2),
        (TURKISH, ("portuguese",), Alphabet.UCS2, (0, 0), 2),
        (TURKISH, ("turkish",), Alphabet.GSM7, (1, 0), 1),  # ç is in the default table as Ç only
        ("é" * 60 + "ğ" * 20, ("turkish",), Alphabet.GSM7, (1, 0), 1),
        ("a" * 140 + "ş", ("turkish",), Alphabet.GSM7, (1, 0), 1),
        ("a" * 70 + "í", ("spanish",), Alphabet.GSM7, (0, 2), 1),
        ("í" * 80, ("spanish",), Alphabet.UCS2, (0, 0), 2),  # two septets each: nothing saved
        ("í" * 80, ("spanish", "portuguese"), Alphabet.GSM7, (3, 0), 1),
        (HINDI, ("hindi",), Alphabet.GSM7, (6, 6), 1),  # the danda is in the single shift table
        (HINDI, ("urdu", "tamil"), Alphabet.UCS2, (0, 0), 2),
        ("ş" * 80 + "ã" * 10, ("portuguese", "turkish"), Alphabet.GSM7, (1, 3), 1),
        ("ж" * 80, ALL, Alphabet.UCS2, (0, 0), 2),
        ("ب" * 80 + "۱" * 3, ("urdu",), Alphabet.GSM7, (13, 13), 1),
        ("", ALL, Alphabet.GSM7, (0, 0), 1),
    ],
)
def test_the_cheapest_way(
    text: str, languages: tuple[str, ...], alphabet: Alphabet, tables: tuple[int, int], count: int
) -> None:
    written = choose_national(text, languages)
    assert (written.alphabet, written.tables, written.segments) == (alphabet, tables, count)
    assert read(written) == text
    assert written.elements == national.elements_of(tables)


@pytest.mark.parametrize(
    ("letters", "tables", "single", "part"),
    [
        ("ş", (1, 0), 155, 149),
        ("ş" * 30 + "ã", (1, 3), 152, 146),
    ],
)
def test_room_beside_the_elements(letters: str, tables: tuple[int, int], single: int, part: int) -> None:
    """155 septets in one SMS and 149 in a part with one table, 152 and 146 with two."""
    spare = len(national.encode(letters, *tables) or b"") - len(letters)
    for octets, count in ((single, 1), (single + 1, 2), (2 * part, 2), (2 * part + 1, 3)):
        text = letters + "a" * (octets - len(letters) - spare)
        written = choose_national(text, ("turkish", "portuguese"))
        assert (written.tables, len(written.data), written.segments) == (tables, octets, count)
        parts = segments.split(written.data, Alphabet.GSM7, header=written.elements)
        framed = segments.with_udh(parts, 7, elements=written.elements)
        assert len(framed) == count
        for user_data in framed:
            header = 1 + user_data[0]
            assert -(-header * 8 // 7) + len(user_data) - header <= 160


def test_a_tie_goes_to_the_shorter_header_and_to_the_language_named_first() -> None:
    text = "a" * 75 + "Í"  # in both single shift tables, in the Portuguese locking one too
    assert choose_national(text, ("spanish", "portuguese")).tables == (3, 0)  # one septet in place of two
    text = "a" * 75 + "ú" + "ş"
    assert choose_national(text, ("turkish", "spanish", "portuguese")).tables == (1, 2)
    assert choose_national(text, ("portuguese", "spanish", "turkish")).tables == (3, 1)


def test_a_wide_reference_counts() -> None:
    text = "ş" * (148 * 2)
    assert choose_national(text, ("turkish",)).segments == 2
    assert choose_national(text, ("turkish",), wide_reference=True).segments == 2
    assert choose_national(text + "aa", ("turkish",)).segments == 2
    assert choose_national(text + "aa", ("turkish",), wide_reference=True).segments == 3


letters = st.text(st.sampled_from("abc €{ığşçãõÍóáनम्क।ABا۱ж😀"), max_size=400)


@settings(deadline=None)
@given(letters, st.lists(st.sampled_from(ALL), unique=True, max_size=4), st.booleans())
def test_whatever_is_chosen_reads_as_the_text_and_costs_no_more(
    text: str, languages: list[str], wide: bool
) -> None:
    written = choose_national(text, languages, wide)
    assert read(written) == text
    elements = written.elements
    assert written.segments == segments.count(written.data, written.alphabet, wide, elements)
    plain = choose_national(text, (), wide)
    assert written.segments <= plain.segments
    if written.tables != (0, 0):
        assert written.segments < plain.segments
    parts = segments.split(written.data, written.alphabet, wide_reference=wide, header=elements)
    assert len(parts) == written.segments
    assert b"".join(parts) == written.data
    if written.tables != (0, 0):
        assert "".join(national.decode(part, *written.tables) for part in parts) == text


@pytest.mark.timeout(60)
def test_the_longest_text_with_every_language_is_quickly_decided() -> None:
    for text in ("।" * 32_000, "।ğ" * 16_000, "ğ" * 31_999 + "日", "अ" * 32_000):
        assert choose_national(text, ALL).segments > 1
