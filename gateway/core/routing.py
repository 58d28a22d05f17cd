"""Which connectors a destination may go by: the longest prefix decides, the order is the preference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.core.model import OnAmbiguous


@dataclass(frozen=True, slots=True)
class Route:
    """A rule from the destination's first digits to connectors, the preferred one first."""

    prefix: str
    connectors: tuple[str, ...]
    on_ambiguous: OnAmbiguous = OnAmbiguous.RESEND_ONCE
    alternatives: str = ""
    """The connectors joined by spaces, as the store keeps them."""


class RouteTable:
    """Routes by prefix; one dictionary look-up for each length of prefix that is in use."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {
            route.prefix: Route(
                route.prefix, route.connectors, route.on_ambiguous, " ".join(route.connectors)
            )
            for route in routes
        }
        self._lengths = sorted({len(prefix) for prefix in self._routes}, reverse=True)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def find(self, digits: str) -> Route | None:
        """The route of the longest prefix of these digits."""
        routes = self._routes
        for length in self._lengths:
            route = routes.get(digits[:length])
            if route is not None:
                return route
        return None
