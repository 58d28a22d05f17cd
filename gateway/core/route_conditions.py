"""What a route can ask of a message: one small function for each option, with words for people.

A condition looks at the message as it came; what a route rewrites changes nothing of what was decided.
Conditions of a route are tried in the order in which `conditions_of` gives them: what costs least first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from re import Pattern
from typing import NamedTuple

from gateway.config.model import Account as AccountConfig
from gateway.config.route_model import LEAST_SEGMENTS, MOST_SEGMENTS
from gateway.config.route_model import Route as RouteConfig
from gateway.core.hours import Hours, parse_hours, zone_of
from gateway.core.model import Origin
from gateway.core.patterns import LONGEST_NUMBER, compile_anywhere, compile_whole
from gateway.core.route_facts import Facts

INGRESSES = {"smpp": Origin.SESSION.value, "mail": Origin.MAIL.value, "http": 2}
"""Origin by the words of the configuration."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHOWN_NAMES = 6


class Condition(NamedTuple):
    """One condition of a route."""

    option: str
    """What it is called in the configuration."""
    value: object
    """What is written there; conditions of one option and value hold for the same messages."""
    words: str
    """What it asks for."""
    holds: Callable[[Facts], bool]
    found: Callable[[Facts], str]
    """What the message has instead."""
    of_number: bool = False
    """It asks for nothing but the destination."""


@dataclass(frozen=True, slots=True)
class AccountNames:
    """Which accounts there are for `accounts` and `tags` of routes."""

    parts: dict[str, frozenset[str]]
    """An account and all that are parts of it, by its name."""
    tagged: dict[str, frozenset[str]]
    """The accounts that have a tag."""


def account_names(accounts: Iterable[AccountConfig]) -> AccountNames:
    """The accounts by their parents and by their tags."""
    accounts = tuple(accounts)
    parents = {account.system_id: account.parent for account in accounts}
    parts: dict[str, set[str]] = {name: {name} for name in parents}
    for name in parents:
        above, seen = parents[name], {name}
        while above in parents and above not in seen:
            parts[above].add(name)
            seen.add(above)
            above = parents[above]
    tagged: dict[str, set[str]] = {}
    for account in accounts:
        for tag in account.tags:
            tagged.setdefault(tag, set()).add(account.system_id)
    return AccountNames(
        {name: frozenset(found) for name, found in parts.items()},
        {tag: frozenset(found) for tag, found in tagged.items()},
    )


def accounts_of(route: RouteConfig, names: AccountNames) -> frozenset[str] | None:
    """The accounts that a route is for; None: all."""
    found: frozenset[str] | None = None
    if route.accounts:
        found = frozenset().union(*(names.parts.get(name, {name}) for name in route.accounts))
    if route.tags:
        tagged: frozenset[str] = frozenset().union(*(names.tagged.get(tag, ()) for tag in route.tags))
        found = tagged if found is None else found & tagged
    return found


def conditions_of(route: RouteConfig, names: AccountNames) -> tuple[Condition, ...]:
    """The conditions of a route beside its prefixes.

    PatternError for a pattern that cannot be used; the configuration's checks have looked before.
    """
    found: list[Condition] = []
    if route.accounts:
        found.append(_accounts("accounts", route.accounts, names.parts))
    if route.tags:
        found.append(_accounts("tags", route.tags, names.tagged))
    if route.ingress:
        found.append(_ingress(route.ingress))
    if route.min_segments > LEAST_SEGMENTS or route.max_segments < MOST_SEGMENTS:
        found.append(_segments(route.min_segments, route.max_segments))
    if route.classes:
        found.append(_classes(route.classes))
    if route.alphabets:
        found.append(_alphabets(route.alphabets))
    if route.sources:
        found.append(_sources(route.sources))
    if route.destinations_file is not None:
        found.append(_numbers(route.destinations_file.numbers, str(route.destinations_file)))
    if route.hours:
        found.append(_hours(route.hours, route.time_zone))
    if route.days:
        found.append(_days(route.days, route.time_zone))
    if route.destination_pattern:
        found.append(_destination_pattern(route.destination_pattern))
    if route.source_pattern:
        found.append(_source_pattern(route.source_pattern))
    if route.countries:
        found.append(_countries(route.countries))
    if route.text_pattern:
        found.append(_text_pattern(route.text_pattern))
    return tuple(found)


# -- who ---------------------------------------------------------------------------------------------


def _accounts(option: str, wanted: Sequence[str], known: dict[str, frozenset[str]]) -> Condition:
    names = frozenset().union(*(known.get(name, {name} if option == "accounts" else ()) for name in wanted))
    what = "of accounts" if option == "accounts" else "of accounts tagged"
    words = f"{what} {_listed(wanted)}"
    return Condition(option, names, words, lambda facts: facts.account in names, _account)


def _account(facts: Facts) -> str:
    return f"it is of {facts.account}" if facts.account else "no account was given"


def _ingress(wanted: Sequence[str]) -> Condition:
    origins = frozenset(INGRESSES[word] for word in wanted)
    names = {origin: word for word, origin in INGRESSES.items()}
    return Condition(
        "ingress",
        origins,
        f"that came by {_listed(wanted)}",
        lambda facts: facts.origin in origins,
        lambda facts: f"it came by {names.get(facts.origin, '?')}",
    )


