"""What is told of incoming SMS that are there: each list bounded, receipts and reports not among them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from gateway_fakes import NOW_MS

from gateway.store import reader_incoming
from gateway.store.reader import Reader
from gateway.store.sqlite_open import FILE_NAME, make_store
from gateway.store.sqlite_reading import SqliteReads

SUBSCRIBER, OURS = "79161234567", "1234"
DELIVERY = (
    "INSERT INTO {} (account, message_id, created_ms, source_ton, source_npi, source, destination_ton, "
    "destination_npi, destination, esm_class, protocol_id, data_coding, user_data, tlvs, state, error, "
    "accepted_ms, done_ms, segments{}) "
    "VALUES ('app', 7, ?, 1, 1, ?, 0, 0, '1234', 0, 0, 0, x'', x'', ?, '', 0, 0, 1{})"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    make_store(tmp_path / FILE_NAME)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def reader(tmp_path: Path, store: sqlite3.Connection) -> Reader:
    return Reader(SqliteReads(tmp_path / FILE_NAME))


def test_an_empty_store(reader: Reader) -> None:
    found = reader.incoming(10)
    lists = {name: rows for name, rows in found.items() if name not in ("cut", "look")}
    assert set(lists) == {*reader_incoming._LISTS, "parts"}
    assert not any(lists.values())
    assert found["cut"] == []


def test_what_is_no_incoming_sms_is_left_out_and_numbers_are_masked(
    store: sqlite3.Connection, reader: Reader
) -> None:
    waiting = DELIVERY.format("delivery", "", "")
    store.execute(waiting, (NOW_MS, SUBSCRIBER, -1))
    store.execute(waiting, (NOW_MS + 1, "receipt", 2))
    store.execute(waiting, (NOW_MS + 2, SUBSCRIBER, -1))
    dead = DELIVERY.format("dead_delivery", ", reason, died_ms", ", 'late', 9")
    store.execute(dead, (NOW_MS, SUBSCRIBER, -1))
    store.execute(dead, (NOW_MS, "receipt", 2))
    letter = "INSERT INTO letter (kind, recipient, created_ms, due_ms, number, own_number) "
    letter += "VALUES (?, ?, 1, 1, ?, ?)"
    for kind, recipient in ((1, "report"), (3, "answer"), (4, "incoming")):
        store.execute(letter, (kind, recipient, SUBSCRIBER, OURS))
    found = reader.incoming(10)
    assert [row["received_ms"] for row in found["deliveries"]] == [NOW_MS + 2, NOW_MS]
    assert {row["number"] for row in found["deliveries"]} == {"7916***4567"}
    assert [(row["reason"], row["died_ms"]) for row in found["dead_deliveries"]] == [("late", 9)]
    assert [row["recipient"] for row in found["letters"]] == ["incoming", "answer"]
    assert found["cut"] == []
    full = reader.incoming(10, full=True)
    assert {row["number"] for row in full["deliveries"]} == {SUBSCRIBER}
    assert {row["own_number"] for row in full["deliveries"]} == {OURS}


def test_parts_are_told_by_their_sms(store: sqlite3.Connection, reader: Reader) -> None:
    part = (
        "INSERT INTO incoming_part (connector, number, own_number, reference, total, part, text, "
        "received_ms, answers_since_ms, addresses, account, joined) "
        "VALUES ('smsc', ?, '1234', ?, 3, ?, 'x', ?, 0, '', 'desk', ?)"
    )
    for reference, number, joined in ((1, 3, 0), (1, 1, 0), (2, 1, 1), (3, 2, 0)):
        store.execute(part, (SUBSCRIBER, reference, number, NOW_MS + reference, joined))
    found = [
        (row["received_ms"] - NOW_MS, row["parts"], row["total"]) for row in reader.incoming(10)["parts"]
    ]
    assert found == [(3, [2], 3), (1, [1, 3], 3)], "one that has gone on is none of them"


def test_each_list_is_cut_and_says_so(
    store: sqlite3.Connection, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_incoming, "LOOK", 5)
    waiting = DELIVERY.format("delivery", "", "")
    store.execute(waiting, (0, SUBSCRIBER, -1))
    for n in range(1, 7):
        store.execute(waiting, (n, SUBSCRIBER, 2))
    found = reader.incoming(10)
    assert (found["deliveries"], found["cut"]) == ([], ["deliveries"]), "it is behind what is looked at"
    for n in range(7, 10):
        store.execute(waiting, (n, SUBSCRIBER, -1))
    found = reader.incoming(2)
    assert [row["received_ms"] for row in found["deliveries"]] == [9, 8]
    assert found["cut"] == ["deliveries"]
