"""The font of our documents: which glyph a character has, and how wide it is.

Read from the TrueType file beside this one (OpenType specification: cmap format 4, hhea, hmtx, head).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from struct import unpack_from
from typing import NamedTuple

NAME = "DejaVuSans"


class Font(NamedTuple):
    """A TrueType font. Lengths are thousandths of its size."""

    octets: bytes
    glyphs: dict[int, int]
    """By code point."""
    widths: list[int]
    """By glyph."""
    box: tuple[int, int, int, int]
    ascent: int
    descent: int

    def glyphs_of(self, text: str) -> list[int]:
        """A question mark in the place of what it has not."""
        unknown = self.glyphs[ord("?")]
        return [self.glyphs.get(ord(character), unknown) for character in text]

    def width(self, text: str) -> int:
        """How wide a text is."""
        return sum(self.widths[glyph] for glyph in self.glyphs_of(text))


@lru_cache(maxsize=1)
def font() -> Font:
    """The font; read once, when the first document is made."""
    octets = resources.files("gateway.front").joinpath("fonts/DejaVuSans.ttf").read_bytes()
    tables = {
        octets[at : at + 4]: unpack_from(">I", octets, at + 8)[0]
        for at in range(12, 12 + 16 * unpack_from(">H", octets, 4)[0], 16)
    }
    units: int = unpack_from(">H", octets, tables[b"head"] + 18)[0]
    box = unpack_from(">4h", octets, tables[b"head"] + 36)
    ascent, descent = unpack_from(">2h", octets, tables[b"hhea"] + 4)
    (metrics,) = unpack_from(">H", octets, tables[b"hhea"] + 34)
    (count,) = unpack_from(">H", octets, tables[b"maxp"] + 4)
    advances = [unpack_from(">H", octets, tables[b"hmtx"] + 4 * at)[0] for at in range(metrics)]
    advances += advances[-1:] * (count - metrics)

    def scaled(length: int) -> int:
        return round(length * 1000 / units)

    left, low, right, high = map(scaled, box)
    return Font(
        octets,
        _glyphs(octets, tables[b"cmap"]),
        list(map(scaled, advances)),
        (left, low, right, high),
        scaled(ascent),
        scaled(descent),
    )


def _glyphs(octets: bytes, cmap: int) -> dict[int, int]:
    """The table for the characters of Unicode's first plane."""
    at = cmap + unpack_from(">I", octets, cmap + 8)[0]
    form, doubled = unpack_from(">H4xH", octets, at)
    if form != 4:
        raise ValueError("the font's first table of characters has another format than 4")
    ends, starts = at + 14, at + 16 + doubled
    found = {}
    for segment in range(0, doubled, 2):
        (last,) = unpack_from(">H", octets, ends + segment)
        (first,) = unpack_from(">H", octets, starts + segment)
        (delta,) = unpack_from(">H", octets, starts + doubled + segment)
        where = starts + 2 * doubled + segment
        (offset,) = unpack_from(">H", octets, where)
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = unpack_from(">H", octets, where + offset + 2 * (code - first))[0] if offset else code
            if glyph:
                found[code] = (glyph + delta) & 0xFFFF
    return found
