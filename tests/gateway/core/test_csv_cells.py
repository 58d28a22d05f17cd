"""Cells of CSV files: harmless in a spreadsheet, and what they were for everybody else."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.csv_cells import csv_cell

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


def plain(cell: str) -> str:
    """What was written, of a cell that is no negative number."""
    return cell.removeprefix("'")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=SUM(A1)", "'=SUM(A1)"),
        ("+7999", "'+7999"),
        ("-cmd", "'-cmd"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("'x", "''x"),
        ("79990000001", "79990000001"),
        (-5, "-5"),
        ("-5.25", "-5.25"),
        ("-5-5", "'-5-5"),
        (None, ""),
        ("a=b", "a=b"),
    ],
)
def test_security_66_cells(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


@given(st.lists(st.lists(TEXTS, min_size=1), min_size=1))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([csv_cell(text) for text in row] for row in rows)
    file.seek(0)
    assert [[plain(cell) for cell in row] for row in csv.reader(file)] == rows


@given(TEXTS)
def test_security_66_no_cell_begins_like_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert not cell.startswith(("=", "+", "@", "\t", "\r"))
    assert not cell.startswith("-") or cell[1:].replace(".", "", 1).isdecimal()
