"""Tells of dead letters: what nobody took, which a person has to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.core.errors import StoreReadError
from gateway.store.reader import Reader
from gateway.store.reader_calls import DEAD_CALLS

if TYPE_CHECKING:
    from gateway.daemon import Daemon

EVERY_S = 60.0
DAY_MS = 86_400_000
_LETTERS = "mail:"
KINDS = ("deliveries", "letters", "calls")


class DeadAlarm:
    """Looks once a minute for what has died within a day, off the loop, by a connection that only reads."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._reader = Reader(daemon.reads)
        self._next = 0.0
        self._looking: asyncio.Task[None] | None = None
        self.counts: Mapping[str, int] = {}
        """By account, `DEAD_CALLS` and the account, or "mail:"."""

    def tick(self, now: float) -> None:
        """Looks when it is time; a few times each second."""
        if now >= self._next and self._looking is None:
            self._next = now + EVERY_S
            self._looking = asyncio.get_running_loop().create_task(self._look(), name="dead letters")
            self._looking.add_done_callback(self._looked)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None

    async def _look(self) -> None:
        with suppress(StoreReadError):  # not now, or damaged: the writer says so
            self._tell(
                await asyncio.to_thread(self._reader.dead_counts, self._daemon.clock.now_ms() - DAY_MS)
            )

    def _tell(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            if count > self.counts.get(name, 0):
                kind, account = _of(name)
                self._daemon.events.say(
                    "warning", "dead_letters", kind=kind, account=account or "-", count=count, see=_SEE
                )
        self.counts = counts

    async def stop(self) -> None:
        """Looks no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def by_kind(self) -> dict[str, int]:
        """How many died within a day: deliveries, letters, calls."""
        sums = dict.fromkeys(KINDS, 0)
        for name, count in self.counts.items():
            sums[_of(name)[0]] += count
        return sums

    def problems(self) -> Iterator[str]:
        """What an admin should know of."""
        for name, count in sorted(self.counts.items()):
            of = " of ".join(filter(None, _of(name)))
            yield f"{count} {of} died within a day: {_SEE}"


_SEE = "smsc-gateway deadletters list"


def _of(name: str) -> tuple[str, str]:
    """What died, and whose it was."""
    if name == _LETTERS:
        return "letters", ""
    if name.startswith(DEAD_CALLS):
        return "calls", name.removeprefix(DEAD_CALLS)
    return "deliveries", name
