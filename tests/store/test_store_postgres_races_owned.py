"""What only one node may have, and no other is told: sends, claims, deliveries, money, numbers."""

from __future__ import annotations

from collections.abc import Callable

import store_http
from gateway_fakes import NOW_MS, message
from store_nodes import NodeEngine, Nodes
from store_support import Store, receipt, submitted

from gateway.core.batch import Answer, Batch, Row
from gateway.core.model import Progress, Wish
from gateway.store.cluster_steps import ClusterSteps

BEAT = Batch(beats=[("{}", 1)])


def assigned(nodes: Nodes, message_id: int) -> None:
    nodes.a.send(message(message_id))
    nodes.a.apply(assigned=[(message_id, 1, "one", NOW_MS, f"r/{message_id}", f"r/{message_id}")])


def lose(nodes: Nodes) -> None:
    boot = nodes.engines[0].applier.boot
    nodes.b.write(f"UPDATE boot SET fenced = 1 WHERE boot_id = {boot}")


def open_sends(answer: Answer) -> list[int]:
    ((_, rows),) = answer.open_sends
    return [fields[0] for fields, *_ in rows]


def test_what_a_living_node_sends_is_no_others_to_ask_for(nodes: Nodes) -> None:
    assigned(nodes, 1)
    asked = Batch(open_sends=[("one",)])
    assert open_sends(nodes.b.apply_batch(asked)) == []
    assert nodes.a.rows("submission")[0]["boot"] == nodes.engines[0].applier.boot
    lose(nodes)
    assert open_sends(nodes.b.apply_batch(asked)) == [1]
    assert open_sends(nodes.b.apply_batch(asked)) == []


def test_a_lost_node_takes_nothing_with_it_that_another_one_claims(nodes: Nodes, postgres_url: str) -> None:
    nodes.a.queue(message(1), message(2))
    third = NodeEngine(postgres_url, "c")
    for node in (nodes.a, Store(third)):
        node.apply(claims=[("one", 1, NOW_MS, 0)])
    third.close()
    nodes.b.write(f"UPDATE boot SET lease_until = '-infinity' WHERE boot_id = {third.applier.boot}")
    nodes.b.apply_batch(BEAT)
    assert [nodes.b.progress(n) for n in (1, 2)] == [Progress.SENT, Progress.QUEUED]


def received(store: Store, *ids: int) -> None:
    """Each of them has a receipt, and nobody has it in memory."""
    for n in ids:
        store.sent(n, f"A{n}")
        store.apply(receipts=[receipt(f"A{n}")])


def test_deliveries_are_fetched_by_one_and_nobody_waits(nodes: Nodes) -> None:
    received(nodes.a, 1, 2, 3)
    first, second = nodes.without_waiting(Batch(fetches=[("app", 0, 2)]), Batch(fetches=[("app", 0, 9)]))
    fetched = [[row[0] for row in answer.fetched[0][1]] for answer in (first, second)]
    assert fetched == [[1, 2], [3]]


def test_deliveries_that_another_node_writes_meanwhile_are_not_told(nodes: Nodes) -> None:
    for store in (nodes.a, nodes.b):
        store.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    nodes.b.sent(2, "B")
    mine, others = Batch(failed=[(1, 5, "no", NOW_MS)]), Batch(receipts=[receipt("B")])
    first, second = nodes.in_the_middle(mine, others, before="new_deliveries")
    assert [[row[2] for row in answer.deliveries] for answer in (first, second)] == [[1], [2]]


def test_what_another_node_writes_meanwhile_is_not_kept_here(nodes: Nodes) -> None:
    nodes.a.apply(receivers=[("app", 1)])
    nodes.b.sent(2, "B")
    incoming = Batch(incoming=[store_http.incoming()])
    first, _ = nodes.in_the_middle(incoming, Batch(receipts=[receipt("B")]), before="keep_deliveries")
    assert [row[2] for row in first.deliveries] == [0]
    assert len(nodes.a.rows("delivery", claimed_boot=0)) == 1
    assert nodes.a.fetch() == [row["delivery_id"] for row in nodes.a.rows("delivery", message_id=2)]


# -- money that came back ----------------------------------------------------------------------------------


DROP = Batch(decisions=[(1, "drop", NOW_MS)])
"""300 of the money of "app" come back."""


