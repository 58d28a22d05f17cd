"""What is told of one message besides its timeline, while its segments are known and after that."""

from __future__ import annotations

from typing import Any

from gateway_fakes import NOW_MS, message
from store_support import Store, receipt

from gateway.store.reader import Reader


def told(store: Store, message_id: int, *, full: bool = False) -> dict[str, Any]:
    found = Reader(store.engine.reads).timeline(message_id, full=full)
    assert found is not None
    return found


def test_segments_while_they_are_known_and_what_is_left_of_them(store: Store) -> None:
    store.sent(1, "A1")
    [part] = told(store, 1)["parts"]
    assert (part["segment"], part["attempt"], part["upstream_id"], part["state"]) == (
        1,
        "SUBMITTED",
        "A1",
        None,
    )
    assert part["intent_ms"] <= part["submitted_ms"]
    store.apply(receipts=[receipt("A1", 2)])
    found = told(store, 1)
    [part] = found["parts"]
    assert (part["attempt"], part["state"]) == ("DONE", "DELIVERED")
    assert found["done_ms"] >= found["accepted_ms"]
    store.write("DELETE FROM submission")
    [part] = told(store, 1)["parts"]
    assert (part["segment"], part["upstream_id"], part["state"]) == (0, "A1", "DELIVERED")


def test_what_was_never_sent_has_no_segments(store: Store) -> None:
    store.queue(message(2))
    found = told(store, 2)
    assert (found["parts"], found["doubts"], found["charge"]) == ([], [], None)
    assert found["expires_ms"] > NOW_MS


def test_its_charge_its_doubts_and_its_numbers(store: Store) -> None:
    store.sent(3, "A3")
    run = store.write
    run("INSERT INTO charge (message_id, payer, amount, refund, given_back) VALUES (3, 'boss', 12500, 0, 1)")
    doubt = (
        "INSERT INTO ambiguous (message_id, segment, connector, since_ms, evidence, action) "
        "VALUES (3, 1, 'c', {}, '{}', 'hold')"
    )
    run(doubt.format(NOW_MS, "first"))
    run(doubt.format(NOW_MS + 1, "second"))
    run("UPDATE message SET source = '79160000001'")
    found = told(store, 3)
    assert found["charge"] == {"payer": "boss", "amount": 12500, "given_back": True}
    assert [row["evidence"] for row in found["doubts"]] == ["second", "first"]
    assert found["doubts"][0]["sent_ms"] is None
    assert found["from"] == "7916***0001"
    assert told(store, 3, full=True)["from"] == "79160000001"
