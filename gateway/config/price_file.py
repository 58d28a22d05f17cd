"""A price list's CSV file: `prefix,price` in each line, as an operator's price list is exported.

Prices are read as decimals and kept as whole millionths, so nothing is rounded.  Every line that cannot be
used is told, because a price that is left out in silence is found out by whoever pays it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.config.line_file import BadLine, lines_of, told

MILLIONTHS = 1_000_000
"""Of a currency's unit; all amounts of money are whole numbers of them."""
MAX_LINES = 1_000_000
MAX_LINE = 100
"""Characters."""
MAX_PRICE = 1_000_000

_LINE = re.compile(r"\+?([0-9]{0,20})[ \t]*,[ \t]*([0-9]{1,7})(?:\.([0-9]{1,6}))?", re.ASCII).fullmatch
_TOO_EXACT = re.compile(r"[^,]*,[ \t]*[0-9]+\.[0-9]{7,}", re.ASCII).fullmatch
_COMMA = re.compile(r"[^,;]*[;,][ \t]*[0-9]+,[0-9]+", re.ASCII).fullmatch
_HEADER = re.compile(r"prefix[ \t]*,[ \t]*price", re.IGNORECASE).fullmatch
_FIX = "write the first digits, a comma and the price: 7916,0.045"


class PriceFile(NamedTuple):
    """What a price list's file says; equal when the same prices are in the same place."""

    path: Path
    prices: Mapping[str, int]
    """Millionths by prefix."""
    bad_lines: tuple[BadLine, ...] = ()

    def __str__(self) -> str:
        return str(self.path)


def parse_prices(path: Path, octets: bytes) -> PriceFile:
    """The prices in a file's octets; empty lines, comments (#) and a first line of names are passed over."""
    lines = lines_of(octets, MAX_LINES)
    if isinstance(lines, BadLine):
        return PriceFile(path, {}, (lines,))
    prices: dict[str, int] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        if not line or (number == 1 and _HEADER(line)):
            continue
        found = _LINE(line)
        if found is None:
            bad.append(_bad_line(number, line))
            continue
        prefix, whole, rest = found.groups("")
        price = int(whole) * MILLIONTHS + int(rest.ljust(6, "0"))
        if price > MAX_PRICE * MILLIONTHS:
            bad.append(BadLine(number, f"the price {whole} is out of range", f"write 0 to {MAX_PRICE}"))
        elif prefix in prices:
            bad.append(BadLine(number, f"the prefix {prefix or '(empty)'} has a price already", "keep one"))
        else:
            prices[prefix] = price
    return PriceFile(path, prices, told(bad, "cannot be used", _FIX))


def _bad_line(number: int, line: str) -> BadLine:
    shown = repr(line if len(line) <= MAX_LINE else line[:MAX_LINE] + "…")
    if _TOO_EXACT(line):
        return BadLine(number, f"{shown} has more than six decimals", "round the price to six")
    if _COMMA(line):
        return BadLine(number, f"{shown} has a decimal comma", "write a point: 7916,0.045")
    return BadLine(number, f"{shown} is no prefix and price", _FIX)
