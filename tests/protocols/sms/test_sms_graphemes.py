"""Cuts between what a reader takes for characters."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms.alphabet import Alphabet, encode
from protocols.sms.graphemes import border, is_border, is_plain_cut
from protocols.sms.segments import count, room, split

VECTORS = Path(__file__).parents[2] / "vectors" / "sms" / "graphemes.txt"
LINES = [line for line in VECTORS.read_text("utf-8").splitlines() if not line.startswith("#")]
CASES = [tuple(line.split(": ")) for line in LINES]

characters = st.sampled_from(
    "aж 中é\u0301\u200d\u0306😀👍\U0001f3fd🇩🇪\u0915\u094d\u0937\u1112\u1161\u11ab\r\n\ufe0f"
)


def clusters_of(codes: str) -> list[str]:
    return ["".join(chr(int(code, 16)) for code in part.split()) for part in codes.split("|")]


@pytest.mark.parametrize(("name", "codes"), CASES, ids=[name for name, _ in CASES])
def test_characters_of_several_are_seen(name: str, codes: str) -> None:
    clusters = clusters_of(codes)
    text = "".join(clusters)
    found, start = [], 0
    for place in range(1, len(text) + 1):
        if is_border(text, place):
            found.append(text[start:place])
            start = place
    assert found == clusters


@pytest.mark.parametrize(("name", "codes"), CASES, ids=[name for name, _ in CASES])
@pytest.mark.parametrize("wide", [False, True])
def test_a_segment_of_ucs2_ends_where_a_character_ends(name: str, codes: str, wide: bool) -> None:
    clusters = clusters_of(codes)
    limit = 66 if wide else 67
    first = encode(clusters[0], Alphabet.UCS2)
    units = len(first) // 2
    for before in range(limit - units - 1, limit + 1):
        pieces = ["ж"] * before + clusters + ["ж"] * 80
        borders = list(accumulate(len(encode(piece, Alphabet.UCS2)) for piece in pieces))
        part = split(encode("".join(pieces), Alphabet.UCS2), Alphabet.UCS2, wide_reference=wide)[0]
        assert len(part) == max(place for place in borders if place <= 2 * limit)


def test_a_character_that_fits_no_segment_is_split_between_its_marks() -> None:
    data = encode("a" + "\u0301" * 200, Alphabet.UCS2)
    assert [len(part) for part in split(data, Alphabet.UCS2)] == [134, 134, 134]
    family = encode("👩\u200d" * 40, Alphabet.UCS2)
    parts = split(family, Alphabet.UCS2)
    assert b"".join(parts) == family
    for part in parts:
        part.decode("utf-16-be")  # no pair was cut


def test_what_is_seen_in_the_octets_alone_is_a_border() -> None:
    plain = [chr(code) for code in range(0x10000) if is_plain_cut(2 * code.to_bytes(2, "big"))]
    assert len(plain) > 30_000
    for character in plain:
        for other in ("a", "ж", "가", "각", "中", "\u2010", character):
            assert is_border(character + other, 1)
            assert is_border(other + character, 1)
    assert {"a", "ж", "é", "Ω", "中", "가", "–"} <= set(plain)


def test_room_ends_where_a_character_ends() -> None:
    data = encode("ж" * 69 + "e\u0301" + "ж" * 9, Alphabet.UCS2)
    assert room(data, Alphabet.UCS2, 1) == 138
    data = encode("ж" * 66 + "👍🏽" + "ж" * 80, Alphabet.UCS2)
    assert room(data, Alphabet.UCS2, 2) == 132 + 134


def test_border_of_flags_is_counted_from_the_start_of_the_text() -> None:
    flags = "🇩🇪" * 5
    assert [border(flags, at) for at in range(1, 11)] == [1, 2, 2, 4, 4, 6, 6, 8, 8, 10]


def test_border_gives_up_at_the_lowest_place() -> None:
    text = "a" + "\u0301" * 50
    assert border(text, 45, 5) == 45
    assert border(text, 45) == 45
    assert border("ab" + "\u0301" * 50, 45) == 1


@given(st.text(characters, max_size=300), st.booleans())
def test_parts_of_ucs2_are_whole_and_join(text: str, wide: bool) -> None:
    data = text.encode("utf-16-be")
    parts = split(data, Alphabet.UCS2, wide_reference=wide)
    assert b"".join(parts) == data
    assert count(data, Alphabet.UCS2, wide) == len(parts)
    limit = 132 if wide else 134
    start = 0
    for part in parts[:-1]:
        piece = part.decode("utf-16-be")
        whole = data[start : start + limit + 8].decode("utf-16-be", "ignore")
        # Either a character ends here, or none ends anywhere in the part.
        assert is_border(whole, len(piece)) or not any(is_border(whole, n) for n in range(1, len(piece)))
        start += len(part)


@given(st.text(characters, max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_border_never_leaves_its_bounds(text: str, at: int, lowest: int) -> None:
    at = min(at, len(text))
    place = border(text, at, lowest)
    assert place == at or lowest < place < at
    assert place == at or is_border(text, place)
