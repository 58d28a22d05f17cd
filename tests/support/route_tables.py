"""Routers of configurations, for the tests of routes: through the loader, as the gateway has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from gateway.config.load import load
from gateway.config.model import Config
from gateway.core.router import Router
from gateway.core.upstream import Upstream
from gateway.wiring import connector_prices, routes_of

HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="
CONNECTORS = ("one", "two", "three")


@dataclass
class Link:
    """A connector's state, as the router asks for it."""

    up: bool = True
    service: bool = False
    trouble: str = "down"

    @property
    def bound(self) -> bool:
        return self.up

    works = bound


def config_of(folder: Path, sections: Mapping[str, Any]) -> Config:
    """The configuration with these sections; ConfigError when the loader does not like them."""
    accounts = sections.get("accounts") or [{"system_id": "app"}]
    connectors = sections.get("connectors") or [{"name": name} for name in CONNECTORS]
    whole = {
        **sections,
        "listeners": {"smpp": [{"address": "127.0.0.1:2775"}]},
        "accounts": [{"password_hash": HASH, **account} for account in accounts],
        "connectors": [
            {"address": "127.0.0.1:2776", "system_id": "gw", "password": "pw", **one} for one in connectors
        ],
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    path.chmod(0o600)
    return load(path)


def router_of(config: Config, down: str = "") -> Router:
    """Its router, with links on all connectors but those that are down."""
    upstreams = {one.name: Link(one.name not in down.split()) for one in config.connectors}
    router = Router(routes_of(config), cast("Mapping[str, Upstream]", upstreams))
    router.prices = connector_prices(config)
    router.default_validity_ms = config.queue.default_validity_h * 3_600_000
    return router
