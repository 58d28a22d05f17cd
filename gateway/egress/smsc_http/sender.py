"""The way up to the service: messages gather into requests, and a request's answer is a result for each.

What was claimed waits here only until a place among the requests is free; meanwhile more comes, so requests
grow with the load.  A request has its id, committed with the intents of its messages, before it goes out:
whatever happens afterwards, the service can be asked what it has under that id (`asker`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.core.model import Message
from gateway.core.smsc_ids import upstream_id_of
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.parcels import FloodGuard, Item, Parcel, RequestIds, rows_of, take_parcel
from gateway.translate.smpp_submit import segment_of
from gateway.translate.smsc_send import Unsendable, line_of, request_of
from protocols.sms.receipts import response_key
from protocols.smsc_http import errors
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.requests import RequestError

if TYPE_CHECKING:
    from gateway.egress.smsc_http.connector import SmscConnector

LIMIT_WAIT_S = 61.0
"""After error 9 the service wants to hear nothing like it for a minute."""


class Sender:
    """One connector's requests (the core's Link)."""

    stuck = False

    def __init__(self, connector: SmscConnector, *, places: int, boot: int) -> None:
        self._connector = connector
        self._upstream = connector.upstream
        self.requests = 0
        self._free = places
        self._ids = RequestIds(boot)
        self._flood = FloodGuard()
        self._waiting: deque[Item] = deque()
        self._again: deque[Parcel] = deque()
        self._compose_due = False
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """Segments that it can take now; the upstream's window bounds them."""
        return self._upstream.window if self._connector.is_up else 0

    @property
    def is_idle(self) -> bool:
        return not self._tasks

    # -- in --------------------------------------------------------------------------------------------

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        """Takes segments of a message whose slots are taken."""
        now, now_ms = self._connector.clock.now(), self._connector.clock.now_ms()
        for segment in segments:
            part = message if message.segments == 1 else segment_of(message, segment)
            try:
                line = line_of(part, now_ms, may_command=self._connector.may_command(message.account))
            except Unsendable as error:
                self._upstream.refused_for_good(message, str(error), now_ms)
                continue
            if pause_s := self._flood.pause_s(line.key, now):
                self._upstream.put_off(message, segment, pause_s, "too_many_to_one_number", now_ms)
                continue
            self._waiting.append(Item(message, segment, line))
        self._upstream.results_end()
        self.compose_soon()

    def send_again(self, parcel: Parcel) -> None:
        """The service does not have it: the same request once more."""
        self._again.append(parcel)
        self.compose_soon()

    def compose_soon(self) -> None:
        if not self._compose_due and (self._waiting or self._again):
            self._compose_due = True
            self._loop.call_soon(self._compose)

    def _compose(self) -> None:
        self._compose_due = False
        journal = self._connector.journal
        if not self._connector.is_up:
            return  # a tick looks again
        while self._free and self._again:
            self._start(self._again.popleft(), at_once=True)
        now_ms = self._connector.clock.now_ms()
        while self._free and self._waiting and not journal.error:
            items = take_parcel(self._waiting, self._connector.config.list_max)
            parcel = Parcel(self._ids.next(now_ms), items)
            for item in items:
                item.upstream_id = upstream_id_of(parcel.request_id, item.line.key)
            keys = (response_key(item.upstream_id) for item in items)
            journal.batch.assigned.extend(rows_of(parcel, self._upstream.name, now_ms, keys))
            self._free -= 1
            journal.then(self._when_assigned(parcel))

    def _when_assigned(self, parcel: Parcel) -> Callable[[bool], object]:
        def assigned(ok: bool) -> None:
            self._free += 1
            if ok:
                self._start(parcel)
            else:
                self._waiting.extendleft(reversed(parcel.items))

        return assigned

    # -- out -------------------------------------------------------------------------------------------

    def _start(self, parcel: Parcel, *, at_once: bool = False) -> None:
        self._free -= 1
        self.requests += 1
        task = self._loop.create_task(self._send(parcel, at_once), name=f"{self._upstream.name} request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._connector.task_ended)

    async def _send(self, parcel: Parcel, at_once: bool) -> None:
        try:
            params = request_of([item.line for item in parcel.items], parcel.request_id)
            answer = await self._connector.client.call("send", params, at_once=at_once)
        except asyncio.CancelledError:
            self._connector.asker.doubt(parcel, "the connector was stopped before the answer")
            raise
        except NotSent as error:
            self._connector.unreachable(str(error))
            self._not_sent(parcel)
        except NoAnswer as error:
            self._connector.no_answer(str(error))
            self._connector.asker.doubt(parcel, str(error))
        except RequestError as error:
            self._connector.say("error", "unsendable", request_id=parcel.request_id, reason=error)
            self._refuse(parcel, "unsendable")
        else:
            self._connector.answered()
            if isinstance(answer, Failure):
                self._failed(parcel, answer)
            else:
                self._taken(parcel)
        finally:
            self._free += 1
            self._upstream.results_end()
            self.compose_soon()

    def _taken(self, parcel: Parcel) -> None:
        now_ms = self._connector.clock.now_ms()
        for item in parcel.items:
            self._upstream.taken(item.message, item.segment, item.upstream_id, now_ms)
            self._connector.watcher.taken(item)

    def _not_sent(self, parcel: Parcel) -> None:
        for item in parcel.items:
            self._upstream.unsent(item.message, (item.segment,))

    def _refuse(self, parcel: Parcel, reason: str) -> None:
        now_ms = self._connector.clock.now_ms()
        for item in parcel.items:
            self._upstream.refused_for_good(item.message, reason, now_ms)

    # -- the service's errors --------------------------------------------------------------------------

    def _failed(self, parcel: Parcel, failure: Failure) -> None:
        number = failure.number
        if number == errors.TOO_MANY:
            # Either this very request came before, or others ask too much: only its status tells.
            self._connector.too_many()
            self._connector.asker.doubt(parcel, "error 9", after_s=LIMIT_WAIT_S)
            return
        if len(parcel.items) > 1 and errors.SEND_ERRORS.get(number, errors.UNKNOWN_ERROR).permanent:
            self._failed_together(parcel, number)
            return
        self._connector.failed(number)
        reason = reason_of(number)
        now_ms = self._connector.clock.now_ms()
        row = errors.SEND_ERRORS.get(number, errors.UNKNOWN_ERROR)
        for item in parcel.items:
            has_other = row.failover and self._upstream.has_alternative(item.message)
            if row.permanent and not has_other:
                self._upstream.refused_for_good(item.message, reason, now_ms)
            else:
                self._upstream.refused_for_now(item.message, item.segment, reason, full=False, now_ms=now_ms)

    def _failed_together(self, parcel: Parcel, number: int) -> None:
        """One of several messages is at fault, and the others are registered or not."""
        if number in errors.WITH_ID:
            evidence = f"error {number} for one of {len(parcel.items)}"
            self._connector.asker.doubt(parcel, evidence, apart=True)
            return
        self.one_by_one(parcel.items)

    def one_by_one(self, items: Sequence[Item]) -> None:
        """The service has none of these: each in a request of its own, with an id of its own."""
        for item in items:
            item.alone = True
        self._waiting.extend(items)
        self.compose_soon()

    def give_back(self) -> None:
        """What waits here goes back into the queue, where other connectors can have it: nothing of it is at
        the service."""
        waiting = [*self._waiting, *(item for parcel in self._again for item in parcel.items)]
        self._waiting.clear()
        self._again.clear()
        for item in waiting:
            self._upstream.unsent(item.message, (item.segment,))

    async def stop(self, timeout_s: float) -> None:
        """Waits for answers so long, then lets go: what has none is in doubt."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=timeout_s)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        self.give_back()


def reason_of(number: int) -> str:
    """An error of send.php as a word for logs, receipts and reports."""
    return f"smsc_error_{number}"
