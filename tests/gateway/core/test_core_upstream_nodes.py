"""A connector that several nodes share: this node's part of its window and rate, and what others can send."""

from __future__ import annotations

from random import Random

import pytest
from gateway_fakes import FakeJournal, FakeLink, ManualClock, recorded_events

from gateway.core.failover import moves
from gateway.core.limits import TokenBucket
from gateway.core.pauses import Pause
from gateway.core.routing import Route
from gateway.core.upstream import MOVE_AFTER_S, Upstream


class Up:
    """A connector whose queue on disk is empty."""

    def __init__(self, *, window: int = 100, rate: int = 0, bound: bool = True) -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.events, _ = recorded_events()
        self.upstream = Upstream(
            "one",
            window=window,
            rate=rate,
            whole=False,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(7),
        )
        if bound:
            self.upstream.link_up(FakeLink(1_000_000))
            self.upstream.claimed([], None)
            self.journal.commit()

    def straight(self, count: int = 1000) -> int:
        """How many of so many messages go straight up."""
        return sum(self.upstream.reserve(1, self.clock.now()) for _ in range(count))


def test_no_more_is_under_way_than_this_nodes_part_of_the_window() -> None:
    up = Up(window=100)
    up.upstream.use(30, 0)
    assert up.upstream.window_now == 30
    assert up.straight() == 30


def test_nothing_goes_up_while_the_part_is_not_known() -> None:
    up = Up(rate=50)
    up.upstream.use(0, 0.0)
    assert up.straight() == 0
    up.upstream.use(100, 50.0)
    up.clock.advance(1.0)
    assert up.straight() == 50


def test_what_another_node_may_have_used_is_not_used_again() -> None:
    up = Up(rate=50)
    up.upstream.use(0, 0.0)
    up.clock.advance(10)
    up.upstream.use(100, 25.0)
    assert up.straight() == 0
    up.clock.advance(1.0)
    assert up.straight() == 25


def test_a_smaller_part_of_the_rate_holds_at_once() -> None:
    up = Up(rate=50)
    up.upstream.use(1000, 50.0)
    up.clock.advance(5)
    up.upstream.use(1000, 20.0)
    assert up.straight() == 20
    for _ in range(10):
        up.clock.advance(0.1)
        up.upstream.tick(up.clock.now(), up.clock.now_ms())
    assert up.straight() == 20


def test_other_limits_let_nothing_up_until_this_nodes_part_of_them_is_known() -> None:
    up = Up(rate=50)
    up.upstream.use(1000, 25.0)
    up.upstream.limit(1000, 80, adaptive=False)
    up.clock.advance(1)
    assert up.straight() == 0
    up.upstream.use(1000, 40.0)
    up.clock.advance(1)
    assert up.straight() == 40


def test_a_gateway_that_is_alone_has_all() -> None:
    up = Up(window=10)
    assert up.upstream.window_now == 10
    assert up.straight() == 10


def test_a_connector_that_another_node_can_use_works() -> None:
    up = Up(bound=False)
    assert not up.upstream.works
    up.upstream.elsewhere = True
    assert up.upstream.works
    assert up.upstream.up
    assert not up.upstream.works_here
    assert up.straight() == 0  # it goes up by the other node
    up.upstream.pause(Pause(1, ""))
    assert not up.upstream.works
    assert not up.upstream.up


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_queue_is_moved_only_when_the_connector_is_down_at_all_nodes(elsewhere: bool) -> None:
    dead, other = Up(bound=False), Up()
    dead.upstream.queued(0)
    dead.upstream.elsewhere = elsewhere
    upstreams = {"one": dead.upstream, "two": other.upstream}
    routes = [Route("", ("one", "two"))]
    found = moves(routes, upstreams, dead.clock.now() + MOVE_AFTER_S + 1)
    assert found == ({} if elsewhere else {("one", "two"): "down"})


def test_what_was_held_goes_on_when_it_is_let_go() -> None:
    up = Up()
    up.upstream.hold("drained")
    assert up.straight() == 0
    up.upstream.let_go()
    assert up.journal.batch.claims
    up.upstream.claimed([], None)
    up.journal.commit()
    assert up.straight() == 100


def test_what_another_node_has_queued_during_a_claim_is_claimed_right_after_it() -> None:
    up = Up()
    up.upstream.hinted()
    assert len(up.journal.batch.claims) == 1
    _, end = up.journal.take()
    up.upstream.hinted()
    up.upstream.hinted()
    assert not up.journal.is_due, "one claim at a time"
    up.upstream.claimed([], None)
    end(True, None)
    assert up.straight() == 0
    assert len(up.journal.batch.claims) == 1


# -- a bucket ------------------------------------------------------------------------------------------------


def test_a_bucket_with_a_rate_below_one_gives_one_in_its_time() -> None:
    bucket = TokenBucket(1, 0.0)
    bucket.change(0.5, 0.0, 1.0)
    assert bucket.take(1, 0.0)
    assert not bucket.take(1, 1.5)
    assert bucket.missed == 1
    assert bucket.take(1, 2.5)


def test_a_bucket_that_is_not_filled_keeps_what_it_has() -> None:
    bucket = TokenBucket(10, 0.0)
    bucket.change(1e-9, 0.0, 5.0)
    taken = sum(bucket.take(1, moment / 10) for moment in range(100))
    assert taken == 5
