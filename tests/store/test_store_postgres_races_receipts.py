"""Responses, receipts and claims that come to two nodes at once."""

from __future__ import annotations

from gateway_fakes import NOW_MS, message
from store_nodes import Nodes
from store_support import LINK, receipt, submitted

from gateway.core.batch import Batch
from gateway.core.model import Progress

BEAT = Batch(beats=[("{}", 1)])


def claim(room: int) -> Batch:
    return Batch(claims=[("one", room, NOW_MS, 1)])


def test_claims_of_two_nodes_never_overlap(nodes: Nodes) -> None:
    nodes.a.queue(*(message(n) for n in range(1, 9)))
    first, second = nodes.without_waiting(claim(3), claim(100))
    ids = [[row[0][0] for row in answer.claimed[0][1]] for answer in (first, second)]
    assert ids == [[1, 2, 3], [4, 5, 6, 7, 8]]
    assert len(nodes.a.rows("submission", attempt=0)) == 8


def test_a_claim_without_intents_is_known_as_whose_it_is(nodes: Nodes) -> None:
    nodes.a.queue(message(1), message(2))
    nodes.a.apply(claims=[("one", 1, NOW_MS, 0)])
    nodes.b.apply(claims=[("one", 1, NOW_MS, 1)])
    boots = {row["message_id"]: row["claimed_boot"] for row in nodes.a.rows("message")}
    assert boots == {1: nodes.engines[0].applier.boot, 2: 0}


def test_a_receipt_that_comes_to_both_ends_a_message_once(nodes: Nodes) -> None:
    nodes.a.sent(1, "A")
    first, second = nodes.at_once(Batch(receipts=[receipt("A")]), Batch(receipts=[receipt("A")]))
    assert [first.ended, second.ended] == [[("app", 1)], []]
    assert nodes.b.end(1) == (2, "000")
    assert nodes.b.delivery_states() == [(1, 2)]


def test_the_first_of_two_ends_counts(nodes: Nodes) -> None:
    nodes.a.sent(1, "A")
    failed, ended = nodes.at_once(Batch(failed=[(1, 8, "given up", NOW_MS)]), Batch(receipts=[receipt("A")]))
    assert (failed.ended, ended.ended) == ([("app", 1)], [])
    assert nodes.a.end(1) == (8, "given up")


def test_receipts_of_two_segments_that_come_to_two_nodes_end_their_message(nodes: Nodes) -> None:
    nodes.a.sent(1, "A", "B")
    first, second = nodes.at_once(Batch(receipts=[receipt("A")]), Batch(receipts=[receipt("B")]))
    assert [first.ended, second.ended] == [[], [("app", 1)]]
    assert nodes.a.end(1) == (2, "000")
    assert nodes.a.rows("message") == []


def test_segments_that_two_nodes_hand_over_end_their_message(nodes: Nodes) -> None:
    nodes.a.send(message(1, segments=2, registered_delivery=0))
    one, two = (Batch(submitted=[submitted(1, f"U{n}", n)], handed_over=[(1, NOW_MS)]) for n in (1, 2))
    first, second = nodes.at_once(one, two)
    assert [first.ended, second.ended] == [[], [("app", 1)]]
    assert nodes.a.rows("message") == []


def test_a_receipt_finds_a_response_that_another_node_commits_at_that_moment(nodes: Nodes) -> None:
    nodes.a.send(message(1))
    response = Batch(submitted=[submitted(1, "A")])
    # the receipt came just now: by the clock of whoever looks for what was left lying
    now_ms = int(nodes.engines[0].applier.cluster.now_ms())
    _, parked = nodes.without_waiting(response, Batch(receipts=[receipt("A", at_ms=now_ms)]))
    assert parked.results == [(None, None, None)]
    assert nodes.a.end(1) is None
    answer = nodes.b.apply_batch(BEAT)
    assert nodes.a.end(1) == (2, "000")
    assert [row[0] for row in answer.unparked] == [1]
    assert nodes.a.rows("parked_receipt") == []


def test_a_receipt_of_another_number_is_not_taken_for_good(nodes: Nodes) -> None:
    """What a look takes up and cannot match lies there again."""
    nodes.a.send(message(1))
    now_ms = int(nodes.engines[0].applier.cluster.now_ms())
    early = receipt("12ab", peer="4915112345678", at_ms=now_ms, forms=("same", "hex_to_dec"))
    nodes.b.apply(receipts=[early])
    nodes.a.apply(submitted=[submitted(1, "4779")])
    nodes.b.apply_batch(BEAT)
    assert nodes.a.end(1) is None
    assert len(nodes.a.rows("parked_receipt")) == 1


def test_a_segment_in_doubt_at_one_is_settled_by_a_receipt_at_the_other(nodes: Nodes) -> None:
    nodes.a.send(message(1, segments=2, on_ambiguous=2))
    nodes.a.apply(submitted=[submitted(1, "A", 1)], doubts=[(1, 2, NOW_MS, "no response", LINK, NOW_MS)])
    nodes.b.apply(late=[submitted(1, "B", 2)])
    nodes.b.apply(receipts=[receipt("A"), receipt("B")])
    assert [row["settled_by"] for row in nodes.a.rows("ambiguous")] == ["late response"]
    assert nodes.a.end(1) == (2, "000")


def test_queued_by_one_is_sent_by_the_other(nodes: Nodes) -> None:
    nodes.a.queue(message(1))
    assert nodes.b.claim() == [(1, [1])]
    assert nodes.a.progress(1) == Progress.SENT
