"""New messages go to the next connector when the route wants that, and wait for the first one when not."""

from __future__ import annotations

from random import Random

import pytest
from gateway_fakes import FakeJournal, FakeLink, ManualClock, draft, quiet_events

from gateway.core.pauses import Pause
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.upstream import Upstream

DOWN, SILENT, PAUSED, WORKS = "down", "silent", "paused", "works"


def router(**states: str) -> Router:
    clock, journal = ManualClock(), FakeJournal()
    upstreams: dict[str, Upstream] = {}
    for name, state in states.items():
        upstream = upstreams[name] = Upstream(
            name,
            window=4,
            rate=0,
            whole=False,
            journal=journal,
            events=quiet_events(),
            clock=clock,
            random=Random(7),
        )
        upstream.all = upstreams
        if state != DOWN:
            upstream.link_up(FakeLink())
            journal.commit()
            upstream.claimed([], None)
        upstream.silence.is_silent = state == SILENT
        if state == PAUSED:
            upstream.pause(Pause(1, "admin"))
    return Router(RouteTable(()), upstreams)


@pytest.mark.parametrize(
    ("kinds", "first", "second", "chosen"),
    [
        ("down silent", WORKS, WORKS, "one"),
        ("down silent", DOWN, WORKS, "two"),
        ("down silent", SILENT, WORKS, "two"),
        ("down silent", DOWN, DOWN, "one"),
        ("down silent", DOWN, SILENT, "one"),
        ("down", DOWN, WORKS, "two"),
        ("down", SILENT, WORKS, "one"),
        ("silent", DOWN, WORKS, "one"),
        ("silent", SILENT, WORKS, "two"),
        ("refused throttled", DOWN, WORKS, "one"),
        ("", SILENT, WORKS, "one"),
        ("down", PAUSED, WORKS, "two"),
        ("silent", PAUSED, WORKS, "one"),
        ("down silent", DOWN, PAUSED, "one"),
    ],
)
def test_who_gets_a_new_message(kinds: str, first: str, second: str, chosen: str) -> None:
    route = Route("", ("one", "two"), failover=frozenset(kinds.split()))
    upstream, alternatives = router(one=first, two=second).choose(route, draft(), 1)
    assert upstream.name == chosen
    assert sorted(alternatives.split()) == ["one", "two"]
    assert alternatives.split()[0] == chosen


def test_a_silent_connector_gets_one_to_try_it() -> None:
    route = Route("", ("one", "two"))
    house = router(one=SILENT, two=WORKS)
    one = house.upstreams["one"]
    one.silence.probe_due = True
    assert house.choose(route, draft(), 1)[0] is one
    assert one.reserve(1, 1000.0)
    assert house.choose(route, draft(), 2)[0].name == "two"
