"""An account's way down where several nodes share the store: any of them may have sessions that receive.

Theory of operation.  A delivery is in the memory of one node at the most: the store notes whose (it is
*claimed*).  A node that has receiving sessions says so (`Batch.receivers`); from then on the deliveries that
it writes are its own, and it claims others with each fetch.  When its last receiving session goes it says
that too, which frees all that it has, and it listens again only when that is committed: what comes before
that was freed by it, and some other node may have it already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from random import Random

from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.downstream import IN_MEMORY, Outlet, Receiver
from gateway.core.events import Events
from gateway.core.model import Delivery


class SharedOutlet(Outlet):
    """What this node has claimed for one account, and the sessions that take it."""

    def __init__(
        self, account: str, *, journal: Journal, events: Events, clock: Clock, random: Random
    ) -> None:
        super().__init__(account, journal=journal, events=events, clock=clock, random=random)
        self.closed = False
        """This node brings nothing down any more, see `close`."""
        self.guard: Callable[[], object] = lambda: None
        """Called before anything goes down; does not return if this process must not bring down any more."""
        self._listens = False
        """The store knows that this node has receiving sessions."""
        self._leaving = False
        """It was told that there are none any more, and has not said yet that it knows."""
        self._fresh: list[Delivery] = []
        """New ones that wait behind those that are being fetched."""

    # -- sessions --------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        """A receiving session is bound."""
        self.receivers.append(receiver)
        self.waiting = False
        self._listen()

    def detach(self, receiver: Receiver, unanswered: Sequence[Delivery]) -> None:
        """A session is gone; what it left unanswered goes to this node's others, or is anybody's."""
        if receiver not in self.receivers:
            return
        if len(self.receivers) > 1 and self._listens:
            self.receivers.remove(receiver)
            for delivery in sorted(unanswered, key=lambda d: d.delivery_id, reverse=True):
                self.put_back(delivery)
            self.pump()
            return
        self.receivers.remove(receiver)
        if not self.receivers:
            has_some = self._pending or self._delayed or self._on_disk or self._fetching or self._fresh
            self.waiting = bool(unanswered or has_some)
            self._leave()

    def close(self) -> None:
        """Another node's sessions get what comes, and what waits here; what was sent is waited for."""
        self.closed = True
        self._give_back([*self._pending, *(row for _, _, row in self._delayed), *self._fresh])
        self._forget()

    def reopen(self) -> None:
        """Ends a `close`."""
        self.closed = False
        self._on_disk = True
        self._listen()

    def _listen(self) -> None:
        if self.receivers and not (self._listens or self._leaving or self.closed):
            self._listens = self._on_disk = True
            self._journal.batch.receivers.append((self.account, 1))
            self._journal.wake()
        self.pump()

    def _leave(self) -> None:
        """Frees what this node has."""
        if not self._listens:
            return
        self._forget()
        self._listens, self._leaving = False, True
        batch = self._journal.batch
        # in one batch the store frees before it fetches
        batch.fetches[:] = [row for row in batch.fetches if row[0] != self.account]
        batch.receivers.append((self.account, 0))
        self._journal.then(self._left)

    def _left(self, ok: bool) -> None:
        if not ok:  # the row is kept for the next batch
            self._journal.then(self._left)
        else:  # behind what the store has said before, which is handed on with the loop's next turn
            asyncio.get_running_loop().call_soon(self._begin_anew)

    def _begin_anew(self) -> None:
        self._leaving = self._fetching = False
        self._listen()

    def _forget(self) -> None:
        self._pending.clear()
        self._delayed.clear()
        self._tries.clear()
        self._fresh.clear()

    # -- deliveries ------------------------------------------------------------------------------------

    def offer(self, delivery: Delivery) -> None:
        """A new row of the store, which is this node's; the caller ends with `pump`."""
        if not self._listens:
            return  # it was freed meanwhile
        if self.closed or self._in_memory() >= IN_MEMORY:
            self._give_back([delivery])
            self._on_disk = True
        elif self._fetching:
            self._fresh.append(delivery)
        else:
            self._pending.append(delivery)

    def found(self) -> None:
        """Something waits that no node has."""
        self._on_disk = True
        self.pump()

    def fetched(self, rows: list[Row], more: bool) -> None:
        """What the store found for `pump`, or for `look`."""
        if self._leaving:
            return  # it was freed meanwhile
        self._fetching = False
        self._on_disk = more
        found = list(map(Delivery._make, rows))
        if self.closed or not self._listens:
            self.waiting = bool(rows) and not self.receivers
            self._give_back(found)
            return
        self._pending.extend(found)
        self._pending.extend(self._fresh)
        self._fresh.clear()
        self.pump()

    def _give_back(self, deliveries: Iterable[Delivery]) -> None:
        rows = [(delivery.delivery_id,) for delivery in deliveries]
        if rows:
            self._journal.batch.unclaimed.extend(rows)
            self._journal.wake()

    def pump(self) -> None:
        """Hands deliveries to sessions with room, and fetches more when few are left."""
        if self._pending and self.receivers:
            self.guard()
        super().pump()

    def look(self) -> None:
        """Finds out whether something waits; `waiting` says it after the next commit."""
        if not (self._leaving or self.closed):
            super().look()

    def _fetch(self, limit: int) -> None:
        if self.closed or self._leaving or (self.receivers and not self._listens):
            return
        super()._fetch(limit)

    def _in_memory(self) -> int:
        return super()._in_memory() + len(self._fresh)

    # -- results ---------------------------------------------------------------------------------------

    def put_back(self, delivery: Delivery) -> None:
        """The session that had it did not answer: the next one gets it."""
        if self.closed:
            self._give_back([delivery])
        else:
            super().put_back(delivery)

    def put_off(self, delivery: Delivery) -> None:
        """The peer cannot take it now: again later."""
        if self.closed:
            self._give_back([delivery])
        else:
            super().put_off(delivery)
