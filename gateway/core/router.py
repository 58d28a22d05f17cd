"""Which way a message goes: its route, what the route makes of it, and the connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.routing import AS_IT_CAME, Route, RouteTable
from gateway.core.service import needs_service
from gateway.core.upstream import Upstream
from protocols.sms.addresses import digits_of


class Router:
    """The routes, and the live state of the connectors that they lead to."""

    def __init__(self, routes: RouteTable, upstreams: Mapping[str, Upstream]) -> None:
        self.routes = routes
        self.upstreams = upstreams

    @property
    def has_service(self) -> bool:
        """Whether a connector is an SMSC service; without one its options and kinds mean nothing to us."""
        return any(upstream.service for upstream in self.upstreams.values())

    def find(self, account: Account, draft: Draft, origin: int, now_ms: int) -> Route | None:
        """The route of a message; None: nothing fits."""
        route = self.routes.find(digits_of(draft.destination, draft.destination_ton))
        if draft.tlvs or draft.service_type:
            route = self._for_service(route, draft)
        return route

    def may_reach(self, digits: str) -> bool:
        """Whether a message to this number can find a route, whatever else it is."""
        return self.routes.find(digits) is not None

    def in_best_form(self, account: Account, draft: Draft, origin: int, now_ms: int) -> Draft | Refusal:
        """The draft with its text as its route writes it, and nothing else changed."""
        route = self.find(account, draft, origin, now_ms)
        return draft if route is None or not route.changes else self.written(draft, route, now_ms)

    def written(self, draft: Draft, route: Route, now_ms: int) -> Draft | Refusal:
        """The draft as a route that `changes` something writes it."""
        from gateway.core.texts import recode  # with the tables of all languages, for the few routes with one

        if draft.part is not None or route.text is AS_IT_CAME:
            return draft
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

    def choose(self, route: Route, draft: Draft, key: int) -> tuple[Upstream, str]:
        """The connector that the message is given to, and all in their order for it, separated by spaces; `key`
        is another number for each message."""
        for name in route.connectors:
            upstream = self.upstreams[name]
            if upstream.up:
                return upstream, route.alternatives
        return self.upstreams[route.connectors[0]], route.alternatives

    def _for_service(self, route: Route | None, draft: Draft) -> Route | None:
        """The route of a message that only an SMSC service can send, without any other connector."""
        if route is None or not needs_service(draft.service_type, draft.tlvs) or not self.has_service:
            return route
        names = tuple(name for name in route.connectors if self.upstreams[name].service)
        return replace(route, connectors=names, alternatives=" ".join(names)) if names else None
