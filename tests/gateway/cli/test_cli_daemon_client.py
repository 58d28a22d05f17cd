"""How the daemon's answers are shown on a terminal."""

from __future__ import annotations

import fcntl
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import CommandError, daemon_client
from gateway.cli.daemon_client import ask, moment, table
from gateway.ops.control import SOCKET_NAME


def test_an_answer_without_an_end_is_not_read_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_client, "LINE_MAX", 1000)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET_NAME))
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as channel:
                channel.sendall(b"1" * 1001)
                channel.recv(100)
                channel.recv(1)  # until the other end has left

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(CommandError, match="no end"):
            ask(tmp_path, "status")
        thread.join()


def test_a_gateway_that_has_no_socket_yet_is_not_called_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no gateway is running"):
        ask(tmp_path, "status")
    (tmp_path / "lock").touch()
    with pytest.raises(CommandError, match="no gateway is running"):
        ask(tmp_path, "status")
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="does not answer: it is starting, or stopping"):
            ask(tmp_path, "status")


def test_columns_are_aligned_and_times_are_readable() -> None:
    rows: list[dict[str, Any]] = [
        {"message_id": "7", "since_ms": 0, "state": "HELD"},
        {"message_id": "123", "since_ms": None, "state": "x"},
    ]
    assert table(rows).splitlines() == [
        "message_id  since  state",
        "7           -      HELD",
        "123         -      x",
    ]
    assert table([]) == "none"
    assert len(moment(1_750_000_000_123)) == len("2025-06-15 15:06:40.123")
    assert moment(1_750_000_000_123).endswith(":40.123")


def test_security_72_what_an_smsc_wrote_cannot_drive_the_terminal() -> None:
    shown = table([{"upstream_id": "1\x1b[2J\n2\u202e"}])
    assert shown.splitlines() == ["upstream_id", "1\\x1b[2J\\x0a2\\u202e"]


def test_a_table_has_a_dash_where_there_is_nothing_to_say() -> None:
    shown = table([{"address": "a", "bad": 0}, {"address": "b", "bad": None}])
    assert [line.split() for line in shown.splitlines()] == [
        ["address", "bad"],
        ["a", "0"],
        ["b", "-"],
    ]
