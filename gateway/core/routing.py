"""Which connectors a destination may go by: the longest prefix decides, the order is the preference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.config.connector_model import TextPolicy
from gateway.core.model import OnAmbiguous

AS_IT_CAME = TextPolicy()


@dataclass(frozen=True, slots=True)
class Route:
    """A rule from the destination's first digits to connectors, the preferred one first."""

    prefix: str
    connectors: tuple[str, ...]
    on_ambiguous: OnAmbiguous = OnAmbiguous.RESEND_ONCE
    alternatives: str = ""
    """The connectors joined by spaces, as the store keeps them."""
    ambiguous: Mapping[str, int] = field(default_factory=dict)
    """OnAmbiguous by connector: of those that have one of their own; in a table, of all."""
    text: TextPolicy = AS_IT_CAME
    """AS_IT_CAME itself where no text is written anew."""
    whole: bool = False
    """The segments that a sender made itself are joined before they go up."""
    passing: Callable[[bytes], bytes] | None = None
    """Leaves out of a message's TLVs what does not go this way; None: all go."""
    name: str = ""

    @property
    def changes(self) -> bool:
        """Whether a message that goes this way is written anew."""
        return self.text is not AS_IT_CAME


class RouteTable:
    """Routes by prefix; one dictionary look-up for each length of prefix that is in use."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {
            route.prefix: replace(route, alternatives=" ".join(route.connectors), ambiguous=_ambiguous(route))
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


def _ambiguous(route: Route) -> dict[str, int]:
    return {name: route.ambiguous.get(name, route.on_ambiguous.value) for name in route.connectors}


class Prefixes:
    """A set of first digits."""

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def fit(self, digits: str) -> bool:
        """Whether a number begins with one of them."""
        return any(digits[:length] in self._prefixes for length in self._lengths)