def _sources(wanted: Sequence[str]) -> Condition:
    whole = frozenset(source.removeprefix("+") for source in wanted if not source.endswith("*"))
    beginnings = tuple(source[:-1].removeprefix("+") for source in wanted if source.endswith("*"))

    def holds(facts: Facts) -> bool:
        source = facts.source
        return source in whole or source.startswith(beginnings)

    return Condition("sources", frozenset(wanted), f"from {_listed(wanted)}", holds, _source)


def _source_pattern(text: str) -> Condition:
    pattern = compile_whole(text)

    def holds(facts: Facts) -> bool:
        return _matches(pattern, facts.source)

    return Condition("source_pattern", text, f"from what is like {text}", holds, _source)


def _source(facts: Facts) -> str:
    return f"it is from {facts.source}" if facts.source else "it has no sender"


# -- where -------------------------------------------------------------------------------------------


def _numbers(listed: Collection[int], name: str) -> Condition:
    def holds(facts: Facts) -> bool:
        return facts.digits.isdecimal() and int(facts.digits) in listed

    return Condition(
        "destinations_file",
        name,
        f"to one of {len(listed)} numbers in {name}",
        holds,
        lambda facts: f"{facts.digits} is not there",
        of_number=True,
    )


def _destination_pattern(text: str) -> Condition:
    pattern = compile_whole(text)
    return Condition(
        "destination_pattern",
        text,
        f"to numbers like {text}",
        lambda facts: _matches(pattern, facts.digits),
        lambda facts: f"{facts.digits} is not like that",
        of_number=True,
    )


def _countries(wanted: Sequence[str]) -> Condition:
    countries = frozenset(wanted)
    return Condition(
        "countries",
        countries,
        f"to {_listed(wanted)}",
        lambda facts: facts.country in countries,
        lambda facts: f"the number is of {facts.country}" if facts.country else "the number is of no country",
        of_number=True,
    )


# -- what --------------------------------------------------------------------------------------------


def _segments(least: int, most: int) -> Condition:
    value = (least, most)
    if most == MOST_SEGMENTS:
        words = f"of {least} segments and more"
        return Condition("min_segments", value, words, lambda facts: facts.segments >= least, _count)
    if least == LEAST_SEGMENTS:
        words = f"of {most} segments and less" if most > 1 else "of one segment"
        return Condition("max_segments", value, words, lambda facts: facts.segments <= most, _count)
    words = f"of {least} to {most} segments"
    return Condition("min_segments", value, words, lambda facts: least <= facts.segments <= most, _count)


def _count(facts: Facts) -> str:
    return f"it is {facts.segments} segment{'s' * (facts.segments != 1)}"


def _classes(wanted: Sequence[str]) -> Condition:
    classes = frozenset(wanted)
    return Condition(
        "classes",
        classes,
        f"of class {_listed(wanted)}",
        lambda facts: facts.message_class in classes,
        lambda facts: f"its class is {facts.message_class}",
    )


def _alphabets(wanted: Sequence[str]) -> Condition:
    alphabets = frozenset(wanted)
    return Condition(
        "alphabets",
        alphabets,
        f"in {_listed(wanted)}",
        lambda facts: facts.alphabet in alphabets,
        lambda facts: f"it is in {facts.alphabet}",
    )


def _text_pattern(text: str) -> Condition:
    found = compile_anywhere(text).search
    return Condition(
        "text_pattern",
        text,
        f"with {text} in the text",
        lambda facts: found(facts.text) is not None,
        lambda facts: "the text has nothing like that" if facts.text else "it has no text",
    )


# -- when --------------------------------------------------------------------------------------------


def _hours(text: str, zone_name: str) -> Condition:
    zone = zone_of(zone_name)
    hours: Hours = parse_hours(text)

    def holds(facts: Facts) -> bool:
        hour = facts.local(zone).hour
        first, last = hours
        return first <= hour < last if first < last else hour >= first or hour < last

    words = f"at {text} {zone_name or 'UTC'}"
    return Condition(
        "hours", (hours, zone_name), words, holds, lambda facts: f"it is {facts.local(zone):%H:%M} there"
    )


def _days(wanted: Sequence[str], zone_name: str) -> Condition:
    zone = zone_of(zone_name)
    days = frozenset(_DAYS.index(day) for day in wanted)
    return Condition(
        "days",
        (days, zone_name),
        f"on {_listed(wanted)} {zone_name or 'UTC'}",
        lambda facts: facts.local(zone).weekday() in days,
        lambda facts: f"it is {_DAYS[facts.local(zone).weekday()]} there",
    )


def _matches(pattern: Pattern[str], address: str) -> bool:
    # longer ones than SMPP has cannot be addresses, and the patterns were not measured for them
    return len(address) <= LONGEST_NUMBER and pattern.fullmatch(address) is not None


def _listed(words: Sequence[str]) -> str:
    """A list for people: a, b or c; a long one is cut."""
    if len(words) > _SHOWN_NAMES:
        return f"{', '.join(words[:_SHOWN_NAMES])} or {len(words) - _SHOWN_NAMES} more"
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
