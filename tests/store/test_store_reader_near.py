"""Rows about a message in large tables without an index for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.store import reader_near
from gateway.store.reader_near import rows_near

MS = 1_800_000_000_000


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """A thousand rows, of message n in millisecond n; the whole would be too many to look at."""
    made = sqlite3.connect(":memory:")
    made.row_factory = sqlite3.Row
    made.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, message_id INTEGER, created_ms INTEGER)")
    made.executemany("INSERT INTO t VALUES (?, ?, ?)", ((5 * n, n, MS + n) for n in range(1, 1001)))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_near, "LOOK", 50)


def found(connection: Any, message_id: int, *moments: int) -> tuple[list[int], bool]:
    rows, is_all = rows_near(connection, "t", "k", message_id, moments)
    return [row["k"] for row in rows], is_all


@pytest.mark.parametrize("message_id", [1, 2, 499, 500, 999, 1000])
def test_what_was_made_at_its_moment_is_found(connection: sqlite3.Connection, message_id: int) -> None:
    assert found(connection, message_id, MS + message_id) == ([5 * message_id], False)


def test_what_was_made_at_another_moment_is_not_looked_for(connection: sqlite3.Connection) -> None:
    assert found(connection, 500, MS + 100, MS + 800) == ([], False)


def test_what_was_made_last_is_always_looked_at(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO t VALUES (6000, 500, ?)", (MS + 2000,))
    assert found(connection, 500, MS) == ([6000], False)
    assert found(connection, 500, MS, MS + 500) == ([2500, 6000], False), "each once, in their order"


def test_a_row_with_an_old_moment_leads_nowhere_else(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE t SET created_ms = 1 WHERE k % 35 = 0")
    for message_id in range(1, 1001, 9):
        assert found(connection, message_id, MS + message_id) == ([5 * message_id], False)


def test_a_small_table_is_looked_at_as_a_whole(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM t WHERE k > 750")
    assert found(connection, 77, 0) == ([385], True)
    connection.execute("DELETE FROM t")
    assert found(connection, 77, 0) == ([], True)
