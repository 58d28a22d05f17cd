"""What all requests share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.core.clock import Clock
from gateway.core.logins import Logins
from gateway.ops.web.gateway_client import GatewayClient, GatewayError
from gateway.ops.web.sampler import Sampler
from gateway.ops.web.sessions import Sessions
from gateway.ops.web.settings import WebSettings
from gateway.ops.web.statics import address_of, load_static
from gateway.ops.web.users import PageUsers
from gateway.ops.web.words import load_words

TEMPLATES = Path(__file__).parent / "templates"

BACKGROUND_MAX = 50

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
        self.templates = _templates()
        self._background: set[asyncio.Task[None]] = set()
        self._is_warm = False

    def configure(self, settings: WebSettings) -> None:
        """Takes over changed settings; sessions of users who are gone or have another password end."""
        self.settings = settings
        self.users.configure(settings)
        self.sessions.end_others(settings)

    def in_background(self, question: Coroutine[Any, Any, object]) -> None:
        """Asks the gateway without waiting for its answer; too many at once are not asked."""
        if len(self._background) >= BACKGROUND_MAX:
            question.close()
            return
        task = asyncio.get_running_loop().create_task(_asked(question))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def warm(self) -> None:
        """Compiles all templates, one at a time: somebody has come who will see them."""
        if not self._is_warm:
            self._is_warm = True
            task = asyncio.get_running_loop().create_task(_compile(self.templates))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def stop(self) -> None:
        """Lets go of everything."""
        self.logins.close()
        await asyncio.gather(*self._background)


async def _compile(templates: Environment) -> None:
    for name in templates.list_templates():
        templates.get_template(name)
        await asyncio.sleep(0)


async def _asked(question: Coroutine[Any, Any, object]) -> None:
    with suppress(GatewayError):
        await question


@cache
def _templates() -> Environment:
    """Compiled once in a process."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.globals["static"] = address_of
    return found


def _version() -> str:
    try:
        return version("smsc-gateway")
    except PackageNotFoundError:
        return "-"
