"""The segments of a text that is written already."""

from __future__ import annotations

import pytest

from gateway.core.text_preview import shown_octets, shown_text
from protocols.sms.alphabet import Alphabet, encode


@pytest.mark.parametrize(
    ("octets", "data_coding", "esm_class", "named", "texts"),
    [
        (b"hello", 0, 0, "GSM 7 bit", ["hello"]),
        (b"a" * 161, 0, 0, "GSM 7 bit", ["a" * 153, "a" * 8]),
        (encode("Привет", Alphabet.UCS2), 8, 0, "UCS-2", ["Привет"]),
        ("Grüße".encode("latin-1"), 3, 0, "Latin-1", ["Grüße"]),
        (b"\x00\x01", 4, 0, None, []),
        (b"\x09cut", 0, 0x40, "GSM 7 bit", []),
    ],
)
def test_octets_as_a_phone_shows_them(
    octets: bytes, data_coding: int, esm_class: int, named: str | None, texts: list[str]
) -> None:
    shown = shown_octets(octets, data_coding, esm_class)
    assert [part["text"] for part in shown["parts"]] == texts
    assert named is None or shown["named"] == named


def test_a_national_table_is_read_from_the_header() -> None:
    written = shown_text("ş" * 100, tables=("turkish",))
    octets = bytes.fromhex(written["parts"][0]["hex"])
    header = b"\x03\x25\x01\x01" if written["locking_shift"] else b"\x03\x24\x01\x01"
    shown = shown_octets(header + octets, 0, 0x40)
    assert "turkish" in shown["named"]
    assert shown["parts"][0]["text"] == written["parts"][0]["text"]


def test_more_than_255_segments_is_said() -> None:
    with pytest.raises(ValueError, match="255 is the most"):
        shown_text("я" * 67 * 256)
