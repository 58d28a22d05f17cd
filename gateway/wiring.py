"""From the configuration to what the core works with: connectors, routes, what a reload changes."""

from __future__ import annotations

from gateway.config.model import Config
from gateway.config.model import Connector as ConnectorConfig
from gateway.config.smsc_model import SmscConnector as ServiceConfig
from gateway.core.model import OnAmbiguous
from gateway.core.routing import AS_IT_CAME, Prefixes, Route, RouteTable
from gateway.core.submission import Submission
from gateway.translate.vendor_tlvs import VendorTlvs


def apply_rules(config: Config, submission: Submission) -> None:
    """Gives the routes, and what holds for all accounts, to what accepts messages."""
    submission.router.routes = routes_of(config)
    denied = [number.removeprefix("+") for number in config.denied_destinations]
    submission.denied = Prefixes(denied) if denied else None
    submission.max_messages = config.queue.max_messages
    submission.default_validity_ms = config.queue.default_validity_h * 3_600_000


def routes_of(config: Config) -> RouteTable:
    """The configured routes."""
    vendor_tlvs = VendorTlvs(config.vendor_tlvs)
    ambiguous = {
        connector.name: OnAmbiguous[connector.on_ambiguous.upper()].value
        for connector in config.connectors
        if connector.on_ambiguous is not None
    }
    return RouteTable(
        Route(
            route.prefix,
            tuple(route.connectors),
            OnAmbiguous[route.on_ambiguous.upper()],
            ambiguous=ambiguous,
            text=AS_IT_CAME if route.text == AS_IT_CAME else route.text,
            whole=route.whole,
            passing=None if route.vendor_tlvs is None else vendor_tlvs.passing(route.vendor_tlvs),
            name=route.name or f"#{number}",
            failover=frozenset(route.failover),
        )
        for number, route in enumerate(config.routes, 1)
    )


def all_connectors(config: Config) -> tuple[ConnectorConfig | ServiceConfig, ...]:
    """The connectors of both kinds."""
    return (*config.connectors, *config.smsc_connectors)


def only_at_start(old: Config, new: Config) -> list[str]:
    """What has changed and is only read at the start."""
    pairs = {
        "listeners": (old.listeners, new.listeners),
        "log": (old.log, new.log),
        "mail": (old.mail is None, new.mail is None),
        "mail.smarthost": (_has_smarthost(old) and not _has_smarthost(new), False),
        "queue.commit_delay_ms": (old.queue.commit_delay_ms, new.queue.commit_delay_ms),
    }
    return [section for section, (before, after) in pairs.items() if before != after]


def _has_smarthost(config: Config) -> bool:
    return config.mail is not None and config.mail.smarthost is not None
