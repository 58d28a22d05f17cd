"""What is in doubt: requests that went out and have no answer.

Each message of such a request is asked for by its id and recipient before anything is sent again.  The
service has it: then it was taken.  It does not, twice: then the same request goes out once more, under the
same id and with the same words, so that a first one that was only slow is refused as a repeated one (error
9).  As long as the service does not answer at all, the messages wait, and keep their slots.

After a kill the intents in the store say what may have gone out; it is asked for in the same way.  What is
older than both questions would have been is asked for once only: a gateway that is killed every few seconds
comes forward all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core import retry
from gateway.core.model import Message
from gateway.core.sent_as import as_sent
from gateway.core.smsc_ids import upstream_id_of
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.parcels import Item, Parcel
from gateway.translate.smpp_upward import segment_of
from gateway.translate.smsc_send import Unsendable, line_of
from protocols.smsc_http import errors
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.statuses import NOT_FOUND

if TYPE_CHECKING:
    from gateway.egress.smsc_http.connector import SmscConnector

FIRST_ASK_S = 1.0
NEXT_ASK_S = 5.0
UNCLEAR_ASK_S = 60.0
"""After an answer that does not tell the status; the service is not asked for one too often."""
LONGEST_S = 60.0
MISSES = 2
"""So many times the service has to say that it does not have a message."""
UNCLEAR = 5
"""So many answers that do not tell the status, and the route's policy decides."""
ARCHIVED_MS = 20 * 3_600_000
"""The service forgets after a day: then "not found" says nothing any more, and the route's policy decides."""
_NEVER = float("inf")
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
    again: int = 0
    """How often its request has gone out before."""
    apart: bool = False
    """The service refused its request as a whole, so without the others it may pass."""
    misses: int = 0
    unclear: int = 0

    @property
    def is_missing(self) -> bool:
        """The service does not have it."""
        return self.misses >= MISSES


