"""Routes that no message can ever take, because others are found before them whenever they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.core.routing import Route


def unreachable(routes: Sequence[Route]) -> list[tuple[int, int]]:
    """Places of routes (from 0) that are never taken, each with that of a route that is found before it.

    A route hides another one for a prefix when it comes first (by its priority, or for the same prefix by its
    place) and asks for nothing that the other does not ask for as well.  What several routes hide only
    together is not seen: two for the hours before and after noon, say, or one for each next digit.
    """
    by_prefix: dict[str, list[int]] = {}
    for place, route in enumerate(routes):
        for prefix in route.prefixes:
            by_prefix.setdefault(prefix, []).append(place)
    asked = [frozenset((one.option, one.value) for one in route.conditions) for route in routes]
    found = []
    for place in range(len(routes)):
        hiding = [_hides(place, prefix, routes, by_prefix, asked) for prefix in routes[place].prefixes]
        if hiding and None not in hiding:
            found.append((place, next(one for one in hiding if one is not None)))
    return found


def _hides(
    place: int,
    prefix: str,
    routes: Sequence[Route],
    by_prefix: dict[str, list[int]],
    asked: Sequence[frozenset[tuple[str, object]]],
) -> int | None:
    """The first route that is found before this one for every number with the prefix."""
    route = routes[place]
    for length in range(len(prefix), -1, -1):
        others: Iterable[int] = by_prefix.get(prefix[:length], ())
        for other in others:
            priority = routes[other].priority
            is_before = priority > route.priority or (
                priority == route.priority and length == len(prefix) and other < place
            )
            if is_before and asked[other] <= asked[place]:
                return other
    return None
