"""Kannel's choice of an SMSC, as routes.

Kannel asks every SMSC of a message: does its number fit allowed-prefix and denied-prefix, and the smsc-id
that its sender named fit allowed-smsc-id and denied-smsc-id? Those that prefer it come first; among equals it
takes the one with the least to do. Which SMSCs are asked depends on the number's first digits alone, once the
sender is known, so each prefix that is written anywhere becomes a route, if it makes a difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.core.patterns import PatternError, compile_whole

FORCED_PRIORITY = 10
"""Routes of accounts with an SMSC of their own come before those of all."""


@dataclass(frozen=True, slots=True)
class Smsc:
    """An SMSC by which messages can go up."""

    name: str
    """Of our connector."""
    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    preferred: frozenset[str] = frozenset()
    allowed_ids: tuple[str, ...] = ()
    denied_ids: tuple[str, ...] = ()
    preferred_ids: tuple[str, ...] = ()
    allowed_pattern: str = ""
    denied_pattern: str = ""

    def takes_id(self, smsc_id: str) -> bool:
        """Whether it is for messages of a sender that named this smsc-id; "": named none."""
        if self.allowed_ids and smsc_id not in self.allowed_ids:
            return False
        if self.denied_ids and smsc_id in self.denied_ids:
            return False
        if self.allowed_pattern and not _matches(self.allowed_pattern, smsc_id):
            return False
        return not (self.denied_pattern and _matches(self.denied_pattern, smsc_id))

    def takes(self, digits: str) -> bool:
        """Whether it is for numbers that begin so."""
        if self.allowed and self.denied:
            return _begins(digits, self.allowed) or not _begins(digits, self.denied)
        if self.allowed:
            return _begins(digits, self.allowed)
        return not _begins(digits, self.denied)

    def prefers(self, digits: str, smsc_id: str) -> bool:
        """Whether it comes before the others."""
        return _begins(digits, self.preferred) or (bool(smsc_id) and smsc_id in self.preferred_ids)


def _begins(digits: str, prefixes: frozenset[str]) -> bool:
    return bool(prefixes) and any(digits[:length] in prefixes for length in range(1, len(digits) + 1))


def _matches(pattern: str, smsc_id: str) -> bool:
    try:
        return compile_whole(pattern).search(smsc_id[:21]) is not None
    except PatternError:
        return False


Target = tuple[tuple[str, ...], tuple[int, ...]]
"""Connectors, and their weights if they have any; no connectors: refused."""


def target_of(smscs: Iterable[Smsc], digits: str, smsc_id: str) -> Target:
    """Where messages to numbers that begin so go."""
    found = [smsc for smsc in smscs if smsc.takes_id(smsc_id) and smsc.takes(digits)]
    first = [smsc for smsc in found if smsc.prefers(digits, smsc_id)]
    rest = [smsc for smsc in found if not smsc.prefers(digits, smsc_id)]
    if not first:
        first, rest = found, []
    names = tuple(smsc.name for smsc in (*first, *rest))
    weights = (*(1 for _ in first), *(0 for _ in rest))
    return names, weights if len(first) > 1 else ()


def prefixes_of(smscs: Iterable[Smsc]) -> set[str]:
    """All first digits that are written anywhere, and none at all."""
    return {"", *(prefix for smsc in smscs for prefix in (*smsc.allowed, *smsc.denied, *smsc.preferred))}


def table_of(smscs: list[Smsc], smsc_id: str) -> dict[str, Target]:
    """By prefix, where messages go; without the prefixes that a shorter one speaks for."""
    table: dict[str, Target] = {}
    for prefix in sorted(prefixes_of(smscs), key=lambda it: (len(it), it)):
        target = target_of(smscs, prefix, smsc_id)
        shorter = next(
            (table[prefix[:n]] for n in range(len(prefix) - 1, -1, -1) if prefix[:n] in table), None
        )
        if target != shorter:
            table[prefix] = target
    return table


def routes_of(
    table: dict[str, Target], accounts: Iterable[str] = (), priority: int = 0
) -> list[dict[str, Any]]:
    """A table as routes of our configuration; prefixes with one target share a route."""
    by_target: dict[Target, list[str]] = {}
    for prefix, target in table.items():
        by_target.setdefault(target, []).append(prefix)
    routes = []
    for (names, weights), prefixes in by_target.items():
        # a route without first digits is for every number, so it can have none beside
        for is_all in (False, True):
            group = [prefix for prefix in prefixes if (not prefix) is is_all]
            if group:
                routes.append(_route(group, names, weights, list(accounts), priority))
    return routes


def _route(
    prefixes: list[str], names: tuple[str, ...], weights: tuple[int, ...], accounts: list[str], priority: int
) -> dict[str, Any]:
    route: dict[str, Any] = {}
    if priority:
        route["priority"] = priority
    if prefixes[0]:
        route["prefix"] = prefixes[0]
    if len(prefixes) > 1:
        route["prefixes"] = prefixes[1:]
    if accounts:
        route["accounts"] = accounts
    if names:
        route["connectors"] = list(names)
    else:
        route["refuse"] = True
    if weights:
        route["weights"] = list(weights)
    return route
