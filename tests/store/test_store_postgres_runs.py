"""Runs of nodes on one database: beats, leases, who takes over from whom, what a run has in memory."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_nodes import NodeEngine, Nodes
from store_support import receipt

from gateway.core.batch import Batch
from gateway.core.cluster import View
from gateway.core.model import Progress
from gateway.store.apply import Applier
from gateway.store.cluster_steps import FencedError
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_open import open_writer
from gateway.store.sqlite_open import StoreError


def beat(renew: int = 1, **state: Any) -> Batch:
    return Batch(beats=[(json.dumps(state), renew)])


def look(nodes: Nodes, which: int = 1, **state: Any) -> View:
    return View(*nodes.engines[which].apply(beat(**state)).view)


def lose(nodes: Nodes, which: int = 0) -> None:
    """The lease of a node is over."""
    boot = nodes.engines[which].applier.boot
    nodes.b.write(f"UPDATE boot SET lease_until = clock_timestamp() - interval '1 s' WHERE boot_id = {boot}")


def test_nodes_see_each_other(nodes: Nodes) -> None:
    nodes.engines[0].apply(beat(connectors={"one": 1}))
    view = look(nodes)
    assert [(row[1], row[2], json.loads(row[3])) for row in view.nodes] == [
        (1, "a", {"connectors": {"one": 1}}),
        (2, "b", {}),
    ]
    assert (view.boot, view.node) == (nodes.engines[1].applier.boot, 2)
    assert all(0 <= row[6] < 60_000 for row in view.nodes)


def test_a_beat_renews_a_lease_where_it_is_meant_to(nodes: Nodes) -> None:
    def until() -> Any:
        return nodes.a.rows("boot", boot_id=nodes.engines[0].applier.boot)[0]["lease_until"]

    lose(nodes)
    before = until()
    nodes.engines[0].apply(beat(0))
    assert until() == before
    nodes.engines[0].apply(beat(1))
    assert until() > before


def test_a_node_has_its_number_again_and_ends_its_earlier_run(nodes: Nodes, postgres_url: str) -> None:
    nodes.engines[0].apply(beat())
    again = NodeEngine(postgres_url, "a")
    assert again.applier.cluster.node == 1
    ended_ms_ago = again.applier.cluster.ended_ms_ago
    assert ended_ms_ago is not None
    assert 0 <= ended_ms_ago < 60_000
    with pytest.raises(FencedError):
        nodes.engines[0].apply(Batch())
    again.close()


@pytest.mark.parametrize("end", ["stopped", "stopped with something under way", "killed", "slept"])
def test_an_earlier_run_that_has_ended_by_itself_is_not_told_of(
    nodes: Nodes, postgres_url: str, end: str
) -> None:
    engine = nodes.engines[0]
    engine.apply(beat())
    if end == "stopped with something under way":
        nodes.a.send(message(1))
    if end.startswith("stopped"):
        engine.applier.recovery.stopped(NOW_MS)
    elif end == "killed":
        nodes.disconnect(engine)
    else:
        lose(nodes)
    again = NodeEngine(postgres_url, "a")
    assert again.applier.cluster.ended_ms_ago is None
    assert (again.applier.doubts.in_doubt == 1) is (end == "stopped with something under way")
    again.close()


def test_more_nodes_than_there_are_numbers(nodes: Nodes, postgres_url: str) -> None:
    nodes.a.write("INSERT INTO node SELECT n, 'other' || n FROM generate_series(3, 63) n")
    refused = pytest.raises(StoreError, match="63 nodes have run")
    with closing(open_writer(postgres_url)) as connection, refused:
        Applier(PostgresDatabase(connection), NOW_MS, "c")


def test_what_a_lost_node_was_sending_is_in_doubt(nodes: Nodes) -> None:
    nodes.a.send(message(1, segments=2), message(2))
    nodes.a.queue(message(3, connector="two"))
    nodes.a.apply(claims=[("two", 10, NOW_MS, 0)])
    assert nodes.b.claim(connector="two") == []
    lose(nodes)
    view = look(nodes)
    assert view.taken_over == [("a", 3)]
    assert [row[2] for row in view.nodes] == ["b"]
    assert {row["boot"] for row in nodes.b.rows("ambiguous")} == {nodes.engines[0].applier.boot}
    assert [nodes.b.progress(n) for n in (1, 2, 3)] == [Progress.QUEUED] * 3
    assert nodes.b.claim(connector="two") == [(3, [1])]
    assert look(nodes).taken_over == []


def test_what_a_lost_node_says_later_is_refused(nodes: Nodes) -> None:
    nodes.a.send(message(1))
    lose(nodes)
    look(nodes)
    with pytest.raises(FencedError):
        nodes.a.taken(1, "A")
    nodes.engines[0].db.rollback()
    assert nodes.b.rows("submission", message_id=1)[0]["upstream_id"] is None


def test_a_node_that_commits_just_now_is_not_taken_over(nodes: Nodes) -> None:
    nodes.a.send(message(1))
    lose(nodes)
    _, answer = nodes.without_waiting(beat(), beat())
    assert View(*answer.view).taken_over == []
    assert nodes.a.taken(1, "A").error == ""


def test_a_lost_node_is_taken_over_once(nodes: Nodes, postgres_url: str) -> None:
    nodes.a.send(message(1))
    third = NodeEngine(postgres_url, "c")
    lose(nodes)
    found = [View(*engine.apply(beat()).view).taken_over for engine in (nodes.engines[1], third)]
    assert found == [[("a", 1)], []]
    assert len(nodes.b.rows("ambiguous")) == 1
    third.close()


def test_what_an_orderly_end_leaves_is_anybodys_at_once(nodes: Nodes) -> None:
    nodes.a.queue(message(1, connector="two"))
    nodes.a.apply(claims=[("two", 10, NOW_MS, 0)])
    nodes.engines[0].apply(beat(wants=["jobs"]))
    nodes.engines[0].applier.recovery.stopped(NOW_MS)
    assert nodes.b.claim(connector="two") == [(1, [1])]
    lose(nodes)
    view = look(nodes, wants=["jobs"])
    assert (view.taken_over, view.leases) == ([], ["jobs"])
    assert [row[2] for row in view.nodes] == ["b"]


def test_what_was_under_way_at_an_end_is_told_to_whoever_looks_next(nodes: Nodes) -> None:
    nodes.a.apply(receivers=[("app", 1)])
    nodes.a.send(message(1, segments=2, on_ambiguous=3, registered_delivery=1))
    nodes.engines[0].applier.recovery.stopped(NOW_MS)
    view = look(nodes)
    assert view.taken_over == [("a", 2)]
    assert [row[2] for row in view.nodes] == ["b"]
    assert nodes.b.end(1) == (7, "ambiguous")
    assert nodes.b.fetch() == [1]
    assert look(nodes).taken_over == []


def test_a_lease_is_held_by_one_until_it_is_left_or_lost(nodes: Nodes) -> None:
    wants = ["connector:one", "jobs"]
    assert look(nodes, 0, wants=wants).leases == wants
    assert look(nodes, 1, wants=wants).leases == []
    assert look(nodes, 0, wants=["jobs"]).leases == ["jobs"]
    assert look(nodes, 1, wants=wants).leases == ["connector:one"]
    lose(nodes)
    assert look(nodes, 1, wants=wants).leases == wants


def test_two_that_want_one_lease_at_once(nodes: Nodes) -> None:
    first, second = nodes.at_once(beat(wants=["jobs"]), beat(wants=["jobs"]))
    assert [View(*one.view).leases for one in (first, second)] == [["jobs"], []]


def test_somebody_wants_a_node_drained(nodes: Nodes) -> None:
    assert nodes.b.apply(drains=[("a", 1), ("nobody", 1)]).drained == [1, 0]
    assert look(nodes, 0).draining == 1
    assert look(nodes, 1).draining == 0
    assert [row[4] for row in look(nodes, 1).nodes] == [1, 0]
    nodes.b.apply(drains=[("a", 0)])
    assert look(nodes, 0).draining == 0


# -- what a run has in memory --------------------------------------------------------------------------------


def test_a_receipt_goes_to_the_node_that_has_the_session(nodes: Nodes) -> None:
    nodes.b.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    answer = nodes.a.apply(receipts=[receipt("A")])
    assert answer.deliveries == []
    assert nodes.engines[0].applier.cluster.words == ["d:app"]
    assert look(nodes).waiting_accounts == ["app"]
    assert nodes.b.fetch() == [1]
    assert (nodes.b.fetch(), nodes.a.fetch()) == ([], []), "it is in the memory of one"
    assert look(nodes).waiting_accounts == []


def test_what_comes_by_the_session_s_own_node_is_there_at_once(nodes: Nodes) -> None:
    nodes.a.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    assert [row[0] for row in nodes.a.apply(receipts=[receipt("A")]).deliveries] == [1]
    assert nodes.b.fetch() == []
    assert nodes.engines[0].applier.cluster.words == []


def test_the_last_session_leaves_its_deliveries_to_others(nodes: Nodes) -> None:
    nodes.a.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    nodes.a.apply(receipts=[receipt("A")])
    nodes.a.apply(receivers=[("app", 0)])
    assert nodes.b.fetch() == [1]
    nodes.a.apply(receivers=[("app", 1), ("app", 0)])
    assert nodes.a.fetch() == [], "what is another node's stays so"


def test_what_has_no_room_in_memory_is_given_back(nodes: Nodes) -> None:
    nodes.a.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    nodes.a.apply(receipts=[receipt("A")])
    nodes.b.apply(unclaimed=[(1,)])
    assert nodes.b.fetch() == [], "it was not that node's to give"
    nodes.a.apply(unclaimed=[(1,)])
    assert nodes.b.fetch() == [1]


def test_a_lost_node_s_deliveries_are_fetched_again(nodes: Nodes) -> None:
    nodes.a.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    nodes.a.apply(receipts=[receipt("A")])
    lose(nodes)
    look(nodes)
    assert nodes.b.fetch() == [1]


def test_deliveries_of_both_are_told_to_whoever_wrote_them(nodes: Nodes) -> None:
    for store in (nodes.a, nodes.b):
        store.apply(receivers=[("app", 1)])
    nodes.a.sent(1, "A")
    nodes.b.sent(2, "B")
    first, second = nodes.at_once(Batch(receipts=[receipt("A")]), Batch(receipts=[receipt("B")]))
    assert [[row[2] for row in one.deliveries] for one in (first, second)] == [[1], [2]]


def test_what_waits_for_a_connector_is_told_to_whom_it_can_be_used_at(nodes: Nodes) -> None:
    nodes.a.queue(message(1, due_ms=NOW_MS + 5))
    assert look(nodes, 0, connectors={"one": 0}).due_connectors == []
    assert look(nodes, 1, connectors={"one": 1, "two": 1}).due_connectors == [("one", NOW_MS + 5)]
