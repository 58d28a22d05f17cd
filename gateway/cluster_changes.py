"""What another node has changed that this one holds in memory: the store tells of it (Answer.changes).

The memory follows by the same ways as when the change is made here.

A change may be told twice, and what is read anew may be newer than the change: the last state counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.core.batch import Row
from gateway.core.errors import StoreReadError
from gateway.core.pauses import Pause
from gateway.front.desk import Unavailable

if TYPE_CHECKING:
    from gateway.daemon import Daemon

USER = "user"
"""The kind of record that is an account."""
AGAIN_S = 1.0
"""After so long the store is read again if it could not be."""


class ClusterChanges:
    """Brings the memory of a daemon up to date."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._handlers: dict[str, Callable[[list[Row]], None]] = {
            "pauses": self._pauses,
            "blacklisted": self._blacklisted,
            "unblacklisted": self._unblacklisted,
            "credits": self._credits,
            "records": self._records,
        }
        self._stale: set[tuple[str, str]] = set()
        """Kinds of records and accounts that have to be read anew."""
        self._reading: asyncio.Task[None] | None = None

    def heard(self, changes: Iterable[tuple[str, list[Row]]]) -> None:
        """What others have changed; a word that a newer version says is passed over."""
        for word, rows in changes:
            handler = self._handlers.get(word)
            if handler is not None:
                handler(rows)

    # -- pauses, blacklists, money ---------------------------------------------------------------------------

    def _pauses(self, rows: Iterable[Row]) -> None:
        daemon = self._daemon
        for name, since_ms, who in rows:
            pause = Pause(since_ms, who) if since_ms else None
            if pause == daemon.pauses.get(name):
                continue
            if pause is not None:
                daemon.pauses[name] = pause
            else:
                del daemon.pauses[name]
            upstream = daemon.upstreams.get(name)
            if upstream is None:
                continue  # it is configured at other nodes; where a reload brings it, it pauses from then on
            who = who or "another node"
            if pause is not None:
                upstream.pause(pause)
                daemon.events.say("info", "paused", connector=name, who=who)
            else:
                upstream.resume()
                daemon.events.say("info", "resumed", connector=name, who=who)

    def _blacklisted(self, rows: Iterable[Row]) -> None:
        """Of accounts too that this node does not configure: they may come with a reload."""
        for account, numbers in _by_account(rows):
            self._daemon.admission.blacklists.add(account, numbers)

    def _unblacklisted(self, rows: Iterable[Row]) -> None:
        for account, numbers in _by_account(rows):
            self._daemon.admission.blacklists.remove(account, numbers)

    def _credits(self, rows: Iterable[Row]) -> None:
        """What is left comes with Answer.balances; it may be told again that it is used up."""
        for (account,) in rows:
            self._daemon.submission.ledger.credited(account, 0)

    # -- records ---------------------------------------------------------------------------------------------

    def _records(self, rows: Iterable[Row]) -> None:
        self._stale.update((kind, account) for kind, account in rows)
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(
                self._read(), name="changes of other nodes"
            )
            self._reading.add_done_callback(self._daemon.task_ended)

    async def _read(self) -> None:
        while self._stale:
            # sub-clients first: what else is said may be about one of them
            stale = sorted(self._stale, key=lambda one: one[0] != USER)
            self._stale.clear()
            try:
                for kind, account in stale:
                    await self._read_one(kind, account)
            except (Unavailable, StoreReadError):
                self._stale.update(stale)
                await asyncio.sleep(AGAIN_S)
        self._reading = None

    async def _read_one(self, kind: str, account: str) -> None:
        desk = self._daemon.http.desk
        if kind == USER:
            await self._daemon.sub_accounts.heard()
        elif desk is None:
            return
        elif kind == "black":
            from gateway.front import blacklist

            await blacklist.read(desk, account)
        elif kind == "sender":
            from gateway.front import sender_records

            await sender_records.read(desk, account)
        elif kind == "job":
            from gateway.front import job_records

            await job_records.load(desk)
        elif kind == "wait_call" and desk.relay is not None:
            await desk.relay.waiting.load()

    async def stop(self) -> None:
        """Reads no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)


def _by_account(rows: Iterable[Row]) -> Iterable[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for account, number in rows:
        found.setdefault(account, []).append(number)
    return found.items()