class Asker:
    """One connector's doubts."""

    def __init__(self, connector: SmscConnector) -> None:
        self._connector = connector
        self._requests: dict[str, dict[str, Doubt]] = {}
        """By request and upstream_id."""
        self._missing: dict[str, None] = {}
        """Requests of which all that is left was missing when it was asked for."""
        self._wake = asyncio.Event()
        self._failures = 0
        self.sent_again = 0

    def __len__(self) -> int:
        return sum(map(len, self._requests.values()))

    # -- in --------------------------------------------------------------------------------------------

    def doubt(
        self, parcel: Parcel, evidence: str, *, after_s: float = FIRST_ASK_S, apart: bool = False
    ) -> None:
        """Nobody knows what became of this request, or of each message in it (`apart`)."""
        if not parcel.items:
            return
        connector = self._connector
        now, now_ms = connector.clock.now(), connector.clock.now_ms()
        ask_at = now + max(after_s, min(LONGEST_S, FIRST_ASK_S * 2.0 ** min(parcel.again, 16)))
        text = f"{connector.config.name}: {evidence} to request {parcel.request_id}, so its status is asked"
        for item in parcel.items:
            self._add(Doubt(item, parcel.request_id, now_ms, ask_at, parcel.again, apart))
            connector.journal.batch.incidents.append((item.message.message_id, now_ms, text))
        connector.journal.wake()
        connector.say("warning", "asking", messages=len(parcel.items), evidence=evidence)

    def recover(self, rows: Iterable[Sequence[object]]) -> None:
        """What an earlier run has sent: rows of Answer.open_sends."""
        connector, now = self._connector, self._connector.clock.now()
        now_ms = connector.clock.now_ms()
        old_ms = 1000 * (connector.config.timeout_s + FIRST_ASK_S + NEXT_ASK_S)
        found = 0
        for fields, segment, intent_ms, upstream_id in rows:
            assert isinstance(segment, int) and isinstance(intent_ms, int) and isinstance(upstream_id, str)
            message = Message._make(fields)  # type: ignore[arg-type]
            if message.sent_as:
                message = as_sent(message)
            found += 1
            connector.upstream.adopt(1)
            try:
                part = message if message.segments == 1 else segment_of(message, segment)
                line = line_of(part, intent_ms, may_command=True)  # it was allowed when it was sent
            except Unsendable as error:
                connector.upstream.refused_for_good(message, str(error), now_ms)
                continue
            item = Item(message, segment, line, intent_ms, upstream_id)
            doubt = Doubt(item, upstream_id.partition("/")[0], intent_ms, now)
            # what is so old would have been asked for twice by now
            doubt.misses = int(now_ms - intent_ms >= old_ms)
            self._add(doubt)
        connector.upstream.results_end()
        if found:
            connector.say("warning", "asking", messages=found, evidence="the gateway ended before the answer")

    def take_over(self, doubts: Iterable[Doubt]) -> None:
        """What the connector of this name had before a reload; asked for anew."""
        for doubt in doubts:
            self._connector.upstream.adopt(1)
            self._add(doubt)
        self.ask_anew()

    def ask_anew(self) -> None:
        """What the service did not have some time ago is asked for again before it goes out."""
        now = self._connector.clock.now()
        for request in self._requests.values():
            for doubt in request.values():
                if doubt.is_missing:
                    doubt.misses, doubt.ask_at = 0, now
        self._wake.set()

    def hand_over(self) -> list[Doubt]:
        """Gives up all that is not settled, to whoever has this name next."""
        doubts = [doubt for request in self._requests.values() for doubt in request.values()]
        self._requests.clear()
        return doubts

    def _add(self, doubt: Doubt) -> None:
        self._requests.setdefault(doubt.request_id, {})[doubt.item.upstream_id] = doubt
        self._wake.set()

    def heard_of(self, upstream_id: str) -> None:
        """A receipt names it, so the service has it."""
        request_id = upstream_id.partition("/")[0]
        if self._connector.sender.heard_of(request_id, upstream_id):
            return
        doubt = self._requests.get(request_id, {}).get(upstream_id)
        if doubt is not None:
            self._settle(doubt, "a receipt")
            self._connector.upstream.results_end()

    # -- out -------------------------------------------------------------------------------------------

    @property
    def has_missing(self) -> bool:
        return bool(self._missing)

    def take_missing(self) -> Parcel | None:
        """A request to send again: the service has nothing of what is left of it.  None: there is none."""
        connector = self._connector
        now_ms = connector.clock.now_ms()
        while self._missing:
            request_id = next(iter(self._missing))
            del self._missing[request_id]
            doubts = self._requests.get(request_id, {})
            if not doubts or not all(doubt.is_missing for doubt in doubts.values()):
                continue  # a receipt has named one of them since
            del self._requests[request_id]
            again = 1 + max(doubt.again for doubt in doubts.values())
            items = []
            for doubt in doubts.values():
                if doubt.item.message.expires_ms <= now_ms:
                    connector.upstream.expired(doubt.item.message, now_ms)
                else:
                    items.append(doubt.item)
            if items:
                # the same order makes the same request
                items.sort(key=lambda item: (item.message.message_id, item.segment))
                text = f"{connector.config.name}: the service does not have it, so it is sent again"
                connector.journal.batch.incidents.extend(
                    (item.message.message_id, now_ms, text) for item in items
                )
                connector.say("warning", "sent_again", request_id=request_id, messages=len(items))
                self.sent_again += len(items)
                return Parcel(request_id, items, again)
        return None

    # -- asking ----------------------------------------------------------------------------------------

    async def keep_asking(self) -> None:
        """Asks for as long as there are doubts; ends only when it is cancelled."""
        while True:
            await self._connector.may_ask.wait()
            now = self._connector.clock.now()
            doubts = [doubt for request in self._requests.values() for doubt in request.values()]
            due = sorted((doubt for doubt in doubts if doubt.ask_at <= now), key=lambda doubt: doubt.ask_at)
            if due:
                await self._ask(due)
                continue
            self._wake.clear()
            next_at = min((doubt.ask_at for doubt in doubts), default=_NEVER)
            await self._connector.waits.until(self._wake, None if next_at == _NEVER else next_at - now)

    async def _ask(self, due: list[Doubt]) -> None:
        client = self._connector.client
        asks_many = len(due) > MANY and not client.due_s("status", LIST_PROBE)
        asked = due[: MOST if asks_many else AT_ONCE]
        now = self._connector.clock.now()
        for doubt in asked:
            doubt.ask_at = now + NEXT_ASK_S  # whatever the answer is, the others have their turn
        if asks_many:
            results = [await self._ask_many(asked)]
            if not results[0]:
                for doubt in asked:
                    doubt.ask_at = now  # singly, then: an earlier run may have had the minute's list
        else:
            results = await asyncio.gather(*(self._ask_one(doubt) for doubt in asked))
        self._connector.upstream.results_end()
        self._look_for_missing(asked)
        if any(results):
            self._failures = 0
            return
        self._failures += 1
        await self._connector.waits.sleep(retry.delay_s(self._failures, self._connector.random))

    async def _ask_one(self, doubt: Doubt) -> bool:
        """Whether there was an answer."""
        params = {"phone": doubt.item.line.key, "id": doubt.request_id}
        rows = await self._status(params)
        if rows is None:
            return False
        self._told(doubt, rows[0] if rows else {})
        return True

    async def _ask_many(self, doubts: Sequence[Doubt]) -> bool:
        params = {
            "phone": ",".join(doubt.item.line.key for doubt in doubts),
            "id": ",".join(doubt.request_id for doubt in doubts),
        }
        rows = await self._status(params)
        if not rows:
            return False
        by_id = {upstream_id_of(str(row.get("id", "")), str(row.get("phone", ""))): row for row in rows}
        for place, doubt in enumerate(doubts):
            row = by_id.get(doubt.item.upstream_id)
            if row is None and len(rows) == len(doubts) and "id" not in rows[place]:
                row = rows[place]
            if row is not None:
                self._told(doubt, row)
        return True

    async def _status(self, params: dict[str, str]) -> Sequence[dict[str, object]] | None:
        """Rows of statuses, none when the service cannot tell them; None: it does not answer now."""
        connector = self._connector
        try:
            answer = await connector.client.call("status", params)
        except NotSent as error:
            connector.unreachable(str(error))
            return None
        except NoAnswer as error:
            connector.upstream.last_error = f"status: {error}"
            return None
        if isinstance(answer, Failure):
            connector.failed(answer.number)
            return None if answer.number in (errors.AUTHORISE, errors.BLOCKED, errors.TOO_MANY) else ()
        return answer if isinstance(answer, list) else (answer,) if isinstance(answer, dict) else ()

    # -- what is told ----------------------------------------------------------------------------------

    def _told(self, doubt: Doubt, row: dict[str, object]) -> None:
        connector, item = self._connector, doubt.item
        if self._requests.get(doubt.request_id, {}).get(item.upstream_id) is not doubt:
            return  # a receipt was faster
        status = row.get("status")
        now, now_ms = connector.clock.now(), connector.clock.now_ms()
        if not isinstance(status, int):
            doubt.unclear += 1
            doubt.ask_at = now + UNCLEAR_ASK_S
            if doubt.unclear >= UNCLEAR:
                self._give_up(doubt, "and the service does not tell its status", now_ms)
        elif status != NOT_FOUND:
            self._settle(doubt, "its status")
            connector.watcher.tell(item.upstream_id, row)
        elif now_ms - doubt.sent_ms > ARCHIVED_MS:
            self._give_up(doubt, "and its status is no longer kept", now_ms)
        else:
            doubt.misses += 1
            if doubt.is_missing and doubt.apart:
                self._drop(doubt)
                connector.sender.one_by_one((item,))
            elif doubt.is_missing:
                doubt.ask_at = _NEVER

    def _give_up(self, doubt: Doubt, why: str, now_ms: int) -> None:
        """Nobody will ever know: the route's policy decides."""
        self._drop(doubt)
        evidence = f"request {doubt.request_id} had no answer, {why}"
        self._connector.upstream.in_doubt(doubt.item.message, doubt.item.segment, evidence, now_ms)

    def _settle(self, doubt: Doubt, how: str) -> None:
        connector, item = self._connector, doubt.item
        now, now_ms = connector.clock.now(), connector.clock.now_ms()
        self._drop(doubt)
        connector.upstream.taken(item.message, item.segment, item.upstream_id, now_ms)
        text = f"{connector.config.name}: the service has it, as {how} says"
        connector.journal.batch.incidents.append((item.message.message_id, now_ms, text))
        # the request is there: what it did not have of it is asked for again
        for other in self._requests.get(doubt.request_id, {}).values():
            if other.misses and not other.apart:
                other.misses = 0
                other.ask_at = now + NEXT_ASK_S
                self._wake.set()

    def _drop(self, doubt: Doubt) -> None:
        request = self._requests[doubt.request_id]
        del request[doubt.item.upstream_id]
        if not request:
            del self._requests[doubt.request_id]

    def _look_for_missing(self, asked: Iterable[Doubt]) -> None:
        """Requests of which all that is left is known not to be there go out again."""
        for request_id in dict.fromkeys(doubt.request_id for doubt in asked):
            doubts = self._requests.get(request_id, {})
            if doubts and all(doubt.is_missing for doubt in doubts.values()):
                self._missing[request_id] = None
        self._connector.sender.compose_soon()
