"""smsc-gateway export, statistics and erase: what they make of the gateway's answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import CommandError, erase, export, statistics
from gateway.cli.export_columns import COLUMNS
from gateway.store.reader_history import COLUMNS as STORED
from gateway.store.reader_history import TEXT_COLUMNS
from gateway.translate.stored_text import readable
from protocols.sms import udh

ROW = {
    "message_id": "912345678901234567",
    "account": "=cmd",
    "accepted_ms": 1_750_000_000_007,
    "source": "Example",
    "destination": "79990001234",
    "segments": 2,
    "connector": "one",
    "submitted_ms": None,
    "upstream_id": None,
    "state": 2,
    "error": "000",
    "done_ms": 1_750_000_001_250,
    "retries": 0,
    "origin": 1,
    "route": "",
    "client_id": "-1+1",
    "amount": 90_000,
}
RECORD = {
    "message_id": "912345678901234567",
    "account": "'=cmd",
    "accepted": "2025-06-15T15:06:40.007Z",
    "from": "Example",
    "to": "79990001234",
    "segments": "2",
    "connector": "one",
    "route": "",
    "submitted": "",
    "upstream_id": "",
    "state": "DELIVERED",
    "error": "000",
    "done": "2025-06-15T15:06:41.250Z",
    "retries": "0",
    "origin": "mail",
    "client_id": "'-1+1",
    "amount": "0.09",
}


class Daemon:
    """Answers what a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.dies = False

    def __call__(self, state_dir: Path, command: str, **request: Any) -> Iterator[dict[str, Any]]:
        self.asked.append({"command": command, **request})
        yield from self.answers
        if self.dies:
            raise CommandError("the gateway ended before it had answered all; this is not the whole")


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    found = Daemon()
    for module in (erase, export, statistics):
        monkeypatch.setattr(module, "ask_many", found)
    return found


def exporting(daemon: Daemon, count: int = 1, text: bytes | None = None) -> None:
    columns = STORED + (() if text is None else TEXT_COLUMNS)
    row = [*ROW.values(), *([] if text is None else [0, 0, text.hex()])]
    daemon.answers = [{"columns": columns, "first": 1, "last": 9}, {"rows": [row] * count, "upto": 9}]


def test_a_row_becomes_a_line(daemon: Daemon, tmp_path: Path) -> None:
    exporting(daemon, 3)
    file = tmp_path / "x.csv"
    assert main(["export", "--output", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith("\ufeffmessage_id,")
    assert list(csv.DictReader(io.StringIO(text[1:], newline=""))) == [RECORD] * 3
    assert tuple(RECORD) == COLUMNS


def test_columns_and_json_lines(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    exporting(daemon, 2, "=€".encode())
    daemon.answers[1]["rows"][0][-1] = b"=1".hex()
    assert main(["export", "--json", "--text", "--columns", "to,text,amount"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"to": "79990001234", "text": "=1", "amount": "0.09"}
    assert daemon.asked[0]["text"] is True


def test_what_is_asked_for(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    exporting(daemon)
    words = [
        "--account",
        "app",
        "--connector",
        "one",
        "--number",
        "+79990001234",
        "--state",
        "delivered, EXPIRED",
    ]
    assert main(["export", "--from", "1970-01-02T00:00+00:00", "--to", "1970-01-03T00:00+00:00", *words]) == 0
    (asked,) = daemon.asked
    assert asked == {
        "command": "export",
        "from_ms": 86_400_000,
        "to_ms": 2 * 86_400_000,
        "account": "app",
        "connector": "one",
        "number": "79990001234",
        "states": ["DELIVERED", "EXPIRED"],
        "text": False,
    }


def test_a_half_export_has_no_name(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exporting(daemon)
    daemon.dies = True
    file = tmp_path / "x.csv"
    file.write_text("old")
    assert main(["export", "--output", str(file), "--force"]) == 1
    assert "this is not the whole" in capsys.readouterr().err
    assert file.read_text() == "old"
    daemon.dies = False
    assert main(["export", "--output", str(file), "--force"]) == 0
    assert file.read_text() != "old"
    assert [it.name for it in tmp_path.iterdir()] == ["x.csv"]


def test_a_file_that_cannot_be_written(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exporting(daemon)
    assert main(["export", "--output", str(tmp_path / "none" / "x.csv")]) == 1
    assert "cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("esm_class", "data_coding", "data", "text"),
    [
        (0, 0, b"\x1be1", "€1"),
        (0, 8, "Привет".encode("utf-16-be"), "Привет"),
        (0, 4, b"\x00\xff", "00ff"),
        (0x40, 0, udh.build([udh.concatenation_element(1, 2, 1)]) + b"part", "part"),
        (0x40, 0, b"\x09", "09"),
        (0, 0, b"", ""),
    ],
)
def test_texts(esm_class: int, data_coding: int, data: bytes, text: str) -> None:
    assert readable(esm_class, data_coding, data) == text


# -- statistics --------------------------------------------------------------------------------------


def test_statistics_as_a_table_json_and_csv(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers = [{"rows": [[0, "=app", 2, 3, 4, 1_500_000]]}, {"rows": [[1, "app", 1, 1, 1, 0]]}]
    words = ["statistics", "--from", "1970-01-01", "--to", "1970-01-02", "--by", "state,day,account"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [
        "day         account  state      messages  segments  amount",
        "1970-01-01  =app     DELIVERED  3         4         1.50",
        "1970-01-02  app      ENROUTE    1         1         0.00",
    ]
    assert daemon.asked == [
        {"command": "statistics", "from_day": 0, "to_day": 1, "by": ["state", "day", "account"]}
    ]
    assert main([*words, "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "1970-01-01,'=app,DELIVERED,3,4,1.50"
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["account"] == "=app"


def test_nothing_was_sent(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["statistics"]) == 0
    assert capsys.readouterr().out == "none\n"
    assert daemon.asked[0]["to_day"] - daemon.asked[0]["from_day"] == 6


# -- erase -------------------------------------------------------------------------------------------

ROWS = {"live": 2, "history": 3, "mail_recipient": 1, "letter": 0, "blacklist": 1, "contact": 3}
KEPT_ROWS = {"live": 2, "blacklist": 1, "contact": 3, "record": 0}


def test_erase_says_what_is_gone_and_what_is_kept(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers = [{"rows": {"live": 2}, "done": False}, {"rows": ROWS, "done": True}]
    assert main(["erase", "--number", "+7 (999) 000-12-34", "--yes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["history          3", "mail recipient   1", "erased: 4 rows"]
    assert lines[3].startswith("kept: 2 messages that have not ended")
    assert lines[4].startswith("kept: 1 entries of blacklists")
    assert lines[5].startswith("kept: 3 entries of address books")
    assert len(lines) == 6
    assert daemon.asked == [{"command": "erase", "number": "79990001234"}]


def test_erase_asks_first(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    daemon.answers = [{"rows": ROWS, "done": True}]
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(["erase", "--number", "79990001234"]) == 1
    assert "nothing was erased" in capsys.readouterr().err
    assert daemon.asked == []
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(["erase", "--number", "79990001234", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("] ")[-1])["kept"] == KEPT_ROWS


def test_an_erasure_that_ended_early_is_no_success(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers = [{"rows": {"live": 0}, "done": False}]
    assert main(["erase", "--number", "79990001234", "--yes"]) == 1
    assert "ask for it again" in capsys.readouterr().err
