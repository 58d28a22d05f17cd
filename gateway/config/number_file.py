"""A file of numbers: one in each line, in digits; empty lines and what follows # are passed over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from gateway.config.line_file import BadLine, lines_of, told

MAX_LINES = 2_000_000
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
    lines = lines_of(octets, MAX_LINES)
    if isinstance(lines, BadLine):
        return NumberFile(path, frozenset(), (lines,))
    numbers: set[int] = set()
    bad: list[BadLine] = []
    for place, line in enumerate(lines, 1):
        if not line:
            continue
        found = _NUMBER(line)
        if found is not None:
            numbers.add(int(found[1]))
        else:
            shown = repr(line if len(line) <= _MAX_SHOWN else line[:_MAX_SHOWN] + "…")
            bad.append(BadLine(place, f"{shown} is no number", "write 3 to 20 digits: 79991234567"))
    return NumberFile(path, frozenset(numbers), told(bad, "are no numbers", "correct them"))
