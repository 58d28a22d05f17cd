"""What can be read of a damaged store: by pages, by the log, and what is said of the rest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_support import SqliteEngine, Store, receipt

from gateway.core.model import Progress
from gateway.store.btree_pages import BadPage, _rest
from gateway.store.salvaged import Report, salvage
from gateway.store.shapes import shapes_of
from gateway.store.sqlite_open import FILE_NAME, StoreError, migrations, open_writer
from gateway.store.wal_file import HEADER, _checksum, read_log

PAGE = 4096
TABLES = [
    shape.name
    for shape in shapes_of(migrations()[-1][0]).values()
    if shape.is_table and shape.name != "sqlite_sequence"
]


def rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A store that was closed: 600 messages wait, 30 are at the SMSC, 10 have ended."""
    engine = SqliteEngine(tmp_path)
    store = Store(engine)
    store.queue(*(message(n, user_data=b"%d" % n * 40) for n in range(1000, 1600)))
    store.queue(message(1600, user_data=b"long" * 5000))
    for n in range(1, 31):
        store.sent(n, f"A{n}")
    store.apply(receipts=[receipt(f"A{n}") for n in range(1, 11)])
    engine.close()
    return tmp_path / FILE_NAME


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """A store as a kill leaves it: twenty commits are only in the log."""
    (tmp_path / "killed").mkdir()
    engine = SqliteEngine(tmp_path)
    store = Store(engine)
    engine.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for n in range(1, 21):
        store.queue(message(n))
    for suffix in ("", "-wal"):
        name = FILE_NAME + suffix
        (tmp_path / "killed" / name).write_bytes((tmp_path / name).read_bytes())
    engine.close()
    return tmp_path / "killed" / FILE_NAME


def spoil(path: Path, at: int, octets: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + len(octets)] = octets
    path.write_bytes(content)


def leaf_of(path: Path, table: str) -> int:
    """A page with rows of a table, by SQLite's own word."""
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    content = path.read_bytes()
    kind = content[(root - 1) * PAGE]
    first = (root - 1) * PAGE + 12
    at = (root - 1) * PAGE + int.from_bytes(content[first : first + 2], "big")
    return root if kind in (10, 13) else int.from_bytes(content[at : at + 4], "big")


def recovered(path: Path, **options: bool) -> tuple[Path, Report]:
    new = path.with_name("new")
    return new, salvage(path, new, NOW_MS, lambda _, __: None, **options)


def test_of_a_sound_store_everything_is_read(damaged: Path) -> None:
    new, report = recovered(damaged)
    for table in TABLES:
        assert rows(new, table) == rows(damaged, table), table
    assert report.is_whole
    assert (report.held, report.lost_messages) == (0, [])


def test_what_is_only_in_the_log_is_read(logged: Path) -> None:
    new, report = recovered(logged)
    assert [row[0] for row in rows(new, "message")] == [*range(1, 21)]
    assert report.is_whole


def test_a_wiped_page_loses_its_rows_and_indexes_name_them(damaged: Path) -> None:
    before = {row[0] for row in rows(damaged, "message")}
    spoil(damaged, (leaf_of(damaged, "message") - 1) * PAGE, bytes(PAGE))
    new, report = recovered(damaged)
    there = {row[0] for row in rows(new, "message")}
    assert there < before
    assert len(there) > 500
    # those that went straight up are not in the indexes of what waits, but in `submission`
    assert set(report.lost_messages) == before - there
    assert report.tables["message"]["broken_pages"] == 1
    assert report.ranges["message"]


def test_rows_below_a_broken_page_are_known_by_what_they_are(damaged: Path) -> None:
    before = rows(damaged, "message")
    with closing(sqlite3.connect(damaged)) as connection:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'message'"
        (root,) = connection.execute(sql).fetchone()
    spoil(damaged, (root - 1) * PAGE, bytes(PAGE))
    new, report = recovered(damaged)
    assert rows(new, "message") == before
    assert report.tables["message"]["found_elsewhere"] == len(before)


@pytest.mark.parametrize("size", [100, PAGE])
def test_without_a_header_or_a_schema_the_rows_are_there(damaged: Path, size: int) -> None:
    before = {table: rows(damaged, table) for table in ("message", "submission", "history")}
    spoil(damaged, 0, bytes(size))
    new, _ = recovered(damaged)
    assert {table: rows(new, table) for table in before} == before


def test_the_rest_of_a_long_text_that_was_wiped_is_not_made_up(damaged: Path) -> None:
    content = damaged.read_bytes()
    at = content.index(b"long" * 1000) // PAGE * PAGE
    spoil(damaged, at, bytes(PAGE))
    new, report = recovered(damaged)
    assert 1600 not in {row[0] for row in rows(new, "message")}
    assert 1600 in report.lost_messages


def test_what_went_up_without_a_record_is_held_and_listed(damaged: Path) -> None:
    spoil(damaged, (leaf_of(damaged, "submission") - 1) * PAGE, bytes(PAGE))
    new, report = recovered(damaged)
    with closing(open_writer(new)) as connection:
        held = {row[0] for row in connection.execute("SELECT message_id FROM message WHERE progress = 2")}
        listed = {row[0] for row in connection.execute("SELECT message_id FROM ambiguous")}
    assert held == listed
    assert len(held) == report.held > 600  # what waits may have been sent too: its record would be gone


