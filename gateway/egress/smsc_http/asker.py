"""What is in doubt: requests that went out and have no answer.

Each message of such a request is asked for by its id and recipient before anything is sent again.  The
service has it: then it was taken.  It does not, twice: then the same request goes out once more, under the
same id and with the same words, so that a first one that was only slow is refused as a repeated one (error
9).  As long as the service does not answer at all, the messages wait, and keep their slots.

After a kill the intents in the store say what may have gone out; it is asked for in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core import retry
from gateway.core.model import Message
from gateway.core.smsc_ids import upstream_id_of
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.parcels import Item, Parcel
from gateway.translate.smpp_submit import segment_of
from gateway.translate.smsc_send import Unsendable, line_of
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.statuses import NOT_FOUND

if TYPE_CHECKING:
    from gateway.egress.smsc_http.connector import SmscConnector

FIRST_ASK_S = 1.0
NEXT_ASK_S = 5.0
MISSES = 2
"""So many times the service has to say that it does not have a message."""
ARCHIVED_MS = 20 * 3_600_000
"""The service forgets after a day: then "not found" says nothing any more, and the route's policy decides."""
AT_ONCE = 3
MANY = 20
"""More than this are asked for by one list, if the minute's list is still to be had."""
MOST = 1000
LIST_PROBE = {"phone": "1,2", "id": "1,1"}


@dataclass(slots=True)
class Doubt:
    """One message that the service may have."""

    item: Item
    request_id: str
    sent_ms: int
    ask_at: float
    apart: bool = False
    """The service refused its request as a whole, so without the others it may pass."""
    misses: int = 0


