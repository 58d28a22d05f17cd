"""Columns of many rows as PostgreSQL's binary arrays.

A batch crosses as one array for each column of a statement (`unnest` makes rows of them again),
because a value costs a tenth of a microsecond so, and several as a parameter of its own.  The layout is
that of `array_send` (PostgreSQL, arrayfuncs.c): dimensions, whether there are nulls, the
element's type, length, lower bound, and each element with its length before it, -1 for a null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any

_HEAD = Struct(">iiIii")
_LENGTH = Struct(">i")
_BIGINT = Struct(">iq")
_NULL = _LENGTH.pack(-1)


class BigintArray(bytes):
    """An array of bigint as octets."""

    oid = 1016
    element = 20


class TextArray(bytes):
    """An array of text as octets."""

    oid = 1009
    element = 25


class ByteaArray(bytes):
    """An array of bytea as octets."""

    oid = 1001
    element = 17


ARRAYS = (BigintArray, TextArray, ByteaArray)


def _head(count: int, nulls: bool, element: int) -> bytes:
    return _HEAD.pack(1, nulls, element, count, 1)


def bigint_array(values: Sequence[int | None]) -> BigintArray:
    """Whole numbers of 64 bits; struct.error for one of more."""
    pack = _BIGINT.pack
    parts = [_NULL if value is None else pack(8, value) for value in values]
    return BigintArray(_head(len(values), None in values, BigintArray.element) + b"".join(parts))


def _element(octets: bytes) -> bytes:
    return _LENGTH.pack(len(octets)) + octets


def without_null(text: str) -> str:
    """PostgreSQL's texts have no U+0000: U+FFFD stands for it."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def text_array(values: Sequence[str | None]) -> TextArray:
    """Texts; most columns have few different ones.  UnicodeEncodeError for half of a surrogate pair."""
    known = {
        value: _NULL if value is None else _element(without_null(value).encode()) for value in set(values)
    }
    return TextArray(
        _head(len(values), None in known, TextArray.element) + b"".join([known[v] for v in values])
    )


def bytea_array(values: Sequence[bytes | None]) -> ByteaArray:
    """Octets."""
    pack = _LENGTH.pack
    parts = [_NULL if value is None else pack(len(value)) + value for value in values]
    return ByteaArray(_head(len(values), None in values, ByteaArray.element) + b"".join(parts))


ENCODERS: dict[str, Callable[[Sequence[Any]], bytes]] = {
    "bigint": bigint_array,
    "text": text_array,
    "bytea": bytea_array,
}
"""By the names of types in the first line of a statement (`-- rows: bigint text`)."""


def arrays_of(types: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """One array for each column; ValueError when a row has another number of values."""
    columns = list(zip(*rows, strict=True))
    if len(columns) != len(types):
        raise ValueError(f"{len(columns)} columns instead of {len(types)}")
    return [ENCODERS[kind](column) for kind, column in zip(types, columns, strict=True)]
