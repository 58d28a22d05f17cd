"""Rules about routes: what they ask for exists, patterns can be used, and each can be told from the others.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.config.model import Config
from gateway.config.problems import Problem
from gateway.config.route_model import LEAST_SEGMENTS, MOST_SEGMENTS, Route
from gateway.config.rules import Known, check_known, check_unique, good, named, place_of
from gateway.config.sections import Reading
from gateway.config.time_checks import check_hours, check_time_zone
from gateway.config.values import quoted
from gateway.core.numbers import is_region
from gateway.core.patterns import PatternError, check_replacement, compile_anywhere, compile_whole

_DIGITS = re.compile("[0-9]*", re.ASCII).fullmatch
_CONDITIONS = (
    "destinations_file",
    "destination_pattern",
    "countries",
    "accounts",
    "tags",
    "ingress",
    "sources",
    "source_pattern",
    "text_pattern",
    "alphabets",
    "classes",
    "hours",
    "days",
)


def check_routes(config: Config, accounts: Known, connectors: Known, reading: Reading) -> None:
    """Note everything that is wrong with the routes and with what they name."""
    check_unique(
        ((key, name) for key, name in named(config.routes, "routes", "name", reading) if name), reading
    )
    tags = {tag for account in accounts.items.values() for tag in account.tags}
    for path, route in good(config.routes, "routes", reading):
        _check_connectors(route, path, connectors, reading)
        _check_prefixes(route, path, reading)
        _check_words(route, path, reading)
        if _has_conditions(route):
            _check_who(route, path, accounts, tags, reading)
            _check_numbers(route, path, reading)
            _check_patterns(route, path, reading)
            _check_times(route, path, reading)
        elif route.time_zone:
            _check_times(route, path, reading)
        _check_rewrites(route, path, reading)
        if route.order == "cheapest":
            _check_cheapest(route, path, connectors, reading)
    _check_places(config, reading)


def _has_conditions(route: Route) -> bool:
    return (
        any(getattr(route, name) for name in _CONDITIONS)
        or route.min_segments > LEAST_SEGMENTS
        or route.max_segments < MOST_SEGMENTS
    )


def _check_places(config: Config, reading: Reading) -> None:
    """Of two routes without conditions, of one priority and prefix, the second would never be found."""
    first: dict[tuple[int, str], str] = {}
    for path, route in good(config.routes, "routes", reading):
        key, place = f"{path}.prefix", (route.priority, route.prefix)
        if not reading.is_good(key) or route.prefixes or _has_conditions(route):
            continue
        if place in first:
            shown = quoted(route.prefix) if route.prefix else "the empty prefix"
            text = f"{shown} is already used in {place_of(first[place], reading)}"
            reading.note(key, text, "give each its own")
        else:
            first[place] = key


def _check_connectors(route: Route, path: str, connectors: Known, reading: Reading) -> None:
    key = f"{path}.connectors"
    if route.refuse and route.connectors and reading.is_good(f"{path}.refuse"):
        reading.note(key, "has no use, for the route refuses", "remove it, or remove refuse")
    if not route.connectors and not route.refuse and reading.is_good(key):
        text = "is empty" if key in reading.places else "is missing"
        reading.note(key, text, "name at least one connector, or write refuse: true")
    seen: set[str] = set()
    for item, name in good(route.connectors, key, reading):
        connector = connectors.items.get(name)
        if connector is None and connectors.complete:
            fix = f"known here: {', '.join(connectors.items)}"
            reading.note(item, f"there is no connector {quoted(name)}", fix)
        elif getattr(connector, "bind_mode", "") == "receiver":
            reading.note(item, f"{name!r} only receives", "name one with another bind_mode")
        if name in seen:
            reading.note(item, f"{name!r} is named twice", "remove one")
        seen.add(name)
    _check_weights(route, path, reading)


def _check_weights(route: Route, path: str, reading: Reading) -> None:
    key = f"{path}.weights"
    if not all(reading.is_good(f"{path}.{name}") for name in ("weights", "connectors")):
        return
    if route.sticky and not route.weights and reading.is_good(f"{path}.sticky"):
        text = "has no use without weights: all goes by the first connector that works"
        reading.note(f"{path}.sticky", text, "add weights, or remove it")
    if not route.weights:
        return
    if len(route.weights) != len(route.connectors):
        text = f"has {len(route.weights)} numbers, and there are {len(route.connectors)} connectors"
        reading.note(key, text, "write one for each connector, in their order")
    elif not any(route.weights):
        reading.note(key, "gives no connector anything", "write at least one above 0")


def _check_prefixes(route: Route, path: str, reading: Reading) -> None:
    keys = [(f"{path}.prefix", route.prefix), *good(route.prefixes, f"{path}.prefixes", reading)]
    seen: set[str] = set()
    for key, prefix in keys:
        if not reading.is_good(key):
            continue
        if not _DIGITS(prefix):
            reading.note(key, f"{quoted(prefix)} is not made of digits", "write digits only, without +")
        elif prefix and prefix in seen:
            reading.note(key, f"{quoted(prefix)} is named twice", "remove one")
        seen.add(prefix)


def _check_words(route: Route, path: str, reading: Reading) -> None:
    if route.name.startswith("#") and reading.is_good(f"{path}.name"):
        text = f"{quoted(route.name)} could be the place of another route"
        reading.note(f"{path}.name", text, "begin it with something else than #")
    if route.min_segments > route.max_segments:
        key = f"{path}.min_segments"
        if reading.is_good(key) and reading.is_good(f"{path}.max_segments"):
            reading.note(key, f"is above max_segments, {route.max_segments}", "exchange them")


def _check_who(route: Route, path: str, accounts: Known, tags: Collection[str], reading: Reading) -> None:
    for key, name in good(route.accounts, f"{path}.accounts", reading):
        check_known(name, accounts, key, reading, what="account")
    for key, tag in good(route.tags, f"{path}.tags", reading):
        if accounts.complete and tag not in tags:
            reading.note(key, f"no account has the tag {quoted(tag)}", "add it to accounts[].tags")
    for key, source in good(route.sources, f"{path}.sources", reading):
        if "*" in source[:-1]:
            text = f"{quoted(source)} has a * that is not at its end"
            reading.note(key, text, "write source_pattern for what is no beginning")


def _check_numbers(route: Route, path: str, reading: Reading) -> None:
    for key, country in good(route.countries, f"{path}.countries", reading):
        if not is_region(country):
            meant = country.upper()
            fix = f"did you mean {meant}?" if is_region(meant) else "write its letters of ISO 3166, as DE"
            reading.note(key, f"{quoted(country)} is no country with numbers", fix)
    file, key = route.destinations_file, f"{path}.destinations_file"
    if file is None or not reading.is_good(key):
        return
    for line, text, fix in file.bad_lines:
        reading.problems.append(Problem(file.path, line, 1, "", text, fix))
        reading.bad.add(key)
    if not file.numbers and not file.bad_lines:
        reading.note(key, f"{file.path} has no numbers", "add some, or remove the route")


def _check_patterns(route: Route, path: str, reading: Reading) -> None:
    for name, compiled in (
        ("destination_pattern", compile_whole),
        ("source_pattern", compile_whole),
        ("text_pattern", compile_anywhere),
    ):
        pattern = getattr(route, name)
        if pattern and reading.is_good(f"{path}.{name}"):
            try:
                compiled(pattern)
            except PatternError as error:
                reading.note(f"{path}.{name}", str(error), error.fix)


def _check_times(route: Route, path: str, reading: Reading) -> None:
    check_hours(route.hours, f"{path}.hours", reading)
    check_time_zone(route.time_zone, f"{path}.time_zone", reading)
    read = all(reading.is_good(f"{path}.{name}") for name in ("time_zone", "hours", "days"))
    if read and route.time_zone and not route.hours and not route.days:
        reading.note(f"{path}.time_zone", "is of hours and days, and there are none", "remove it")


def _check_rewrites(route: Route, path: str, reading: Reading) -> None:
    for key, rewrite in good(route.rewrites, f"{path}.rewrites", reading):
        parts = [f"{key}.{name}" for name in ("what", "match", "replace")]
        if not all(map(reading.is_good, parts)):
            continue
        place = parts[1]
        try:
            pattern = (compile_anywhere if rewrite.what == "text" else compile_whole)(rewrite.match)
            place = parts[2]
            check_replacement(pattern, rewrite.replace)
        except PatternError as error:
            reading.note(place, str(error), error.fix)
    if route.rewrites and route.refuse and reading.is_good(f"{path}.rewrites"):
        reading.note(f"{path}.rewrites", "has no use, for the route refuses", "remove it")


def _check_cheapest(route: Route, path: str, connectors: Known, reading: Reading) -> None:
    key = f"{path}.order"
    if not connectors.complete or not reading.is_good(key) or not reading.is_good(f"{path}.connectors"):
        return
    found = [connectors.items[name] for name in route.connectors if name in connectors.items]
    if found and not any(connector.prices for connector in found):
        text = "needs prices, and none of these connectors has any"
        reading.note(key, text, "add prices to the connectors, the name of one of price_lists")
