"""How fast to send: to an SMSC that says "too fast", and in the name of one sender.

Both are without a clock; what is never slowed down costs nothing.
"""

from __future__ import annotations

FULL_AGAIN_S = 30.0
"""From nothing to the whole window."""
STEP = 0.02
"""What is added to the rate each second, as a share of the rate that the SMSC was seen to take …"""
STEP_DOUBLES_S = 5.0
"""… doubled each time that so long passes without another "too fast"."""
GOOD_AFTER_S = 60.0
"""So long without one, and with the whole window, and the configured limits hold again."""
MEASURED_S = 0.5
"""The shortest time over which the rate is measured that the SMSC takes while it refuses some."""
REFUSALS = 3
"""So many of them, lately, are more than chance …"""
SHARE = 0.2
"""… when they are such a share of the answers: a little too fast costs less than being too slow."""
FAILURES = 5
FAILURE_SHARE = 0.5
"""What may mean anything means "too fast" from so many, lately, and such a share on."""
LATELY_S = 2.0
"""After so long an answer counts half."""
LEAST = 0.25
"""Never less than this share of the best that was seen …"""
BEST_FADES_S = 30.0
"""… which is half as good after so long."""
CONGESTED = 90
"""congestion_state from which we send less (SMPP v5.0 §4.8.4.18: nearing congestion)."""
NO_FASTER = 80
"""congestion_state from which we do not send more (optimum load)."""
SENDERS_MAX = 10_000
"""Senders that are remembered."""


