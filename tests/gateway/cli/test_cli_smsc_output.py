"""What the commands show of the service's answers: to people, to programs, and in files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import CommandError
from gateway.cli.smsc import output


def test_control_and_direction_characters_are_made_visible_and_nothing_is_cut() -> None:
    assert output.visible("a\nb\x1b[2J\u202e") == "a\\nb\\x1b[2J\\u202e"
    assert output.visible("x" * 1000) == "x" * 1000


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        (0, "0"),
        ([], "-"),
        (["1", "2"], "1, 2"),
        ([{"file": "a.pdf", "fstatus": 2}], "file a.pdf fstatus 2"),
        ({"a": 1}, "a 1"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_a_cell_shows_any_value(value: object, shown: str) -> None:
    assert output.cell(value) == shown


def test_a_number_says_what_it_means() -> None:
    words = {"status": {"1": "allowed"}}
    assert output.cell(1, "status", words) == "1 allowed"
    assert output.cell("1", "status", words) == "1 allowed"
    assert output.cell(2, "status", words) == "2"
    assert output.cell(1, "id", words) == "1"


def test_a_table_is_aligned_without_tabs_and_of_full_width(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table([{"id": 1, "long_name": "x" * 300}, {"id": 22, "other": "\t"}])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "long", "name", "other"]
    assert lines[1] == f"1   {'x' * 300}  -"
    assert lines[2] == f"22  -{' ' * 299}  \\x09"


def test_a_table_has_the_columns_named_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table([{"b": 1, "a": 2, "c": 3}], ("a", "none", "b"))
    assert capsys.readouterr().out == "a  b\n2  1\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"result": "OK"}, "done\n"),
        ([], "none\n"),
        ({"id": 5, "cost": "1.40"}, "id    5\ncost  1.40\n"),
        ([{"id": 5}], "id\n5\n"),
        ("word", "word\n"),
    ],
)
def test_an_answer_is_shown_by_its_form(
    value: object, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.show(value)
    assert capsys.readouterr().out == shown


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json([{"message": "Привет\n"}])
    out = capsys.readouterr().out
    assert "Привет" in out
    assert json.loads(out) == [{"message": "Привет\n"}]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+79991234567", "'+79991234567"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-5.20", "-5.20"),
        (-3, "-3"),
        ("plain = text", "plain = text"),
        (None, ""),
        ([{"a": "=1"}], '[{"a": "=1"}]'),
    ],
)
def test_no_cell_of_a_csv_is_a_formula(value: object, written: str) -> None:
    assert output.csv_cell(value) == written


def test_csv_has_every_column_and_survives_commas_quotes_and_lines() -> None:
    text = output.csv_text([{"id": 1, "=text": 'a, "b"\nc'}, {"id": 2, "more": "x"}])
    assert list(csv.reader(io.StringIO(text))) == [
        ["id", "'=text", "more"],
        ["1", 'a, "b"\nc', ""],
        ["2", "", "x"],
    ]


def test_an_export_is_csv_or_json_by_its_name(tmp_path: Path) -> None:
    rows = [{"id": 1, "message": "=Привет"}]
    output.export(tmp_path / "a.csv", rows, force=False)
    assert (tmp_path / "a.csv").read_text("utf-8-sig") == "id,message\n1,'=Привет\n"
    output.export(tmp_path / "a.json", rows, force=False)
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == rows
    with pytest.raises(CommandError, match=r"ends in \.csv or \.json") as told:
        output.export(tmp_path / "a.xls", rows, force=False)
    assert told.value.code == 2


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"old")
    with pytest.raises(CommandError, match="is there already"):
        output.save(path, b"new", force=False)
    assert path.read_bytes() == b"old"
    output.save(path, b"new", force=True)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.pdf"]


def test_a_saved_file_is_nobody_elses_to_read(tmp_path: Path) -> None:
    output.save(tmp_path / "a.pdf", b"%PDF", force=False)
    assert stat.S_IMODE((tmp_path / "a.pdf").stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="make it first"):
        output.check_output(tmp_path / "none" / "a.csv", force=False)


SHOWN = """
import sys
from gateway.cli.smsc import output
with output.progress() as shown:
    shown.update("5 messages [red]", 0.5)
    shown.update("6 messages")
output.show_table([{"sent": "01.02.2024 10:00:00", "message": "[red]x[/red] " + "y" * 200}])
"""


def on_terminals(*streams: str) -> tuple[str, str]:
    """What SHOWN writes to the terminal, and to the streams that are none."""
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "60"}
    pipes = {name: slave if name in streams else subprocess.PIPE for name in ("stdout", "stderr")}
    done = subprocess.run([sys.executable, "-c", SHOWN], env=environment, text=True, check=True, **pipes)
    os.close(slave)
    seen = b""
    try:
        while piece := os.read(master, 65536):
            seen += piece
    except OSError:  # the other end is closed and empty
        pass
    os.close(master)
    return seen.decode(), (done.stdout or "") + (done.stderr or "")


def test_a_terminal_gets_a_table_that_fits_and_keeps_every_character() -> None:
    seen, rest = on_terminals("stdout")
    seen = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert seen.count("y") == 200
    assert "[red]x[/red]" in seen
    assert "01.02.2024 10:00:00" in seen  # short columns are not folded while there is room
    assert max(len(line) for line in seen.splitlines()) <= 60
    assert rest == ""


def test_progress_is_on_standard_error_if_that_is_a_terminal() -> None:
    seen, rest = on_terminals("stderr")
    assert "messages" in seen
    assert "y" * 200 in rest
    assert "messages" not in rest
