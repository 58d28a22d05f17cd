"""Which connector a message is given to: weights without a count, prices, links, what stays together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, account, draft, id_at
from hypothesis import given
from hypothesis import strategies as st
from route_tables import config_of, router_of

from gateway.core.route_targets import by_price, by_weight, key_of, linked_first
from gateway.core.router import Router
from gateway.core.routing import Route

IDS = [id_at(NOW_MS + number // 3, number % 3) for number in range(30_000)]
"""As messages get them: three in a millisecond, one after the other."""
keys = st.integers(0, 2**63)
weighted = st.lists(st.integers(0, 1000), min_size=1, max_size=5).filter(any)


def names_of(count: int) -> list[str]:
    return [f"connector-{number}" for number in range(count)]


def test_weights_share_out_messages_as_they_say() -> None:
    names, weights = ["one", "two", "three"], [70, 25, 5]
    first = Counter(by_weight(names, weights, message_id)[0] for message_id in IDS)
    shares = [first[name] / len(IDS) for name in names]
    assert shares == pytest.approx([0.70, 0.25, 0.05], abs=0.01)  # four sigma


def test_shares_do_not_depend_on_what_was_sent_before() -> None:
    """Two connectors alternate as often as chance has it."""
    drawn = [by_weight(["one", "two"], [1, 1], message_id)[0] for message_id in IDS]
    changes = sum(before != after for before, after in pairwise(drawn))
    assert changes / len(drawn) == pytest.approx(0.5, abs=0.02)


@given(weighted, keys)
def test_when_one_fails_only_its_own_messages_go_elsewhere(weights: list[int], key: int) -> None:
    names = names_of(len(weights))
    order = by_weight(names, weights, key)
    assert sorted(order) == names
    for gone in range(len(names)):
        left = [name for name in names if name != names[gone]]
        rest = [weight for place, weight in enumerate(weights) if place != gone]
        if left and any(rest):
            assert by_weight(left, rest, key) == [name for name in order if name != names[gone]]


@given(weighted, keys)
def test_a_connector_of_weight_0_comes_last(weights: list[int], key: int) -> None:
    names = names_of(len(weights))
    order = by_weight(names, weights, key)
    idle = [name for name, weight in zip(names, weights, strict=True) if not weight]
    assert order[len(order) - len(idle) :] == idle


def test_more_weight_takes_messages_from_the_others_only() -> None:
    before = [by_weight(["one", "two"], [50, 50], message_id)[0] for message_id in IDS[:5000]]
    after = [by_weight(["one", "two"], [60, 50], message_id)[0] for message_id in IDS[:5000]]
    moved = {pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]}
    assert moved == {("two", "one")}


def test_the_cheapest_comes_first_and_who_has_no_price_last() -> None:
    prices = {"one": {"7": 5}.get, "two": {"7": 3, "8": 9}.get, "three": {"7": 3}.get}
    names = ["none", "one", "three", "two"]
    assert by_price(names, prices, "7") == ["three", "two", "one", "none"]
    assert by_price(names, prices, "8") == ["two", "none", "one", "three"]


def test_who_has_a_link_comes_before_who_has_none() -> None:
    class Link:
        def __init__(self, up: bool) -> None:
            self.up = up

    links = {name: Link(name in "bd") for name in "abcd"}
    assert linked_first("abcd", links) == ["b", "d", "a", "c"]


def test_a_key_of_a_text_is_the_same_in_every_run() -> None:
    assert key_of("79991234567") == 0x775F5970E8106E36
    assert key_of("79991234567") != key_of("79991234568")


# -- by the router -----------------------------------------------------------------------------------


def chosen(router: Router, key: int = 1, **fields: Any) -> tuple[str, str]:
    message = draft(**fields)
    route = router.find(account(), message, 0, NOW_MS)
    assert route is not None
    upstream, alternatives = router.choose(route, message, key)
    names = {id(one): name for name, one in router.upstreams.items()}
    return names[id(upstream)], alternatives


def router(folder: Path, down: str = "", **route: Any) -> Router:
    lists = [
        {"name": "cheap", "prices": [{"prefix": "7", "price": 0.01}, {"prefix": "77", "price": 0.2}]},
        {"name": "dear", "prices": [{"prefix": "7", "price": 0.02}]},
    ]
    connectors = [{"name": "one", "prices": "dear"}, {"name": "two", "prices": "cheap"}, {"name": "three"}]
    sections = {"routes": [route], "connectors": connectors, "price_lists": lists}
    return router_of(config_of(folder, sections), down)


def test_the_order_of_the_list_and_links(tmp_path: Path) -> None:
    three: dict[str, Any] = {"connectors": ["one", "two", "three"]}
    assert chosen(router(tmp_path, **three)) == ("one", "one two three")
    assert chosen(router(tmp_path, "one", **three)) == ("two", "two three one")
    assert chosen(router(tmp_path, "one two three", **three)) == ("one", "one two three")


def test_each_message_draws_its_order_and_a_link_counts_more(tmp_path: Path) -> None:
    way: dict[str, Any] = {"connectors": ["one", "two", "three"], "weights": [1, 1, 0]}
    orders = {chosen(router(tmp_path, **way), key)[1] for key in IDS[:50]}
    assert orders == {"one two three", "two one three"}
    orders = {chosen(router(tmp_path, "one two", **way), key)[1] for key in IDS[:50]}
    assert orders == {"three one two", "three two one"}


def test_a_number_stays_with_its_connector(tmp_path: Path) -> None:
    way = router(tmp_path, connectors=["one", "two"], weights=[1, 1], sticky=True)
    numbers = [f"7999{number:07}" for number in range(200)]
    ways = {number: {chosen(way, key, destination=number)[0] for key in IDS[:5]} for number in numbers}
    assert all(len(found) == 1 for found in ways.values())
    assert {one for found in ways.values() for one in found} == {"one", "two"}


def test_segments_that_a_sender_made_stay_together(tmp_path: Path) -> None:
    way = router(tmp_path, connectors=["one", "two"], weights=[1, 1])
    for reference in range(20):
        parts = {chosen(way, IDS[n], part=(reference, 3, n))[0] for n in (1, 2, 3)}
        assert len(parts) == 1
    whole = {chosen(way, key, part=(key, 3, 1))[0] for key in range(20)}
    assert whole == {"one", "two"}


def test_the_cheapest_for_this_number(tmp_path: Path) -> None:
    way: dict[str, Any] = {"connectors": ["three", "one", "two"], "order": "cheapest"}
    assert chosen(router(tmp_path, **way), destination="79991234567") == ("two", "two one three")
    assert chosen(router(tmp_path, **way), destination="77011234567") == ("one", "one two three")
    assert chosen(router(tmp_path, **way), destination="4915112345") == ("three", "three one two")
    assert chosen(router(tmp_path, "two", **way), destination="79991234567") == ("one", "one three two")


def test_prices_are_of_the_number_that_goes_up(tmp_path: Path) -> None:
    rewrites = [{"what": "destination", "match": "8(.*)", "replace": "7\\1"}]
    way = router(tmp_path, connectors=["one", "two"], order="cheapest", rewrites=rewrites)
    message = draft(destination="87011234567")
    route = way.find(account(), message, 0, NOW_MS)
    assert route is not None
    written = way.written(message, route, NOW_MS)
    assert way.order(route, written, 1) == ["one", "two"]  # type: ignore[arg-type]


def test_a_message_for_a_service_keeps_the_weights_of_the_services(tmp_path: Path) -> None:
    way = router(tmp_path, connectors=["one", "two", "three"], weights=[5, 3, 0])
    for name in ("two", "three"):
        way.upstreams[name].service = True
    (route,) = way.routes
    found = way.for_service(route, draft(service_type="HLR"))
    assert found is not None
    assert (found.connectors, found.weights, found.alternatives) == (("two", "three"), (3, 0), "two three")
    assert way.for_service(replace(route, connectors=("one",), weights=()), draft(service_type="HLR")) is None


def test_a_plain_route_has_nothing_to_work_out() -> None:
    plain = Route("", ("one", "two"))
    assert (plain.spreads, plain.changes, plain.alternatives) == (False, False, "one two")
    assert not Route("", ("one",), weights=(5,), cheapest=True).spreads
