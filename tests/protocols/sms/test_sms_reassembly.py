"""The parts of a long SMS as one again."""

from __future__ import annotations

import random

import pytest

from protocols.sms import udh
from protocols.sms.alphabet import Alphabet
from protocols.sms.reassembly import UDHI, Part, Whole, can_join, count, join, join_incoming, without_sar
from protocols.sms.segments import split, with_udh

PORTS = (0x05, bytes.fromhex("0b8423f0"))
TURKISH = (udh.SINGLE_SHIFT, b"\x01")


def part(
    number: int,
    text: bytes,
    *elements: udh.Element,
    total: int = 9,
    wide: bool = False,
    data_coding: int = 0,
    esm_class: int = 0,
) -> Part:
    header = [udh.concatenation_element(7, total, number, wide), *elements]
    return Part(number, udh.build(header) + text, esm_class | UDHI, data_coding)


def plain(number: int, text: bytes, data_coding: int = 0) -> Part:
    """A part by SAR TLVs."""
    return Part(number, text, 0, data_coding)


def test_the_headers_go_and_the_text_is_joined() -> None:
    parts = [part(n, text) for n, text in enumerate((b"one ", b"two ", b"three"), 1)]
    assert join(parts) == Whole(b"one two three", 0, 0)
    assert can_join(parts)


def test_references_of_8_and_16_bits_and_sar_may_be_mixed() -> None:
    parts = [part(1, b"a"), part(2, b"b", wide=True), plain(3, b"c")]
    assert can_join(parts)
    assert join(parts) == Whole(b"abc", 0, 0)


def test_other_bits_of_esm_class_stay() -> None:
    assert join([part(1, b"a", esm_class=0x83), part(2, b"b")]).esm_class == 0x83


def test_other_elements_of_the_first_part_stay_before_the_text() -> None:
    parts = [part(n, text, PORTS) for n, text in ((1, b"a"), (2, b"b"))]
    assert can_join(parts)
    assert join(parts) == Whole(udh.build([PORTS]) + b"ab", UDHI, 0)
    assert can_join([part(1, b"a", PORTS), part(2, b"b")]), "nothing is lost with the first one's"


@pytest.mark.parametrize(
    "others",
    [
        [part(2, b"b", data_coding=8)],
        [part(2, b"b", PORTS)],
        [part(2, b"b", TURKISH)],
        [part(2, b"b"), part(3, b"c", PORTS)],
    ],
)
def test_what_would_be_lost_or_read_wrongly_is_not_joined(others: list[Part]) -> None:
    assert not can_join([part(1, b"a"), *others])
    assert not can_join([part(1, b"a", TURKISH), part(2, b"b")]), "that part has the default tables"


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("alphabet", list(Alphabet))
def test_what_was_split_is_whole_again(alphabet: Alphabet, wide: bool) -> None:
    data = bytes(range(32, 122)) * 10
    cut = with_udh(split(data, alphabet, wide_reference=wide), 9, wide)
    assert len(cut) > 1
    assert join([Part(n, piece, UDHI, 0) for n, piece in enumerate(cut, 1)]).user_data == data


@pytest.mark.parametrize(
    ("there", "text"),
    [
        ((1,), b"1\x1b<...\x1b>"),
        ((1, 4), b"1\x1b<...\x1b>4"),
        ((2, 3), b"\x1b<...\x1b>23\x1b<...\x1b>"),
        ((4,), b"\x1b<...\x1b>4"),
        ((1, 2, 3, 4), b"1234"),
    ],
)
def test_an_incoming_sms_says_what_is_missing(there: tuple[int, ...], text: bytes) -> None:
    assert join_incoming([part(n, b"%d" % n) for n in there], 4) == Whole(text, 0, 0)


@pytest.mark.parametrize(
    ("data_coding", "gap"),
    [(3, b"[...]"), (8, "[...]".encode("utf-16-be")), (4, b""), (0xF5, b""), (0xF1, b"\x1b<...\x1b>")],
)
def test_the_mark_is_in_the_alphabet_of_the_parts(data_coding: int, gap: bytes) -> None:
    assert join_incoming([part(1, b"ab", data_coding=data_coding)], 2) == Whole(b"ab" + gap, 0, data_coding)


def test_incoming_parts_of_several_alphabets_become_ucs2() -> None:
    parts = [
        part(1, b"\x00a"),
        part(2, "ж".encode("utf-16-be"), data_coding=8),
        part(3, b"\xe9", data_coding=3),
    ]
    assert join_incoming(parts, 3) == Whole("@aжé".encode("utf-16-be"), 0, 8)


def test_incoming_parts_with_several_shift_tables_become_ucs2() -> None:
    parts = [part(1, b"\x1bs", TURKISH, PORTS), part(2, b"\x1be")]
    assert join_incoming(parts, 2) == Whole(udh.build([PORTS]) + "ş€".encode("utf-16-be"), UDHI, 8)
    same = [part(n, b"\x1bs", TURKISH) for n in (1, 2)]
    assert join_incoming(same, 2) == Whole(udh.build([TURKISH]) + b"\x1bs\x1bs", UDHI, 0)


def test_binary_parts_stay_as_they_are_beside_text() -> None:
    assert join_incoming([part(1, b"\xff", data_coding=4), part(2, b"b")], 2) == Whole(b"\xffb", 0, 4)


def test_a_broken_header_is_text() -> None:
    assert join([Part(1, b"\xffabc", UDHI, 0), Part(2, b"", UDHI, 0)]) == Whole(b"\xffabc", 0, 0)


def test_only_what_numbers_segments_goes_from_the_tlvs() -> None:
    kept = bytes.fromhex("0204 0002 0001") + bytes.fromhex("0381 0000")
    sar = [bytes.fromhex(text) for text in ("020c 0002 0007", "020e 0001 03", "020f 0001 01")]
    assert without_sar(sar[0] + kept[:6] + sar[1] + kept[6:] + sar[2]) == kept
    assert without_sar(b"") == b""
    assert without_sar(kept + b"\x02\x0c\x00") == kept + b"\x02\x0c\x00"


def test_nothing_raises_for_odd_input() -> None:
    odd = random.Random(1)
    for _ in range(2000):
        numbers = sorted(odd.sample(range(1, 9), odd.randint(1, 4)))
        parts = [
            Part(n, odd.randbytes(odd.randint(0, 20)), odd.choice((0, UDHI)), odd.randrange(256))
            for n in numbers
        ]
        can_join(parts)
        join(parts)
        join_incoming(parts, 8)
        without_sar(odd.randbytes(odd.randint(0, 20)))


@pytest.mark.parametrize(
    ("octets", "data_coding", "esm_class", "segments"),
    [
        (b"a" * 160, 0, 0, 1),
        (b"a" * 161, 0, 0, 2),
        (b"\0a" * 71, 8, 0, 2),
        (bytes.fromhex("0605040b8423f0") + bytes(133), 4, UDHI, 1),
        (bytes.fromhex("0605040b8423f0") + bytes(134), 4, UDHI, 2),
        (b"", 0, 0, 1),
    ],
)
def test_a_whole_is_counted_with_what_stands_before_each_segment(
    octets: bytes, data_coding: int, esm_class: int, segments: int
) -> None:
    assert count(Whole(octets, esm_class, data_coding)) == segments
