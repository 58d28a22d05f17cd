"""From the configuration to what the core works with: connectors, routes, what a reload changes."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.model import Config
from gateway.config.model import Connector as ConnectorConfig
from gateway.config.model import Route as RouteConfig
from gateway.config.nodes import file_of, problem_at
from gateway.config.problems import Problem
from gateway.config.sections import Reading
from gateway.config.smsc_model import SmscConnector as ServiceConfig
from gateway.core.model import OnAmbiguous
from gateway.core.prices import tables_of
from gateway.core.rewriting import rewriting_of
from gateway.core.route_conditions import account_names, accounts_of, conditions_of
from gateway.core.route_targets import PriceOf
from gateway.core.routing import AS_IT_CAME, Prefixes, Route, RouteTable
from gateway.core.submission import Submission
from gateway.translate.vendor_tlvs import VendorTlvs


def apply_rules(config: Config, submission: Submission, routes: RouteTable | None = None) -> None:
    """Gives the routes, and what holds for all accounts, to what accepts messages.

    `routes` are those of `config`, if they were made already: ten thousand take half a second.
    """
    router = submission.router
    router.routes = routes_of(config) if routes is None else routes
    router.prices = connector_prices(config)
    router.default_validity_ms = config.queue.default_validity_h * 3_600_000
    denied = [number.removeprefix("+") for number in config.denied_destinations]
    submission.denied = Prefixes(denied) if denied else None
    submission.max_messages = config.queue.max_messages
    submission.default_validity_ms = router.default_validity_ms


def routes_of(config: Config) -> RouteTable:
    """The configured routes."""
    vendor_tlvs = VendorTlvs(config.vendor_tlvs)
    ambiguous = {
        connector.name: OnAmbiguous[connector.on_ambiguous.upper()].value
        for connector in config.connectors
        if connector.on_ambiguous is not None
    }
    names = account_names(config.accounts)
    return RouteTable(
        Route(
            prefixes[0],
            tuple(route.connectors),
            OnAmbiguous[route.on_ambiguous.upper()],
            ambiguous=ambiguous,
            text=AS_IT_CAME if route.text == AS_IT_CAME else route.text,
            whole=route.whole,
            passing=None if route.vendor_tlvs is None else vendor_tlvs.passing(route.vendor_tlvs),
            name=route.name or f"#{number}",
            failover=frozenset(route.failover),
            more_prefixes=prefixes[1:],
            priority=route.priority,
            conditions=conditions_of(route, names),
            accounts=accounts_of(route, names),
            refuse=route.refuse,
            weights=tuple(route.weights),
            cheapest=route.order == "cheapest",
            sticky=route.sticky,
            rewriting=rewriting_of(route.rewrites),
            max_validity_ms=route.max_validity_h * 3_600_000,
            number=number,
        )
        for number, route in enumerate(config.routes, 1)
        for prefixes in (_prefixes(route),)
    )


def _prefixes(route: RouteConfig) -> tuple[str, ...]:
    """All that it is for: an empty prefix beside others is one that was not given."""
    found = (route.prefix, *route.prefixes) if route.prefix else tuple(route.prefixes)
    return found or ("",)


def connector_prices(config: Config) -> dict[str, PriceOf]:
    """What a segment costs by each connector that has a price list."""
    wanted = {connector.name: connector.prices for connector in all_connectors(config) if connector.prices}
    tables = tables_of(one for one in config.price_lists if one.name in wanted.values())
    return {name: tables[prices].find for name, prices in wanted.items()}


def all_connectors(config: Config) -> tuple[ConnectorConfig | ServiceConfig, ...]:
    """The connectors of both kinds."""
    return (*config.connectors, *config.smsc_connectors)


def only_at_start(old: Config, new: Config) -> list[str]:
    """What has changed and is only read at the start."""
    pairs = {
        "listeners": (old.listeners, new.listeners),
        "mail": (old.mail is None, new.mail is None),
        "mail.smarthost": (_has_smarthost(old) and not _has_smarthost(new), False),
        "store": (old.store, new.store),
        "node": (old.node, new.node),
        "queue.commit_delay_ms": (old.queue.commit_delay_ms, new.queue.commit_delay_ms),
    }
    return [section for section, (before, after) in pairs.items() if before != after]


def _has_smarthost(config: Config) -> bool:
    return config.mail is not None and config.mail.smarthost is not None


def warnings_of(config: Config, reading: Reading) -> list[Problem]:
    """All that is legal and hardly meant, in the order of the files."""
    from gateway.config.lints import lints  # nothing that a gateway needs before somebody asks

    return sorted([*lints(config, reading), *_hidden_routes(config, reading)])


def _hidden_routes(config: Config, reading: Reading) -> Iterator[Problem]:
    """Routes that no message can reach."""
    from gateway.core.route_shadows import unreachable

    routes = list(routes_of(config))
    for place, other in unreachable(routes):
        key, before = f"routes[{place}]", routes[other]
        node = reading.place(f"routes[{other}]")
        where = f"{file_of(node).name} line {node.start_mark.line + 1}"
        text = f"no message can reach it: {before.name!r} in {where} always holds before it"
        fix = "give it a higher priority, move it before that one, or remove it"
        yield problem_at(reading.place(key), key, text, fix)
