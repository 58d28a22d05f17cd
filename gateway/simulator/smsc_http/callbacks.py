"""Calls of the client's handler: a queue of events, and their repetition until the handler takes them.

Nothing here speaks HTTP: the server takes what is due, posts it, and says how that ended.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.simulator.smsc_http.life import CALL
from gateway.simulator.smsc_http.model import IncomingMessage, SentMessage, SimAccount
from gateway.simulator.smsc_http.settings import FINAL, HttpSettings
from protocols.smsc_http.callbacks import (
    Call,
    CallbackRequest,
    IncomingCall,
    StatusCall,
    WaitCall,
    format_callback,
)
from protocols.smsc_http.times import format_callback_time

_TAKEN = frozenset({200, 404})
"""HTTP status codes that end the calls for an event."""
_IVR = "{menu"
_KEY = "1"
"""What subscribers press in a voice menu."""
_RING_S = "4"
"""How long they let it ring."""
_MENU_S = 5
"""How much longer than its texts a call with a voice menu takes."""
_SMSC = "79990000001"


@dataclass(slots=True)
class Delivery:
    """One event on its way to the handler: a status of a message, a subscriber's message, or his call."""

    of: SentMessage | IncomingMessage | str
    at: float
    status: int = 0
    err: int = 0
    attempts: int = 0


@dataclass(slots=True)
class CallCounters:
    """What became of the events."""

    events: int = 0
    calls: int = 0
    taken: int = 0
    given_up: int = 0
    discarded: int = 0
    """Events for which there was no room any more."""


class Callbacks:
    """Events for the handler of the account; without a handler they are not kept."""

    def __init__(self, settings: HttpSettings, account: SimAccount) -> None:
        self._settings = settings
        self._account = account
        self._fresh: deque[Delivery] = deque()
        self._later: list[tuple[float, int, Delivery]] = []
        self._pushed = 0
        self.counters = CallCounters()

    def status(self, message: SentMessage) -> None:
        """Tell of the message's new status."""
        if self._account.handler_url:
            self._push(Delivery(message, message.changed_at, message.status, message.err))

    def incoming(self, message: IncomingMessage) -> None:
        """Tell of a subscriber's message."""
        if self._account.handler_url:
            self._push(Delivery(message, message.received_at))

    def wait_call(self, phone: str, at: float) -> None:
        """Tell of a subscriber's call that confirms the number."""
        if self._account.handler_url:
            self._push(Delivery(phone, at))

    def take(self, now: float) -> Delivery | None:
        """The next event to post, repetitions that are due first; None: nothing is due."""
        if self._later and self._later[0][0] <= now:
            return heapq.heappop(self._later)[2]
        return self._fresh.popleft() if self._fresh else None

    def request(self, delivery: Delivery) -> CallbackRequest:
        """What to post for an event, to the handler's URL as it is now."""
        delivery.attempts += 1
        self.counters.calls += 1
        return format_callback(_call_of(delivery, self._account.tz), self._account.handler_url)

    def posted(self, delivery: Delivery, http_status: int | None, now: float) -> None:
        """How it ended: the HTTP status of the answer, or None when there was none."""
        if http_status in _TAKEN:
            self.counters.taken += 1
        elif delivery.attempts >= self._settings.attempts:
            self.counters.given_up += 1
        else:
            self._pushed += 1
            heapq.heappush(self._later, (now + self._settings.retry_s, self._pushed, delivery))

    @property
    def next_repetition(self) -> float | None:
        """When an event is to be posted again, Unix seconds; None if none waits for that."""
        return self._later[0][0] if self._later else None

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._fresh) + len(self._later)

    def _push(self, delivery: Delivery) -> None:
        self.counters.events += 1
        if len(self) >= self._settings.keep_calls:
            self.counters.discarded += 1
            if not self._fresh:
                return
            self._fresh.popleft()
        self._fresh.append(delivery)


def _call_of(delivery: Delivery, tz: int) -> Call:
    event = delivery.of
    if isinstance(event, SentMessage):
        return _status_call(event, delivery, tz)
    if isinstance(event, str):
        return WaitCall(phone=event, ts=int(delivery.at))
    return IncomingCall(
        id=str(event.id),
        phone=event.phone,
        mes=event.text,
        to=event.to,
        sms_id="" if event.sms_id is None else str(event.sms_id),
        smsc=_SMSC,
        sent=int(event.sent_at),
        time=int(event.received_at),
    )


def _status_call(message: SentMessage, delivery: Delivery, tz: int) -> StatusCall:
    answered = message.type == CALL and delivery.status == 1
    in_menu = answered and _IVR in message.text
    return StatusCall(
        id=str(message.id),
        phone=message.phone,
        status=delivery.status,
        time=format_callback_time(datetime.fromtimestamp(delivery.at, UTC), tz),
        ts=int(delivery.at),
        err=delivery.err,
        cnt=message.parts,
        type=message.type,
        cost=f"{message.cost:.2f}",
        flag=message.flag,
        sender=message.sender,
        dtmf=_KEY if in_menu else "",
        cmt=f"overtime: 00:{_MENU_S:02}" if in_menu else message.comment,
        calltime=str(message.parts + _MENU_S * in_menu) if answered else "",
        callmenu=_KEY if in_menu else "",
        ringtime=_RING_S if answered else "",
        hlr=message.hlr if delivery.status in FINAL else {},
    )
