"""Tells accounts over HTTP: calls their handlers as the SMSC service does, and their webhooks.

Theory of operation.  A call is a row of the store until what became of it is committed: taken, put off, or
dead.  The caller claims rows that are due, some at a time, and makes a few calls at once; what a killed
gateway had claimed is claimed by the next one, so an account may be told twice, with the same event id.

Each account has a lane for its handler and one for its webhook.  A lane has a share of the calls at once, a
small one while it fails or is slow, and one that is full is left out of the claims: however bad a handler is,
the others are told in time.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Protocol

from gateway.config.basics import Network
from gateway.core.accounts import Account
from gateway.core.api import Call
from gateway.core.batch import Answer, Journal, Row
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.egress.call_client import CallClient, CallFailed
from gateway.egress.call_lanes import Lane, is_for_good, is_taken, next_due_ms
from gateway.egress.call_requests import NoTarget, request_of, shown_url, webhook_days
from gateway.translate.calls import type_of
from protocols.smsc_http.callbacks import CallbackError

AT_ONCE = 100
SLOW_AT_ONCE = AT_ONCE // 2
"""Those of them that go to handlers which failed or took long the last time: however many are so, the others
have places left."""
SLOW_FIRST = 10
"""So many of these begin before the others'."""
CLAIM = 50
"""Calls that are claimed at once."""
PROBLEM_S = 600.0
"""A handler that has failed for so long is a problem."""
SAY_S = 600.0
"""The log is told of the failures of one handler so often."""


class Client(Protocol):
    """What is needed of CallClient."""

    networks: Sequence[Network]

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, by_operator: bool = True
    ) -> int: ...
    async def close(self) -> None: ...


