"""smsc-gateway blacklist: what it refuses before it asks the gateway, and which numbers a file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.cli import CommandError
from gateway.cli.blacklist import _read


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add"], "name the numbers: smsc-gateway blacklist add NUMBER"),
        (["remove"], "name the numbers: smsc-gateway blacklist remove NUMBER"),
        (["add", "nobody"], "'nobody' is no number: 3 to 15 digits, with or without + or 00"),
        (["add", "12"], "'12' is no number: 3 to 15 digits, with or without + or 00"),
        (
            ["remove", "7999000000100000"],
            "'7999000000100000' is no number: 3 to 15 digits, with or without + or 00",
        ),
        (["list", "79990000001", "79990000002"], "list takes one NUMBER"),
        (["list", "--limit", "0"], "--limit must be above 0"),
        (["export", "79990000001"], "export takes no NUMBER or FILE; it prints the list"),
        (["import"], "name one file: smsc-gateway blacklist import FILE"),
        (["import", "a", "b"], "name one file: smsc-gateway blacklist import FILE"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blacklist", *arguments]) == 2
    assert capsys.readouterr().err == f"smsc-gateway blacklist: {told}\n"


def test_numbers_of_a_file_each_once_in_order(tmp_path: Path) -> None:
    file = tmp_path / "stop.csv"
    file.write_text(
        "\ufeff# a list\n\n+7 (999) 000-00-01;Example\n79990000001\n8080\t# a short code\n79990000002,\n"
        "00 7 999 000-00-01\n0079990000003\n",
        "utf-8",
    )
    assert _read(file) == ["79990000001", "8080", "79990000002", "79990000003"]


def test_bad_lines_are_told_ten_at_the_most(tmp_path: Path) -> None:
    file = tmp_path / "stop.txt"
    file.write_text("79990000001\n" + "x\n" * 20)
    with pytest.raises(CommandError) as caught:
        _read(file)
    lines = str(caught.value).split("\n")
    assert lines[0] == f"{file}:2: 'x' is no number"
    assert len(lines) == 11
    assert lines[-1].startswith("nothing was imported")


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "stop.txt"
    file.write_bytes(b"7999\xff\n")
    with pytest.raises(CommandError, match=r"is no text in UTF-8"):
        _read(file)
    with pytest.raises(CommandError, match=r"cannot be read: Is a directory"):
        _read(tmp_path)
