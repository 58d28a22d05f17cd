"""The way up to the service: messages gather into requests, and a request's answer is a result for each.

What was claimed waits here only until a place among the requests is free; meanwhile more comes, so requests
grow with the load.  A request has its id, committed with the intents of its messages, before it goes out:
whatever happens afterwards, the service can be asked what it has under that id (`asker`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.core.model import Message
from gateway.core.smsc_ids import upstream_id_of
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.parcels import FloodGuard, Item, Parcel, RequestIds, rows_of, take_parcel
from gateway.translate.smpp_upward import segment_of
from gateway.translate.smsc_send import Unsendable, line_of, request_of
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
        self._under_way: dict[str, Parcel] = {}
        self._compose_due = False
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """Segments that it can take now; the upstream's window bounds them."""
        return self._upstream.flow.window if self.may_send else 0

    @property
    def may_send(self) -> bool:
        """Whether anything may go out now."""
        return self._connector.is_up and self._upstream.paused is None

    @property
    def is_idle(self) -> bool:
        return not self._tasks

    # -- in --------------------------------------------------------------------------------------------

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        """Takes segments of a message whose slots are taken."""
        now_ms = self._connector.clock.now_ms()
        for segment in segments:
            part = message if message.segments == 1 else segment_of(message, segment)
            try:
                line = line_of(part, now_ms, may_command=self._connector.may_command(message.account))
            except Unsendable as error:
                self._upstream.refused_for_good(message, str(error), now_ms)
            else:
                self._waiting.append(Item(message, segment, line, now_ms))
        self._upstream.results_end()
        self.compose_soon()

    def compose_soon(self) -> None:
        if not self._compose_due and (self._waiting or self._connector.asker.has_missing):
            self._compose_due = True
            self._loop.call_soon(self._compose)

    def _compose(self) -> None:
        self._compose_due = False
        connector = self._connector
        if not self.may_send:
            self.give_back()
            return
        while self._free and (parcel := connector.asker.take_missing()) is not None:
            self._start(parcel)
        now, now_ms = connector.clock.now(), connector.clock.now_ms()
        while self._free and self._waiting and not connector.journal.error:
            items = take_parcel(self._waiting, connector.config.list_max)
            items = [item for item in items if self._may_go(item, now, now_ms)]
            if items:
                self._assign(Parcel(self._ids.next(now_ms), items))
        self._upstream.results_end()

    def _may_go(self, item: Item, now: float, now_ms: int) -> bool:
        if item.message.expires_ms <= now_ms:
            self._upstream.expired(item.message, now_ms)
            return False
        if pause_s := self._flood.pause_s(item.line.key, now):
            reason = "too_many_to_one_number"
            self._upstream.put_off(item.message, item.segment, pause_s, reason, now_ms)
            return False
        return True

    def _assign(self, parcel: Parcel) -> None:
        """Commits the parcel's id with the intents of its messages; then it goes out."""
        for item in parcel.items:
            item.upstream_id = upstream_id_of(parcel.request_id, item.line.key)

        def assigned(ok: bool) -> None:
            self._free += 1
            if not self.may_send:
                self._not_sent(parcel.items)
            elif ok:
                self._start(parcel)
            else:
                self._waiting.extendleft(reversed(parcel.items))

        self._free -= 1
        self._connector.journal.batch.assigned.extend(rows_of(parcel, self._upstream.name))
        self._connector.journal.then(assigned)

    # -- out -------------------------------------------------------------------------------------------

    def _start(self, parcel: Parcel) -> None:
        self._free -= 1
        self.requests += 1
        self._under_way[parcel.request_id] = parcel
        task = self._loop.create_task(self._send(parcel), name=f"{self._upstream.name} request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._connector.task_ended)

    async def _send(self, parcel: Parcel) -> None:
        connector = self._connector
        try:
            answer = await self._ask(parcel)
        except asyncio.CancelledError:
            connector.asker.doubt(self._left(parcel), "the connector was stopped before the answer")
            raise
        except NotSent as error:
            connector.unreachable(str(error))
            self._not_sent(self._left(parcel).items)
        except NoAnswer as error:
            connector.no_answer(str(error))
            connector.asker.doubt(self._left(parcel), str(error))
        except RequestError as error:
            connector.say("error", "unsendable", request_id=parcel.request_id, reason=error)
            self._refuse(self._left(parcel).items, "unsendable")
        else:
            connector.answered()
            if isinstance(answer, Failure):
                several = len(parcel.items) > 1
                self._failed(self._left(parcel), answer, several=several)
            else:
                self._taken(parcel.items)
        finally:
            del self._under_way[parcel.request_id]
            self._free += 1
            self._upstream.results_end()
            self.compose_soon()

    async def _ask(self, parcel: Parcel) -> object:
        try:
            params = request_of([item.line for item in parcel.items], parcel.request_id)
        except ValueError as error:
            raise RequestError(str(error)) from None
        # No two are alike but one that goes out again, and that is to be known as the same one.
        began = self._connector.clock.now()
        answer = await self._connector.client.call("send", params, at_once=True)
        self._upstream.response_s.observe(self._connector.clock.now() - began, len(parcel.items))
        return answer

    def heard_of(self, request_id: str, upstream_id: str) -> bool:
        """A receipt names a message of this request: the service has it, whatever the answer will be.

        False: the request is not under way.
        """
        parcel = self._under_way.get(request_id)
        if parcel is None:
            return False
        parcel.heard.add(upstream_id)
        return True

    def _left(self, parcel: Parcel) -> Parcel:
        """The parcel without what receipts have named while it was under way: that was taken."""
        if parcel.heard:
            self._taken([item for item in parcel.items if item.upstream_id in parcel.heard])
            parcel.items = [item for item in parcel.items if item.upstream_id not in parcel.heard]
        return parcel

    def _taken(self, items: Sequence[Item]) -> None:
        now_ms = self._connector.clock.now_ms()
        for item in items:
            self._upstream.taken(item.message, item.segment, item.upstream_id, now_ms)
            self._connector.watcher.taken(item)

    def _not_sent(self, items: Iterable[Item]) -> None:
        for item in items:
            self._upstream.unsent(item.message, (item.segment,))

    def _refuse(self, items: Iterable[Item], reason: str) -> None:
        now_ms = self._connector.clock.now_ms()
        for item in items:
            self._upstream.refused_for_good(item.message, reason, now_ms)

    # -- the service's errors --------------------------------------------------------------------------

    def _failed(self, parcel: Parcel, failure: Failure, *, several: bool) -> None:
        number = failure.number
        row = errors.SEND_ERRORS.get(number, errors.UNKNOWN_ERROR)
        if number == errors.TOO_MANY:
            # Either this very request came before, or others ask too much: only its status tells.
            self._connector.too_many()
            self._connector.asker.doubt(parcel, "error 9", after_s=LIMIT_WAIT_S)
            return
        if several and row.permanent:
            self._failed_together(parcel, number)
            return
        self._connector.failed(number)
        reason = reason_of(number)
        now_ms = self._connector.clock.now_ms()
        for item in parcel.items:
            has_other = row.failover and self._upstream.has_alternative(item.message)
            if row.permanent and not has_other:
                self._upstream.refused_here(item.message, item.segment, reason, now_ms)
            else:
                self._upstream.refused_for_now(item.message, item.segment, reason, full=False, now_ms=now_ms)

    def _failed_together(self, parcel: Parcel, number: int) -> None:
        """One of several messages is at fault, and the others are registered or not."""
        if number in errors.WITH_ID:
            evidence = f"error {number} for one of several"
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
        waiting = list(self._waiting)
        self._waiting.clear()
        self._not_sent(waiting)

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
