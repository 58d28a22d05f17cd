"""The pages, one module for each subject with its ROUTES."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from gateway.ops.web.page import Route
from gateway.ops.web.words import N_

MODULES = (
    "overview",
    "messages",
    "message",
    "explain",
    "incoming",
    "connectors",
    "accounts",
    "queue",
    "configuration",
    "audit",
    "login",
    "files",
    "monitor",
)
"""Modules of this package; each has ROUTES."""

NAVIGATION = (
    ("/", N_("Overview")),
    ("/messages", N_("Messages")),
    ("/explain", N_("Route and text")),
    ("/incoming", N_("Incoming")),
    ("/connectors", N_("Connectors")),
    ("/accounts", N_("Accounts")),
    ("/queue", N_("Queue and doubts")),
    ("/configuration", N_("Configuration")),
    ("/audit", N_("Audit")),
)
"""Addresses and titles, in the order of the menu."""


def routes() -> Iterator[Route]:
    """All addresses."""
    for name in MODULES:
        yield from import_module(f"{__name__}.{name}").ROUTES
