"""Looks hosts up for calls: few at once, each host once at a time, with a deadline, and kept for a moment.

The system's resolver blocks a thread for as long as a name server lets it.  A host whose name server is slow
keeps one thread, whoever asks; the threads are no reason for the gateway to stay when it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from gateway.core.clock import Clock
from gateway.core.errors import system_reason

LOOKUPS = 8
"""Hosts that are looked up at once."""
LOOKUP_S = 5.0
KEEP_S = 10.0
"""So long an answer is used again; it is checked each time, so an old one is no danger."""
STALE_S = 3600.0
"""So long it is used when there is no answer in time: name servers that are slow or away stop nobody."""
MOST_KEPT = 1000

Resolve = Callable[[str], Awaitable[list[str]]]
"""The IP addresses of a host; OSError when it has none."""


class UnknownHost(Exception):
    """A host cannot be found; the text says why."""


class Names:
    """Addresses of hosts."""

    def __init__(self, clock: Clock, resolve: Resolve | None = None, timeout_s: float = LOOKUP_S) -> None:
        self._clock = clock
        self._resolve = resolve or ask_system
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(LOOKUPS)
        self._kept: dict[str, tuple[float, list[str]]] = {}
        """When it was found, and the answer; the oldest first."""
        self._under_way: dict[str, asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Of a name, or the address that `host` is; UnknownHost."""
        with contextlib.suppress(ValueError):
            return [str(ip_address(host))]
        since, found = self._kept.get(host, (-STALE_S, []))
        age_s = self._clock.now() - since
        if age_s < KEEP_S:
            return found
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = asyncio.get_running_loop().create_task(self._look_up(host))
            task.add_done_callback(lambda done: self._ended(host, done))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(task)
        except TimeoutError:
            if age_s < STALE_S:
                return found
            raise UnknownHost("its host was not found in time") from None
        except OSError as error:
            if error.errno == socket.EAI_AGAIN and age_s < STALE_S:
                return found
            raise UnknownHost(f"its host was not found ({system_reason(error)})") from None

    async def _look_up(self, host: str) -> list[str]:
        async with self._places:
            found = await self._resolve(host)
        self._kept.pop(host, None)
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[host] = (self._clock.now(), found)
        return found

    def _ended(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._under_way[host]
        if not task.cancelled():
            task.exception()  # whoever asked may have gone

    def close(self) -> None:
        """Waits for nothing."""
        for task in self._under_way.values():
            task.cancel()


async def ask_system(host: str) -> list[str]:
    """As the machine is set up to find hosts; OSError."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found: list[str] | OSError = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except OSError as error:
            found = error
        except UnicodeError:  # a label of more than 63 characters
            found = OSError("it is no host name")
        with contextlib.suppress(RuntimeError):  # the gateway has ended meanwhile
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=ask, name="host of a call", daemon=True).start()
    return await answer
