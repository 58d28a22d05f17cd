"""Segments: the limits of each alphabet, pairs kept whole, parts that join to the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms import national, udh
from protocols.sms.alphabet import Alphabet, encode
from protocols.sms.segments import TooManySegments, count, least, room, segment_text, split, with_udh

USER_DATA = 140  # octets, 3GPP TS 23.040 §9.2.3.16


@pytest.mark.parametrize(
    ("alphabet", "wide", "octets", "lengths"),
    [
        (Alphabet.GSM7, False, 160, [160]),
        (Alphabet.GSM7, False, 161, [153, 8]),
        (Alphabet.GSM7, False, 306, [153, 153]),
        (Alphabet.GSM7, False, 307, [153, 153, 1]),
        (Alphabet.GSM7, True, 160, [160]),
        (Alphabet.GSM7, True, 305, [152, 152, 1]),
        (Alphabet.UCS2, False, 140, [140]),
        (Alphabet.UCS2, False, 142, [134, 8]),
        (Alphabet.UCS2, False, 268, [134, 134]),
        (Alphabet.UCS2, True, 142, [132, 10]),
        (Alphabet.LATIN1, False, 140, [140]),
        (Alphabet.LATIN1, False, 141, [134, 7]),
        (Alphabet.LATIN1, True, 141, [133, 8]),
        (Alphabet.BINARY, False, 269, [134, 134, 1]),
        (Alphabet.BINARY, True, 267, [133, 133, 1]),
        (Alphabet.GSM7, False, 0, [0]),
    ],
)
def test_limits(alphabet: Alphabet, wide: bool, octets: int, lengths: list[int]) -> None:
    data = b"\x04" * octets
    assert [len(part) for part in split(data, alphabet, wide_reference=wide)] == lengths
    assert count(data, alphabet, wide) == len(lengths)


@pytest.mark.parametrize(
    ("data", "first"),
    [
        (b"a" * 152 + b"\x1be" + b"a" * 20, 152),
        (b"a" * 151 + b"\x1be" + b"a" * 20, 153),
        (b"a" * 151 + b"\x1b\x1b" + b"a" * 20, 153),  # an escaped escape ends there
        (b"a" * 150 + b"\x1b\x1b\x1b" + b"a" * 20, 152),
    ],
)
def test_an_escape_pair_is_not_split(data: bytes, first: int) -> None:
    parts = split(data, Alphabet.GSM7)
    assert [len(part) for part in parts] == [first, len(data) - first]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ж" * 66 + "😀" + "ж" * 20, 132),
        ("ж" * 65 + "😀" + "ж" * 20, 134),
        ("ж" * 66 + "\ud83d" + "ж" * 20, 134),  # half a pair has nothing to stay with
    ],
)
def test_a_surrogate_pair_is_not_split(text: str, first: int) -> None:
    data = text.encode("utf-16-be", "surrogatepass")
    assert [len(part) for part in split(data, Alphabet.UCS2)] == [first, len(data) - first]


def test_wide_reference_keeps_pairs_too() -> None:
    assert (
        len(split(encode("ж" * 65 + "😀" * 10, Alphabet.UCS2), Alphabet.UCS2, wide_reference=True)[0]) == 130
    )
    assert len(split(b"a" * 151 + b"\x1be" * 10, Alphabet.GSM7, wide_reference=True)[0]) == 151


def test_security_34_more_than_255_segments_are_refused_not_cut() -> None:
    most = b"a" * (255 * 153)
    assert len(split(most, Alphabet.GSM7)) == 255
    assert count(most + b"a", Alphabet.GSM7) == 256
    with pytest.raises(TooManySegments):
        split(most + b"a", Alphabet.GSM7)
    with pytest.raises(TooManySegments):
        with_udh([b"a"] * 256, 1)
    with pytest.raises(TooManySegments):
        segment_text("ж" * (255 * 67 + 1))


def test_headers_of_a_message_in_three() -> None:
    parts = with_udh([b"one", b"two", b"three"], 0x1CC)
    assert parts == [
        bytes.fromhex("050003CC0301") + b"one",
        bytes.fromhex("050003CC0302") + b"two",
        bytes.fromhex("050003CC0303") + b"three",
    ]
    assert with_udh([b"one", b"two"], 0x1ABCD, wide_reference=True) == [
        bytes.fromhex("060804ABCD0201") + b"one",
        bytes.fromhex("060804ABCD0202") + b"two",
    ]


def test_a_single_part_has_no_header() -> None:
    assert with_udh([b"one"], 7) == [b"one"]


def test_segment_text_chooses_the_alphabet() -> None:
    assert segment_text("Hello [you]") == (Alphabet.GSM7, [b"Hello \x1b<you\x1b>"])
    alphabet, parts = segment_text("ж" * 71)
    assert alphabet is Alphabet.UCS2
    assert [len(part) for part in parts] == [134, 8]


messages = st.one_of(
    st.tuples(
        st.text(st.sampled_from("ab[]€@\n"), max_size=700).map(lambda t: encode(t, Alphabet.GSM7)),
        st.just(Alphabet.GSM7),
    ),
    st.tuples(
        st.text(st.sampled_from("aж😀🇬"), max_size=300).map(lambda t: encode(t, Alphabet.UCS2)),
        st.just(Alphabet.UCS2),
    ),
    st.tuples(st.binary(max_size=700), st.sampled_from(list(Alphabet))),
    st.tuples(st.text("\x1ba", max_size=700).map(str.encode), st.just(Alphabet.GSM7)),
)


@settings(max_examples=200, deadline=None)
@given(message=messages, wide=st.booleans(), reference=st.integers(0, 2**17))
def test_parts_join_and_fit(message: tuple[bytes, Alphabet], wide: bool, reference: int) -> None:
    data, alphabet = message
    parts = split(data, alphabet, wide_reference=wide)
    assert b"".join(parts) == data
    assert len(parts) == count(data, alphabet, wide)
    framed = with_udh(parts, reference, wide)
    for sequence, (part, user_data) in enumerate(zip(parts, framed, strict=True), 1):
        header = len(user_data) - len(part)
        if alphabet is Alphabet.GSM7:
            assert -(-header * 8 // 7) + len(part) <= 160
        else:
            assert len(user_data) <= USER_DATA
        if len(parts) > 1:
            elements, rest = udh.parse(user_data)
            mask = 0xFFFF if wide else 0xFF
            expected = udh.Concatenation(reference & mask, len(parts), sequence, wide)
            assert udh.concatenation(elements) == expected
            assert rest == part


@settings(max_examples=200, deadline=None)
@given(message=messages, wide=st.booleans())
def test_each_part_reads_by_itself(message: tuple[bytes, Alphabet], wide: bool) -> None:
    data, alphabet = message
    position = 0
    for part in split(data, alphabet, wide_reference=wide)[:-1]:
        position += len(part)
        if alphabet is Alphabet.GSM7:
            # Strike out whole pairs: what is left has no escape, or one would be open at the end.
            assert b"\x1b" not in _without_pairs(part)
        elif alphabet is Alphabet.UCS2:
            assert not (data[position - 2] & 0xFC == 0xD8 and data[position] & 0xFC == 0xDC)


def _without_pairs(part: bytes) -> bytes:
    octets = iter(part)
    return bytes(octet for octet in octets if octet != 0x1B or next(octets, None) is None)


@pytest.mark.parametrize(
    ("data", "alphabet", "segments", "expected"),
    [
        (b"a" * 160, Alphabet.GSM7, 1, 160),
        (b"a" * 161, Alphabet.GSM7, 1, 160),
        (b"a" * 159 + b"\x1be", Alphabet.GSM7, 1, 159),
        (b"a" * 306, Alphabet.GSM7, 2, 306),
        (b"a" * 307, Alphabet.GSM7, 2, 306),
        (b"a" * 307, Alphabet.GSM7, 9, 307),
        (b"a" * 152 + b"\x1be" + b"a" * 300, Alphabet.GSM7, 2, 305),
        ("ж".encode("utf-16-be") * 71, Alphabet.UCS2, 1, 140),
        (("ж" * 69 + "😀").encode("utf-16-be"), Alphabet.UCS2, 1, 138),
        (b"", Alphabet.GSM7, 1, 0),
    ],
)
def test_room(data: bytes, alphabet: Alphabet, segments: int, expected: int) -> None:
    assert room(data, alphabet, segments) == expected


@given(data=st.binary(max_size=1000), alphabet=st.sampled_from(list(Alphabet)), segments=st.integers(1, 8))
def test_what_has_room_takes_no_more_segments(data: bytes, alphabet: Alphabet, segments: int) -> None:
    end = room(data, alphabet, segments)
    assert end == len(data) or count(data, alphabet) > segments
    assert count(data[:end], alphabet) <= segments


@pytest.mark.parametrize(
    ("alphabet", "header", "wide", "octets", "lengths"),
    [
        (Alphabet.GSM7, 3, False, 155, [155]),  # one shift table
        (Alphabet.GSM7, 3, False, 156, [149, 7]),
        (Alphabet.GSM7, 3, True, 156, [148, 8]),
        (Alphabet.GSM7, 6, False, 153, [146, 7]),  # both, or ports of 16 bit
        (Alphabet.GSM7, 6, False, 152, [152]),
        (Alphabet.UCS2, 3, False, 136, [136]),
        (Alphabet.UCS2, 3, False, 138, [130, 8]),
        (Alphabet.UCS2, 6, False, 134, [128, 6]),
        (Alphabet.UCS2, 6, True, 134, [126, 8]),
        (Alphabet.BINARY, 6, False, 133, [133]),
        (Alphabet.BINARY, 6, False, 134, [128, 6]),
        (Alphabet.BINARY, 6, True, 134, [127, 7]),
        (Alphabet.LATIN1, 6, False, 134, [128, 6]),
    ],
)
def test_limits_beside_elements_that_stand_in_every_part(
    alphabet: Alphabet, header: int, wide: bool, octets: int, lengths: list[int]
) -> None:
    data = b"\x04" * octets
    elements = [(0x70, b"\0" * (header - 2))]
    for given_as in (header, elements):
        parts = split(data, alphabet, wide_reference=wide, header=given_as)
        assert [len(part) for part in parts] == lengths
        assert count(data, alphabet, wide, given_as) == len(lengths)
        assert room(data, alphabet, 1, wide, given_as) == min(octets, alone(alphabet, header))
        assert room(data, alphabet, 2, wide, given_as) == octets
    for user_data in with_udh(parts, 7, wide, elements):
        found, _ = udh.parse(user_data)
        assert found[-1] == elements[0]
        assert (udh.concatenation(found) is not None) == (len(parts) > 1)


def alone(alphabet: Alphabet, header: int) -> int:
    """Octets of text in a single SMS with such a header."""
    octets = 139 - header
    return {Alphabet.GSM7: octets * 8 // 7, Alphabet.UCS2: octets & ~1}.get(alphabet, octets)


def test_elements_stand_behind_the_concatenation_and_alone_in_a_single_part() -> None:
    ports = [(0x05, bytes.fromhex("0B8423F0"))]
    assert with_udh([b"x"], 7, elements=ports) == [bytes.fromhex("0605040B8423F0") + b"x"]
    assert with_udh([b"x", b"y"], 7, elements=ports) == [
        bytes.fromhex("0B0003070201" + "05040B8423F0") + b"x",
        bytes.fromhex("0B0003070202" + "05040B8423F0") + b"y",
    ]


@pytest.mark.parametrize("header", [133, 139, 200])
def test_a_header_without_room_for_text_is_refused(header: int) -> None:
    with pytest.raises(udh.UdhError):
        split(b"a" * 200, Alphabet.UCS2, header=header)
    with pytest.raises(udh.UdhError):
        count(b"a" * 200, Alphabet.GSM7, header=header)


def test_a_character_of_national_tables_is_not_split() -> None:
    hindi = [(0x25, b"\x06"), (0x24, b"\x06")]
    # स्ते is one character for a reader: 5 septets, of which two would have fitted.
    text = "क" * 144 + "स्ते" + "क" * 20
    data = national.encode(text, 6, 6)
    assert data is not None
    parts = split(data, Alphabet.GSM7, header=hindi)
    assert [len(part) for part in parts] == [144, 24]
    assert [len(part) for part in split(data, Alphabet.GSM7, header=6)] == [146, 22]  # tables not told
    assert count(data, Alphabet.GSM7, header=hindi) == 2
    # behind an escape pair, and no cut inside the pair
    text = "।" + "क" * 143 + "।" + "क" * 20
    data = national.encode(text, 6, 6)
    assert data is not None
    assert [len(part) for part in split(data, Alphabet.GSM7, header=hindi)] == [145, 22]


@settings(max_examples=200, deadline=None)
@given(
    message=messages,
    wide=st.booleans(),
    header=st.integers(0, 40) | st.sampled_from([[(0x25, b"\x06")], [(0x24, b"\x0d"), (5, b"abcd")]]),
)
def test_parts_beside_elements_join_and_fit(
    message: tuple[bytes, Alphabet], wide: bool, header: int | list[udh.Element]
) -> None:
    data, alphabet = message
    octets = header if isinstance(header, int) else udh.octets_of(header)
    elements = [(0x70, b"\0" * (octets - 2))] if isinstance(header, int) and octets >= 2 else header or []
    parts = split(data, alphabet, wide_reference=wide, header=header)
    assert b"".join(parts) == data
    assert len(parts) == count(data, alphabet, wide, header)
    if isinstance(elements, int):
        return
    for part, user_data in zip(parts, with_udh(parts, 1, wide, elements), strict=True):
        whole = len(user_data) - len(part)
        if alphabet is Alphabet.GSM7:
            assert -(-whole * 8 // 7) + len(part) <= 160
        else:
            assert len(user_data) <= USER_DATA


@given(
    octets=st.integers(0, 2000) | st.integers(130, 162),
    alphabet=st.sampled_from(list(Alphabet)),
    wide=st.booleans(),
    header=st.integers(0, 20),
)
def test_the_least_count_is_that_of_a_text_without_pairs(
    octets: int, alphabet: Alphabet, wide: bool, header: int
) -> None:
    octets &= ~1
    assert least(octets, alphabet, wide, header) == count(b"\x04" * octets, alphabet, wide, header)
