"""How much waits, and for how long: what the metrics ask of the store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from gateway_fakes import NOW_MS, message
from store_support import SqliteEngine, Store, receipt

from gateway.core.errors import StoreReadError
from gateway.core.message_ids import lowest_id_at
from gateway.core.model import Progress
from gateway.core.submission import MOST_URGENT
from gateway.store import reader_depths
from gateway.store.postgres_reading import PostgresReads
from gateway.store.reader import Reader
from gateway.store.sqlite_reading import SqliteReads


def depths(store: Store, now_ms: int) -> reader_depths.Depths:
    return Reader(store.engine.reads).depths(now_ms)


def accepted(seconds_ago: int) -> int:
    """The id of a message that was accepted then."""
    return lowest_id_at(NOW_MS - 1000 * seconds_ago)


def test_the_size_of_a_database_is_told(postgres_url: str) -> None:
    with closing(PostgresReads(postgres_url)) as reads:
        assert Reader(reads).size() > 1 << 20


def test_the_oldest_that_could_have_gone_counts_however_it_waits(store: Store) -> None:
    at_once, urgent, later, soon = accepted(50), accepted(70), accepted(9000), accepted(600)
    store.queue(
        message(at_once, connector="one"),
        message(accepted(20), connector="one"),
        message(urgent, connector="two", due_ms=-MOST_URGENT),
        message(at_once + 1, connector="two"),
        message(later, connector="three", due_ms=NOW_MS + 60_000),  # its time has not come
        message(soon, connector="four", due_ms=NOW_MS - 5_000),  # put off until five seconds ago
    )
    store.send(message(accepted(10_000), connector="five"))  # it does not wait
    assert depths(store, NOW_MS).queues == {
        "one": (2, 50.0),
        "two": (2, 70.0),
        "three": (1, 0.0),
        "four": (1, 5.0),
    }


def test_what_a_person_holds_back_does_not_wait(store: Store) -> None:
    store.queue(message(accepted(5), connector="one"))
    store.apply(decisions=[(accepted(5), "hold", NOW_MS)])
    assert depths(store, NOW_MS).queues == {}
    assert store.engine.rows("message")[0]["progress"] == Progress.PAUSED


def test_deliveries_parked_receipts_and_doubts_are_counted(store: Store) -> None:
    for number, upstream_id in ((1, "A"), (2, "B")):
        store.sent(number, upstream_id, registered_delivery=1)
    store.apply(receipts=[receipt("A", at_ms=NOW_MS), receipt("B", at_ms=NOW_MS), receipt("none")])
    store.send(message(3, on_ambiguous=2))
    store.doubt(3)
    found = depths(store, NOW_MS + 4000)
    [(account, (count, age_s))] = found.deliveries.items()
    assert (account, count, age_s) == ("app", 2, 4.0)
    assert (found.parked, found.ambiguous) == (1, 1)


def test_only_indexes_are_read_of_messages_and_deliveries(sqlite_store: Store) -> None:
    engine = sqlite_store.engine
    assert isinstance(engine, SqliteEngine)
    plans = {
        sql: [row[3] for row in engine.connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        for sql, parameters in (
            (reader_depths._CONNECTORS, ()),
            (reader_depths._OLDEST, ("one", 0)),
            (reader_depths._DELIVERIES, ()),
        )
    }
    for sql, plan in plans.items():
        assert plan and all(" INDEX " in step for step in plan), (sql, plan)


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreReadError, match="not a database"):
        Reader(SqliteReads(tmp_path / "none.sqlite3")).depths(NOW_MS)
