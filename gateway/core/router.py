"""Which way a message goes: its route, what the route makes of it, and the connector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import UNTIL_EXPIRY, Draft
from gateway.core.rewriting import readdressed, reworded
from gateway.core.route_targets import PriceOf, by_price, by_weight, key_of, linked_first
from gateway.core.routing import AS_IT_CAME, Route, RouteTable
from gateway.core.sent_as import parse
from gateway.core.service import needs_service
from gateway.core.upstream import Upstream
from protocols.sms.addresses import digits_of


class Router:
    """The routes, and the live state of the connectors that they lead to."""

    def __init__(self, routes: RouteTable, upstreams: Mapping[str, Upstream]) -> None:
        self.routes = routes
        self.upstreams = upstreams
        self.prices: Mapping[str, PriceOf] = {}
        """What a segment costs by each connector that has a price list."""
        self.default_validity_ms = 0
        """Of a message that names none."""

    @property
    def has_service(self) -> bool:
        """Whether a connector is an SMSC service; without one its options and kinds mean nothing to us."""
        return any(upstream.service for upstream in self.upstreams.values())

    def find(self, account: Account, draft: Draft, origin: int, now_ms: int) -> Route | None:
        """The route of a message, which may be one that refuses it; None: nothing fits."""
        digits = digits_of(draft.destination, draft.destination_ton)
        route = self.routes.find(digits, account.name, draft, origin, now_ms)
        if draft.tlvs or draft.service_type:
            route = self.for_service(route, draft)
        return route

    def may_reach(self, digits: str) -> bool:
        """Whether a message to this number can find a route, whatever else it is."""
        return self.routes.may_reach(digits)

    # -- what the route makes of it ----------------------------------------------------------------------

    def in_best_form(self, account: Account, draft: Draft, origin: int, now_ms: int) -> Draft | Refusal:
        """The draft with its text as its route writes it; Refusal.ROUTE when its route refuses it."""
        route = self.find(account, draft, origin, now_ms)
        if route is not None and route.refuse:
            return Refusal.ROUTE
        return draft if route is None or not route.changes else self.written(draft, route, now_ms)

    def written(self, draft: Draft, route: Route, now_ms: int) -> Draft | Refusal:
        """The draft as a route that `changes` something writes it."""
        if route.rewriting is not None:
            if route.rewriting.texts:
                draft = reworded(draft, route.rewriting.texts)
            readdressed_draft = readdressed(draft, route.rewriting)
            if isinstance(readdressed_draft, Refusal):
                return readdressed_draft
            draft = readdressed_draft
        if route.max_validity_ms:
            draft = self._limited(draft, route.max_validity_ms, now_ms)
        if draft.part is not None or route.text is AS_IT_CAME:
            return draft
        return self._in_policy(draft, route)

    def _limited(self, draft: Draft, longest_ms: int, now_ms: int) -> Draft:
        start_ms = max(now_ms, draft.due_ms)
        expires_ms = draft.expires_ms or start_ms + self.default_validity_ms
        if expires_ms <= start_ms + longest_ms:
            return draft
        return draft._replace(expires_ms=start_ms + longest_ms, validity_period=UNTIL_EXPIRY)

    def _in_policy(self, draft: Draft, route: Route) -> Draft:
        from gateway.core.texts import recode  # with the tables of all languages, for the few routes with one

        # a service over HTTP takes texts, and chooses their alphabet itself
        tables = (
            () if any(self.upstreams[name].service for name in route.connectors) else route.text.shift_tables
        )
        form = recode(
            draft.user_data,
            draft.data_coding,
            draft.esm_class,
            transliterate=route.text.transliterate,
            shift_tables=tables,
        )
        return draft if form is None else draft._replace(**form._asdict())

    # -- the connector -----------------------------------------------------------------------------------

    def choose(self, route: Route, draft: Draft, key: int) -> tuple[Upstream, str]:
        """The connector that the message is given to, and all in their order for it, separated by spaces.

        `key` is another number for each message. When no connector has a link the first one gets it.
        """
        if route.spreads:
            names: Sequence[str] = self.order(route, draft, key)
            alternatives = " ".join(names)
        else:
            names, alternatives = route.connectors, route.alternatives
        first = self.upstreams[names[0]]
        if first.up or len(names) == 1:
            return first, alternatives
        names = self.ranked(route, names)
        return self.upstreams[names[0]], " ".join(names)

    def ranked(self, route: Route, names: Sequence[str]) -> Sequence[str]:
        """These connectors of the route as they would be tried now: the first stays the first, unless it can
        take nothing and the route wants that the next one takes over then."""
        first = self.upstreams[names[0]]
        if first.up or ("silent" if first.trouble == "silent" else "down") not in route.failover:
            return names
        return linked_first(names, self.upstreams)

    def order(self, route: Route, draft: Draft, key: int) -> list[str]:
        """The route's connectors as this message prefers them, whether they have a link or not."""
        names: Sequence[str] = route.connectors
        if route.weights:
            if route.sticky:
                key = key_of(self.digits_up(draft))
            elif draft.part is not None:  # the segments of a text stay together
                key = key_of(f"{self.digits_up(draft)} {draft.part[0]}")
            names = by_weight(names, route.weights, key)
        return by_price(names, self.prices, self.digits_up(draft)) if route.cheapest else list(names)

    def digits_up(self, draft: Draft) -> str:
        """The number that it goes to, as its route has written it."""
        if draft.sent_as:
            return parse(draft.sent_as).destination
        return digits_of(draft.destination, draft.destination_ton)

    # -- the service -------------------------------------------------------------------------------------

    def for_service(self, route: Route | None, draft: Draft) -> Route | None:
        """The route of a message that only an SMSC service can send, without any other connector."""
        if route is None or route.refuse:
            return route
        if not needs_service(draft.service_type, draft.tlvs) or not self.has_service:
            return route
        places = [n for n, name in enumerate(route.connectors) if self.upstreams[name].service]
        names = tuple(route.connectors[place] for place in places)
        weights = tuple(route.weights[place] for place in places) if route.weights else ()
        if not names:
            return None
        return replace(route, connectors=names, weights=weights)