def test_what_waits_goes_on_where_records_of_sending_are_whole(damaged: Path) -> None:
    spoil(damaged, (leaf_of(damaged, "message") - 1) * PAGE, bytes(PAGE))
    new, report = recovered(damaged)
    with closing(sqlite3.connect(new)) as connection:
        found = {row[0] for row in connection.execute("SELECT DISTINCT progress FROM message")}
    assert Progress.QUEUED in found
    assert Progress.HELD not in found
    assert report.held == 0


def test_everything_is_held_when_a_person_says_so(damaged: Path) -> None:
    _, report = recovered(damaged, hold=True)
    assert report.held == 601


def test_no_id_is_given_again_after_a_loss(damaged: Path) -> None:
    highest = max(row[0] for row in rows(damaged, "delivery"))
    spoil(damaged, (leaf_of(damaged, "delivery") - 1) * PAGE, bytes(PAGE))
    new, _ = recovered(damaged)
    (sequence,) = (seq for name, seq in rows(new, "sqlite_sequence") if name == "delivery")
    assert sequence > highest


# -- the log -------------------------------------------------------------------------------------------


def test_a_log_that_is_broken_before_its_last_commits_is_damage(logged: Path) -> None:
    log = logged.with_name(FILE_NAME + "-wal")
    spoil(log, 32 + 24 + 100, b"\xa5" * 8)
    assert read_log(log).damage == "the log is broken before its last commits"
    with pytest.raises(StoreError, match=r"is damaged \(the log is broken .* smsc-gateway recover"):
        open_writer(logged)
    new, report = recovered(logged)
    assert report.log
    assert [row[0] for row in rows(new, "message")] == [*range(1, 21)]
    assert report.held == 20


def test_a_log_with_a_torn_end_is_what_a_power_failure_leaves(logged: Path) -> None:
    log = logged.with_name(FILE_NAME + "-wal")
    log.write_bytes(log.read_bytes()[:-100])
    assert read_log(log).damage == ""
    new, report = recovered(logged)
    assert [row[0] for row in rows(new, "message")] == [*range(1, 20)]
    assert report.is_whole


def test_a_log_without_its_header_is_damage(logged: Path) -> None:
    log = logged.with_name(FILE_NAME + "-wal")
    spoil(log, 0, b"\xa5" * 32)
    with pytest.raises(StoreError, match="the log's header is broken"):
        open_writer(logged)


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_file_and_a_log_without_its_file_are_damage(logged: Path, content: bytes | None) -> None:
    if content is None:
        logged.unlink()
    else:
        logged.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged \(it is"):
        open_writer(logged)
    assert logged.with_name(FILE_NAME + "-wal").stat().st_size > 0


def test_an_index_that_disagrees_is_damage(damaged: Path) -> None:
    with closing(sqlite3.connect(damaged, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        sql = "UPDATE sqlite_schema SET sql = replace(sql, 'progress = 0', 'progress = 1') WHERE name = ?"
        connection.execute(sql, ("message_queued",))
    with pytest.raises(StoreError, match="the index message_queued disagrees with its table"):
        open_writer(damaged)


def test_a_store_of_an_older_version_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, script in migrations()[:3]:
            connection.executescript(f"{script}; PRAGMA user_version = {number}")
        connection.execute("INSERT INTO boot VALUES (7, 1, 2)")
    new, report = recovered(path)
    assert rows(new, "boot") == [(7, 1, 2)]
    assert report.is_whole
    with closing(open_writer(new)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)


def test_what_a_newer_program_has_written_is_left_to_that(damaged: Path) -> None:
    octets = bytearray(damaged.read_bytes())
    octets[60:64] = (migrations()[-1][0] + 1).to_bytes(4, "big")
    damaged.write_bytes(octets)
    with pytest.raises(StoreError, match="a newer smsc-gateway: recover it with that version"):
        recovered(damaged)
    octets[60:64] = b"\x7f\0\0\0"  # no version at all
    damaged.write_bytes(octets)
    assert recovered(damaged)[1].tables["message"]["rows"] == len(rows(damaged, "message"))


@pytest.mark.parametrize(
    ("at", "octets"), [(0, b"x"), (16, b"\x11"), (18, b"\x03"), (47, b"\x09"), (59, b"\x02")]
)
def test_a_header_that_says_nonsense_is_damage(damaged: Path, at: int, octets: bytes) -> None:
    spoil(damaged, at, octets)
    before = damaged.read_bytes()
    with pytest.raises(StoreError, match="its header is broken"):
        open_writer(damaged)
    assert damaged.read_bytes() == before


def test_a_schema_that_is_not_its_versions_is_damage(damaged: Path) -> None:
    spoil(damaged, 60, (3).to_bytes(4, "big"))  # user_version
    with pytest.raises(StoreError, match=r"is damaged .* smsc-gateway recover"):
        open_writer(damaged)


@pytest.mark.parametrize("page_size", [0, 12, 256, 131072, 0xFFFFFFF8])
def test_a_log_with_pages_of_no_size_is_damage(tmp_path: Path, page_size: int) -> None:
    words = (0x377F0682, 3007000, page_size, 0, 1, 2)
    head = HEADER.pack(*words, 0, 0)
    log = tmp_path / "log"
    log.write_bytes(HEADER.pack(*words, *_checksum("<", head[:24], 0, 0)) + bytes(1000))
    assert "header is broken" in read_log(log).damage


def test_a_long_text_whose_pages_lead_back_to_themselves_ends() -> None:
    read = []

    def overflow(number: int) -> bytes:
        read.append(number)
        return (5 - number).to_bytes(4, "big") + b"x" * (PAGE - 4)  # 2 leads to 3, and 3 to 2

    with pytest.raises(BadPage):
        _rest(1 << 27, 2, PAGE, overflow)
    assert read == [2, 3]
