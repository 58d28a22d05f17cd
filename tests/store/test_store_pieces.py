"""Large queues and histories are worked on in pieces, and the store says when something is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gateway_fakes import NOW_MS, message
from store_support import SqliteEngine, Store

from gateway.store import end_steps, failover_steps, reader_lists
from gateway.store.reader import Reader


def test_a_move_says_whether_more_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failover_steps, "MOVE_ROWS", 2)
    store.queue(*(message(n, connector="one", alternatives="one two") for n in (1, 2, 3)))
    assert store.apply(moves=[("one", "two", 0)]).moved == [("one", True)]
    assert store.apply(moves=[("one", "two", 0)]).moved == [("one", False)]
    claimed = store.apply(claims=[("two", 9, NOW_MS, 1)]).claimed
    assert [fields[0] for fields, _ in claimed[0][1]] == [1, 2, 3]


def test_the_rest_of_a_long_queue_does_not_go_to_the_connector_behind_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover_steps, "MOVE_ROWS", 2)
    store.queue(*(message(n, alternatives="one two three") for n in range(1, 4)))
    moves = [("one", "two", 0), ("one", "three", 0)]
    assert store.apply(moves=moves).moved == [("one", True)]
    assert store.apply(moves=moves).moved == [("one", False)]
    assert {row["connector"] for row in store.rows("message")} == {"two"}


def steps_of(store: Store, work: Callable[[], object]) -> int:
    """How many hundreds of steps SQLite's machine makes meanwhile."""
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    ticks = []
    engine.connection.set_progress_handler(lambda: ticks.append(1), 100)
    work()
    engine.connection.set_progress_handler(None, 0)
    return len(ticks)


def test_every_look_at_a_queue_that_may_not_move_costs_the_same(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    monkeypatch.setattr(failover_steps, "MOVE_ROWS", 100)
    store.queue(*(message(n, connector="one", alternatives="one") for n in range(1, 4001)))
    store.queue(message(4001, connector="one", alternatives="one two"))
    moves = [("one", "two", 0), ("one", "three", 0)]
    costs, moved = [], [("one", True)]
    while moved == [("one", True)]:
        costs.append(steps_of(store, lambda: moved.__setitem__(0, store.apply(moves=moves).moved[0])))
    assert len(costs) == 41
    assert max(costs) < 3 * costs[0]
    assert [row["message_id"] for row in store.rows("message") if row["connector"] == "two"] == [4001]


def test_a_look_that_was_undone_or_asks_for_others_begins_at_the_head(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover_steps, "MOVE_ROWS", 2)
    store.queue(*(message(n, connector="one", alternatives="one three") for n in range(1, 6)))
    assert store.apply(moves=[("one", "two", 0)]).moved == [("one", True)]
    assert store.apply(moves=[("one", "three", 0)]).moved == [("one", True)]
    assert [row["message_id"] for row in store.rows("message") if row["connector"] == "three"] == [1, 2]


def test_a_sweep_looks_at_some_of_what_waits_for_receipts_and_comes_round(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    monkeypatch.setattr(end_steps, "RECEIPT_LOOK", 100)
    for n in range(1, 1001):
        store.sent(n, f"id{n}", expires_ms=NOW_MS if n in (7, 999) else NOW_MS + 10_000)
    bounds = {"oldest_id": 2000, "receipt_before_ms": NOW_MS}
    ended: list[list[int]] = []
    costs = [
        steps_of(store, lambda: ended.append([row[0] for row in store.sweep(NOW_MS, **bounds).expired]))
        for _ in range(10)
    ]
    assert [found for found in ended if found] == [[7], [999]]
    assert max(costs[1:9]) < 3 * min(costs[1:9])
    bounds["receipt_before_ms"] = NOW_MS + 10_000
    for _ in range(11):
        ended.append([row[0] for row in store.sweep(NOW_MS, **bounds).expired])
    assert sum(map(len, ended)) == 1000


def test_five_thousand_that_expire_together_end_in_steps_with_traffic_between(store: Store) -> None:
    store.queue(*(message(n, expires_ms=NOW_MS, registered_delivery=1) for n in range(1, 5001)))
    told = 0
    for step in range(5):
        answer = store.sweep(NOW_MS)
        assert len(answer.expired) == end_steps.SWEEP_ROWS
        assert answer.sweep_again
        told += len(answer.deliveries)
        store.queue(message(6000 + step))
    assert not store.sweep(NOW_MS).sweep_again
    assert told == 5000
    assert len(store.rows("delivery")) == 5000
    assert len(store.rows("message")) == 5


def test_a_sweep_says_whether_something_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_steps, "SWEEP_ROWS", 2)
    store.queue(message(1, expires_ms=NOW_MS), message(2, expires_ms=NOW_MS))
    assert store.sweep(NOW_MS).sweep_again
    assert not store.sweep(NOW_MS).sweep_again


def test_the_sums_of_what_waits_are_made_of_short_looks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1, 21):
        row = (*message(n, connector=f"c{n % 2}", account=f"a{n % 3}", due_ms=n % 5), n % 6)
        store.apply(accepted=[row])
    reader = Reader(store.engine.reads)
    whole = reader.summary()
    monkeypatch.setattr(reader_lists, "SUMMARY_ROWS", 3)
    assert reader.summary() == whole
    assert sum(row["messages"] for row in whole["by_account"]) == 3
    assert (whole["awaiting_receipt"], whole["paused"], whole["held"]) == (4, 3, 4)
    if isinstance(store.engine, SqliteEngine):
        said: list[str] = []
        with store.engine.reads.question() as connection:
            connection.connection.set_trace_callback(said.append)
            reader_lists.summary(connection)
        looks = [sql for sql in said if "GROUP BY connector, account, progress" in sql]
        assert len(looks) == 7
        assert not any("BEGIN" in sql for sql in said)
