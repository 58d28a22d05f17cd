"""What all requests share."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.core.clock import Clock
from gateway.core.logins import Logins
from gateway.ops.web.gateway_client import GatewayClient
from gateway.ops.web.sampler import Sampler
from gateway.ops.web.sessions import Sessions
from gateway.ops.web.settings import WebSettings
from gateway.ops.web.statics import load_static
from gateway.ops.web.users import PageUsers
from gateway.ops.web.words import load_words

TEMPLATES = Path(__file__).parent / "templates"

Say = Callable[..., None]
"""(level, name, **fields): a line of the gateway's log."""


class Shell:
    """The pages while they run; `settings` may be replaced at any time."""

    def __init__(self, settings: WebSettings, gateway: GatewayClient, clock: Clock, say: Say) -> None:
        self.settings = settings
        self.gateway = gateway
        self.clock = clock
        self.say = say
        self.sessions = Sessions(clock)
        self.sampler = Sampler(gateway, clock, say)
        self.logins = Logins(clock)
        self.users = PageUsers(settings)
        self.words = load_words()
        self.statics = load_static()
        self.version = _version()
        self.templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.templates.globals["static"] = self.static

    def configure(self, settings: WebSettings) -> None:
        """Takes over changed settings; sessions of users who are gone or have another password end."""
        self.settings = settings
        self.users.configure(settings)

    def static(self, name: str) -> str:
        """The address of a file under static/; KeyError when there is none."""
        return f"/static/{name}?v={self.statics[name].version}"


def _version() -> str:
    try:
        return version("smsc-gateway")
    except PackageNotFoundError:
        return "-"
