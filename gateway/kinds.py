"""What the daemon knows of its listeners and connectors, whatever they speak."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from gateway.core.door import Take

STOP_TIMEOUT_S = 7.0
"""So long a connector's last answers are waited for."""
UNBIND_TIMEOUT_S = 1.0


class DaemonError(Exception):
    """The gateway cannot start or go on; the text says what to do."""


class Startable(Protocol):
    """A listener of any kind."""

    async def start(self, take: Take) -> None:
        """Listens, on what `take` gives if it gives something; OSError when the address cannot be had."""
        ...


class Connector(Protocol):
    """A link to an SMSC of any kind."""

    @property
    def state(self) -> str:
        """A word; "bound" when it can be used."""
        ...

    def start(self) -> list[asyncio.Task[None]]:
        """Starts; the tasks end only when they are cancelled."""
        ...

    def tick(self, now: float) -> None:
        """Timers; a few times each second."""
        ...

    def configure(self, config: Any) -> list[asyncio.Task[None]]:
        """Takes over options that need no new link; tasks like those of `start`."""
        ...

    def rebind(self) -> list[asyncio.Task[None]]:
        """Ends its links when what is under way is finished, and makes new ones, or looks at once whether the
        service is there; whatever was refused before. New tasks like those of `start`."""
        ...

    @property
    def rebound(self) -> bool:
        """Whether the last `rebind` has come to something: new links, or a try that failed."""
        ...

    async def stop(self, timeout_s: float) -> None:
        """Ends it, and waits so long for the SMSC's last answers."""
        ...
