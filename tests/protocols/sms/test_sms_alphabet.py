"""Alphabets: the character table against an independent source, odd content, round trips."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms.alphabet import Alphabet, choose, decode, encode, for_data_coding, pack, unpack

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