class Asker:
    """One connector's doubts."""

    def __init__(self, connector: SmscConnector) -> None:
        self._connector = connector
        self._doubts: dict[str, Doubt] = {}
        self._missing: dict[str, list[Doubt]] = {}
        """By request, what the service does not have; the rest of the request is still asked for."""
        self._wake = asyncio.Event()
        self._failures = 0
        self.sent_again = 0

    def __len__(self) -> int:
        return len(self._doubts)

    # -- in --------------------------------------------------------------------------------------------

    def doubt(
        self, parcel: Parcel, evidence: str, *, after_s: float = FIRST_ASK_S, apart: bool = False
    ) -> None:
        """Nobody knows what became of this request, or of each message in it (`apart`)."""
        connector = self._connector
        now, now_ms = connector.clock.now(), connector.clock.now_ms()
        text = f"{connector.config.name}: {evidence} to request {parcel.request_id}, so its status is asked"
        for item in parcel.items:
            self._doubts[item.upstream_id] = Doubt(item, parcel.request_id, now_ms, now + after_s, apart)
            connector.journal.batch.incidents.append((item.message.message_id, now_ms, text))
        connector.journal.wake()
        connector.say("warning", "asking", messages=len(parcel.items), evidence=evidence)
        self._wake.set()

    def recover(self, rows: Iterable[Sequence[object]]) -> None:
        """What an earlier run has sent: rows of Answer.open_sends."""
        connector, now = self._connector, self._connector.clock.now()
        found = 0
        for fields, segment, intent_ms, upstream_id in rows:
            assert isinstance(segment, int) and isinstance(intent_ms, int) and isinstance(upstream_id, str)
            message = Message._make(fields)  # type: ignore[arg-type]
            found += 1
            connector.upstream.adopt(1)
            try:
                part = message if message.segments == 1 else segment_of(message, segment)
                line = line_of(part, intent_ms, may_command=True)  # it was allowed when it was sent
            except Unsendable as error:
                connector.upstream.refused_for_good(message, str(error), connector.clock.now_ms())
                continue
            request_id = upstream_id.partition("/")[0]
            item = Item(message, segment, line, upstream_id)
            self._doubts[upstream_id] = Doubt(item, request_id, intent_ms, now)
        connector.upstream.results_end()
        if found:
            connector.say("warning", "asking", messages=found, evidence="the gateway ended before the answer")
            self._wake.set()

    def take_over(self, doubts: Iterable[Doubt]) -> None:
        """What the connector of this name had before a reload."""
        for doubt in doubts:
            self._connector.upstream.adopt(1)
            self._doubts[doubt.item.upstream_id] = doubt
        self._wake.set()

    @property
    def doubts(self) -> list[Doubt]:
        """All that is not settled."""
        return [*self._doubts.values(), *(doubt for missing in self._missing.values() for doubt in missing)]

    def heard_of(self, upstream_id: str) -> None:
        """A receipt names it, so the service has it."""
        doubt = self._doubts.get(upstream_id)
        if doubt is not None:
            self._settle(doubt, "a receipt")
            self._connector.upstream.results_end()

    # -- asking ----------------------------------------------------------------------------------------

    async def keep_asking(self) -> None:
        """Asks for as long as there are doubts; ends only when it is cancelled."""
        while True:
            await self._connector.may_ask.wait()
            now = self._connector.clock.now()
            due = [doubt for doubt in self._doubts.values() if doubt.ask_at <= now]
            if due:
                await self._ask(due)
                continue
            self._wake.clear()
            next_at = min((doubt.ask_at for doubt in self._doubts.values()), default=None)
            await self._connector.waits.until(self._wake, None if next_at is None else next_at - now)

    async def _ask(self, due: list[Doubt]) -> None:
        client = self._connector.client
        if len(due) > MANY and not client.due_s("status", LIST_PROBE):
            results = [await self._ask_many(due[:MOST])]
        else:
            results = await asyncio.gather(*(self._ask_one(doubt) for doubt in due[:AT_ONCE]))
        self._connector.upstream.results_end()
        self._send_missing()
        if all(results):
            self._failures = 0
            return
        self._failures += 1
        await self._connector.waits.sleep(retry.delay_s(self._failures, self._connector.random))

    async def _ask_one(self, doubt: Doubt) -> bool:
        """Whether there was an answer."""
        params = {"phone": doubt.item.line.key, "id": doubt.request_id}
        answer = await self._status(params)
        if isinstance(answer, list):
            answer = answer[0] if answer else None
        if not isinstance(answer, dict):
            doubt.ask_at = self._connector.clock.now() + NEXT_ASK_S  # the others have their turn
            return False
        self._told(doubt, answer)
        return True

    async def _ask_many(self, doubts: Sequence[Doubt]) -> bool:
        params = {
            "phone": ",".join(doubt.item.line.key for doubt in doubts),
            "id": ",".join(doubt.request_id for doubt in doubts),
        }
        answer = await self._status(params)
        if not isinstance(answer, list):
            return False
        by_id = {upstream_id_of(row.get("id", ""), str(row.get("phone", ""))): row for row in answer}
        for place, doubt in enumerate(doubts):
            row = by_id.get(doubt.item.upstream_id)
            if row is None and len(answer) == len(doubts) and "id" not in answer[place]:
                row = answer[place]
            if row is not None:
                self._told(doubt, row)
        return True

    async def _status(self, params: dict[str, str]) -> object:
        try:
            answer = await self._connector.client.call("status", params)
        except NotSent as error:
            self._connector.unreachable(str(error))
            return None
        except NoAnswer as error:
            self._connector.upstream.last_error = f"status.php: {error}"
            return None
        if isinstance(answer, Failure):
            self._connector.failed(answer.number)
            return None
        return answer

    # -- what is told ----------------------------------------------------------------------------------

    def _told(self, doubt: Doubt, row: dict[str, object]) -> None:
        item = doubt.item
        if self._doubts.get(item.upstream_id) is not doubt:
            return  # a receipt was faster
        status = row.get("status")
        if not isinstance(status, int):
            return
        if status != NOT_FOUND:
            self._settle(doubt, "its status")
            self._connector.watcher.tell(item.upstream_id, row)
            return
        now, now_ms = self._connector.clock.now(), self._connector.clock.now_ms()
        if now_ms - doubt.sent_ms > ARCHIVED_MS:
            del self._doubts[item.upstream_id]
            evidence = f"request {doubt.request_id} had no answer, and its status is no longer kept"
            self._connector.upstream.in_doubt(item.message, item.segment, evidence, now_ms)
            return
        doubt.misses += 1
        doubt.ask_at = now + NEXT_ASK_S
        if doubt.misses >= MISSES:
            del self._doubts[item.upstream_id]
            if doubt.apart:
                self._connector.sender.one_by_one((item,))
            else:
                self._missing.setdefault(doubt.request_id, []).append(doubt)

    def _settle(self, doubt: Doubt, how: str) -> None:
        item, now_ms = doubt.item, self._connector.clock.now_ms()
        del self._doubts[item.upstream_id]
        self._connector.upstream.taken(item.message, item.segment, item.upstream_id, now_ms)
        text = f"{self._connector.config.name}: the service has it, as {how} says"
        self._connector.journal.batch.incidents.append((item.message.message_id, now_ms, text))

    def _send_missing(self) -> None:
        """Requests of which all that is left is known not to be there go out again."""
        asked = {doubt.request_id for doubt in self._doubts.values()}
        now_ms = self._connector.clock.now_ms()
        for request_id in [request_id for request_id in self._missing if request_id not in asked]:
            items = [doubt.item for doubt in self._missing.pop(request_id)]
            items.sort(key=lambda item: (item.message.message_id, item.segment))
            text = f"{self._connector.config.name}: the service does not have it, so it is sent again"
            batch = self._connector.journal.batch
            batch.incidents.extend((item.message.message_id, now_ms, text) for item in items)
            self._connector.journal.wake()
            self._connector.say("warning", "sent_again", request_id=request_id, messages=len(items))
            self.sent_again += len(items)
            self._connector.sender.send_again(Parcel(request_id, items))
