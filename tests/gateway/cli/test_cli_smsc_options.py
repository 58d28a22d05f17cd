"""What is typed for `smsc-gateway smsc` becomes the texts that the service wants."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli import CommandError
from gateway.cli.smsc import options
from gateway.cli.smsc.options import Option

OPTIONS = (
    Option("WHO", "who", "", "many", required=True),
    Option("--word", "word", ""),
    Option("--format", "format", "", "flag", value="8"),
    Option("--may-send", "fl[1]", "", "switch"),
    Option("--day", "day", "", "date"),
    Option("--at", "time", "", "moment"),
    Option("--count", "cnt", "", "count"),
    Option("--repeat", "rpt", "", choices={"never": "0", "daily": "2"}),
    Option("--password-file", "password", "", "secret"),
    Option("--file", "file", "", "file"),
    Option("--output", "", "", "path"),
    Option("--one", "one", "", exclusive="x"),
    Option("--other", "other", "", exclusive="x"),
)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add(parser, OPTIONS)
    return parser.parse_args(["me", *words])


def given(*words: str) -> dict[str, str]:
    found = options.parameters(OPTIONS, parsed(*words))
    del found["who"]
    return found


def test_what_is_not_given_is_not_sent() -> None:
    assert options.parameters(OPTIONS, parsed()) == {"who": "me"}


def test_several_are_joined_by_commas() -> None:
    assert options.parameters(OPTIONS, parsed("you", "they")) == {"who": "me,you,they"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--word", ""], {"word": ""}),  # empties what is there
        (["--format"], {"format": "8"}),
        (["--may-send"], {"fl[1]": "1"}),
        (["--no-may-send"], {"fl[1]": "0"}),
        (["--day", "2024-02-01"], {"day": "01.02.2024"}),
        (["--day", "01.02.2024"], {"day": "01.02.2024"}),
        (["--count", "007"], {"cnt": "7"}),
        (["--repeat", "daily"], {"rpt": "2"}),
        (["--at", "+30"], {"time": "+30"}),
        (["--at", "10-18"], {"time": "10-18"}),
        (["--at", "3112241800"], {"time": "3112241800"}),
        (["--at", "31.12.24 18:00"], {"time": "31.12.24 18:00"}),
        (["--at", "2024-12-31T18:00+03:00"], {"time": "01735657200"}),
        (["--output", "x.csv"], {}),
    ],
)
def test_a_typed_value_becomes_the_services(words: list[str], expected: dict[str, str]) -> None:
    assert given(*words) == expected


def test_a_time_without_zone_is_the_machines() -> None:
    timestamp = int(given("--at", "2024-12-31 18:00")["time"])
    assert datetime.fromtimestamp(timestamp, UTC).astimezone().strftime("%H:%M") == "18:00"


@pytest.mark.parametrize(
    "words",
    [
        ["--day", "2024-13-01"],
        ["--day", "tomorrow"],
        ["--at", "2024-12-31T25:00"],
        ["--count", "0"],
        ["--count", "-1"],
        ["--count", "٣"],
        ["--repeat", "sometimes"],
        ["--one", "1", "--other", "2"],
    ],
)
def test_what_is_none_of_its_kind_is_wrong_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parsed(*words)
    assert left.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_a_secret_comes_from_a_file_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("Pass word-1\n")
    assert given("--password-file", str(path)) == {"password": "Pass word-1"}
    for content in ("", "two\nlines\n"):
        path.write_text(content)
        with pytest.raises(CommandError, match="must hold one line") as told:
            given("--password-file", str(path))
        assert told.value.code == 2


def test_files_go_along_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"\0sound")
    (tmp_path / "b.txt").write_bytes(b"text")
    args = parsed("--file", str(tmp_path / "a.wav"), "--file", str(tmp_path / "b.txt"))
    assert options.uploads(OPTIONS, args) == [("a.wav", b"\0sound"), ("b.txt", b"text")]
    assert "file" not in options.parameters(OPTIONS, args)


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file") as told:
        options.read_octets(tmp_path / "none")
    assert told.value.code == 2


def test_text_is_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("\ufeffПривет".encode())
    assert options.read_text(path) == "Привет"
    path.write_bytes("Привет".encode("cp1251"))
    with pytest.raises(CommandError, match="save it as UTF-8"):
        options.read_text(path)
