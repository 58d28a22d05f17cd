"""What files with something in each line have in common: price lists, lists of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MAX_OCTETS = 64 << 20
MAX_BAD_LINES = 100
"""So many are told one by one."""


class BadLine(NamedTuple):
    """A line that cannot be used: its number from 1, why, and what to write."""

    line: int
    text: str
    fix: str


def lines_of(octets: bytes, most: int) -> list[str] | BadLine:
    """A file's lines without comments (#) and the space around them; or why it is not to be read at all."""
    if len(octets) > MAX_OCTETS:
        return _whole(f"is larger than {MAX_OCTETS >> 20} MiB")
    try:
        lines = octets.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        return _whole("is not text in UTF-8")
    if len(lines) > most:
        return _whole(f"has {len(lines)} lines, more than {most}")
    return [line.partition("#")[0].strip() for line in lines]


def told(bad: Sequence[BadLine], rest: str, fix: str) -> tuple[BadLine, ...]:
    """As many as a person reads; `rest` says what the others are."""
    left = len(bad) - MAX_BAD_LINES
    if left <= 0:
        return tuple(bad)
    others = BadLine(bad[MAX_BAD_LINES].line, f"and {left} more lines {rest}", fix)
    return (*bad[:MAX_BAD_LINES], others)


def _whole(why: str) -> BadLine:
    return BadLine(1, why, "check that this is the right file")