def spent(nodes: Nodes) -> None:
    """1000 of "app", of which 300 are spent."""
    new = message(1, flags=Wish.CHARGED.value)
    nodes.a.apply(
        credits=[("app", 1000, NOW_MS, "ops", "")],
        accepted=[(*new, Progress.QUEUED.value)],
        charges=[(1, "app", 300, 1)],
    )


def test_money_that_comes_back_is_added_once_and_nobody_waits_for_it(nodes: Nodes) -> None:
    spent(nodes)
    nodes.a.apply_batch(DROP)
    nodes.without_waiting(BEAT, BEAT)
    assert [row["amount"] for row in nodes.a.rows("balance")] == [1000]
    assert nodes.a.rows("refund") == []


def test_money_that_another_node_has_added_is_told(nodes: Nodes) -> None:
    spent(nodes)
    while nodes.b.apply_batch(BEAT).balances:
        pass
    nodes.a.apply_batch(DROP)
    nodes.a.apply_batch(BEAT)
    assert nodes.b.apply_batch(BEAT).balances == [("app", 1000)]


def test_money_that_comes_back_does_not_wait_for_whoever_spends(nodes: Nodes) -> None:
    nodes.a.apply(credits=[("app", 1000, NOW_MS, "ops", "")])
    spent(nodes)
    nodes.a.apply_batch(DROP)
    spends = Batch(charges=[(2, "app", 1, 1)])
    nodes.without_waiting(spends, BEAT)
    assert sum(row["amount"] for row in nodes.a.rows("balance")) == 1999


# -- what was sent a moment ago ----------------------------------------------------------------------------


def sent(message_id: int, at_ms: int) -> Batch:
    row = (*message(message_id), Progress.QUEUED.value)
    return Batch(accepted=[row], conditions=[("repeat", message_id, message_id, "app", b"k", 1000, at_ms)])


def test_what_is_sent_again_just_now_is_not_forgotten_as_old(nodes: Nodes) -> None:
    nodes.a.apply_batch(sent(1, NOW_MS))
    later_ms = NOW_MS + 5000
    nodes.without_waiting(sent(2, later_ms), Batch(sweeps=[Store.sweep_row(later_ms)]))
    assert nodes.b.apply_batch(sent(3, later_ms + 1)).refused_late == [(3, "repeated")]


# -- starts ------------------------------------------------------------------------------------------------


def test_two_that_start_at_once_count_what_was_not_counted_once(nodes: Nodes) -> None:
    def start(engine: NodeEngine) -> list[Row]:
        engine.db.begin()
        found = engine.applier.shared.opened()
        engine.db.commit()
        return found

    nodes.a.queue(message(1), message(2))
    nodes.a.write("DELETE FROM open_count")
    assert nodes.both(start, start) == ([("app", 2)], [("app", 2)])


def test_two_that_are_new_get_numbers_of_their_own(nodes: Nodes) -> None:
    def start(name: str) -> Callable[[NodeEngine], int]:
        return lambda engine: ClusterSteps(engine.db, name, NOW_MS).node

    assert nodes.both(start("c"), start("d")) == (3, 4)


def test_a_late_receipt_is_found_among_many_older_ones(nodes: Nodes) -> None:
    nodes.a.send(message(1))
    nodes.a.write(
        "INSERT INTO parked_receipt (connector, upstream_id, key_same, peer, state, "
        "final, error, received_ms) "
        "SELECT 'one', 'none' || n, 'none' || n, '', 2, 1, '', 0 FROM generate_series(1, 1000) n"
    )
    now_ms = int(nodes.engines[0].applier.cluster.now_ms())
    response = Batch(submitted=[submitted(1, "A")])
    nodes.without_waiting(response, Batch(receipts=[receipt("A", at_ms=now_ms)]))
    nodes.b.apply_batch(BEAT)
    assert nodes.a.end(1) == (2, "000")


def test_what_a_lost_node_was_sending_is_asked_for_by_one(nodes: Nodes, postgres_url: str) -> None:
    assigned(nodes, 1)
    lose(nodes)
    asked = Batch(open_sends=[("one",)])
    a = nodes.engines[0]
    a.restart(NOW_MS)
    found = [open_sends(answer) for answer in nodes.at_once(asked, asked)]
    assert found == [[1], []]
