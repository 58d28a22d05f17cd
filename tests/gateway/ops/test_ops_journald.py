"""Entries for systemd's journal, over a socket of its kind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ops import journald
from gateway.ops.journald import Journald, is_stderr


@pytest.fixture
def server(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "journal"))
        listening.settimeout(30)
        yield listening


def test_an_entry_is_one_datagram_with_a_line_for_each_field(server: socket.socket, tmp_path: Path) -> None:
    journal = Journald(str(tmp_path / "journal"))
    assert journal.write({"MESSAGE": "ready boot=1", "PRIORITY": "6", "SMSC_EVENT": "ready", "SMSC_X": "é=1"})
    assert server.recv(4096).decode() == "MESSAGE=ready boot=1\nPRIORITY=6\nSMSC_EVENT=ready\nSMSC_X=é=1\n"
    assert journal.write({"MESSAGE": "again"})
    assert server.recv(4096) == b"MESSAGE=again\n"
    journal.close()


def test_no_journal_takes_nothing_and_one_that_comes_later_does(tmp_path: Path) -> None:
    journal = Journald(str(tmp_path / "journal"))
    assert not journal.write({"MESSAGE": "x"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "journal"))
        assert journal.write({"MESSAGE": "x"})
    journal.close()


def test_a_journal_without_room_is_not_waited_for(server: socket.socket, tmp_path: Path) -> None:
    journal = Journald(str(tmp_path / "journal"))
    taken = [journal.write({"MESSAGE": "x" * 1000}) for _ in range(5000)]
    assert taken[0] and not taken[-1]
    journal.close()


def test_standard_error_is_the_journals_when_systemd_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stderr").open("w") as file:
        monkeypatch.setattr(journald, "STDERR", file.fileno())
        found = os.fstat(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert is_stderr()
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + 1}")
        assert not is_stderr()  # it was redirected since
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not is_stderr()
