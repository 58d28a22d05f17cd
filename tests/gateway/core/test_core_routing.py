"""Longest prefix, and the hand-over of a dead connector's queue."""

from __future__ import annotations

from random import Random

from gateway_fakes import FakeJournal, FakeLink, ManualClock, quiet_events, recorded_events
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.failover import move_queues, moves
from gateway.core.model import OnAmbiguous, Wish
from gateway.core.routing import Route, RouteTable
from gateway.core.upstream import MOVE_AFTER_S, Upstream

prefixes = st.text("0123", max_size=5)


def naive(routes: list[Route], digits: str) -> Route | None:
    fitting = [route for route in routes if digits.startswith(route.prefix)]
    return max(fitting, key=lambda route: len(route.prefix), default=None)


@given(st.lists(prefixes, unique=True, max_size=20), st.lists(st.text("0123", max_size=8), max_size=20))
def test_the_longest_prefix_wins(known: list[str], numbers: list[str]) -> None:
    routes = [Route(prefix, (f"to {prefix}",)) for prefix in known]
    table = RouteTable(routes)
    for digits in numbers:
        found, expected = table.find(digits), naive(routes, digits)
        assert (found and found.connectors) == (expected and expected.connectors)


def test_a_route_brings_its_policy_and_its_alternatives() -> None:
    table = RouteTable([Route("79", ("one", "two"), OnAmbiguous.HOLD)])
    route = table.find("79161234567")
    assert route is not None
    assert (route.on_ambiguous, route.alternatives) == (OnAmbiguous.HOLD, "one two")
    assert list(table) == [route]
    assert table.find("49") is None


class House:
    """Connectors one, two and three, all down and with something queued."""

    def __init__(self) -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.upstreams: dict[str, Upstream] = {}
        for name in ("one", "two", "three"):
            upstream = Upstream(
                name,
                window=10,
                rate=0,
                whole=False,
                journal=self.journal,
                events=quiet_events(),
                clock=self.clock,
                random=Random(1),
            )
            upstream.all = self.upstreams
            self.upstreams[name] = upstream

    def up(self, name: str) -> None:
        """Binds a link and lets the store say that nothing waits."""
        self.upstreams[name].link_up(FakeLink())
        self.journal.commit()
        self.upstreams[name].claimed([], None)

    def moves(self, *routes: Route) -> set[tuple[str, str]]:
        return set(moves(routes, self.upstreams, self.clock.now()))


def test_a_queue_moves_to_the_next_that_is_up_after_a_while() -> None:
    house = House()
    house.up("three")
    route = Route("", ("one", "two", "three"))
    house.clock.advance(MOVE_AFTER_S - 0.1)
    assert house.moves(route) == set()
    house.clock.advance(0.2)
    assert house.moves(route) == {("one", "three"), ("two", "three")}


def test_the_last_of_a_route_hands_over_to_the_first() -> None:
    house = House()
    house.up("one")
    house.clock.advance(60)
    assert house.moves(Route("", ("one", "two"))) == {("two", "one")}


def test_nothing_moves_without_a_queue_or_without_another_connector() -> None:
    house = House()
    house.clock.advance(60)
    assert house.moves(Route("", ("one",)), Route("7", ("one", "two"))) == set()
    house.up("two")
    house.upstreams["one"].moved_away(house.clock.now())
    house.clock.advance(60)
    assert house.moves(Route("", ("one", "two"))) == set()


def test_a_link_that_was_there_a_moment_ago_counts_from_its_end() -> None:
    house = House()
    house.up("two")
    link = FakeLink()
    house.clock.advance(60)
    house.upstreams["one"].link_up(link)
    house.upstreams["one"].link_down(link)
    house.clock.advance(MOVE_AFTER_S - 0.1)
    assert house.moves(Route("", ("one", "two"))) == set()


def test_what_joined_a_long_queue_while_it_was_looked_at_is_looked_at_too() -> None:
    house = House()
    house.up("two")
    upstream, route = house.upstreams["one"], Route("", ("one", "two"))
    upstream.moved_away(house.clock.now())
    upstream.moved(more=False)  # the first time the store may have begun in the middle
    for joins in (True, False):
        upstream.moved_away(house.clock.now())
        upstream.moved(more=True)
        if joins:
            upstream.queued(0)
        upstream.moved_away(house.clock.now())
        upstream.moved(more=False)
        house.clock.advance(MOVE_AFTER_S)
        assert bool(house.moves(route)) is joins


def test_a_move_is_one_row_one_event_and_a_claim_behind_it() -> None:
    house = House()
    house.up("two")
    house.clock.advance(60)
    events, written = recorded_events()
    route = Route("", ("one", "two"))
    move_queues([route], house.upstreams, house.journal.batch, events, house.clock.now())
    batch = house.journal.commit()
    assert batch.moves == [("one", "two", Wish.STAYS_DOWN)]
    assert [claim[0] for claim in batch.claims] == ["two"]
    assert "failover connector=one to=two" in written[0]
    assert house.moves(route) == set()


def test_what_the_next_connector_has_refused_goes_to_the_one_behind_it() -> None:
    house = House()
    house.up("two")
    house.up("three")
    house.clock.advance(60)
    events, written = recorded_events()
    route = Route("", ("one", "two", "three"))
    move_queues([route], house.upstreams, house.journal.batch, events, house.clock.now())
    assert [row[:2] for row in house.journal.commit().moves] == [("one", "two"), ("one", "three")]
    events.flush()
    assert "to=two" in "".join(written) and "to=three" not in "".join(written)
