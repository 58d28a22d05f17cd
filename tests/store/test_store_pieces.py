"""Large queues and histories are worked on in pieces, and the store says when something is left."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, message
from store_support import Store

from gateway.store import sqlite_apply, sqlite_failover


def test_a_move_says_whether_more_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_failover, "MOVE_ROWS", 2)
    store.queue(*(message(n, connector="one", alternatives="one two") for n in (1, 2, 3)))
    assert store.apply(moves=[("one", "two", 0)]).moved == [("one", True)]
    assert store.apply(moves=[("one", "two", 0)]).moved == [("one", False)]
    claimed = store.apply(claims=[("two", 9, NOW_MS, 1)]).claimed
    assert [fields[0] for fields, _ in claimed[0][1]] == [1, 2, 3]


def test_the_rest_of_a_long_queue_does_not_go_to_the_connector_behind_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_failover, "MOVE_ROWS", 2)
    store.queue(*(message(n, alternatives="one two three") for n in range(1, 4)))
    moves = [("one", "two", 0), ("one", "three", 0)]
    assert store.apply(moves=moves).moved == [("one", True)]
    assert store.apply(moves=moves).moved == [("one", False), ("one", False)]
    assert {row["connector"] for row in store.rows("message")} == {"two"}


def test_a_sweep_says_whether_something_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_apply, "SWEEP_ROWS", 2)
    store.queue(message(1, expires_ms=NOW_MS), message(2, expires_ms=NOW_MS))
    assert store.sweep(NOW_MS).sweep_again
    assert not store.sweep(NOW_MS).sweep_again