class Pace:
    """Additive increase, multiplicative decrease of one connector's window and rate.

    The window counts the segments of all links. It is halved at most once in a round trip: what was sent
    before the last cut says nothing of the window after it. The rate becomes that of what the SMSC took
    while it refused the rest.

    A single refusal is no reason: some SMSCs refuse a share of the messages at any speed, and going slower
    with each would end at a standstill. For their sake there is a floor as well.
    """

    def __init__(self, rate: float, now: float, taken: int = 0) -> None:
        """`rate`: the configured one, segments per second, 0 without a limit; `taken`: until now."""
        self.limited = False
        """Whether less than what is configured may be sent; the window means something only then."""
        self.window = 0
        self.rate = rate
        """Segments per second; 0: no limit."""
        self.cuts = 0
        self.configured = rate
        self._window = 0.0
        self._rate = 0.0  # 0: the configured one holds
        self._step = 0.0
        self._best = 0.0
        self._cut_at = -1e9
        self._hold_until = 0.0
        self._ticked_at = self._looked_at = self._measured_at = now
        self._looked_taken = self._measured_taken = taken
        self._refusals = self._answers = 0.0
        self._refused_at = -1e9
        self._trouble_at = now  # since then it is refused, and so many were taken before
        self._trouble_taken = taken

    def share(self, rate: float) -> None:
        """Of the configured rate this is the part that may be used here; what was learnt stays."""
        self.configured = rate
        self._rate = min(self._rate, rate)
        self._publish()

    def throttled(self, now: float, sent_at: float, in_flight: int, taken: int) -> bool:
        """The SMSC says of a request of `sent_at` that it is too much; whether that changed anything.

        `taken`: how many it has taken until now.
        """
        if sent_at < self._cut_at:
            return False
        self._look(now, taken)
        self._trouble(now, taken)
        self._refusals += 1
        self._answers += 1
        if self._refusals < REFUSALS - 0.5 or self._refusals < SHARE * self._answers:
            return False
        self._cut(now, now - sent_at, in_flight, taken)
        return True

    def failed(self, now: float, taken: int) -> bool:
        """Of a refusal that may mean anything: whether it is too much, as hardly anything gets through."""
        if now - self._cut_at < LATELY_S:
            return True
        self._look(now, taken)
        self._trouble(now, taken)
        self._refusals += 1
        self._answers += 1
        return self._refusals >= FAILURES - 0.5 and self._refusals >= FAILURE_SHARE * self._answers

    def congestion(self, state: int, now: float, sent_at: float, in_flight: int, taken: int) -> bool:
        """A response bears this congestion_state; whether that changed anything."""
        if state >= CONGESTED and sent_at >= self._cut_at:
            self._trouble(now, taken)
            self._cut(now, now - sent_at, in_flight, taken)
            return True
        if state >= NO_FASTER:
            self._hold_until = now + 1.0
        return False

    def tick(self, now: float, taken: int, window: int) -> None:
        """A few times each second; `window` is what is configured for the links that are bound."""
        if now - self._measured_at >= 1.0:
            self._look(now, taken)
            passed = now - self._measured_at
            self._remember((taken - self._measured_taken) / passed, passed)
            self._measured_at, self._measured_taken = now, taken
        if not self.limited:
            return
        passed, self._ticked_at = now - self._ticked_at, now
        if now < self._hold_until or not window:  # without a link nothing is learnt, and nothing forgotten
            return
        quiet_s = now - self._cut_at
        self._window = max(1.0, min(float(window), self._window + passed * window / FULL_AGAIN_S))
        if self._rate:
            self._rate += passed * self._step * 2.0 ** min(30.0, quiet_s // STEP_DOUBLES_S)
            if self.configured:
                self._rate = min(self._rate, float(self.configured))
        if quiet_s >= GOOD_AFTER_S and self._window >= window:
            self.limited = False
            self._rate = 0.0
        self._publish()

    def _look(self, now: float, taken: int) -> None:
        """Lets what is past fade."""
        fading = 0.5 ** ((now - self._looked_at) / LATELY_S)
        self._refusals *= fading
        self._answers = self._answers * fading + taken - self._looked_taken
        self._looked_at, self._looked_taken = now, taken

    def _trouble(self, now: float, taken: int) -> None:
        """It is too much, now; the rate is measured from the first time on."""
        if now - self._refused_at > LATELY_S:
            self._trouble_at, self._trouble_taken = now, taken
        self._refused_at = now

    def _remember(self, rate: float, passed: float) -> None:
        self._best = max(rate, self._best * 0.5 ** (passed / BEST_FADES_S))

    def _cut(self, now: float, answer_s: float, in_flight: int, taken: int) -> None:
        had = min(self._window, in_flight) if self.limited else in_flight
        self._window = max(1.0, had / 2, LEAST * self._best * answer_s)
        troubled_s = now - self._trouble_at
        if troubled_s >= MEASURED_S:
            took = (taken - self._trouble_taken) / troubled_s
            self._remember(took, 0.0)
            rate = max(1.0, took, LEAST * self._best)
            self._rate = min(rate, float(self.configured)) if self.configured else rate
            self._step = max(1.0, self._rate * STEP)
            self._trouble_at, self._trouble_taken = now, taken
        self._refusals = self._answers = 0.0
        self.limited = True
        self.cuts += 1
        self._cut_at = self._ticked_at = now
        self._publish()

    def _publish(self) -> None:
        self.window = int(self._window)
        self.rate = max(1, int(self._rate)) if self._rate else self.configured


class SenderPace:
    """A rate for each sender, by virtual scheduling (GCRA), with one second of burst."""

    def __init__(self, rate: int) -> None:
        """`rate`: segments per second of one sender, over 0."""
        self._cost_ms = 1000 / rate
        self._burst_ms = 1000 - self._cost_ms
        self._due: dict[str, float] = {}

    def __len__(self) -> int:
        """Senders that are remembered."""
        return len(self._due)

    def due_ms(self, source: str, segments: int, now_ms: int) -> int:
        """When a message of this sender may go; 0: now. It counts as gone then."""
        expected = max(self._due.pop(source, 0.0), now_ms)
        if len(self._due) >= SENDERS_MAX:
            self._forget(now_ms)
        self._due[source] = expected + segments * self._cost_ms
        due_ms = round(expected - self._burst_ms)
        return due_ms if due_ms > now_ms else 0

    def _forget(self, now_ms: int) -> None:
        """Drops who has sent nothing for a while; those who last sent longest ago, if nobody has."""
        self._due = {source: due for source, due in self._due.items() if due > now_ms}
        while len(self._due) >= SENDERS_MAX * 9 // 10:
            del self._due[next(iter(self._due))]
