"""What people read while messages end: each message is there once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gateway_fakes import NOW_MS
from store_support import SqliteEngine, Store, receipt

from gateway.store import reader, reader_history
from gateway.store.reader import Reader, Wanted
from gateway.store.reader_history import Filter
from gateway.store.sqlite_open import open_reader

NEWEST = 1 << 62


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    engine = SqliteEngine(tmp_path)
    yield Store(engine)
    engine.close()


@pytest.fixture
def path(store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a message of which the SMSC tells the end before anybody reads the history."""
    store.sent(1, "A")
    assert isinstance(store.engine, SqliteEngine)

    def opened(path: Path) -> sqlite3.Connection:
        connection = open_reader(path)
        connection.set_trace_callback(_before_history(lambda: store.apply(receipts=[receipt("A")])))
        return connection

    monkeypatch.setattr(reader, "open_reader", opened)
    monkeypatch.setattr(reader_history, "open_reader", opened)
    return store.engine.path


def _before_history(happens: Callable[[], object]) -> Callable[[str], None]:
    left = [happens]

    def traced(sql: str) -> None:
        if "FROM message" not in sql and "FROM history" in sql and "state" in sql and left:
            left.pop()()

    return traced


def test_a_message_that_ends_meanwhile_is_exported_once(store: Store, path: Path) -> None:
    page = reader_history.page(path, 0, NEWEST, Filter(), with_text=True)
    assert store.rows("history")[0]["done_ms"] > NOW_MS
    assert [row[0] for row in page.rows] == [1]


def test_a_message_that_ends_meanwhile_is_found_once(store: Store, path: Path) -> None:
    rows, _ = Reader(path).find(Wanted(0, NEWEST), 10)
    assert store.rows("history")[0]["done_ms"] > NOW_MS
    assert [row["message_id"] for row in rows] == ["1"]
