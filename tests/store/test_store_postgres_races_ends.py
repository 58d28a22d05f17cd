"""A message ends once, whatever two nodes do with it; and what ends on one waits for nothing of the other."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, message
from store_nodes import Nodes
from store_support import Store, mail_rows, receipt, submitted

from gateway.core.batch import NO_TEXTS, Batch
from gateway.core.model import MessageState, Progress, Wish

DROP = Batch(decisions=[(1, "drop", NOW_MS)])
CANCEL = Batch(cancels=[("app", 1, "", "", "", NOW_MS)])
CLAIM = Batch(claims=[("one", 9, NOW_MS, 1)])
DELETED, DELIVERED = MessageState.DELETED.value, MessageState.DELIVERED.value


def test_a_mail_s_message_that_ends_on_both_is_reported_once(nodes: Nodes) -> None:
    nodes.a.apply(**mail_rows(1, notify=3))
    nodes.a.taken(1, "A")
    final = Batch(receipts=[receipt("A")])
    nodes.at_once(final, Batch(failed=[(1, 5, "x", NOW_MS)]))
    assert nodes.a.end(1) == (DELIVERED, "000")
    assert len(nodes.a.letters()) == 1


def test_a_receipt_that_comes_to_both_is_passed_down_once(nodes: Nodes) -> None:
    nodes.a.sent(1, "A")
    final = Batch(receipts=[receipt("A")])
    nodes.at_once(final, final)
    assert nodes.a.delivery_states() == [(1, DELIVERED)]


@pytest.mark.parametrize("other", [DROP, CANCEL], ids=["drop", "cancel"])
def test_what_is_claimed_is_not_given_up(nodes: Nodes, other: Batch) -> None:
    nodes.a.queue(message(1))
    first, second = nodes.at_once(CLAIM, other)
    assert [row[0][0] for row in first.claimed[0][1]] == [1]
    assert nodes.b.progress(1) is Progress.SENT
    if other is DROP:
        assert second.decided == [False]
    else:
        assert second.cancelled == [(0, [(1, "one", [], "")], 0)]


@pytest.mark.parametrize("other", [DROP, CANCEL], ids=["drop", "cancel"])
def test_what_is_given_up_is_not_claimed(nodes: Nodes, other: Batch) -> None:
    nodes.a.queue(message(1))
    _, second = nodes.at_once(other, CLAIM)
    assert second.claimed[0][1] == []
    assert nodes.b.end(1) is not None


def test_what_both_cancel_ends_once(nodes: Nodes) -> None:
    nodes.a.queue(message(1))
    first, second = nodes.at_once(CANCEL, CANCEL)
    assert (first.cancelled, second.cancelled) == ([(1, [], 0)], [(0, [], 1)])


def test_what_is_held_back_by_one_is_not_claimed_by_the_other(nodes: Nodes) -> None:
    nodes.a.queue(message(1))
    hold = Batch(decisions=[(1, "hold", NOW_MS)])
    _, second = nodes.at_once(hold, CLAIM)
    assert second.claimed[0][1] == []
    nodes.b.apply(decisions=[(1, "release", NOW_MS)])
    _, second = nodes.at_once(CLAIM, hold)
    assert second.decided == [False]


def test_a_replacement_comes_too_late_for_what_is_claimed(nodes: Nodes) -> None:
    nodes.a.queue(message(1, user_data=b"old"))
    row = ("app", 1, b"new", 1, 0, 0, -1, 0, "", 1, NOW_MS)
    _, second = nodes.at_once(CLAIM, Batch(replacements=[row]))
    assert second.replaced == [0]
    assert nodes.a.rows("message")[0]["user_data"] == b"old"


def test_what_takes_the_place_of_a_claimed_one_goes_beside_it(nodes: Nodes) -> None:
    nodes.a.queue(message(1))
    new = message(2)
    place = (2, new.account, new.source, new.destination, new.service_type, NOW_MS)
    replace = Batch(accepted=[(*new, Progress.QUEUED.value)], replaced_by=[place])
    nodes.at_once(CLAIM, replace)
    assert (nodes.a.progress(1), nodes.a.progress(2)) == (Progress.SENT, Progress.QUEUED)


def test_a_queue_that_is_moved_leaves_what_is_claimed(nodes: Nodes) -> None:
    nodes.a.queue(message(1, alternatives="two"), message(2, alternatives="two"))
    claim = Batch(claims=[("one", 1, NOW_MS, 1)])
    nodes.at_once(claim, Batch(moves=[("one", "two", 0)]))
    assert {row["message_id"]: row["connector"] for row in nodes.a.rows("message")} == {1: "one", 2: "two"}


# -- nothing waits that need not --------------------------------------------------------------------------


def test_ends_of_both_are_counted_and_neither_waits(nodes: Nodes) -> None:
    nodes.a.sent(1, "A", registered_delivery=0)
    nodes.b.sent(2, "B", registered_delivery=0)
    nodes.without_waiting(Batch(receipts=[receipt("A")]), Batch(receipts=[receipt("B")]))
    rows = nodes.a.rows("statistics")
    assert sorted(row["node"] for row in rows) == [1, 2]
    assert [(row["account"], row["state"], row["messages"], row["segments"]) for row in rows] == [
        ("app", DELIVERED, 1, 1)
    ] * 2


def test_letters_and_texts_of_both_are_written_and_neither_waits(nodes: Nodes) -> None:
    nodes.a.sweep(text_before_id=1)
    for store, n in ((nodes.a, 1), (nodes.b, 2)):
        store.apply(**mail_rows(n, mail_id=1000 + n, notify=3))
        store.taken(n, str(n))
    nodes.without_waiting(Batch(receipts=[receipt("1")]), Batch(receipts=[receipt("2")]))
    assert len(nodes.a.letters()) == 2
    assert [row["message_id"] for row in nodes.a.rows("history_text")] == [1, 2]


# -- what one node was told -------------------------------------------------------------------------------


def test_texts_are_kept_as_another_node_was_told(nodes: Nodes) -> None:
    nodes.a.sweep(text_before_id=1)
    nodes.b.queue(message(1), message(2))
    nodes.b.apply(failed=[(1, 5, "x", NOW_MS)])
    assert [row["message_id"] for row in nodes.a.rows("history_text")] == [1]
    nodes.a.sweep(text_before_id=NO_TEXTS)
    nodes.b.apply(failed=[(2, 5, "x", NOW_MS)])
    assert nodes.a.rows("history_text") == []
    nodes.b.sweep(text_before_id=1)
    nodes.a.queue(message(3))
    nodes.a.apply(failed=[(3, 5, "x", NOW_MS)])
    assert [row["message_id"] for row in nodes.a.rows("history_text")] == [3]


def balance(store: Store) -> int:
    return sum(row["amount"] for table in ("balance", "refund") for row in store.rows(table))


def test_money_that_came_back_on_one_node_is_taken_again_on_the_other(nodes: Nodes) -> None:
    nodes.a.apply(credits=[("app", 1000, NOW_MS, "ops", "")])
    new = message(1, segments=2, flags=Wish.CHARGED.value)
    nodes.a.apply(
        accepted=[(*new, Progress.SENT.value)],
        intents=[(1, n, "one", NOW_MS) for n in (1, 2)],
        charges=[(1, "app", 300, 1)],
    )
    nodes.b.apply(failed=[(1, 5, "x", NOW_MS)])
    assert balance(nodes.a) == 1000
    nodes.a.apply(submitted=[submitted(1, "A", 2)])
    assert balance(nodes.a) == 700
    assert sum(row["amount"] for row in nodes.a.rows("statistics")) == 300
    nodes.a.apply(submitted=[submitted(1, "B", 1)])
    assert balance(nodes.a) == 700
