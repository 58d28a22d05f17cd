"""A file of numbers: one in each line, in digits; empty lines and what follows # are passed over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from gateway.config.price_file import BadLine

MAX_OCTETS = 64 << 20
MAX_LINES = 2_000_000
MAX_BAD_LINES = 100
"""So many are told one by one."""
_MAX_SHOWN = 40

_NUMBER = re.compile(r"\+?([1-9][0-9]{2,19})", re.ASCII).fullmatch


class NumberFile(NamedTuple):
    """What a file of numbers says; equal when the same numbers are in the same place."""

    path: Path
    numbers: frozenset[int]
    """Their digits as whole numbers: no number begins with 0, and a million of them are half as large so."""
    bad_lines: tuple[BadLine, ...] = ()

    def __str__(self) -> str:
        return str(self.path)


def parse_numbers(path: Path, octets: bytes) -> NumberFile:
    """The numbers in a file's octets, and the lines that cannot be used."""
    if len(octets) > MAX_OCTETS:
        return _whole(path, f"is larger than {MAX_OCTETS >> 20} MiB")
    try:
        lines = octets.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        return _whole(path, "is not text in UTF-8")
    if len(lines) > MAX_LINES:
        return _whole(path, f"has {len(lines)} lines, more than {MAX_LINES}")
    numbers: set[int] = set()
    bad: list[BadLine] = []
    for place, raw in enumerate(lines, 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        found = _NUMBER(line)
        if found is not None:
            numbers.add(int(found[1]))
        else:
            shown = repr(line if len(line) <= _MAX_SHOWN else line[:_MAX_SHOWN] + "…")
            bad.append(BadLine(place, f"{shown} is no number", "write 3 to 20 digits: 79991234567"))
    if len(bad) > MAX_BAD_LINES:
        left = len(bad) - MAX_BAD_LINES
        bad[MAX_BAD_LINES:] = [
            BadLine(bad[MAX_BAD_LINES].line, f"and {left} more lines are no numbers", "correct them")
        ]
    return NumberFile(path, frozenset(numbers), tuple(bad))


def _whole(path: Path, why: str) -> NumberFile:
    return NumberFile(path, frozenset(), (BadLine(1, why, "check that this is the right file"),))
