"""Errors in the gateway's own code: none of them passes unseen, and none says what was being worked on.

An exception that nobody has caught ends a callback or a task. It becomes one event line and stands in
`status` for an hour; its text is left out, since it may have a number or a secret in it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.core.clock import Clock
from gateway.core.events import Events

SHOWN_MS = 3_600_000
"""So long a fault is a problem in `status`."""
FRAMES = 6
"""Of the innermost calls, in the event."""


class Faults:
    """All of one gateway."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self.count = 0
        self.last = ""
        self._last_ms = 0

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A loop's exception handler."""
        error = context.get("exception")
        if isinstance(error, ConnectionError) and "transport" in context:
            return  # the peer has gone; its connection hears of it by itself
        self.note(error, _where(context))

    def note(self, error: BaseException | None, where: str) -> None:
        """Something that must not happen did; `where`: what did not finish."""
        self.count += 1
        self._last_ms = self._clock.now_ms()
        self.last = f"{type(error).__name__ if error is not None else 'error'} in {where}"
        self._events.seldom(
            "error",
            "fault",
            self._clock.now(),
            where=where,
            error=type(error).__name__,
            calls=" < ".join(_calls(error)) or "-",
        )

    def problems(self) -> Iterator[str]:
        """What an admin should know of."""
        if self.count and self._clock.now_ms() - self._last_ms < SHOWN_MS:
            yield f"faults in the gateway itself: {self.count}, the last one {self.last}; report its log line"


def _where(context: dict[str, Any]) -> str:
    """What has ended; not the context's message, which has the callback's arguments in it."""
    task = context.get("task") or context.get("future")
    if isinstance(task, asyncio.Task):
        return task.get_name()
    owner = context.get("protocol") or context.get("transport")
    return type(owner).__name__ if owner is not None else "a callback"


def _calls(error: BaseException | None) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    for frame in list(reversed(frames))[:FRAMES]:
        yield f"{Path(frame.filename).name}:{frame.lineno}"
