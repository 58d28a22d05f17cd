"""A text made to fit: alphabets, limits, and where it is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted, fit
from protocols.sms import segments
from protocols.sms.alphabet import Alphabet, choose, decode, encode


def fitted(text: str, **changes: Any) -> Fitted:
    options: dict[str, Any] = {"transliterate": "none", "max_segments": 4, "max_characters": 0, "cut": True}
    return fit(text, **(options | changes))


def test_a_text_that_fits() -> None:
    assert fitted("Hello {x}") == Fitted(
        "Hello {x}", Alphabet.GSM7, b"Hello \x1b(x\x1b)", 1, False, (("alphabet", "GSM 7 bit"),)
    )
    assert fitted("Hallo ё") == Fitted(
        text="Hallo ё",
        alphabet=Alphabet.UCS2,
        user_data="Hallo ё".encode("utf-16-be"),
        segments=1,
        cut=False,
        reasons=(("alphabet", "UCS-2 because of “ё” (U+0451) at character 7"),),
    )


@pytest.mark.parametrize(
    ("text", "mode", "expected", "alphabet"),
    [
        ("“a” – b…", "none", "“a” – b…", Alphabet.UCS2),
        ("“a” – b…", "typography", '"a" - b...', Alphabet.GSM7),
        ("“a” ж", "typography", "“a” ж", Alphabet.UCS2),
        ("“a” ж", "all", '"a" zh', Alphabet.GSM7),
        ("á “x”", "typography", "á “x”", Alphabet.UCS2),
        ("á “x”", "all", 'a "x"', Alphabet.GSM7),
        ("é à", "all", "é à", Alphabet.GSM7),
        ("ж 😀", "all", "zh 😀", Alphabet.UCS2),
        ("e\u0301", "none", "é", Alphabet.GSM7),
        ("a`b", "typography", "a'b", Alphabet.GSM7),
        ("°", "typography", "°", Alphabet.UCS2),  # nothing would be left
        ("20 °C", "typography", "20 C", Alphabet.GSM7),
    ],
)
def test_transliteration(text: str, mode: str, expected: str, alphabet: Alphabet) -> None:
    result = fitted(text, transliterate=mode)
    assert (result.text, result.alphabet) == (expected, alphabet)
    assert result.user_data == encode(expected, alphabet)


def test_reasons_of_transliteration() -> None:
    assert fitted("a–b", transliterate="typography").reasons == (
        ("transliteration", "“–” and the like are written plainly"),
        ("alphabet", "GSM 7 bit"),
    )
    assert fitted("ж😀", transliterate="all").reasons == (
        ("transliteration", "in Latin letters"),
        ("alphabet", "UCS-2 because of “😀” (U+1F600) at character 3"),
    )


@pytest.mark.parametrize(
    ("length", "limit", "count", "cut"),
    [(160, 1, 1, False), (161, 1, 1, True), (161, 2, 2, False), (306, 2, 2, False), (307, 2, 2, True)],
)
def test_segments_of_gsm(length: int, limit: int, count: int, cut: bool) -> None:
    result = fitted("a" * length, max_segments=limit)
    assert (result.segments, result.cut) == (count, cut)
    assert result.text == (
        "a" * (min(length, 160 if limit == 1 else 306) - 3) + "..." if cut else "a" * length
    )


@pytest.mark.parametrize(
    ("length", "limit", "kept"), [(70, 1, 70), (71, 1, 67), (134, 2, 134), (135, 2, 131)]
)
def test_segments_of_ucs2(length: int, limit: int, kept: int) -> None:
    result = fitted("ж" * length, max_segments=limit)
    assert result.segments <= limit
    assert result.text.rstrip(".") == "ж" * kept


def test_the_reason_of_a_cut() -> None:
    result = fitted("a" * 200, max_segments=1)
    assert result.reasons[-1] == ("length", "cut from 200 to 160 characters, for 1 segments")
    result = fitted("a" * 200, max_segments=1, max_characters=20)
    assert result.reasons[-1] == ("length", "cut from 200 to 20 characters, for 1 segments or 20 characters")


def test_a_cut_is_between_words() -> None:
    text = "word " * 100
    assert fitted(text, max_segments=1).text == ("word " * 31).strip() + "..."
    assert fitted("a" * 150 + "\n" + "b" * 50, max_segments=1).text == "a" * 150 + "..."
    assert fitted("a" * 100 + " " + "b" * 90, max_segments=1).text == "a" * 100 + " " + "b" * 56 + "..."


def test_a_cut_leaves_no_loose_signs() -> None:
    assert fitted("word, - " + "b" * 10, max_characters=12).text == "word..."
    assert fitted("End of it. More of it.", max_characters=14).text == "End of it..."


def test_a_cut_keeps_pairs_of_octets_together() -> None:
    for before in range(150, 162):
        text = "a" * before + "{" * 20
        result = fitted(text, max_segments=1)
        assert result.segments == 1
        assert decode(result.user_data, Alphabet.GSM7) == result.text
        assert 158 <= len(result.user_data) <= 160


@pytest.mark.parametrize(
    "cluster",
    ["q\u0323\u0301", "😀", "👍🏽", "👨\u200d👩\u200d👧", "🇩🇪", "❤\ufe0f", "क\u093f", "й\u0306\u0301"],
)
def test_a_cut_is_never_inside_what_is_read_as_one(cluster: str) -> None:
    for length in range(40, 60):
        kept = fitted("ж" + cluster * 60, max_characters=length).text.removesuffix("...")
        assert kept == "ж" + cluster * (kept.count(cluster))


def test_marks_without_end_are_cut_somewhere() -> None:
    assert len(fitted("ж" + "\u0323" * 500, max_characters=200).text) == 200


def test_max_characters() -> None:
    assert fitted("a" * 20, max_characters=20).text == "a" * 20
    assert fitted("a" * 21, max_characters=20).text == "a" * 17 + "..."
    assert fitted("a" * 21, max_characters=2).text == ".."


def test_a_cut_that_takes_the_odd_character_away_leaves_room_for_more() -> None:
    result = fitted("a" * 300 + "😀", max_segments=1)
    assert (result.text, result.alphabet) == ("a" * 157 + "...", Alphabet.GSM7)
    assert result.reasons[0] == ("alphabet", "GSM 7 bit")
    result = fitted("a" * 100 + "😀", max_segments=1)
    assert (result.text, result.alphabet, result.cut) == ("a" * 100 + "...", Alphabet.GSM7, True)
    result = fitted("a" * 50 + "😀" + "b" * 100, max_segments=1)
    assert result.alphabet is Alphabet.UCS2


def test_too_long_and_not_to_be_cut() -> None:
    with pytest.raises(MailError) as caught:
        fitted("a" * 161, max_segments=1, cut=False)
    assert str(caught.value) == "554 5.2.3 the text of 161 characters does not go into 1 segments"
    with pytest.raises(MailError) as caught:
        fitted("a" * 50, max_characters=49, cut=False)
    assert caught.value.code == "554 5.2.3"
    assert not fitted("a" * 160, max_segments=1, cut=False).cut


def test_what_is_not_looked_at_still_counts() -> None:
    vanishing = "a" + "°" * 2000 + "b"
    assert fitted(vanishing, transliterate="typography", max_segments=1).text == "a..."
    with pytest.raises(MailError):
        fitted(vanishing, transliterate="typography", max_segments=1, cut=False)


@settings(deadline=None)
@given(
    text=st.text(st.sampled_from("ab {}ж😀\u0301\u200d🇩–°\n"), max_size=400) | st.text(max_size=300),
    transliterate=st.sampled_from(["none", "typography", "all"]),
    max_segments=st.integers(1, 4),
    max_characters=st.integers(0, 200),
)
def test_whatever_comes_fits(text: str, transliterate: str, max_segments: int, max_characters: int) -> None:
    result = fit(
        text,
        transliterate=transliterate,
        max_segments=max_segments,
        max_characters=max_characters,
        cut=True,
    )
    assert result.segments == segments.count(result.user_data, result.alphabet) <= max_segments
    assert result.user_data == encode(result.text, result.alphabet)
    assert result.alphabet is choose(result.text)
    assert not max_characters or len(result.text) <= max_characters
    assert result.text.endswith("."[: max_characters or 1]) or not result.cut
    if not result.cut and transliterate == "none":
        assert len(result.text) <= len(text)
