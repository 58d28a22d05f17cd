"""What the service is asked regularly: what became of messages, what subscribers wrote.

Where the service calls us (`ingress.smsc_callbacks`), this is the second line: only what has had no end for
an hour is asked for.  Without calls it is the only one: a few new messages are asked for singly after some
seconds, all others by one list a minute, which is as often as the service allows it, walking through what
the store knows to be unfinished.  Nothing of that is in memory but the place of the walk.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.core.batch import Journal, Row
from gateway.core.model import MessageState, Wish
from gateway.core.smsc_ids import upstream_id_of
from gateway.core.smsc_inbox import hlr_info
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.parcels import Item
from protocols.smsc_http import errors
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.statuses import NOT_FOUND

if TYPE_CHECKING:
    from gateway.egress.smsc_http.connector import SmscConnector

LIST_MAX = 5000
"""Statuses asked for by one list; how many the service takes is not known, so a refused list is halved."""
LIST_MIN = 100
LIST_GROWS = 50
"""After each list that was answered, until the longest again."""
LIST_EVERY_S = 62.0
OLD_ENOUGH_MS = 30_000
OLD_ENOUGH_WITH_CALLS_MS = 3_600_000
FRESH_MAX = 200
FRESH_AFTER_S = (4.0, 16.0)
"""A new message is asked for singly after so long, and after so long again; then by lists."""
FORGOTTEN_MS = 24 * 3_600_000
"""What the service does not know after a day has ended without anybody knowing how."""
ANSWERS_EVERY_S = 25.0
ANSWERS_WITH_CALLS_EVERY_S = 600.0
ANSWERS_MAX = 10_000
"""As many as the service tells at once: which ones of more it would tell is not known."""
FIRST_HOURS = "24"
LOOK_BACK_EVERY_S = 3600.0
LOOK_BACK_HOURS = "2"
"""Once in a while what came lately is asked for, whatever its ids: the service may have them begin anew."""
_MAX_ID = 1 << 62
_CALLED = Wish.CALLED.value


class Watcher:
    """One connector's regular questions."""

    def __init__(self, connector: SmscConnector, mark: int) -> None:
        self._connector = connector
        self._has_calls = connector.config.callback is not None
        self._fresh: list[tuple[float, int, str]] = []
        """When to ask, how often it was asked, upstream_id; a heap."""
        self.is_ours: Callable[[], bool] = lambda: True
        """Whether this node asks for what is the whole connector's, or another one does."""
        self._walk: asyncio.Future[Row] | None = None
        self._after = 0
        self._list_max = LIST_MAX
        self._look_back_at = connector.clock.now() + LOOK_BACK_EVERY_S
        self.mark = mark
        """Incoming SMS up to this id of the service were read."""

    @property
    def mark_name(self) -> str:
        return mark_name(self._connector.config.name)

    # -- statuses --------------------------------------------------------------------------------------

    def taken(self, item: Item) -> None:
        """The service took a message just now."""
        if item.message.registered_delivery & 3 or item.message.flags & _CALLED:
            self.watch(item.upstream_id)

    def watch(self, upstream_id: str) -> None:
        """Somebody waits for the status of a message that the service took just now."""
        if not self._has_calls and len(self._fresh) < FRESH_MAX:
            due = self._connector.clock.now() + FRESH_AFTER_S[0]
            heapq.heappush(self._fresh, (due, 0, upstream_id))

    def tell(self, upstream_id: str, row: dict[str, object]) -> bool:
        """A status that the service told, which matters if it is the end; whether it is."""
        status, err = row.get("status"), row.get("err", 0)
        if not isinstance(status, int) or status <= 0 or not isinstance(err, int):
            return False
        id, _, phone = upstream_id.partition("/")
        now_ms = self._connector.clock.now_ms()
        self._connector.inbox.receipt(id, phone, status, err, hlr_info(row), "@" in phone, now_ms)
        self._connector.journal.wake()
        return True

    async def keep_polling(self) -> None:
        """Asks for new messages, one by one; ends only when it is cancelled."""
        while not self._has_calls:
            await self._connector.may_ask.wait()
            now = self._connector.clock.now()
            if not self._fresh or self._fresh[0][0] > now:
                await self._connector.waits.sleep(min(1.0, self._fresh[0][0] - now) if self._fresh else 1.0)
                continue
            _, tries, upstream_id = heapq.heappop(self._fresh)
            id, _, phone = upstream_id.partition("/")
            answer = await self._call("status", {"phone": phone, "id": id})
            row = answer[0] if isinstance(answer, list) and answer else answer
            ended = isinstance(row, dict) and self.tell(upstream_id, row)
            if not ended and tries + 1 < len(FRESH_AFTER_S):
                due = self._connector.clock.now() + FRESH_AFTER_S[tries + 1]
                heapq.heappush(self._fresh, (due, tries + 1, upstream_id))

    async def keep_listing(self) -> None:
        """Asks for all that is unfinished, by lists; ends only when it is cancelled."""
        while True:
            await self._connector.waits.sleep(LIST_EVERY_S)
            await self._connector.may_ask.wait()
            if not self.is_ours():
                continue
            began = self._after
            rows = await self._unfinished()
            if rows and not await self._ask_for(rows) and len(rows) > LIST_MIN:
                self._list_max, self._after = max(LIST_MIN, len(rows) // 2), began

    async def _unfinished(self) -> list[tuple[str, int]]:
        """The next of what has no end, and is old enough: upstream_id and when it was taken."""
        connector = self._connector
        wanted: list[tuple[str, int]] = []
        old_enough = OLD_ENOUGH_WITH_CALLS_MS if self._has_calls else OLD_ENOUGH_MS
        before_ms = connector.clock.now_ms() - old_enough
        while len(wanted) < self._list_max:
            self._walk = asyncio.get_running_loop().create_future()
            room = self._list_max - len(wanted)
            connector.journal.batch.unfinished.append((connector.config.name, self._after, room))
            connector.journal.then(self._walk_failed)
            _, rows, self._after = await self._walk
            wanted += [row for row in rows if row[1] is not None and row[1] <= before_ms]
            if not self._after:
                break
        return wanted

    def walked(self, answer: Row) -> None:
        """The store's answer to a question of the walk."""
        if self._walk is not None and not self._walk.done():
            self._walk.set_result(answer)

    def _walk_failed(self, ok: bool) -> None:
        # an answer that came was told before this
        if not ok:
            self.walked((self._connector.config.name, [], 0))

    async def _ask_for(self, rows: list[tuple[str, int]]) -> bool:
        """Whether the service takes lists like this, as far as it says."""
        pairs = [upstream_id.partition("/")[::2] for upstream_id, _ in rows]
        # a comma at the end makes it a list also of one
        params = {
            "phone": ",".join(phone for _, phone in pairs) + ",",
            "id": ",".join(id for id, _ in pairs) + ",",
        }
        answer = await self._call("status", params)
        if not isinstance(answer, list):
            return not (isinstance(answer, Failure) and answer.number == errors.PARAMETERS)
        told = {
            upstream_id_of(row.get("id", ""), str(row.get("phone", ""))): row
            for row in answer
            if isinstance(row, dict)
        }
        now_ms = self._connector.clock.now_ms()
        for upstream_id, taken_ms in rows:
            row = told.get(upstream_id)
            if row is None:
                continue
            if row.get("status") == NOT_FOUND:
                if now_ms - taken_ms > FORGOTTEN_MS:
                    self._forgotten(upstream_id, now_ms)
            else:
                self.tell(upstream_id, row)
        self._list_max = min(LIST_MAX, self._list_max + LIST_GROWS)
        return True

    def _forgotten(self, upstream_id: str, now_ms: int) -> None:
        phone = upstream_id.partition("/")[2]
        state = MessageState.UNKNOWN.value
        self._connector.receipts.take(upstream_id, phone, state, True, "000", now_ms)
        self._connector.journal.wake()

    # -- incoming SMS ----------------------------------------------------------------------------------

    async def keep_reading(self) -> None:
        """Asks for what subscribers wrote; ends only when it is cancelled."""
        every_s = ANSWERS_WITH_CALLS_EVERY_S if self._has_calls else ANSWERS_EVERY_S
        while True:
            await self._connector.may_ask.wait()
            if not self._connector.is_up or not self.is_ours():
                await self._connector.waits.sleep(1.0)
            elif not await self._read_answers():
                await self._connector.waits.sleep(every_s)

    async def _read_answers(self) -> bool:
        """Whether there may be more of them."""
        connector = self._connector
        looks_back = connector.clock.now() >= self._look_back_at
        params = {"cnt": str(ANSWERS_MAX)}
        if not self.mark:
            params["hour"] = FIRST_HOURS
        elif looks_back:
            params["hour"] = LOOK_BACK_HOURS
        else:
            params["after_id"] = str(self.mark)
        answer = await self._call("answers", params)
        if not isinstance(answer, list):
            return False
        if looks_back:
            self._look_back_at = connector.clock.now() + LOOK_BACK_EVERY_S
        rows = sorted((row for row in answer if _has_id(row)), key=lambda row: row["id"])
        if not rows:
            return False
        now_ms = connector.clock.now_ms()
        for row in rows:
            phone, to, text = (str(row.get(name, "")) for name in ("phone", "to_phone", "message"))
            connector.inbox.incoming_sms(row["id"], phone, to, text, now_ms, now_ms)
        last: int = rows[-1]["id"]
        # what came lately tells where the service's ids are, also when they begin anew
        mark = last if looks_back else max(self.mark, last)
        connector.journal.batch.marks.append((self.mark_name, mark))
        if not await _is_durable(connector.journal):
            return False  # they are asked for again
        has_more = len(answer) >= ANSWERS_MAX and mark > self.mark
        self.mark = mark
        return has_more

    # -- asking ----------------------------------------------------------------------------------------

    async def _call(self, operation: str, params: dict[str, str]) -> object:
        """The answer, which may be an error of the service; None: there is none."""
        try:
            answer = await self._connector.client.call(operation, params)
        except NotSent as error:
            self._connector.unreachable(str(error))
            return None
        except NoAnswer as error:
            self._connector.upstream.last_error = f"{operation}: {error}"
            return None
        if isinstance(answer, Failure):
            self._connector.failed(answer.number)
        return answer


async def _is_durable(journal: Journal) -> bool:
    """Waits until what was appended so far is committed (True) or could not be written."""
    done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def told(ok: bool) -> None:
        if not done.done():  # nobody waits when the connector was stopped
            done.set_result(ok)

    journal.then(told)
    return await done


def _has_id(row: object) -> bool:
    """Whether this is an incoming SMS that can be named."""
    return isinstance(row, dict) and isinstance(row.get("id"), int) and 0 < row["id"] < _MAX_ID


def mark_name(connector: str) -> str:
    """The name in the store of how far a connector's incoming SMS were read."""
    return f"answers {connector}"
