"""Files of numbers: what a line may be, what is told of others, and that nothing in a file can do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import line_file, number_file
from gateway.config.number_file import parse_numbers

PATH = Path("vip.txt")


def test_numbers_stand_one_a_line_with_comments() -> None:
    found = parse_numbers(PATH, "\ufeff# vip\r\n79991234567\r\n\n +4915112345678 # ours\n112\n".encode())
    assert found.numbers == {79991234567, 4915112345678, 112}
    assert (found.bad_lines, str(found)) == ((), "vip.txt")


@pytest.mark.parametrize("line", ["0123", "12", "7 999", "abc", "1" * 21, "79991234567,1", "٣٤٥", "++7999"])
def test_what_is_no_number_is_told_with_its_line(line: str) -> None:
    found = parse_numbers(PATH, f"79991234567\n{line}\n".encode())
    assert found.numbers == {79991234567}
    ((number, text, fix),) = found.bad_lines
    assert (number, fix) == (2, "write 3 to 20 digits: 79991234567")
    assert text.endswith("is no number")


def test_of_many_bad_lines_the_first_are_told() -> None:
    found = parse_numbers(PATH, b"x\n" * 250)
    assert len(found.bad_lines) == line_file.MAX_BAD_LINES + 1
    assert found.bad_lines[-1].text == "and 150 more lines are no numbers"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"7999\n" * 3, "has 4 lines, more than 2"),
        (b"#" * 30, "is larger than"),
    ],
)
def test_a_file_that_is_none_is_told_as_a_whole(
    octets: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_file, "MAX_LINES", 2)
    monkeypatch.setattr(line_file, "MAX_OCTETS", 20)
    found = parse_numbers(PATH, octets)
    assert not found.numbers
    assert [line.text.startswith(why) for line in found.bad_lines] == [True]


@given(st.binary(max_size=200) | st.text("0123456789+#\n\r x", max_size=200).map(str.encode))
def test_whatever_the_file_holds_there_is_an_answer(octets: bytes) -> None:
    found = parse_numbers(PATH, octets)
    assert all(10**2 <= number < 10**20 for number in found.numbers)
    assert all(bad.text.isprintable() for bad in found.bad_lines)
