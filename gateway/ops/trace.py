"""Traces: what a person sees of SMPP sessions while they run.

Nobody listens: a session's tap is None, and that is all it costs.  While somebody does, each session has a
tap that cuts both directions into PDUs and shows each to the traces; a trace keeps those that fit until
they are fetched, and counts what had no room: a slow reader never holds a session up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.core.clock import Clock
from gateway.core.taps import Tapped, Taps
from gateway.ops.trace_pdus import Cutter, bound_as, head_of, numbers_of, plain_number, same_number, shown
from protocols.sms.addresses import mask

TRACES_MAX = 4
WAITING_MAX = 2_000
"""PDUs that wait for a slow reader,"""
WAITING_OCTETS = 4 << 20
"""and octets of them."""
ANSWERS_MAX = 10_000
"""Requests whose answers a trace by number waits for."""
_RESPONSE = 0x80000000
_TAIL = 9
"""Digits at the end of a number that are looked for before a PDU is decoded."""


class TraceError(ValueError):
    """Why nothing is traced."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which PDUs; what is empty does not matter."""

    account: str = ""
    connector: str = ""
    number: str = ""

    @property
    def whose(self) -> str:
        """The same for the log."""
        if self.number:
            return f"number {mask(self.number)}"
        return f"account {self.account}" if self.account else f"connector {self.connector}"

    def is_session(self, tap: SessionTap) -> bool:
        """Whether PDUs of this session, whatever they say, are wanted."""
        if self.account:
            return tap.side == "client" and tap.name == self.account
        return bool(self.connector) and tap.side == "smsc" and tap.name == self.connector


class Trace:
    """What one person wants to see, and what waits to be fetched."""

    def __init__(self, wanted: Wanted, *, texts: bool) -> None:
        self.wanted = wanted
        self.texts = texts
        self.seen = 0
        self.dropped = 0
        self._waiting: deque[dict[str, Any]] = deque()
        self._octets = 0
        self._answers: dict[tuple[int, bool, int], None] = {}
        self._tail = plain_number(wanted.number)[-_TAIL:].encode("latin-1", "replace")
        self._news = asyncio.Event()

    def look(self, tap: SessionTap, frame: bytes, sent: bool, at_ms: int) -> None:
        """Takes a PDU, if it is wanted."""
        if not (self._has_number(tap, frame, sent) if self._tail else self.wanted.is_session(tap)):
            return
        self.seen += 1
        if len(self._waiting) >= WAITING_MAX or self._octets + len(frame) > WAITING_OCTETS:
            self.dropped += 1
            return
        self._octets += len(frame)
        self._waiting.append(
            {
                "at_ms": at_ms,
                "dropped": self.dropped,
                "session": tap.number,
                "side": tap.side,
                "name": tap.name,
                "way": "sent" if sent else "received",
                "ours": tap.ours,
                "theirs": tap.theirs,
                **shown(frame, texts=self.texts),
            }
        )
        self._news.set()

    def _has_number(self, tap: SessionTap, frame: bytes, sent: bool) -> bool:
        command_id, _, sequence = head_of(frame)
        if command_id & _RESPONSE:
            key = (tap.number, not sent, sequence)
            if key not in self._answers:
                return False
            del self._answers[key]
            return True
        if self._tail not in frame or not any(
            same_number(number, self.wanted.number) for number in numbers_of(frame)
        ):
            return False
        if len(self._answers) >= ANSWERS_MAX:
            del self._answers[next(iter(self._answers))]
        self._answers[tap.number, sent, sequence] = None
        return True

    def take(self) -> list[dict[str, Any]]:
        """What waits, as far as it goes."""
        rows = list(self._waiting)
        self._waiting.clear()
        self._octets = 0
        self._news.clear()
        return rows

    async def news(self, timeout_s: float) -> None:
        """Waits for a PDU, so long at the most."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            pass


class SessionTap:
    """The tap of one session, for all traces (gateway.core.taps.Tap)."""

    def __init__(self, session: Tapped, number: int, show: Callable[[SessionTap, bytes, bool], None]) -> None:
        self.number = number
        self.side = session.side
        self.ours, self.theirs = session.ends
        self._session = session
        self._show = show
        self._bound_as = ""
        self._in = Cutter(session.half_read)
        self._out = Cutter()

    @property
    def name(self) -> str:
        """The account or the connector; of a session that is about to bind, who it says it is."""
        return self._session.traced_as or self._bound_as

    def received(self, data: bytes) -> None:
        for frame in self._in.cut(data):
            if self.side == "client" and (name := bound_as(frame)) is not None:
                self._bound_as = name
            self._show(self, frame, False)

    def sent(self, data: bytes) -> None:
        for frame in self._out.cut(data):
            self._show(self, frame, True)


class Tracing:
    """All traces of a gateway, and the sessions that they listen to."""

    def __init__(self, clock: Clock, sessions: Callable[[], Iterable[Tapped]]) -> None:
        """`sessions`: those that are there now."""
        self.taps = Taps()
        self.traces: list[Trace] = []
        self._clock = clock
        self._sessions = sessions
        self._numbers = 0

    def begin(self, wanted: Wanted, *, texts: bool) -> Trace:
        """A trace from now on; TraceError when there are too many."""
        if len(self.traces) >= TRACES_MAX:
            raise TraceError(f"there are {TRACES_MAX} traces already: end one of them")
        trace = Trace(wanted, texts=texts)
        self.traces.append(trace)
        if self.taps.make is None:
            self.taps.make = self._tap
            for session in self._sessions():
                session.tap = self._tap(session)
        return trace

    def end(self, trace: Trace) -> None:
        """The trace is over."""
        self.traces.remove(trace)
        if not self.traces:
            self.taps.make = None
            for session in self._sessions():
                session.tap = None

    def _tap(self, session: Tapped) -> SessionTap:
        self._numbers += 1
        return SessionTap(session, self._numbers, self._show)

    def _show(self, tap: SessionTap, frame: bytes, sent: bool) -> None:
        at_ms = self._clock.now_ms()
        for trace in self.traces:
            trace.look(tap, frame, sent, at_ms)
