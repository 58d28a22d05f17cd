"""data_coding: every group, and the same message in another alphabet."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms.alphabet import Alphabet, for_data_coding
from protocols.sms.data_coding import Group, is_class_2, parse, with_alphabet

VECTORS = Path(__file__).parents[2] / "vectors" / "sms" / "data_coding_groups.txt"
LINES = [line for line in VECTORS.read_text("utf-8").splitlines() if not line.startswith("#")]
TARGETS = (Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, Alphabet.LATIN1)


@pytest.mark.parametrize("line", LINES, ids=[line[:2] for line in LINES])
def test_groups(line: str) -> None:
    said, _, others = line.partition("|")
    code, group, alphabet, message_class, compressed, waiting = said.split()
    read = parse(int(code, 16))
    assert read.group is Group[group]
    assert read.alphabet is Alphabet[alphabet]
    assert read.message_class == (None if message_class == "-" else int(message_class))
    assert read.compressed == (compressed == "C")
    shown = "-" if read.waiting is None else ",".join(str(int(value)) for value in read.waiting)
    assert shown == waiting
    found = [with_alphabet(int(code, 16), target) for target in TARGETS]
    assert found == [None if other == "--" else int(other, 16) for other in others.split()]


@given(st.integers(0, 255), st.sampled_from(list(Alphabet)))
def test_another_alphabet_keeps_everything_else(data_coding: int, alphabet: Alphabet) -> None:
    read = parse(data_coding)
    other = with_alphabet(data_coding, alphabet)
    if other is None:
        return
    found = parse(other)
    assert found.alphabet is alphabet
    assert found._replace(alphabet=read.alphabet, group=read.group) == read
    assert with_alphabet(other, read.alphabet) is not None


def test_what_is_not_compressed_has_the_alphabet_that_is_read() -> None:
    for data_coding in range(256):
        read = parse(data_coding)
        expected = Alphabet.BINARY if read.compressed else read.alphabet
        assert for_data_coding(data_coding) is expected


def test_security_29_class_2_is_seen_in_every_group() -> None:
    found = {code for code in range(256) if is_class_2(code)}
    general = {high | low | 2 for high in (0x10, 0x30, 0x50, 0x70) for low in (0, 4, 8, 12)}
    assert found == general | {0xF2, 0xF6, 0xFA, 0xFE}
