"""What goes to the service in one request: messages that may share a list, under one id of ours."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import count

from gateway.core.message_ids import EPOCH_MS
from gateway.core.model import Message
from gateway.translate.smsc_send import Line
from protocols.sms.receipts import response_key
from protocols.smsc_http.limits import FLOOD_GAP_S, FLOOD_MESSAGES

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FLOOD_KEYS = 50_000
_LOOK = 2_000
"""So many items that cannot share a request are passed in the search for those that can."""
_counts = count(1)


@dataclass(slots=True)
class Item:
    """One segment on its way; `line` is what the service is asked for."""

    message: Message
    segment: int
    line: Line
    made_ms: int
    """When the line was made: at another time its lifetime would be another one."""
    upstream_id: str = ""
    alone: bool = False
    """The service refused the request that it shared, so it goes in one of its own."""


@dataclass(slots=True)
class Parcel:
    """One request. The same items in the same order make the same request again."""

    request_id: str
    items: list[Item]
    again: int = 0
    """How often it has gone out before."""
    heard: set[str] = field(default_factory=set)
    """The upstream_ids that receipts have named while it was under way: the service has those."""


class RequestIds:
    """Ids of requests that are never given twice, by any connector in any run of the gateway.

    Letters and digits of the time in milliseconds, of the boot and of a count, less than the service's 40.
    """

    def __init__(self, boot: int) -> None:
        self._boot = boot

    def next(self, now_ms: int) -> str:
        return f"g{_base36(max(0, now_ms - EPOCH_MS))}-{_base36(self._boot)}-{_base36(next(_counts))}"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def take_parcel(waiting: deque[Item], most: int) -> list[Item]:
    """Takes the first item that waits, and those behind it that can share its request.

    No two to the same recipient: the service names a message by id and recipient.  They are ordered by
    message, so that another run can make the same request of them.
    """
    first = waiting.popleft()
    taken = [first]
    if most > 1 and not (first.alone or first.line.alone):
        keys = {first.line.key}
        passed: list[Item] = []
        while waiting and len(taken) < most and len(passed) < _LOOK:
            item = waiting.popleft()
            line = item.line
            if item.alone or line.alone or line.group != first.line.group or line.key in keys:
                passed.append(item)
            else:
                keys.add(line.key)
                taken.append(item)
        waiting.extendleft(reversed(passed))
    taken.sort(key=lambda item: (item.message.message_id, item.segment))
    return taken


class FloodGuard:
    """More than 50 messages to one subscriber with gaps under a minute would block all that follow.

    `pause_s` counts one and says how long it has to wait; 0: it may go.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def pause_s(self, key: str, now: float) -> float:
        self._forget(now)
        count, last = self._seen.pop(key, (0, 0.0))
        if now - last >= FLOOD_GAP_S:
            count = 0
        if count >= FLOOD_MESSAGES:
            self._seen[key] = (count, last)
            return FLOOD_GAP_S + 1 - (now - last)
        self._seen[key] = (count + 1, now)
        if len(self._seen) > _FLOOD_KEYS:
            self._seen.popitem(last=False)
        return 0.0

    def _forget(self, now: float) -> None:
        """Two of those that stand first, if they count no more."""
        for _ in range(2):
            if self._seen and now - next(iter(self._seen.values()))[1] >= FLOOD_GAP_S:
                self._seen.popitem(last=False)


def rows_of(parcel: Parcel, connector: str) -> list[tuple[object, ...]]:
    """The parcel's rows of Batch.assigned."""
    return [
        (
            item.message.message_id,
            item.segment,
            connector,
            item.made_ms,
            item.upstream_id,
            response_key(item.upstream_id),
        )
        for item in parcel.items
    ]
