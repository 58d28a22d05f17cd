"""Which route a message takes: priority, then the longest prefix that holds, then the order of the file.

How a table is searched.  The routes of one priority are in a dictionary by prefix; for each length of prefix
that is in use there is one look-up.  Where the first route of a prefix has no conditions, it is the answer,
so a configuration without conditions costs those look-ups and nothing else.  Otherwise the routes of that
prefix are tried in the order of the file, and what they ask for is worked out once for the message
(`gateway.core.route_facts`).  Routes that are for few accounts are found by the account's name: a thousand
customers may each have a route of their own for the same prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gateway.config.connector_model import TextPolicy
from gateway.core.model import Draft, OnAmbiguous, Wish
from gateway.core.rewriting import Rewriting
from gateway.core.route_conditions import Condition
from gateway.core.route_facts import Facts

AS_IT_CAME = TextPolicy()
FOUND_BY_NAME = 16
"""A route for more accounts than these is tried like one for all."""


@dataclass(frozen=True, slots=True)
class Route:
    """A rule from messages to connectors, the preferred one first."""

    prefix: str
    connectors: tuple[str, ...]
    on_ambiguous: OnAmbiguous = OnAmbiguous.RESEND_ONCE
    ambiguous: Mapping[str, int] = field(default_factory=dict)
    """OnAmbiguous by connector; those that are not given have `on_ambiguous`."""
    text: TextPolicy = AS_IT_CAME
    """AS_IT_CAME itself where no text is written anew."""
    whole: bool = False
    """The segments that a sender made itself are joined before they go up."""
    passing: Callable[[bytes], bytes] | None = None
    """Leaves out of a message's TLVs what does not go this way; None: all go."""
    name: str = ""
    failover: frozenset[str] = frozenset(("down", "silent"))
    """When the next connector takes over; see gateway.config.route_model."""
    more_prefixes: tuple[str, ...] = ()
    """Beside `prefix`."""
    priority: int = 0
    conditions: tuple[Condition, ...] = ()
    accounts: frozenset[str] | None = None
    """Whose messages it is for, which is among the conditions too; None: everybody's."""
    refuse: bool = False
    weights: tuple[int, ...] = ()
    """Of each connector; none: the first gets all."""
    cheapest: bool = False
    sticky: bool = False
    rewriting: Rewriting | None = None
    max_validity_ms: int = 0
    number: int = 0
    """Its place in the configuration, from 1."""
    alternatives: str = field(init=False, default="")
    """The connectors joined by spaces, as the store keeps them."""
    flags: int = field(init=False, default=0)
    """`failover` as Wish, for its messages."""
    changes: bool = field(init=False, default=False)
    """Whether a message that goes this way is written anew."""
    spreads: bool = field(init=False, default=False)
    """Whether each message has an order of connectors of its own."""
    tests: tuple[Callable[[Facts], bool], ...] = field(init=False, default=(), compare=False)
    """What `conditions` ask."""

    def __post_init__(self) -> None:
        def derive(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        ambiguous, alternatives = _of_connectors(
            self.connectors, self.on_ambiguous.value, tuple(self.ambiguous.items())
        )
        derive("ambiguous", ambiguous)
        derive("tests", tuple(condition.holds for condition in self.conditions))
        derive("alternatives", alternatives)
        derive("flags", Wish.failover_flags(self.failover))
        derive("changes", self.text is not AS_IT_CAME or bool(self.rewriting or self.max_validity_ms))
        derive("spreads", len(self.connectors) > 1 and (self.cheapest or bool(self.weights)))

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All that it is for."""
        return (self.prefix, *self.more_prefixes)


@lru_cache(maxsize=1024)  # thousands of routes lead to a few connectors, and share what follows from them
def _of_connectors(
    connectors: tuple[str, ...], otherwise: int, own: tuple[tuple[str, int], ...]
) -> tuple[Mapping[str, int], str]:
    known = dict(own)
    return {name: known.get(name, otherwise) for name in connectors}, " ".join(connectors)


Tests = tuple[Callable[[Facts], bool], ...]
_Entry = tuple[Tests, Route]
"""Both together, so that of a route which does not hold nothing else has to be fetched."""


@dataclass(slots=True)
class _Shelf:
    """The routes of one prefix and one priority that cannot be told without a look at the message."""

    all: list[Route] = field(default_factory=list)
    general: list[_Entry] = field(default_factory=list)
    of_account: dict[str, list[_Entry]] = field(default_factory=dict)

    def add(self, route: Route) -> None:
        self.all.append(route)
        entry = (route.tests, route)
        if route.accounts is None or len(route.accounts) > FOUND_BY_NAME:
            self.general.append(entry)
        else:
            for name in route.accounts:
                self.of_account.setdefault(name, []).append(entry)

    def entries_for(self, account: str) -> Sequence[_Entry]:
        """Those that may hold for messages of an account, in the order of the file."""
        own = self.of_account.get(account)
        return self.general if own is None else sorted((*self.general, *own), key=_place)


def _place(entry: _Entry) -> int:
    return entry[1].number


class _Level:
    """The routes of one priority."""

    def __init__(self, routes: Iterable[Route]) -> None:
        shelves: dict[str, _Shelf] = {}
        for route in routes:
            for prefix in dict.fromkeys(route.prefixes):
                shelves.setdefault(prefix, _Shelf()).add(route)
        self.shelves = {
            prefix: shelf.all[0] if not shelf.all[0].conditions else shelf
            for prefix, shelf in shelves.items()
        }
        self.lengths = sorted({len(prefix) for prefix in shelves}, reverse=True)


class RouteTable:
    """All routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [
            route if route.number else replace(route, number=number) for number, route in enumerate(routes, 1)
        ]
        by_priority: dict[int, list[Route]] = {}
        for route in self._routes:
            by_priority.setdefault(route.priority, []).append(route)
        self._levels = [_Level(by_priority[priority]) for priority in sorted(by_priority, reverse=True)]

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(
        self, digits: str, account: str = "", draft: Draft | None = None, origin: int = 0, now_ms: int = 0
    ) -> Route | None:
        """The route of a message to this number; without a draft only routes without conditions are found."""
        facts: Facts | None = None
        for level in self._levels:
            shelves = level.shelves
            for length in level.lengths:
                found = shelves.get(digits[:length])
                if found is None:
                    continue
                if isinstance(found, Route):
                    return found
                entries = found.entries_for(account) if found.of_account else found.general
                if not entries:
                    continue
                if facts is None:
                    facts = Facts(account, draft or NOTHING, origin, now_ms, digits)
                for tests, route in entries:
                    for holds in tests:
                        if not holds(facts):
                            break
                    else:
                        return route
        return None

    def candidates(self, digits: str) -> Iterator[Route]:
        """The routes that a message to this number is compared with, in their order, until one holds."""
        for level in self._levels:
            for length in level.lengths:
                found = level.shelves.get(digits[:length])
                if isinstance(found, Route):
                    yield found
                elif found is not None:
                    yield from found.all

    def may_reach(self, digits: str) -> bool:
        """Whether a message to this number can find a route that does not refuse it, whatever else it is."""
        facts = Facts("", NOTHING, 0, 0, digits)
        for route in self.candidates(digits):
            if all(condition.holds(facts) for condition in route.conditions if condition.of_number):
                if not route.refuse:
                    return True
                if all(condition.of_number for condition in route.conditions):
                    return False
        return False


NOTHING = Draft("", 0, 0, "", 0, 0, "", 0, 0, 0, 0, 0, b"", b"", 1, 0, 0, "")


class Prefixes:
    """A set of first digits."""

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def fit(self, digits: str) -> bool:
        """Whether a number begins with one of them."""
        return any(digits[:length] in self._prefixes for length in self._lengths)
