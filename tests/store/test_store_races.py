"""What meets in one batch, or comes in an order that nobody would choose."""

from __future__ import annotations

from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import Store, postponed, receipt, submitted

from gateway.core.model import MessageState, OnAmbiguous, Progress


def test_late_response_in_the_batch_of_its_doubt_settles_it(store: Store) -> None:
    store.send(message(1))
    answer = store.apply(
        doubts=[(1, 1, NOW_MS + 30_000, "no response within 30 s", "", 0)], late=[submitted(1, "A1")]
    )
    assert store.progress(1) is Progress.SENT
    (row,) = store.rows("ambiguous")
    assert row["settled_by"] == "late response"
    store.apply(receipts=[receipt("A1")])
    assert store.end(1) == (MessageState.DELIVERED, "000")
    assert answer.ended == []


def test_late_response_in_the_batch_of_its_doubt_ends_what_wants_no_receipt(store: Store) -> None:
    store.send(message(1, registered_delivery=0, on_ambiguous=OnAmbiguous.HOLD.value))
    store.apply(
        doubts=[(1, 1, NOW_MS + 30_000, "no response within 30 s", "", 0)],
        late=[submitted(1, "A1")],
        handed_over=[(1, NOW_MS)],
    )
    assert store.end(1) == (MessageState.ACCEPTED, "")


def test_receipt_before_a_late_response_in_the_batch_of_its_doubt(store: Store) -> None:
    store.send(message(1))
    store.apply(receipts=[receipt("A1")])
    store.apply(doubts=[(1, 1, NOW_MS + 30_000, "no response within 30 s", "", 0)], late=[submitted(1, "A1")])
    assert store.end(1) == (MessageState.DELIVERED, "000")
    assert store.rows("parked_receipt") == []


def test_the_first_of_two_receipts_in_one_batch_counts(store: Store) -> None:
    store.sent(1, "A1")
    store.apply(receipts=[receipt("A1", state=5, error="001"), receipt("A1")])
    assert store.end(1) == (MessageState.UNDELIVERABLE, "001")


def test_a_receipt_for_what_was_sent_again_settles_the_doubt_of_the_first_time(store: Store) -> None:
    store.send(message(1, on_ambiguous=OnAmbiguous.RESEND.value))
    store.doubt(1)
    assert store.claim() == [(1, [1])]
    store.taken(1, "A1")
    store.apply(receipts=[receipt("A1")])
    (row,) = store.rows("ambiguous")
    assert row["settled_ms"] is not None
    assert store.end(1) == (MessageState.DELIVERED, "000")


def test_a_queue_that_moves_is_told_to_the_connector_that_gets_it(store: Store) -> None:
    """It may have been looking at its own, empty queue in the batch before."""
    store.queue(message(1, alternatives="one two"))
    assert store.apply(moves=[("one", "two", 0)]).queued == [("two", 0)]
    assert store.claim(connector="two") == [(1, [1])]
    assert store.apply(moves=[("one", "two", 0)]).queued == []


def test_a_message_that_is_refused_for_days_keeps_a_bounded_timeline(store: Store) -> None:
    store.send(message(1))
    for _ in range(60):
        store.apply(postponed=[postponed(1)])
        assert store.claim() == [(1, [1])]
    assert store.rows("message")[0]["retries"] == 60
    assert len(store.rows("incident")) == 20


def test_purges_reach_what_is_old_and_nothing_else(store: Store) -> None:
    old_ms, limit_ms = NOW_MS - 40 * DAY_MS, NOW_MS - 30 * DAY_MS
    for message_id, at_ms in ((1, old_ms), (2, NOW_MS)):
        store.send(message(message_id))
        store.apply(doubts=[(message_id, 1, at_ms, "no response within 30 s", "", 0)])
        store.apply(receipts=[receipt(f"X{message_id}", at_ms=at_ms)])
    store.sweep(history_before_ms=limit_ms, parked_before_ms=limit_ms)
    assert [row["at_ms"] for row in store.rows("incident")] == [NOW_MS]
    assert [row["since_ms"] for row in store.rows("ambiguous")] == [NOW_MS]
    assert [row["received_ms"] for row in store.rows("parked_receipt")] == [NOW_MS]
