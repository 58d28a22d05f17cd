"""Reads pages of an SQLite database as octets, believing nothing: for what SQLite itself no longer opens.

Format: https://www.sqlite.org/fileformat2.html.  Whatever does not fit raises BadPage, so that a row is read
whole or not at all.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

Value = int | float | str | bytes | None
Row = tuple[Value, ...]

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
FILE_HEADER = 100
"""Octets before the first page's own header."""
_INT_SIZES = (0, 1, 2, 3, 4, 6, 8)
_RECORD_MAX = 1 << 28


class BadPage(Exception):
    """These octets are not what they should be."""


class Cell(NamedTuple):
    """One entry of a page."""

    child: int
    """The page below with what comes before it; 0 in leaves."""
    rowid: int
    """Of tables."""
    record: bytes
    """Its values; empty in the inner pages of tables."""


class Page(NamedTuple):
    """A page of a tree."""

    kind: int
    cells: list[Cell]
    last_child: int
    """The page below with what comes after all cells; 0 in leaves."""
    broken: int
    """Cells that could not be read, and are not in `cells`."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine octets, and where the next thing begins."""
    value = 0
    for place in range(8):
        octet = data[at + place]
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            return value, at + place + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, at + 9


def read_page(data: bytes, number: int, usable: int, overflow: Callable[[int], bytes]) -> Page:
    """The cells of a page; BadPage when it is none of a tree.  `overflow` gives the page of a number."""
    start = FILE_HEADER if number == 1 else 0
    kind = data[start] if data else 0
    if kind not in (INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE):
        raise BadPage("it is no page of a tree")
    count = int.from_bytes(data[start + 3 : start + 5], "big")
    has_children = kind in (INTERIOR_INDEX, INTERIOR_TABLE)
    pointers = start + (12 if has_children else 8)
    if pointers + 2 * count > usable:
        raise BadPage("it counts more cells than it has room for")
    last_child = int.from_bytes(data[start + 8 : start + 12], "big") if has_children else 0
    cells, broken, seen = [], 0, set()
    for (at,) in struct.iter_unpack(">H", data[pointers : pointers + 2 * count]):
        try:
            if at < pointers + 2 * count or at >= usable or at in seen:
                raise BadPage("a cell is where none can be")
            seen.add(at)
            cells.append(_cell(data, at, kind, usable, overflow))
        except (BadPage, IndexError):
            broken += 1
    return Page(kind, cells, last_child, broken)


def _cell(data: bytes, at: int, kind: int, usable: int, overflow: Callable[[int], bytes]) -> Cell:
    child = rowid = 0
    if kind in (INTERIOR_INDEX, INTERIOR_TABLE):
        child, at = int.from_bytes(data[at : at + 4], "big"), at + 4
    if kind == INTERIOR_TABLE:
        return Cell(child, varint(data, at)[0], b"")
    size, at = varint(data, at)
    if not 0 < size < _RECORD_MAX:
        raise BadPage("a record of no size that can be")
    if kind == LEAF_TABLE:
        rowid, at = varint(data, at)
    most = usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23
    if size <= most:
        if at + size > usable:
            raise BadPage("a record goes beyond its page")
        return Cell(child, rowid, data[at : at + size])
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= most else least
    if at + local + 4 > usable:
        raise BadPage("a record goes beyond its page")
    following = int.from_bytes(data[at + local : at + local + 4], "big")
    return Cell(child, rowid, data[at : at + local] + _rest(size - local, following, usable, overflow))


def _rest(size: int, page: int, usable: int, overflow: Callable[[int], bytes]) -> bytes:
    """What of a long record is on pages of its own."""
    pieces, seen = [], {0}
    while size > 0:
        data = b"" if page in seen else overflow(page)
        seen.add(page)
        if len(data) < usable or not any(data):  # a wiped page looks like the last one
            raise BadPage("the rest of a record is not there")
        piece = data[4:usable][:size]
        pieces.append(piece)
        size -= len(piece)
        page = int.from_bytes(data[:4], "big")
        if any(data[4 + len(piece) : usable]):  # SQLite begins such pages with zeros
            raise BadPage("another record has its rest there")
    if page:
        raise BadPage("the rest of a record is longer than it says")
    return b"".join(pieces)


def values_of(record: bytes) -> Row:
    """The values of a record; BadPage when its octets and its header do not agree."""
    try:
        return tuple(_values(record))
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise BadPage("a record that is none") from error


def _values(record: bytes) -> list[Value]:
    body, at = varint(record, 0)
    head_end = body
    if not at <= head_end <= len(record):
        raise BadPage("a record's header goes beyond it")
    values: list[Value] = []
    while at < head_end:
        kind = record[at]
        at += 1
        if kind >= 0x80:
            kind, at = varint(record, at - 1)
        if kind >= 12:
            end = body + (kind - 12) // 2
            piece = record[body:end]
            if kind & 1 and b"\0" in piece:
                raise BadPage("a text with a zero, as of a page that was wiped")
            values.append(piece.decode() if kind & 1 else piece)
            body = end
        elif kind in (0, 8, 9):
            values.append(kind - 8 if kind else None)
        elif kind <= 6:
            end = body + _INT_SIZES[kind]
            values.append(int.from_bytes(record[body:end], "big", signed=True))
            body = end
        elif kind == 7:
            values.append(struct.unpack_from(">d", record, body)[0])
            body += 8
        else:
            raise BadPage("a value of no kind")
    if at != head_end or body != len(record):
        raise BadPage("a record that is longer or shorter than its values")
    return values
