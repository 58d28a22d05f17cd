"""How a list is sent: what goes when, what is written down before and after, and what comes again.

The order is what makes it safe to go on after any end: a line is written down as going, then sent, then
written down with its answer.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from gateway.cli.bulk_list import Line
from gateway.cli.bulk_results import ACCEPTED, REFUSED, UNKNOWN, Known, Result, Results
from gateway.cli.bulk_session import Told
from protocols.smpp import constants as c

AGAIN = frozenset({c.ESME_RTHROTTLED, c.ESME_RMSGQFUL})
"""Statuses after which a line is sent again after a pause."""
PAUSE_S, PAUSE_MAX_S = 0.5, 10.0
LOOK_S = 0.2
"""So often it is seen that somebody wants it to stop."""
NO_ANSWER = "no answer"


class Link(Protocol):
    """What is needed of BulkSession."""

    told: list[Told]

    @property
    def room(self) -> int: ...

    @property
    def outstanding(self) -> int: ...

    def submit(self, lines: list[Line], *, receipt: bool) -> None: ...

    def wait(self, wait_s: float) -> None: ...


class Pace:
    """At most so many a second; what was not used for a tenth of one is lost."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate / 10)
        self._saved, self._at = 1.0, now

    def allowed(self, now: float) -> int:
        self._saved = min(self._most, self._saved + (now - self._at) * self._rate)
        self._at = now
        return int(self._saved + 1e-9)

    def used(self, count: int) -> None:
        self._saved -= count

    @property
    def next_s(self) -> float:
        """Until one more is allowed."""
        return max(0.0, (1 - self._saved) / self._rate)


class Sending:
    """One walk through a list."""

    def __init__(
        self,
        lines: Iterator[Line],
        results: Results,
        link: Link,
        *,
        rate: float = 0.0,
        resend_unknown: bool = False,
        receipt: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accepted = self.refused = self.unknown = self.before = 0
        """Lines of this run by what became of them; `before`: those that an earlier run had done with."""
        self.stopping = False
        """Nothing more is sent; what is on its way is waited for."""
        self._lines = lines
        self._results = results
        self._link = link
        self._resend_unknown = resend_unknown
        self._receipt = receipt
        self._clock = clock
        self._pace = Pace(rate, clock()) if rate else None
        self._on_way: dict[int, Line] = {}
        self._again: deque[Line] = deque()
        self._is_over = False
        self._pause_s, self._paused_until = PAUSE_S, 0.0

    def run(self, changed: Callable[[], object] = lambda: None) -> None:
        """Sends all, or until `stopping`; SendError when the link is lost: then call `give_up`."""
        while True:
            self._send()
            if not self._on_way and (self.stopping or (self._is_over and not self._again)):
                return
            self._link.wait(self._wait_s())
            self.take_answers()
            changed()

    def give_up(self) -> None:
        """Whatever is on its way may have been taken."""
        self.take_answers()
        self._over([Result(line.line, line.to, UNKNOWN, "", NO_ANSWER) for line in self._on_way.values()])
        self._on_way.clear()

    # -- out -----------------------------------------------------------------------------------------

    def _send(self) -> None:
        room = self._room()
        burst: list[Line] = []
        while len(burst) < room and (line := self._next()) is not None:
            burst.append(line)
        if burst:
            self._results.going(line.line for line in burst)
            self._on_way.update((line.line, line) for line in burst)
            self._link.submit(burst, receipt=self._receipt)
            if self._pace is not None:
                self._pace.used(len(burst))

    def _room(self) -> int:
        now = self._clock()
        if self.stopping or now < self._paused_until:
            return 0
        return min(self._link.room, self._pace.allowed(now) if self._pace is not None else self._link.room)

    def _next(self) -> Line | None:
        if self._again:
            return self._again.popleft()
        for line in self._lines:
            known = self._results.known(line.line)
            if known is Known.UNSENT or (known is not Known.OVER and self._resend_unknown):
                return line
            if known is Known.GOING:
                self._over([Result(line.line, line.to, UNKNOWN, "", "on its way when an earlier run ended")])
            elif known is Known.LISTED:
                self.unknown += 1
            else:
                self.before += 1
        self._is_over = True
        return None

    def _wait_s(self) -> float:
        if not self._link.room or self.stopping or (self._is_over and not self._again):
            return LOOK_S  # only an answer changes anything
        paused_s = self._paused_until - self._clock()
        next_s = self._pace.next_s if self._pace is not None else 0.0
        return min(LOOK_S, max(paused_s, next_s, 0.001))

    # -- back ----------------------------------------------------------------------------------------

    def take_answers(self) -> None:
        """Writes down what has come."""
        told, self._link.told = self._link.told, []
        results, again = [], []
        for line, status, message_id in told:
            if self._on_way.pop(line.line, None) is None:
                continue
            if status in AGAIN:
                again.append(line)
            elif status is None:
                results.append(Result(line.line, line.to, UNKNOWN, "", NO_ANSWER))
            elif status == c.ESME_ROK:
                results.append(Result(line.line, line.to, ACCEPTED, message_id))
            else:
                results.append(Result(line.line, line.to, REFUSED, "", c.status_name(status)))
        if results:
            self._over(results)
        if again:
            self._results.back(line.line for line in again)
            self._again.extend(again)
            self._paused_until = self._clock() + self._pause_s
            self._pause_s = min(PAUSE_MAX_S, self._pause_s * 2)
        elif any(result.status == ACCEPTED for result in results):
            self._pause_s = PAUSE_S

    def _over(self, results: list[Result]) -> None:
        self._results.over(results)
        for result in results:
            self.accepted += result.status == ACCEPTED
            self.refused += result.status == REFUSED
            self.unknown += result.status == UNKNOWN
