"""The history on PostgreSQL: a table for each day, which is forgotten as a whole."""

from __future__ import annotations

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_nodes import Nodes
from store_support import Store, receipt

from gateway.core.message_ids import lowest_id_at

TODAY = NOW_MS // DAY_MS


def end(store: Store, at_ms: int) -> int:
    """A message of that moment that has ended."""
    message_id = lowest_id_at(at_ms) + 1
    store.send(message(message_id, accepted_ms=at_ms))
    store.taken(message_id, f"U{message_id}")
    store.apply(receipts=[receipt(f"U{message_id}")])
    return message_id


def days(nodes: Nodes) -> list[str]:
    """The tables of days, oldest first."""
    sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'history'::regclass"
    found = nodes.engines[0].db.connection.execute(sql.encode()).fetchall()
    return sorted(name for (name,) in found if name != "history_default")


def test_days_are_made_ahead(nodes: Nodes) -> None:
    assert days(nodes) == ["history_20250615", "history_20250616", "history_20250617"]
    nodes.a.sweep(NOW_MS + DAY_MS)
    assert days(nodes)[-1] == "history_20250618"


def test_a_day_is_dropped_when_all_of_it_is_too_old(nodes: Nodes) -> None:
    first, second = end(nodes.a, NOW_MS), end(nodes.a, NOW_MS + DAY_MS)
    assert len(nodes.a.rows("history_20250615")) == 1
    late = (TODAY + 1) * DAY_MS - 1
    nodes.a.sweep(NOW_MS, history_before_id=lowest_id_at(late))
    assert [row["message_id"] for row in nodes.b.rows("history")] == [first, second]
    for _ in range(20):  # a sweep waits 300 ms for the table at the most, and leaves it to the next one
        nodes.a.sweep(NOW_MS, history_before_id=lowest_id_at(late + 1))
        if len(nodes.b.rows("history")) == 1:
            break
    assert [row["message_id"] for row in nodes.b.rows("history")] == [second]
    assert "history_20250615" not in days(nodes)


def test_what_belongs_to_no_day_is_forgotten_too(nodes: Nodes) -> None:
    old = end(nodes.a, NOW_MS - 100 * DAY_MS)
    assert [row["message_id"] for row in nodes.a.rows("history_default")] == [old]
    nodes.a.sweep(NOW_MS, history_before_id=old + 1)
    assert nodes.a.rows("history") == []


@pytest.mark.parametrize("far", [0, 10])
def test_whoever_reads_for_long_keeps_nobody_from_writing(nodes: Nodes, far: int) -> None:
    ended = end(nodes.a, NOW_MS)
    connection = nodes.engines[1].db.connection
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM history")
    before = lowest_id_at((TODAY + 1) * DAY_MS)
    assert nodes.a.sweep(NOW_MS + far * DAY_MS, history_before_id=before).error == ""
    assert nodes.a.end(ended) == (2, "000"), "another sweep drops it"
    connection.execute("COMMIT")
    nodes.a.sweep(NOW_MS, history_before_id=before)
    assert nodes.a.end(ended) is None
