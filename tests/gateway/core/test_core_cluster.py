"""What nodes know of each other, and what each may use: never more in sum than there is."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.cluster import (
    LONGEST_MS,
    Cluster,
    Lease,
    Share,
    View,
    fair_rate,
    fair_window,
)

STEPS = 400


def _row(boot: int, name: str = "", since_ms: int = 0, **state: object) -> tuple[object, ...]:
    return (boot, boot, name or f"node{boot}", json.dumps(state), 0, since_ms, 0, ())


def _view(boot: int, *rows: tuple[object, ...], leases: tuple[str, ...] = (), draining: int = 0) -> View:
    return View(boot, boot, list(rows), list(leases), [], [], [], draining)


# -- the lease -----------------------------------------------------------------------------------------------


def test_a_lease_is_over_when_no_beat_that_was_sent_lately_has_renewed_it() -> None:
    lease = Lease(1_000)
    assert not lease.is_over(1_000 + LONGEST_MS - 1)
    assert lease.is_over(1_000 + LONGEST_MS)
    lease.renewed(5_000)
    assert lease.age_ms(9_000) == 4_000
    assert not lease.is_over(5_000 + LONGEST_MS - 1)
    assert lease.is_over(5_000 + LONGEST_MS)


def test_an_answer_that_comes_late_does_not_make_a_lease_older() -> None:
    lease = Lease(0)
    lease.renewed(6_000)
    lease.renewed(2_000)
    assert lease.age_ms(6_000) == 0


# -- fair parts ----------------------------------------------------------------------------------------------


@given(st.integers(1, 2_000), st.integers(1, 64))
def test_fair_parts_of_all_nodes_are_the_whole(whole: int, nodes: int) -> None:
    rates = [fair_rate(whole, nodes, place) for place in range(nodes)]
    windows = [fair_window(whole, nodes, place) for place in range(nodes)]
    assert sum(rates) == pytest.approx(whole)
    assert sum(windows) == whole
    assert max(windows) - min(windows) <= 1
    assert all(rate == 0 or rate >= 1 for rate in rates)


# -- shares --------------------------------------------------------------------------------------------------


class _Node:
    """A node whose beats take their time: stored, looked, committed and answered at different moments."""

    def __init__(self) -> None:
        self.share = Share()
        self.wants = False
        self.phase = 0
        self.stored = (False, 0.0)
        self.seen: dict[int, tuple[bool, float]] = {}


class _Model:
    """Nodes at one store; the look of a beat sees what others have committed, and its own."""

    def __init__(self, whole: int, count: int) -> None:
        self.whole = whole
        self.nodes = {boot: _Node() for boot in range(count)}
        self.committed: dict[int, tuple[bool, float]] = {}

    def step(self, boot: int) -> None:
        """One step of the beat that is under way at a node, or the next beat."""
        node = self.nodes[boot]
        if node.phase == 0:
            node.stored = (node.wants, node.share.claim)
        elif node.phase == 1:
            node.seen = {**self.committed, boot: node.stored}
        elif node.phase == 2:
            self.committed[boot] = node.stored
        else:
            self._answered(boot, node)
        node.phase = (node.phase + 1) % 4

    def _answered(self, boot: int, node: _Node) -> None:
        usable = sorted(one for one, (wants, _) in node.seen.items() if wants)
        others = sum(claim for one, (_, claim) in node.seen.items() if one != boot)
        fair = (
            fair_window(self.whole, len(usable), usable.index(boot)) if node.wants and boot in usable else 0
        )
        node.share.look(fair, others, self.whole)

    def turn(self, boot: int) -> None:
        """The connector comes up at a node, or goes down."""
        node = self.nodes[boot]
        node.wants = not node.wants
        if not node.wants:
            node.share.close()

    def leave(self, boot: int) -> None:
        """A node ends, and only then the others hear that its lease is over; another one takes its place."""
        self.nodes[boot] = _Node()
        self.committed.pop(boot, None)

    def used(self) -> float:
        return sum(node.share.used for node in self.nodes.values())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 1 << 32))
def test_nodes_that_come_and_go_never_use_more_than_there_is(whole: int, count: int, seed: int) -> None:
    chance = random.Random(seed)
    model = _Model(whole, count)
    for _ in range(STEPS):
        boot = chance.randrange(count)
        what = chance.random()
        if what < 0.04:
            model.turn(boot)
        elif what < 0.05:
            model.leave(boot)
        else:
            model.step(boot)
        assert model.used() <= whole
    _settle(model, count)


def _settle(model: _Model, count: int) -> None:
    """When nothing changes any more, all of it is used, in fair parts."""
    for _ in range(4 * 6):
        for boot in range(count):
            model.step(boot)
        assert model.used() <= model.whole
    wanting = [node.share.used for node in model.nodes.values() if node.wants]
    assert model.used() == (model.whole if wanting else 0)
    assert not wanting or max(wanting) - min(wanting) <= 1


def test_a_node_uses_nothing_until_the_others_have_given_it_up() -> None:
    first, second = Share(), Share()
    for _ in range(3):
        first.look(10, 0, 10)
    assert first.used == 10
    for _ in range(3):
        second.look(5, first.claim, 10)
        assert second.used == 0
    first.look(5, second.claim, 10)
    assert first.used == 5
    second.look(5, first.claim, 10)
    assert second.used == 5


def test_what_is_under_way_is_claimed_until_it_is_over() -> None:
    first, second = Share(), Share()
    for _ in range(3):
        first.look(10, 0, 10)
        second.look(5, first.claim, 10)
    first.look(5, 5, 10, busy=8)
    assert (first.used, first.claim) == (5, 8)
    second.look(5, first.claim, 10)
    assert second.used == 2
    first.look(5, 5, 10, busy=5)
    second.look(5, first.claim, 10)
    assert second.used == 5


def test_a_claim_counts_only_when_a_beat_after_the_one_that_published_it_is_answered() -> None:
    share = Share()
    assert not share.look(10, 0, 10)
    assert not share.look(10, 0, 10)
    assert share.grows, "the next beat should not keep it waiting"
    assert share.look(10, 0, 10)
    assert not share.grows


def test_a_share_that_is_closed_hastens_no_beat() -> None:
    share = Share()
    share.look(10, 0, 10)
    assert share.grows
    share.close()
    assert not share.grows


def test_a_share_for_which_there_is_no_room_waits_for_the_others() -> None:
    share = Share()
    for _ in range(3):
        share.look(5, 10, 10)
        assert not share.grows
    share.look(5, 6, 10)
    assert (share.used, share.grows) == (4, False)


# -- the view ------------------------------------------------------------------------------------------------


def test_a_look_shows_the_others_and_this_node() -> None:
    cluster = Cluster()
    mine = _row(7, "b", connectors={"x": 0}, accounts={"shop": [1, 1, 0, 0.0]})
    other = _row(
        4, "a", version="9.9", connectors={"x": 1}, shares={"x": [5.0, 20]}, accounts={"shop": [3, 1, 1, 2.5]}
    )
    cluster.look(_view(7, mine, other, leases=("jobs",), draining=1))
    assert [peer.name for peer in cluster.peers] == ["a", "b"]
    assert cluster.leases == {"jobs"}
    assert cluster.draining
    assert cluster.works_elsewhere("x")
    assert cluster.usable_at("x") == [4]
    assert cluster.sessions_elsewhere() == {"shop": 3}
    assert cluster.senders_of("shop") == 1
    assert cluster.claimed(lambda peer: peer.shares.get("x", (0, 0))[1]) == 20
    assert cluster.claimed(lambda peer: peer.accounts.get("shop", (0, 0, 0, 0.0))[3]) == 2.5


def test_a_node_that_is_gone_is_forgotten() -> None:
    cluster = Cluster()
    cluster.look(_view(2, _row(1, connectors={"x": 1}), _row(2)))
    cluster.look(_view(2, _row(2, connectors={"x": 1})))
    assert not cluster.works_elsewhere("x")
    assert cluster.sessions_elsewhere() == {}


def test_a_state_that_has_changed_is_read_again() -> None:
    cluster = Cluster()
    cluster.look(_view(2, _row(1, connectors={"x": 1}), _row(2)))
    cluster.look(_view(2, _row(1, connectors={"x": 0}), _row(2)))
    assert not cluster.works_elsewhere("x")


def test_a_node_that_has_not_published_anything_yet_has_nothing() -> None:
    cluster = Cluster()
    cluster.look(_view(2, (1, 1, "a", "", 0, 0, 0, ()), _row(2)))
    assert cluster.peers[0].connectors == {}
    assert cluster.claimed(lambda peer: peer.shares.get("x", (0, 0))[0]) == 0
