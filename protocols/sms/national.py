"""GSM 7 bit with the national tables of 3GPP TS 23.038 §6.2.1.2, unpacked as everywhere here.

A locking shift table stands in the place of the default alphabet, a single shift table in that of the
extension table; the message's header names them (3GPP TS 23.040 §9.2.3.24.15 and .16). 0 is the default one
of each. The two may be of different languages. A table is compiled when it is first needed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from protocols.sms.alphabet import ESCAPE
from protocols.sms.shift_tables import LOCKING, SINGLE, cells_of
from protocols.sms.udh import LOCKING_SHIFT, SINGLE_SHIFT, Element

Tables = tuple[int, int]
"""Identifiers of the locking and of the single shift table."""

_NO_CHARACTER = "\ufffe"  # how charmap tables spell an unused position
_MARK = 0x80
_FIRST = _MARK | ESCAPE
"""The mark of the locking table's septet 0: an escape is never a character of the single shift table."""
_ONE_SEPTET = bytes((*range(_MARK), _FIRST))
_is_marked = re.compile(b"[\x80-\xff]")


class _Codec(NamedTuple):
    """See `protocols.sms.alphabet` for how marks work."""

    encoding: object  # what codecs.charmap_build gives
    marks: dict[bytes, bytes]
    locking: str
    single: dict[int, str]


@cache
def _codec(locking: int, single: int) -> _Codec:
    base = cells_of(LOCKING[locking])
    extension = {code: character for code, character in enumerate(cells_of(SINGLE[single])) if character}
    table = [_NO_CHARACTER] * 256
    # A character that both have, or one of them twice, is written in the shorter way, by the lower code: of
    # several places charmap_build takes the last.
    written: set[str] = set()
    for code, character in enumerate(base):
        if code != ESCAPE and character and character not in written:
            written.add(character)
            table[code or _FIRST] = character
    for code, character in extension.items():
        if character not in written:
            written.add(character)
            table[_MARK | code] = character
    table[0] = "\0"  # codecs builds its fast map only when position 0 is U+0000
    marks = {bytes([_MARK | code]): bytes([ESCAPE, code]) for code in extension}
    marks[bytes([_FIRST])] = b"\0"
    decoding = "".join(character or "\ufffd" for character in base) + _NO_CHARACTER * 128
    return _Codec(codecs.charmap_build("".join(table)), marks, decoding, extension)


def encode(text: str, locking: int, single: int) -> bytes | None:
    """The septets of `text`, or None when the two tables lack one of its characters."""
    codec = _codec(locking, single)
    septets = _marked(text, codec)
    if septets is None or septets.isascii():
        return septets
    return _is_marked.sub(lambda mark: codec.marks[mark[0]], septets)


def length(text: str, locking: int, single: int) -> int | None:
    """How many septets `encode` makes, at a fraction of its cost."""
    septets = _marked(text, _codec(locking, single))
    if septets is None or septets.isascii():
        return None if septets is None else len(septets)
    return len(septets) + len(septets.translate(None, _ONE_SEPTET))


def _marked(text: str, codec: _Codec) -> bytes | None:
    try:
        septets: bytes = codecs.charmap_encode(text, "strict", codec.encoding)[0]  # type: ignore[arg-type]
    except UnicodeEncodeError:
        return None
    return None if b"\0" in septets else septets  # U+0000: the map had to have it


def decode(data: bytes, locking: int, single: int) -> str:
    """The text of `data`, which may be anything.

    As 3GPP TS 23.038 §6.2.1.1 has it, an escape before a code that the single shift table lacks shows the
    locking table's character, a doubled escape or one at the end a space. A code without a character, and
    octets over 0x7F, are U+FFFD. Of tables that nobody knows the defaults are taken.
    """
    codec = _codec(locking if locking in LOCKING else 0, single if single in SINGLE else 0)
    if ESCAPE not in data:
        return codecs.charmap_decode(data, "replace", codec.locking)[0]
    pieces: list[str] = []
    position = 0
    while (escape := data.find(ESCAPE, position)) >= 0:
        pieces.append(codecs.charmap_decode(data[position:escape], "replace", codec.locking)[0])
        code = data[escape + 1] if escape + 1 < len(data) else ESCAPE
        if code == ESCAPE:
            pieces.append(" ")
        else:
            found = codec.single.get(code)
            pieces.append(found or codecs.charmap_decode(bytes((code,)), "replace", codec.locking)[0])
        position = escape + 2
    pieces.append(codecs.charmap_decode(data[position:], "replace", codec.locking)[0])
    return "".join(pieces)


def elements_of(tables: Tables) -> list[Element]:
    """The header's elements for these tables; none for the default ones."""
    locking, single = tables
    elements: list[Element] = []
    if single:
        elements.append((SINGLE_SHIFT, bytes((single,))))
    if locking:
        elements.append((LOCKING_SHIFT, bytes((locking,))))
    return elements


def tables_of(elements: Iterable[Element]) -> Tables:
    """The tables that a header names; of several the last counts, one unknown or malformed is the default."""
    locking = single = 0
    for identifier, value in elements:
        if identifier == LOCKING_SHIFT:
            locking = value[0] if len(value) == 1 and value[0] in LOCKING else 0
        elif identifier == SINGLE_SHIFT:
            single = value[0] if len(value) == 1 and value[0] in SINGLE else 0
    return locking, single


def pairs_of(languages: Sequence[int]) -> list[Tables]:
    """Every pair of tables that these languages allow, short headers first; not the default one."""
    lockings = [language for language in languages if language in LOCKING]
    alone = [(0, single) for single in languages] + [(locking, 0) for locking in lockings]
    return alone + [(locking, single) for locking in lockings for single in languages]
