"""Alphabets: the character table against an independent source, odd content, round trips."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms.alphabet import (
    Alphabet,
    as_gsm7,
    choose,
    decode,
    encode,
    fill_bits,
    first_beyond,
    for_data_coding,
    pack,
    pack_padded,
    unpack,
    unpack_padded,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "sms"


def rows(file: str, columns: int) -> list[list[str]]:
    lines = (VECTORS / file).read_text("utf-8").splitlines()
    return [line.split(None, columns - 1) for line in lines if not line.startswith("#")]


TABLE = {chr(int(code_point, 16)): bytes.fromhex(septets) for septets, code_point in rows("gsm7.txt", 2)}
gsm7_text = st.text(st.sampled_from(sorted(TABLE)), max_size=200)


def test_gsm7_writes_and_reads_the_whole_table() -> None:
    assert len(TABLE) == 127 + 10
    for character, septets in TABLE.items():
        assert encode(character, Alphabet.GSM7) == septets
        assert decode(septets, Alphabet.GSM7) == character


def test_choose_takes_gsm7_for_its_characters_and_for_no_other() -> None:
    in_gsm7 = {chr(c) for c in range(0x10000) if choose(chr(c)) is Alphabet.GSM7}
    assert in_gsm7 == set(TABLE)
    assert choose("") is Alphabet.GSM7
    assert choose("plain ж") is Alphabet.UCS2
    assert choose("line\nbreak 😀") is Alphabet.UCS2


@pytest.mark.parametrize(
    ("alphabet", "text", "octets"),
    [
        (Alphabet.GSM7, "a\0b", b"a?b"),
        (Alphabet.GSM7, "a\x1bb", b"a?b"),
        (Alphabet.GSM7, "жa😀@", b"?a?\0"),
        (Alphabet.GSM7, "¤é{}", b"\x24\x05\x1b\x28\x1b\x29"),
        (Alphabet.GSM7, "\x80\x8a\xbc", b"???"),
        (Alphabet.LATIN1, "éж€", b"\xe9??"),
        (Alphabet.BINARY, "\x00\xffж", b"\x00\xff?"),
        (Alphabet.UCS2, "жA", b"\x04\x36\x00\x41"),
        (Alphabet.UCS2, "😀", b"\xd8\x3d\xde\x00"),
    ],
)
def test_encode(alphabet: Alphabet, text: str, octets: bytes) -> None:
    assert encode(text, alphabet) == octets


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\ud83db", "a\ufffdb"),
        ("a\ude00", "a\ufffd"),
        ("\ud83d", "\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
    ],
)
def test_security_33_lone_surrogate_is_written_as_the_replacement_character(text: str, written: str) -> None:
    assert encode(text, Alphabet.UCS2) == written.encode("utf-16-be")


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("d83d", "\ufffd"),
        ("d83d0041", "\ufffdA"),
        ("0041de000042", "A\ufffdB"),
        ("004100", "A\ufffd"),
        ("d83dde", "\ufffd"),
        ("d83dde00", "😀"),
        ("", ""),
    ],
)
def test_security_33_lone_surrogate_and_odd_octet_are_read_as_the_replacement_character(
    octets: str, text: str
) -> None:
    assert decode(bytes.fromhex(octets), Alphabet.UCS2) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a\x1bZb", "aZb"),
        (b"a\x1b", "a "),
        (b"a\x1b\x1bb", "a b"),
        (b"\x1b\x1b\x1b", "  "),
        (b"\x1b\x1b\x28", " ("),
        (b"\x1b\x1b\x1b\x28", " {"),
        (b"\x1b\x0d", "\r"),
        (b"\x1b\x00", "@"),
        (b"\x1b\x1b\x65\x1b\x65", " e€"),
        (b"\x80a\xff", "\ufffda\ufffd"),
        (b"\x1b\x80", "\ufffd"),
    ],
)
def test_security_33_bad_escape_reads_as_23_038_says(octets: bytes, text: str) -> None:
    assert decode(octets, Alphabet.GSM7) == text


@settings(max_examples=200, deadline=None)
@given(gsm7_text)
def test_gsm7_round_trip(text: str) -> None:
    assert choose(text) is Alphabet.GSM7
    octets = encode(text, Alphabet.GSM7)
    assert octets == b"".join(TABLE[character] for character in text)
    assert decode(octets, Alphabet.GSM7) == text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=100))
def test_ucs2_round_trip(text: str) -> None:
    assert decode(encode(text, Alphabet.UCS2), Alphabet.UCS2) == text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_latin1_and_binary_lose_nothing(octets: bytes) -> None:
    for alphabet in (Alphabet.LATIN1, Alphabet.BINARY):
        assert encode(decode(octets, alphabet), alphabet) == octets


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.characters() | st.characters(categories=["Cs"])), octets=st.binary())
def test_nothing_raises(text: str, octets: bytes) -> None:
    for alphabet in Alphabet:
        decode(octets, alphabet)
        encode(text, alphabet)
    choose(text)


@pytest.mark.parametrize(("data_coding", "alphabet", "what"), rows("data_codings.txt", 3))
def test_quirk_48_data_coding(data_coding: str, alphabet: str, what: str) -> None:
    assert for_data_coding(int(data_coding, 16)) is Alphabet[alphabet], what


def test_every_data_coding_has_an_alphabet() -> None:
    assert {for_data_coding(data_coding) for data_coding in range(256)} == set(Alphabet)


def test_pack_matches_a_known_message() -> None:
    # "hellohello", the example most descriptions of the packing use
    assert pack(b"hellohello") == bytes.fromhex("E8329BFD4697D9EC37")
    assert unpack(bytes.fromhex("E8329BFD4697D9EC37"), 10) == b"hellohello"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=160).map(lambda octets: bytes(o & 0x7F for o in octets)))
def test_pack_round_trip(septets: bytes) -> None:
    packed = pack(septets)
    assert len(packed) == -(-len(septets) * 7 // 8)
    assert unpack(packed, len(septets)) == septets


@pytest.mark.parametrize(
    ("header", "fill"), [(0, 0), (6, 1), (7, 0), (4, 3), (5, 2), (12, 2), (9, 5), (10, 4), (13, 1)]
)
def test_fill_bits_bring_the_text_to_a_septet(header: int, fill: int) -> None:
    assert fill_bits(header) == fill
    assert (header * 8 + fill) % 7 == 0


@pytest.mark.parametrize(
    ("septets", "fill", "octets"),
    [
        # "Hello" behind a header of 6 octets: as 3GPP TS 23.040 draws it, one bit first
        (b"Hello", 1, "906536FB0D"),
        (b"Hello", 0, "C8329BFD06"),
        (b"A", 6, "4010"),
        (b"A", 1, "82"),
        (b"", 3, "00"),
    ],
)
def test_packing_behind_a_header(septets: bytes, fill: int, octets: str) -> None:
    assert pack(septets, fill).hex().upper() == octets
    assert unpack(bytes.fromhex(octets), len(septets), fill) == septets


def test_the_count_of_septets_tells_an_at_sign_from_spare_bits() -> None:
    assert pack(b"1234567") == pack(b"1234567\0")
    assert unpack(pack(b"1234567\0"), 8) == b"1234567\0"
    assert unpack(pack(b"1234567"), 7) == b"1234567"


@pytest.mark.parametrize(
    ("septets", "octets", "read"),
    [
        (b"1234567", "31D98C56B3DD1A", b"1234567"),  # CR in the spare bits, not an at sign
        (b"1234567\0", "31D98C56B3DD00", b"1234567\0"),
        (b"1234567\r", "31D98C56B3DD1A0D", b"1234567\r\r"),  # twice: nothing else happens on a handset
        (b"12345678", "31D98C56B3DD70", b"12345678"),
        (b"123456", "31D98C56B301", b"123456"),
        (b"", "", b""),
    ],
)
def test_packed_without_a_count(septets: bytes, octets: str, read: bytes) -> None:
    assert pack_padded(septets).hex().upper() == octets
    assert unpack_padded(bytes.fromhex(octets)) == read


@given(st.lists(st.integers(0, 127), max_size=170).map(bytes), st.integers(0, 6))
def test_packing_goes_both_ways_behind_any_header(septets: bytes, fill: int) -> None:
    assert unpack(pack(septets, fill), len(septets), fill) == septets
    assert len(pack(septets, fill)) == -(-(len(septets) * 7 + fill) // 8)
    padded = unpack_padded(pack_padded(septets, fill), fill)
    assert padded in (septets, septets + b"\r")
    if not septets.endswith(b"\r"):
        assert padded == septets


@given(st.text(max_size=200) | st.text(st.sampled_from("ab@€{\0\x1bж"), max_size=50))
def test_as_gsm7_is_choose_and_encode(text: str) -> None:
    expected = encode(text, Alphabet.GSM7) if choose(text) is Alphabet.GSM7 else None
    assert as_gsm7(text) == expected


def test_first_beyond() -> None:
    assert first_beyond("ж") == 0
    assert first_beyond("abc\n{ж€ж") == 5
    assert first_beyond("a" * 1000 + "ж" + "a" * 1000) == 1000
    assert first_beyond("abc\0") == 3
    assert first_beyond("") == 0
    assert first_beyond("abc") == 3
