"""Whatever ends a message on one node, and whatever on the other: it ends once, and is told once."""

from __future__ import annotations

from itertools import product

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_nodes import Nodes
from store_support import LINK, Store, receipt

from gateway.core.batch import Answer, Batch, Row
from gateway.core.model import OnAmbiguous, Progress, Wish

LATER_MS = NOW_MS + 3 * DAY_MS
"""After the end of the messages' validity."""
FAILED = Batch(failed=[(1, 5, "no", NOW_MS)])
SENT = {
    "receipt": Batch(receipts=[receipt("A", state=5)]),
    "failed": FAILED,
    "handed over": Batch(handed_over=[(1, NOW_MS)]),
    "no receipt": Batch(sweeps=[Store.sweep_row(LATER_MS, receipt_before_ms=LATER_MS, oldest_id=2)]),
}
"""What ends a message that its SMSC has."""
UNANSWERED = {
    "doubt": Batch(doubts=[(1, 1, NOW_MS, "no response", LINK, NOW_MS)]),
    "failed": FAILED,
    "no receipt": SENT["no receipt"],
}
"""What ends one of which nobody knows whether its SMSC has it."""
QUEUED = {
    "drop": Batch(decisions=[(1, "drop", NOW_MS)]),
    "cancel": Batch(cancels=[("app", 1, "", "", "", NOW_MS)]),
    "expired": Batch(sweeps=[Store.sweep_row(LATER_MS)]),
    "failed": FAILED,
}
"""What ends one that waits."""


def one_end(nodes: Nodes, *answers: Answer) -> None:
    """The message was counted, told of, and paid back once."""
    rows = nodes.a.rows
    assert rows("message") == []
    assert len(rows("history")) == len(rows("delivery")) == 1
    assert sum(count for answer in answers for _, count in answer.ended) == 1
    assert sum(row["messages"] for row in rows("statistics")) == 1
    assert sum(row["n"] for row in rows("open_count")) == 0
    paid = sum(row["amount"] for row in rows("statistics"))
    assert sum(row["amount"] for table in ("balance", "refund") for row in rows(table)) == 1000 - paid


def accepted(progress: Progress, intents: list[Row], *, charged: bool = True) -> Batch:
    """One that is not charged for ends by a shorter way."""
    flags = Wish.CHARGED.value if charged else 0
    new = message(1, flags=flags, registered_delivery=1, on_ambiguous=OnAmbiguous.FAIL.value)
    return Batch(
        credits=[("app", 1000, NOW_MS, "ops", "")],
        accepted=[(*new, progress.value)],
        intents=intents,
        charges=[(1, "app", 300, 1)] if charged else [],
    )


@pytest.mark.parametrize("charged", [True, False])
@pytest.mark.parametrize(("one", "other"), [*product(SENT, SENT)])
def test_what_is_at_its_smsc_ends_once(nodes: Nodes, one: str, other: str, charged: bool) -> None:
    nodes.a.apply_batch(accepted(Progress.SENT, [(1, 1, "one", NOW_MS)], charged=charged))
    nodes.a.taken(1, "A")
    one_end(nodes, *nodes.at_once(SENT[one], SENT[other]))


@pytest.mark.parametrize(("one", "other"), [*product(UNANSWERED, UNANSWERED)])
def test_what_is_under_way_ends_once(nodes: Nodes, one: str, other: str) -> None:
    nodes.a.apply_batch(accepted(Progress.SENT, [(1, 1, "one", NOW_MS)]))
    one_end(nodes, *nodes.at_once(UNANSWERED[one], UNANSWERED[other]))


@pytest.mark.parametrize(("one", "other"), [*product(QUEUED, QUEUED)])
def test_what_waits_ends_once(nodes: Nodes, one: str, other: str) -> None:
    nodes.a.apply_batch(accepted(Progress.QUEUED, []))
    one_end(nodes, *nodes.at_once(QUEUED[one], QUEUED[other]))


