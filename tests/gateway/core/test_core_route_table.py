"""A table finds what a plain search through all routes finds, and knows which routes hide others."""

from __future__ import annotations

from gateway_fakes import draft
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Draft
from gateway.core.route_conditions import Condition
from gateway.core.route_facts import Facts
from gateway.core.route_shadows import unreachable
from gateway.core.routing import FOUND_BY_NAME, Route, RouteTable

ACCOUNTS = ("a", "b", "c")
MANY = tuple(f"m{number}" for number in range(FOUND_BY_NAME + 1))
prefixes = st.text("01", max_size=3)


def of_accounts(names: frozenset[str]) -> Condition:
    return Condition("accounts", names, "", lambda facts: facts.account in names, lambda facts: "")


def of_segments(least: int) -> Condition:
    return Condition("min_segments", least, "", lambda facts: facts.segments >= least, lambda facts: "")


@st.composite
def route(pick: st.DrawFn) -> Route:
    names = pick(
        st.none() | st.frozensets(st.sampled_from(ACCOUNTS), min_size=1) | st.just(frozenset((*MANY, "a")))
    )
    least = pick(st.sampled_from([0, 0, 2, 3]))
    conditions = [] if names is None else [of_accounts(names)]
    conditions += [of_segments(least)] if least else []
    refuse = pick(st.booleans())
    return Route(
        pick(prefixes),
        () if refuse else ("one",),
        more_prefixes=tuple(pick(st.lists(prefixes, max_size=2))),
        priority=pick(st.sampled_from([0, 0, 1, -1])),
        conditions=tuple(conditions),
        accounts=names,
        refuse=refuse,
    )


tables = st.lists(route(), max_size=12)
messages = st.tuples(
    st.text("01", min_size=1, max_size=4), st.sampled_from([*ACCOUNTS, "m1", ""]), st.integers(1, 4)
)


def naive(routes: list[Route], digits: str, account: str, message: Draft) -> int | None:
    """The place of the route by the words of the manual."""
    facts = Facts(account, message, 0, 0, digits)
    best: tuple[int, int, int] | None = None
    for place, one in enumerate(routes):
        fitting = [len(prefix) for prefix in one.prefixes if digits.startswith(prefix)]
        if not fitting or not all(condition.holds(facts) for condition in one.conditions):
            continue
        key = (one.priority, max(fitting), -place)
        if best is None or key > best:
            best = key
    return None if best is None else -best[2]


@given(tables, st.lists(messages, max_size=12))
def test_a_table_finds_what_a_search_finds(routes: list[Route], asked: list[tuple[str, str, int]]) -> None:
    table = RouteTable(routes)
    for digits, account, segments in asked:
        message = draft(destination=digits, segments=segments)
        found = table.find(digits, account, message, 0, 0)
        assert (None if found is None else found.number - 1) == naive(routes, digits, account, message)


@given(tables, messages)
def test_the_candidates_lead_to_what_is_found(routes: list[Route], asked: tuple[str, str, int]) -> None:
    digits, account, segments = asked
    table, message = RouteTable(routes), draft(destination=digits, segments=segments)
    facts = Facts(account, message, 0, 0, digits)
    holding = (
        one for one in table.candidates(digits) if all(condition.holds(facts) for condition in one.conditions)
    )
    assert next(holding, None) is table.find(digits, account, message, 0, 0)


@given(tables, messages)
def test_what_finds_a_way_may_be_reached(routes: list[Route], asked: tuple[str, str, int]) -> None:
    digits, account, segments = asked
    table = RouteTable(routes)
    found = table.find(digits, account, draft(destination=digits, segments=segments), 0, 0)
    if found is not None and not found.refuse:
        assert table.may_reach(digits)
    if not any(one.prefix == "" or digits.startswith(one.prefixes) for one in routes):
        assert not table.may_reach(digits)


@given(tables, st.lists(messages, max_size=20))
def test_a_hidden_route_is_never_found(routes: list[Route], asked: list[tuple[str, str, int]]) -> None:
    hidden = dict(unreachable(routes))
    table = RouteTable(routes)
    for digits, account, segments in asked:
        found = table.find(digits, account, draft(destination=digits, segments=segments), 0, 0)
        assert found is None or found.number - 1 not in hidden


def test_which_routes_hide_which() -> None:
    some = of_segments(2)
    routes = [
        Route("7", ("one",)),
        Route("77", ("one",), conditions=(some,)),
        Route("7", ("one",), conditions=(some,)),  # the first has its prefix and asks for nothing
        Route("77", ("one",), conditions=(some, of_accounts(frozenset("a")))),  # the second asks for less
        Route("77", ("one",)),
        Route("", ("one",), priority=1, conditions=(some,)),
        Route("7", ("one",), more_prefixes=("8",)),  # 8 is its own
        Route(
            "49", ("one",), priority=-1, conditions=(some,)
        ),  # of a lower priority than one that holds then
    ]
    assert unreachable(routes) == [(1, 5), (2, 0), (3, 1), (7, 5)]


def test_a_route_for_many_accounts_is_found_in_its_place() -> None:
    many = frozenset(MANY)
    table = RouteTable(
        [
            Route("", ("one",), conditions=(of_accounts(frozenset("a")),), accounts=frozenset("a")),
            Route("", ("two",), conditions=(of_accounts(many),), accounts=many),
            Route("", ("three",), conditions=(of_segments(1),)),
        ]
    )
    ways = [table.find("1", name, draft(), 0, 0) for name in ("a", "m3", "z")]
    assert [way and way.connectors for way in ways] == [("one",), ("two",), ("three",)]
