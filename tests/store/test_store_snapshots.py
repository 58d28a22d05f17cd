"""What people read while messages end: each message is there once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_fakes import NOW_MS
from store_support import Store, receipt

from gateway.store import reader_history
from gateway.store.reader import Reader, Wanted
from gateway.store.reader_history import Filter

NEWEST = 1 << 62


@pytest.fixture
def reads(store: Store) -> Any:
    """A store with a message of which the SMSC tells the end before anybody reads the history."""
    store.sent(1, "A")
    return _Interrupted(store.engine.reads, lambda: store.apply(receipts=[receipt("A")]))


class _Interrupted:
    """Reads, in the middle of which something happens."""

    def __init__(self, reads: Any, happens: Callable[[], object]) -> None:
        self._reads = reads
        self._left = [happens]

    @contextlib.contextmanager
    def question(self) -> Iterator[Any]:
        with self._reads.question() as connection:
            yield SimpleNamespace(
                begin=connection.begin,
                execute=self._before_history(connection.execute),
                tuples=self._before_history(connection.tuples),
            )

    def _before_history(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(sql: str, *parameters: Any) -> Any:
            if "FROM message" not in sql and "FROM history" in sql and "state" in sql and self._left:
                self._left.pop()()
            return ask(sql, *parameters)

        return asked


def test_a_message_that_ends_meanwhile_is_exported_once(store: Store, reads: Any) -> None:
    page = reader_history.page(reads, 0, NEWEST, Filter(), with_text=True)
    assert store.rows("history")[0]["done_ms"] > NOW_MS
    assert [row[0] for row in page.rows] == [1]


def test_a_message_that_ends_meanwhile_is_found_once(store: Store, reads: Any) -> None:
    rows, _ = Reader(reads).find(Wanted(0, NEWEST), 10)
    assert store.rows("history")[0]["done_ms"] > NOW_MS
    assert [row["message_id"] for row in rows] == ["1"]