def test_a_sweep_waits_for_nobody_and_ends_nothing_that_is_claimed(nodes: Nodes) -> None:
    nodes.a.queue(message(1), message(2), message(3))
    claim = Batch(claims=[("one", 1, NOW_MS, 1)])  # it looks at the next one too
    nodes.without_waiting(claim, QUEUED["expired"])
    assert nodes.a.progress(1) is Progress.SENT
    assert nodes.a.end(3) == (3, "")


# -- nobody waits in a circle -----------------------------------------------------------------------------

MESSAGE_3 = "SELECT 1 FROM message WHERE message_id = 3 FOR UPDATE"


def test_ends_in_any_order(nodes: Nodes) -> None:
    nodes.a.queue(*(message(n) for n in (1, 2, 3)))
    first, second = (Batch(failed=[(n, 5, "no", NOW_MS) for n in ids]) for ids in ((1, 3, 2), (2, 1)))
    nodes.behind(MESSAGE_3, first, second)
    assert len(nodes.a.rows("history")) == 3


@pytest.mark.parametrize("segments", [1, 2])
def test_messages_that_are_handed_over_in_any_order(nodes: Nodes, segments: int) -> None:
    for n in (1, 2, 3):
        nodes.a.sent(n, *(f"{n}{segment}" for segment in range(segments)), registered_delivery=0)
    first, second = (Batch(handed_over=[(n, NOW_MS) for n in ids]) for ids in ((1, 3, 2), (2, 1)))
    nodes.behind(MESSAGE_3, first, second)
    assert len(nodes.a.rows("history")) == 3


@pytest.mark.parametrize("segments", [1, 2])
def test_receipts_in_any_order(nodes: Nodes, segments: int) -> None:
    for n in (1, 2, 3):
        nodes.a.sent(n, *(f"{n}{segment}" for segment in range(segments)))
    first, second = (Batch(receipts=[receipt(f"{n}0") for n in ids]) for ids in ((1, 3, 2), (2, 1)))
    nodes.behind("SELECT 1 FROM submission WHERE message_id = 3 FOR UPDATE", first, second)
    assert len(nodes.a.rows("submission", attempt=3)) == 3


def test_counts_of_a_day_in_any_order(nodes: Nodes) -> None:
    first, second = (
        Batch(counted=[("app", 20_000, 2, key, 1) for key in keys])
        for keys in ((b"1", b"3", b"2"), (b"2", b"1"))
    )
    nodes.a.apply_batch(first)
    nodes.behind("SELECT 1 FROM day_count WHERE key = '3' FOR UPDATE", first, second)
    assert sorted(row["times"] for row in nodes.a.rows("day_count")) == [2, 3, 3]


def test_what_was_sent_a_moment_ago_in_any_order(nodes: Nodes) -> None:
    def sent(first_id: int, *keys: bytes) -> Batch:
        ids = range(first_id, first_id + len(keys))
        rows = [(*message(n), Progress.QUEUED.value) for n in ids]
        pairs = zip(ids, keys, strict=True)
        return Batch(
            accepted=rows, conditions=[("repeat", n, n, "app", key, 60_000, NOW_MS) for n, key in pairs]
        )

    nodes.a.apply_batch(sent(1, b"3"))
    _, second = nodes.behind(
        "SELECT 1 FROM recent FOR UPDATE", sent(11, b"1", b"3", b"2"), sent(21, b"2", b"1")
    )
    assert dict(second.refused_late) == {21: "repeated", 22: "repeated"}


# -- the first of two receipts -----------------------------------------------------------------------------


def test_the_first_of_two_receipts_for_a_segment_counts(nodes: Nodes) -> None:
    nodes.a.sent(1, "A", "B")
    nodes.at_once(Batch(receipts=[receipt("A")]), Batch(receipts=[receipt("A", state=5)]))
    nodes.a.apply(receipts=[receipt("B")])
    assert nodes.a.end(1) == (2, "000")
