"""Texts of ended messages: kept only for as long as asked for, and then in no file either."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_fakes import DAY_MS, NOW_MS, id_at, message
from store_support import LONG_AGO_MS, PEER, SqliteEngine, Store, receipt

from gateway.core.batch import NO_TEXTS
from gateway.store.history_steps import SCRUB_MS

CANARY = b"canary-text-of-a-message"


def ended(store: Store, message_id: int, text: bytes = b"hello", **fields: int) -> None:
    store.sent(message_id, f"id-{message_id}", user_data=text, **fields)
    store.apply(receipts=[receipt(f"id-{message_id}")])


def texts(store: Store) -> dict[int, bytes]:
    return {row["message_id"]: row["user_data"] for row in store.rows("history_text")}


def test_no_text_is_kept_unless_it_is_asked_for(store: Store) -> None:
    ended(store, 1)
    store.sweep(text_before_id=NO_TEXTS)
    ended(store, 2)
    assert texts(store) == {}


def test_texts_are_kept_as_they_were_and_only_with_their_history(store: Store) -> None:
    store.sweep()
    ended(store, 1, b"\0\1\2", data_coding=4, esm_class=0x40)
    store.sent(2, "id-2", user_data=b"waits")
    ended(store, 3, b"")
    assert store.rows("history_text") == [
        {"message_id": 1, "esm_class": 0x40, "data_coding": 4, "user_data": b"\0\1\2"}
    ]


def test_whether_texts_are_kept_holds_from_the_first_moment_of_the_next_run(store: Store) -> None:
    store.sweep()
    store.restart()
    ended(store, 1)
    store.sweep(text_before_id=NO_TEXTS)
    store.restart()
    ended(store, 2)
    assert texts(store) == {}
    store.sweep()
    ended(store, 3)
    assert set(texts(store)) == {3}


def test_what_a_failed_batch_said_of_texts_is_forgotten(store: Store) -> None:
    with pytest.raises(ValueError, match="unpack"):
        store.apply(sweeps=[store.sweep_row(NOW_MS)], fetches=[()])  # which comes after it
    ended(store, 1)
    assert texts(store) == {}


def test_texts_go_by_the_age_of_their_messages(store: Store) -> None:
    store.sweep()
    old, young = id_at(LONG_AGO_MS), id_at(NOW_MS)
    ended(store, old)
    ended(store, young)
    store.sweep(text_before_id=id_at(NOW_MS - DAY_MS))
    assert set(texts(store)) == {young}
    assert {row["message_id"] for row in store.rows("history")} == {old, young}


def test_a_sweep_wipes_some_and_asks_for_another(store: Store) -> None:
    store.sweep()
    count = 2500
    store.send(*(message(n) for n in range(1, count + 1)))
    store.apply(failed=[(n, 5, "", NOW_MS) for n in range(1, count + 1)])
    assert store.sweep(text_before_id=count + 1).sweep_again
    assert len(texts(store)) == 500
    assert not store.sweep(text_before_id=count + 1).sweep_again
    assert texts(store) == {}


def test_history_that_is_purged_leaves_no_text(store: Store) -> None:
    store.sweep()
    ended(store, id_at(LONG_AGO_MS))
    store.sweep(history_before_id=id_at(NOW_MS), text_before_id=0)
    assert store.rows("history") == []
    assert texts(store) == {}


# -- octets on the disk ------------------------------------------------------------------------------


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    engine = SqliteEngine(tmp_path)
    yield Store(engine), engine.path
    engine.close()


def found(path: Path, octets: bytes) -> set[str]:
    """Endings of the files of a database in which this is to be read."""
    files = path.parent.glob(f"{path.name}*")
    return {file.name.removeprefix(path.name) for file in files if octets in file.read_bytes()}


def many_ended(store: Store, count: int) -> None:
    """Long texts have pages of their own, short ones share them; some end and others stay."""
    first = id_at(LONG_AGO_MS)
    fill = {0: b"", 1: b"." * 100, 2: b"." * 9000}
    rows = [message(first + n, user_data=CANARY + fill[n % 3], destination=PEER) for n in range(count)]
    for start in range(0, count, 50):
        store.send(*rows[start : start + 50])
    ids = [row.message_id for row in rows]
    for part in (ids[1::2], ids[::2]):
        store.apply(failed=[(n, 5, "", NOW_MS) for n in part])


def test_wiped_texts_are_in_no_file(on_disk: tuple[Store, Path]) -> None:
    store, path = on_disk
    store.sweep(NOW_MS)
    many_ended(store, 600)
    assert found(path, CANARY)
    while store.sweep(NOW_MS + SCRUB_MS, text_before_id=id_at(NOW_MS)).sweep_again:
        pass
    store.sweep(NOW_MS + 2 * SCRUB_MS)
    assert found(path, CANARY) == set()


def test_without_kept_texts_they_are_in_no_file_either(on_disk: tuple[Store, Path]) -> None:
    store, path = on_disk
    many_ended(store, 300)
    store.apply(delivered=[(row["delivery_id"],) for row in store.rows("delivery")])
    store.sweep(NOW_MS, text_before_id=NO_TEXTS)
    assert found(path, CANARY) == set()


def test_a_reader_only_puts_it_off(on_disk: tuple[Store, Path]) -> None:
    store, path = on_disk
    many_ended(store, 10)
    store.apply(delivered=[(row["delivery_id"],) for row in store.rows("delivery")])
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchone()
    store.send(message(1))
    store.sweep(NOW_MS, text_before_id=NO_TEXTS)
    assert found(path, CANARY) == {"-wal"}
    reader.close()
    store.sweep(NOW_MS + 1, text_before_id=NO_TEXTS)
    assert found(path, CANARY) == set()
