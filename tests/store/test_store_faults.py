"""What the writing process makes of errors that SQLite meets while it runs."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from gateway_fakes import NOW_MS, message

from gateway.core.batch import Batch
from gateway.core.model import Progress
from gateway.store import sqlite_open
from gateway.store.apply import Applier
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, StoreError, StoreUnready, open_writer, write_log_again
from gateway.store.sqlite_writer import _answer, _failure


def error_of(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = getattr(sqlite3, name)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "fatal", "damaged"),
    [
        ("SQLITE_FULL", False, False),
        ("SQLITE_IOERR_WRITE", False, False),  # a quota, or a limit of the file
        ("SQLITE_IOERR_FSYNC", True, False),
        ("SQLITE_IOERR_SHMSIZE", True, False),  # it comes after the commit has been written
        ("SQLITE_IOERR_READ", True, False),
        ("SQLITE_CORRUPT", True, True),
        ("SQLITE_CORRUPT_INDEX", True, True),
        ("SQLITE_NOTADB", True, True),
        ("SQLITE_BUSY", True, False),
    ],
)
def test_g7_what_an_error_means(name: str, fatal: bool, damaged: bool) -> None:
    answer = _failure(error_of(name), in_transaction=False)
    assert (answer.error, answer.fatal, answer.damaged) == (f"words ({name})", fatal, damaged)


def test_g7_what_cannot_be_undone_is_the_end() -> None:
    assert _failure(error_of("SQLITE_FULL"), in_transaction=True).fatal


def test_what_python_itself_refuses_is_the_end() -> None:
    answer = _failure(sqlite3.ProgrammingError("Cannot operate on a closed database."), in_transaction=False)
    assert answer.fatal
    assert "ProgrammingError" in answer.error


def _full_store(folder: Path) -> Applier:
    applier = Applier(SqliteDatabase(open_writer(folder / FILE_NAME)), NOW_MS)
    applier.db.connection.execute("PRAGMA max_page_count = 1")  # no room for another page
    return applier


def test_d1_a_real_error_of_room_undoes_the_batch_alone(tmp_path: Path) -> None:
    applier = _full_store(tmp_path)
    large = Batch(accepted=[(*message(1, user_data=b"x" * 200_000), Progress.QUEUED.value)])
    answer = _answer(applier, large)
    assert (answer.error, answer.fatal) == ("database or disk is full (SQLITE_FULL)", False)
    applier.db.connection.execute("PRAGMA max_page_count = 1000000")
    assert _answer(applier, Batch(accepted=[(*message(2), Progress.QUEUED.value)])).error == ""
    assert applier.db.connection.execute("SELECT message_id FROM message").fetchall() == [(2,)]
    applier.db.connection.close()


def test_an_empty_batch_shows_whether_the_store_can_write(tmp_path: Path) -> None:
    applier = Applier(SqliteDatabase(open_writer(tmp_path / FILE_NAME)), NOW_MS)
    before = applier.db.connection.total_changes
    assert _answer(applier, Batch()).error == ""
    assert applier.db.connection.total_changes > before
    applier.db.connection.close()


# -- at the start -----------------------------------------------------------------------------------


def _killed_store(folder: Path) -> Path:
    """A store with a log, as a kill leaves it; the log's path."""
    connection = open_writer(folder / "first" / FILE_NAME)
    applier = Applier(SqliteDatabase(connection), NOW_MS)
    assert not _answer(applier, Batch(accepted=[(*message(1), Progress.QUEUED.value)])).error
    for suffix in ("", "-wal"):
        left = (folder / "first" / f"{FILE_NAME}{suffix}").read_bytes()
        (folder / f"{FILE_NAME}{suffix}").write_bytes(left)
    connection.close()
    return folder / f"{FILE_NAME}-wal"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "first").mkdir()
    return _killed_store(tmp_path)


def test_p2_a_log_that_was_left_is_written_again_and_synced(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str]] = []
    pwrite, fsync = os.pwrite, os.fsync

    def name(descriptor: int) -> str:
        return Path(os.readlink(f"/proc/self/fd/{descriptor}")).name

    def write(descriptor: int, octets: bytes, at: int) -> int:
        calls.append(("pwrite", name(descriptor)))
        return pwrite(descriptor, octets, at)

    def sync(descriptor: int) -> None:
        calls.append(("fsync", name(descriptor)))
        fsync(descriptor)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "fsync", sync)
    before = log.read_bytes()
    write_log_again(log)
    assert log.read_bytes() == before
    assert calls == [("pwrite", log.name), ("fsync", log.name)]

    calls.clear()
    connection = open_writer(log.with_name(FILE_NAME))
    assert calls == [("pwrite", log.name), ("fsync", log.name)]
    assert connection.execute("SELECT message_id FROM message").fetchall() == [(1,)]
    connection.close()


def test_p2_a_disk_that_does_not_take_the_log_is_another_starts_matter(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreUnready, match="Input/output error"):
        open_writer(log.with_name(FILE_NAME))


def test_a_start_without_room_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_full(path: Path) -> None:
        raise error_of("SQLITE_FULL")

    monkeypatch.setattr(sqlite_open, "make_store", is_full)
    with pytest.raises(StoreUnready, match="look at the disk"):
        open_writer(tmp_path / FILE_NAME)


def test_damage_is_no_matter_of_another_start(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"x" * 8192)
    with pytest.raises(StoreError) as caught:
        open_writer(tmp_path / FILE_NAME)
    assert not isinstance(caught.value, StoreUnready)
