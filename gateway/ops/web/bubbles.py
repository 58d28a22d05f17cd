"""A text as a phone shows it, with what nobody sees made visible."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import NamedTuple

from protocols.sms.alphabet import as_gsm7
from protocols.sms.graphemes import is_border

_JOINING = frozenset("\u200c\u200d\n\r") | frozenset(map(chr, range(0xE0020, 0xE0080)))
_UNSEEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
LINE = "line"
HIDDEN = "hidden"
BEYOND = "beyond"
PLAIN = "plain"


class Piece(NamedTuple):
    """A run of text, or one sign that wants a mark."""

    kind: str
    """LINE: a new line; HIDDEN: a phone shows nothing; BEYOND: GSM 7 bit lacks it; PLAIN."""
    text: str
    """Of what is hidden: its code point."""
    name: str = ""
    """In Unicode."""


def pieces(text: str, *, marks: bool = True) -> list[Piece]:
    """The text in order; without `marks` nothing is BEYOND, for a text that is foreign as a whole.

    What a reader sees as one sign stays together, such as an emoji of several.
    """
    found: list[Piece] = []
    plain = ""
    for sign in _signs(text):
        piece = _piece(sign)
        if piece is None or (piece.kind == BEYOND and not marks):
            plain += sign
            continue
        if plain:
            found.append(Piece(PLAIN, plain))
            plain = ""
        found.append(piece)
    if plain:
        found.append(Piece(PLAIN, plain))
    return found


def _signs(text: str) -> list[str]:
    """What a reader takes for one sign; what nobody sees stands alone, unless it joins an emoji's parts."""
    borders = {0, len(text)}
    for at, character in enumerate(text):
        if at and is_border(text, at):
            borders.add(at)
        if _is_unseen(character) and character not in _JOINING:
            borders |= {at, at + 1}
    places = sorted(borders)
    return [text[start:end] for start, end in pairwise(places)]


def _piece(sign: str) -> Piece | None:
    if sign in ("\n", "\r\n"):
        return Piece(LINE, sign)
    if all(_is_unseen(character) for character in sign):
        points = " ".join(f"U+{ord(character):04X}" for character in sign)
        return Piece(HIDDEN, points, _names(sign))
    if as_gsm7(sign) is None:
        return Piece(BEYOND, sign, _names(sign))
    return None


def _is_unseen(character: str) -> bool:
    category = unicodedata.category(character)
    return category in _UNSEEN or (category == "Zs" and character != " ")


def _names(sign: str) -> str:
    return ", ".join(unicodedata.name(character, f"U+{ord(character):04X}") for character in sign)
