"""What is worked out of a message after its route has changed it: the connector, the end of its validity."""

from __future__ import annotations

from random import Random

import pytest
from gateway_fakes import NOW_MS, FakeJournal, FakeLink, ManualClock, draft, quiet_events

from gateway.config.route_model import Rewrite
from gateway.core.model import UNTIL_EXPIRY, Draft
from gateway.core.rewriting import rewriting_of
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.upstream import Upstream

HOUR_MS = 3_600_000


def router() -> Router:
    clock, journal = ManualClock(), FakeJournal()
    upstreams = {
        name: Upstream(
            name,
            window=4,
            rate=0,
            whole=False,
            journal=journal,
            events=quiet_events(),
            clock=clock,
            random=Random(7),
        )
        for name in ("one", "two")
    }
    for upstream in upstreams.values():
        upstream.link_up(FakeLink())
    made = Router(RouteTable(()), upstreams)
    made.default_validity_ms = 48 * HOUR_MS
    return made


def written(route: Route, **fields: object) -> Draft:
    found = router().written(draft(**fields), route, NOW_MS)
    assert isinstance(found, Draft)
    return found


def test_the_cheapest_is_so_for_the_number_that_goes_up() -> None:
    rewriting = rewriting_of([Rewrite(what="destination", match="7(.*)", replace=r"49\1")])
    route = Route("", ("one", "two"), cheapest=True, rewriting=rewriting)
    gateway = router()
    gateway.prices = {"one": lambda digits: 9 if digits.startswith("49") else 1, "two": lambda digits: 5}
    message = draft(destination="79991234567")
    assert gateway.choose(route, message, 1)[1] == "one two"
    assert gateway.choose(route, written(route, destination="79991234567"), 1)[1] == "two one"


@pytest.mark.parametrize(
    ("due_h", "expires_h", "ends_h"),
    [(0, 0, 24), (0, 30, 24), (0, 24, 24), (0, 5, 5), (10, 0, 34), (10, 40, 34), (10, 20, 20)],
)
def test_the_longest_validity_counts_from_when_the_message_is_due(
    due_h: int, expires_h: int, ends_h: int
) -> None:
    route = Route("", ("one",), max_validity_ms=24 * HOUR_MS)
    found = written(
        route,
        due_ms=NOW_MS + due_h * HOUR_MS if due_h else 0,
        expires_ms=NOW_MS + expires_h * HOUR_MS if expires_h else 0,
    )
    assert found.expires_ms == NOW_MS + ends_h * HOUR_MS
    assert (found.validity_period == UNTIL_EXPIRY) is (expires_h > ends_h or not expires_h)


def test_a_default_that_is_shorter_than_the_route_s_stays() -> None:
    assert written(Route("", ("one",), max_validity_ms=100 * HOUR_MS)).expires_ms == 0
