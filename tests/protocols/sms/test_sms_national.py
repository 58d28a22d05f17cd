"""National language tables: each against an independent source, and both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms import alphabet, national, shift_tables
from protocols.sms.alphabet import Alphabet
from protocols.sms.shift_tables import LANGUAGES, LOCKING, SINGLE, cells_of

VECTORS = Path(__file__).parents[2] / "vectors" / "sms" / "shift_tables.txt"
ESCAPE = 0x1B


def vectors() -> dict[tuple[str, int], dict[int, str]]:
    """kind and identifier → septet → character."""
    tables: dict[tuple[str, int], dict[int, str]] = {}
    for line in VECTORS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, number, first, *codes = line.split()
        table = tables.setdefault((kind, int(number)), {})
        for septet, code in enumerate(codes, int(first, 16)):
            if code != "----":
                table[septet] = chr(int(code, 16))
    return tables


TABLES = vectors()


def test_every_table_of_the_standard_is_there() -> None:
    assert {number for kind, number in TABLES if kind == "locking"} == LOCKING.keys()
    assert {number for kind, number in TABLES if kind == "single"} == SINGLE.keys()
    assert sorted(LANGUAGES.values()) == list(range(1, 14))
    assert SINGLE.keys() - LOCKING.keys() == {LANGUAGES["spanish"]}


@pytest.mark.parametrize("number", LOCKING)
def test_locking_shift_table(number: int) -> None:
    table = TABLES["locking", number]
    for septet in range(128):
        if septet != ESCAPE:
            assert national.decode(bytes((septet,)), number, 0) == table.get(septet, "\ufffd"), hex(septet)


@pytest.mark.parametrize("number", SINGLE)
def test_single_shift_table(number: int) -> None:
    table = TABLES["single", number]
    for septet in range(128):
        if septet != ESCAPE:
            default = TABLES["locking", 0][septet]
            found = national.decode(bytes((ESCAPE, septet)), 0, number)
            assert found == table.get(septet, default), hex(septet)


@pytest.mark.parametrize("number", range(14))
def test_every_character_of_a_language_is_written_and_read_back(number: int) -> None:
    for tables in ((number, number), (0, number), (number, 0)):
        if tables[0] not in LOCKING:
            continue
        found = [*TABLES["locking", tables[0]].values(), *TABLES["single", tables[1]].values()]
        for character in found:
            septets = national.encode(character, *tables)
            assert septets is not None
            assert len(septets) == (1 if character in TABLES["locking", tables[0]].values() else 2)
            assert national.decode(septets, *tables) == character
        assert national.encode("\u4e2d", *tables) is None
        assert national.encode("\0", *tables) is None


def test_tables_are_eight_rows_of_sixteen() -> None:
    for table in (*LOCKING.values(), *SINGLE.values()):
        assert [len(cells_of(row)) for row in table.strip().split("\n")] == [16] * 8


def test_default_tables_are_those_of_the_alphabet() -> None:
    everything = bytes(range(128)) + b"".join(bytes((ESCAPE, n)) for n in range(128))
    assert national.decode(everything, 0, 0) == alphabet.decode(everything, Alphabet.GSM7)


@pytest.mark.parametrize(
    ("text", "tables", "septets"),
    [
        # Turkish: İstanbul'da kış, in the single shift table and in the locking one
        ("kış", (0, 1), "6B 1B69 1B73"),
        ("kış", (1, 0), "6B 07 1D"),
        ("Ğ", (0, 1), "1B47"),
        ("Ğ", (1, 1), "0B"),
        ("çok €", (1, 0), "60 6F 6B 20 04"),
        # Spanish has a single shift table alone
        ("canción", (0, 2), "63 61 6E 63 69 1B6F 6E"),
        # Portuguese: single and locking
        ("não", (0, 3), "6E 1B7B 6F"),
        ("não", (3, 3), "6E 7B 6F"),
        ("ação", (3, 0), "61 09 7B 6F"),
        # Hindi with a Western digit, the danda and a Latin capital
        ("नमस्ते 1।A", (6, 6), "2F 42 4C 5F 27 59 20 31 1B19 1B41"),
        # the first septet of a table is octet 0 too
        ("ँ", (6, 6), "00"),
        ("@", (6, 6), "1B00"),
        ("ا", (13, 13), "00"),
        ("@ا@", (13, 13), "1B00 00 1B00"),
        # of different languages
        ("kış não", (1, 3), "6B 07 1D 20 6E 1B7B 6F"),
    ],
)
def test_texts_of_a_language(text: str, tables: tuple[int, int], septets: str) -> None:
    expected = bytes.fromhex(septets)
    assert national.encode(text, *tables) == expected
    assert national.decode(expected, *tables) == text


@pytest.mark.parametrize(
    ("septets", "tables", "text"),
    [
        ("1B30", (0, 1), "0"),  # not in the single shift table: the locking one's, here the default's
        ("1B05", (6, 0), "इ"),  # of the locking table, where there is one
        ("41 1B1B 42", (0, 6), "A B"),
        ("41 1B", (1, 1), "A "),
        ("0C", (4, 4), "\ufffd"),  # a hole in the table
        ("1B0D", (0, 6), "\r"),
        ("FF 41", (1, 0), "\ufffdA"),
        ("04", (200, 200), "è"),  # tables that nobody knows are the default ones
    ],
)
def test_what_the_tables_lack(septets: str, tables: tuple[int, int], text: str) -> None:
    assert national.decode(bytes.fromhex(septets), *tables) == text


def test_header_elements_say_the_tables() -> None:
    assert national.elements_of((0, 0)) == []
    assert national.elements_of((0, 1)) == [(0x24, b"\x01")]
    assert national.elements_of((3, 0)) == [(0x25, b"\x03")]
    assert national.elements_of((6, 13)) == [(0x24, b"\x0d"), (0x25, b"\x06")]
    for tables in ((0, 0), (1, 0), (0, 2), (13, 4)):
        assert national.tables_of(national.elements_of(tables)) == tables


def test_headers_that_say_nothing_sensible_mean_the_default_tables() -> None:
    assert national.tables_of([(0x24, b""), (0x25, b"\x01\x01")]) == (0, 0)
    assert national.tables_of([(0x24, b"\x0e"), (0x25, b"\x02")]) == (0, 0)  # no such, and Spanish has none
    assert national.tables_of([(0x25, b"\x01"), (0x25, b"\x03")]) == (3, 0)


pairs = st.tuples(st.sampled_from(sorted(LOCKING)), st.sampled_from(sorted(SINGLE)))


@given(st.data(), pairs)
def test_round_trip_of_any_text_of_two_tables(data: st.DataObject, tables: tuple[int, int]) -> None:
    letters = {*TABLES["locking", tables[0]].values(), *TABLES["single", tables[1]].values()}
    text = data.draw(st.text(st.sampled_from(sorted(letters)), max_size=200))
    septets = national.encode(text, *tables)
    assert septets is not None
    assert septets.isascii()
    assert national.length(text, *tables) == len(septets)
    assert national.decode(septets, *tables) == text


@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 255))
def test_any_octets_are_read(data: bytes, locking: int, single: int) -> None:
    text = national.decode(data, locking, single)
    assert len(text) <= len(data)
    assert "\ufffe" not in text
    assert "\x1b" not in text


@given(st.text(max_size=50), pairs)
def test_any_text_is_written_or_refused(text: str, tables: tuple[int, int]) -> None:
    septets = national.encode(text, *tables)
    letters = {*TABLES["locking", tables[0]].values(), *TABLES["single", tables[1]].values()}
    assert (septets is not None) == (set(text) <= letters)
    assert (national.length(text, *tables) is None) == (septets is None)


def test_names_are_those_of_the_configuration() -> None:
    from typing import get_args

    from gateway.config.connector_model import ShiftTable

    assert tuple(shift_tables.LANGUAGES) == get_args(ShiftTable)