class Caller:
    """The calls that are under way, and what waits for them.

    `accounts` is looked into at each call; `networks` may be called although they are not public; `connect`
    makes the client, when the first call needs it.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        networks: Sequence[Network],
        *,
        journal: Journal,
        events: Events,
        clock: Clock,
        random: Random,
        connect: Callable[[Sequence[Network], Clock], Client] = CallClient,
    ) -> None:
        self.taken = 0
        self.put_off = 0
        self.dead = 0
        self.under_way = 0
        self.rests = False
        """Nothing new is claimed: that is for other nodes."""
        self.guard: Callable[[], object] = lambda: None
        """Called before a call is made; does not return if this process must not any more."""
        self._connect = connect
        self._client: Client | None = None
        self._networks = networks
        self._accounts = accounts
        self._journal = journal
        self._events = events
        self._clock = clock
        self._random = random
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._ready: deque[Lane] = deque()
        self._slow: deque[Lane] = deque()
        self._slow_under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._claiming = False
        self._due_ms: int | None = 0  # of the next call to claim; None: there is none
        self._left_out = False
        self._stopping = False

    # -- start, reload, stop ---------------------------------------------------------------------------

    def start(self) -> None:
        """Looks for what an earlier run has left."""
        self.wake()

    def configure(self, networks: Sequence[Network]) -> None:
        """After a reload: URLs may be others, so nobody is known to fail."""
        self._networks = networks
        if self._client is not None:
            self._client.networks = networks
        for lane in self._lanes.values():
            lane.rests, lane.failures = False, 0
            self._queue(lane)
        self._pump()
        self.wake()

    async def stop(self, timeout_s: float) -> None:
        """Finishes what is under way, so long at the most; the rest is for the next run."""
        self._stopping = True
        for lane in self._lanes.values():
            lane.waiting.clear()
        if self._tasks:
            _, late = await asyncio.wait(tuple(self._tasks), timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        self._journal.wake()

    @property
    def is_busy(self) -> bool:
        """Whether anything is claimed that is neither taken nor put off."""
        return self._claiming or bool(self.under_way) or any(lane.waiting for lane in self._lanes.values())

    # -- what there is to do ---------------------------------------------------------------------------

    def store_says(self, answer: Answer) -> None:
        """What a commit tells before its callbacks run."""
        for rows, due_ms in answer.calls:
            self._claimed(rows, due_ms)
        if answer.calls_waiting:
            self.wake()

    def wake(self) -> None:
        """The store has written calls."""
        self._due_ms = 0
        self._claim(self._clock.now_ms())

    def tick(self, now: float, now_ms: int) -> None:
        """Gives who fails one more, and claims what has become due; about twice each second."""
        for lane in self._lanes.values():
            lane.rests = False
            self._queue(lane)
        self._pump()
        self._claim(now_ms)

    def _claim(self, now_ms: int) -> None:
        if self._claiming or self._stopping or self._due_ms is None or self._due_ms > now_ms:
            return
        if self.rests:
            return
        if self._journal.error or self.under_way >= AT_ONCE:
            return
        full = tuple(place for place, lane in self._lanes.items() if lane.is_full)
        self._claiming, self._left_out = True, bool(full)
        self._due_ms = None  # what comes while the store looks is kept
        self._journal.batch.call_claims.append((now_ms, CLAIM, full))
        self._journal.then(self._claim_committed)

    def _claim_committed(self, ok: bool) -> None:
        if not ok:
            self._claiming = False
            self._due_ms = 0

    def _claimed(self, rows: list[Row], due_ms: int | None) -> None:
        """What the store found: Call's fields, and when the next one is due."""
        self._claiming = False
        if due_ms is not None:
            self._due_at(due_ms)
        if self._stopping:
            return
        for call in map(Call._make, rows):
            lane = self._lanes.get((call.account, call.target))
            if lane is None:
                lane = self._lanes[call.account, call.target] = Lane(call.account, call.target)
            lane.waiting.append(call)
            self._queue(lane)
        self._pump()
        if rows or self._due_ms == 0:  # there may be more, or there is since the store looked
            self._claim(self._clock.now_ms())

    def _due_at(self, due_ms: int) -> None:
        self._due_ms = due_ms if self._due_ms is None else min(self._due_ms, due_ms)

    # -- calls -----------------------------------------------------------------------------------------

    def _queue(self, lane: Lane) -> None:
        if lane.can_start and not lane.is_queued:
            lane.is_queued = True
            (self._slow if lane.is_slow else self._ready).append(lane)

    def _next(self) -> Lane | None:
        """Whose turn it is, and that is now over."""
        if self.under_way >= AT_ONCE:
            return None
        while self._ready and self._ready[0].is_slow:
            self._slow.append(self._ready.popleft())
        if self._slow and self._slow_under_way < (SLOW_FIRST if self._ready else SLOW_AT_ONCE):
            return self._slow.popleft()
        return self._ready.popleft() if self._ready else None

    def _pump(self) -> None:
        """Starts calls, one of each lane in turn."""
        while not self._journal.error and not self._stopping and (lane := self._next()) is not None:
            lane.is_queued = False
            if lane.can_start:
                lane.under_way += 1
                self.under_way += 1
                self._slow_under_way += lane.is_slow
                call = lane.waiting.popleft()
                task = asyncio.get_running_loop().create_task(
                    self._call(lane, call, is_slow=lane.is_slow), name="call"
                )
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                self._queue(lane)

    async def _call(self, lane: Lane, call: Call, *, is_slow: bool) -> None:
        """Makes a call, and notes what became of it; `is_slow`: it was counted so."""
        started = self._clock.now()
        try:
            status = await self._try(call)
        except (CallFailed, CallbackError) as error:
            self._failed(lane, call, str(error))
        except NoTarget as error:
            self._refuse(lane, call, str(error))
        except Exception as error:  # a call with a fault must not end the gateway, now and after each start
            self._fault(lane, call, error)
        else:
            if is_taken(call.target, status):
                self._was_taken(lane, call)
            elif is_for_good(call.target, status):
                self._failing(lane, call, f"HTTP {status}")
                self._refuse(lane, call, f"HTTP {status}")
            else:
                self._failed(lane, call, f"HTTP {status}")
        finally:
            was_full = lane.is_full
            lane.under_way -= 1
            self.under_way -= 1
            self._slow_under_way -= is_slow
            lane.grow(self._clock.now() - started, taken=not lane.failures)
        if self._left_out and was_full and not lane.is_full:
            self._due_ms = 0
        self._queue(lane)
        self._pump()
        self._claim(self._clock.now_ms())

    async def _try(self, call: Call) -> int:
        """The HTTP status of the answer."""
        request = request_of(call, self._accounts.get(call.account), self._clock.now_ms() // 1000)
        if self._client is None:
            self._client = self._connect(self._networks, self._clock)
        self.guard()
        return await self._client.post(
            request.url, request.body, request.headers, by_operator=request.by_operator
        )

    # -- results ---------------------------------------------------------------------------------------

    def _was_taken(self, lane: Lane, call: Call) -> None:
        self.taken += 1
        self._journal.batch.calls_done.append((call.call_id,))
        self._journal.wake()
        if lane.fails:
            self._events.seldom(
                "info",
                "calls_taken_again",
                self._clock.now(),
                account=lane.account,
                target=lane.name,
                url=self._shown(lane),
            )
        lane.failures = 0

    def _failed(self, lane: Lane, call: Call, reason: str) -> None:
        """Nobody took it, for now or after too many tries."""
        self._failing(lane, call, reason)
        days = webhook_days(self._accounts.get(call.account))
        due_ms = next_due_ms(call, self._clock.now_ms(), days, self._random)
        if due_ms is None:
            self._refuse(lane, call, reason)
            return
        self.put_off += 1
        self._journal.batch.calls_put_off.append((call.call_id, due_ms, reason))
        self._journal.wake()
        self._due_at(due_ms)

    def _failing(self, lane: Lane, call: Call, reason: str) -> None:
        now = self._clock.now()
        if not lane.failures:
            lane.failing_since = now
        lane.failures += 1
        lane.rests, lane.last_error = lane.fails, reason
        if now - lane.said_at >= SAY_S:
            lane.said_at = now
            self._events.seldom(
                "warning",
                "call_failed",
                now,
                account=lane.account,
                target=lane.name,
                url=self._shown(lane),
                call=call.call_id,
                reason=reason,
            )

    def _refuse(self, lane: Lane, call: Call, reason: str) -> None:
        self.dead += 1
        self._journal.batch.calls_refused.append((call.call_id, reason, self._clock.now_ms()))
        self._journal.wake()
        self._events.seldom(
            "warning",
            "call_dead",
            self._clock.now(),
            account=lane.account,
            target=lane.name,
            url=self._shown(lane),
            call=call.call_id,
            kind=type_of(call),
            reason=reason,
        )

    def _fault(self, lane: Lane, call: Call, error: Exception) -> None:
        """Something that must not happen did, in the gateway; its text might hold some of the call's."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        reason = f"a fault in the gateway: {type(error).__name__} in {place}"
        self._events.seldom(
            "error",
            "call_fault",
            self._clock.now(),
            account=lane.account,
            target=lane.name,
            url=self._shown(lane),
            call=call.call_id,
            reason=reason,
        )
        self._failed(lane, call, reason)

    # -- what is said ----------------------------------------------------------------------------------

    def _shown(self, lane: Lane) -> str:
        return shown_url(self._accounts.get(lane.account), lane.target)

    def status(self) -> dict[str, Any]:
        """Counts since the start, as plain values."""
        return {
            "taken": self.taken,
            "put_off": self.put_off,
            "dead": self.dead,
            "under_way": self.under_way,
            "failing": sorted(f"{it.account} ({it.name})" for it in self._failing_lanes()),
        }

    def problems(self) -> Iterator[str]:
        """One line for each handler and webhook that has failed for long."""
        for lane in self._failing_lanes():
            failing_s = self._clock.now() - lane.failing_since
            if failing_s >= PROBLEM_S:
                yield (
                    f"the {lane.name} of account {lane.account} at {self._shown(lane)} has failed for"
                    f" {failing_s / 60:.0f} min: {lane.last_error}"
                )

    def _failing_lanes(self) -> Iterator[Lane]:
        return (lane for lane in self._lanes.values() if lane.failures)
