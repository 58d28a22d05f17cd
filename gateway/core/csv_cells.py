"""Cells of CSV files that a spreadsheet may open.

A text that begins like a formula, or with an apostrophe, gets an apostrophe in front: so nothing is run, and
taking one away gives each cell back as it was.  Numbers stay numbers, negative ones too.
"""

from __future__ import annotations

import re

_MARKED = frozenset("=+-@\t\r\n'")
_NUMBER = re.compile(r"-\d+(\.\d+)?", re.ASCII)


def csv_cell(value: object) -> str:
    """A value as a cell; None is an empty one."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if text[:1] in _MARKED and not _NUMBER.fullmatch(text) else text
