"""One account's way down: receipts and incoming SMS to its receiving sessions.

Theory of operation.  Every delivery is a row of the store until the peer's OK is committed.  A few of them
are in memory as well: those that came while a session was there to take them, and those that `pump` fetched.
When the last receiving session goes, memory is simply dropped, and the next bind fetches from the start;
so nothing can be lost here, and an account that never binds costs no memory.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Protocol

from gateway.core import retry
from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.model import Delivery

FETCH = 2000
IN_MEMORY = 4000


class Receiver(Protocol):
    """A session that can take deliveries."""

    @property
    def room(self) -> int:
        """Deliveries that it can take now."""
        ...

    def deliver(self, delivery: Delivery) -> None:
        """Sends one; the result comes back to the outlet."""
        ...

    def alert(self, notification: object) -> None:
        """Passes on an alert_notification; it has no result."""
        ...


class Outlet:
    """What waits for one account, and the sessions that take it."""

    def __init__(
        self, account: str, *, journal: Journal, events: Events, clock: Clock, random: Random
    ) -> None:
        self.account = account
        self.receivers: list[Receiver] = []
        self.delivered = 0
        self.refused = 0
        self.waiting = False
        """Something waits, and no session is there to take it; see `look`."""
        self._journal = journal
        self._events = events
        self._clock = clock
        self._random = random
        self._pending: deque[Delivery] = deque()
        self._delayed: list[tuple[float, int, Delivery]] = []
        self._tries: dict[int, int] = {}
        self._newest = 0  # the highest delivery_id that came into memory
        self._on_disk = True
        self._fetching = False
        self._generation = 0
        self._stale = 0  # answers to come that were asked for before the last session went
        self._turn = 0

    # -- sessions --------------------------------------------------------------------------------------

    def attach(self, receiver: Receiver) -> None:
        """A receiving session is bound."""
        self.receivers.append(receiver)
        self.waiting = False
        self.pump()

    def detach(self, receiver: Receiver, unanswered: Sequence[Delivery]) -> None:
        """A session is gone; what it left unanswered goes to the others, or waits on disk."""
        if receiver not in self.receivers:
            return
        self.receivers.remove(receiver)
        if self.receivers:
            self._pending.extendleft(sorted(unanswered, key=lambda d: d.delivery_id, reverse=True))
            self.pump()
            return
        self.waiting = bool(unanswered or self._pending or self._delayed or self._on_disk or self._fetching)
        self._pending.clear()
        self._delayed.clear()
        self._tries.clear()
        self._newest = 0
        self._on_disk = True
        self._generation += 1
        self._stale += self._fetching
        self._fetching = False

    # -- deliveries ------------------------------------------------------------------------------------

    def offer(self, delivery: Delivery) -> None:
        """A new row of the store; the caller ends with `pump`."""
        if self._on_disk or self._fetching or not self.receivers or self._in_memory() >= IN_MEMORY:
            self._on_disk = True
            self.waiting = not self.receivers
        elif delivery.delivery_id > self._newest:
            self._newest = delivery.delivery_id
            self._pending.append(delivery)

    def fetched(self, rows: list[Row], more: bool) -> None:
        """What the store found for `pump`."""
        if self._stale:
            self._stale -= 1
            return  # asked for before the last session went
        self._fetching = False
        if not self.receivers:  # `look` has asked
            self.waiting = bool(rows)
            return
        self._on_disk = more
        for row in rows:
            if row[0] > self._newest:
                self._newest = row[0]
                self._pending.append(Delivery._make(row))
        self.pump()

    def pump(self) -> None:
        """Hands deliveries to sessions with room, and fetches more when few are left."""
        receivers, pending = self.receivers, self._pending
        idle = 0
        while pending and idle < len(receivers):
            self._turn = (self._turn + 1) % len(receivers)
            receiver = receivers[self._turn]
            room = receiver.room
            idle = 0 if room else idle + 1
            for _ in range(min(room, len(pending), 20)):
                receiver.deliver(pending.popleft())
        few = len(pending) < FETCH and self._in_memory() < IN_MEMORY
        if self._on_disk and not self._fetching and receivers and few:
            self._fetch(FETCH)

    def look(self) -> None:
        """Finds out whether something waits; `waiting` says it after the next commit."""
        if not (self.receivers or self._fetching or self.waiting):
            self._fetch(1)

    def _fetch(self, limit: int) -> None:
        self._fetching = True
        generation = self._generation
        self._journal.batch.fetches.append((self.account, self._newest, limit))
        self._journal.then(lambda ok: self._fetch_committed(ok, generation))

    def alert(self, notification: object) -> None:
        """An alert_notification for whoever is there: it is not kept (SMPP v3.4 §4.12)."""
        for receiver in self.receivers:
            receiver.alert(notification)

    def _in_memory(self) -> int:
        return len(self._pending) + len(self._delayed)

    def _fetch_committed(self, ok: bool, generation: int) -> None:
        if not ok and generation == self._generation:
            self._fetching = False
        elif not ok:
            self._stale -= 1

    def tick(self, now: float) -> None:
        """Takes up what was put off; a few times each second."""
        while self._delayed and self._delayed[0][0] <= now:
            self._pending.append(heapq.heappop(self._delayed)[2])
        self.pump()

    # -- results ---------------------------------------------------------------------------------------

    def took(self, delivery: Delivery, now_ms: int) -> None:
        """The peer said OK; the caller ends its chunk with `pump`."""
        self.delivered += 1
        self._journal.batch.delivered.append((delivery.delivery_id,))
        self._journal.wake()
        if self._tries:
            self._tries.pop(delivery.delivery_id, None)
        if self._events.messages:
            self._events.returned(delivery.message_id, self.account, now_ms)

    def put_back(self, delivery: Delivery) -> None:
        """The session that had it did not answer: the next one gets it."""
        self._pending.appendleft(delivery)

    def put_off(self, delivery: Delivery) -> None:
        """The peer cannot take it now: again later."""
        tries = self._tries.get(delivery.delivery_id, 0)
        self._tries[delivery.delivery_id] = tries + 1
        due = self._clock.now() + retry.delay_s(tries, self._random)
        heapq.heappush(self._delayed, (due, delivery.delivery_id, delivery))

    def refuse(self, delivery: Delivery, reason: str, now_ms: int) -> None:
        """The peer will never take it: to the dead letters."""
        self.refused += 1
        self._tries.pop(delivery.delivery_id, None)
        self._journal.batch.refused.append((delivery.delivery_id, reason, now_ms))
        self._journal.wake()
        self._events.say(
            "warning", "dead_letter", account=self.account, message_id=delivery.message_id, reason=reason
        )
