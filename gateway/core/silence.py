"""Whether an SMSC that we are bound to still answers what it is sent.

Answers to enquire_link say nothing here: SMSCs were seen that answer those for hours, and no submit.  Time
counts while a submit waits for its answer over a link that is up; a rebind neither ends a silence nor adds
to it.  A silent SMSC gets one message at a time, with growing pauses, until it answers one of them.
"""

from __future__ import annotations

from enum import Enum

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 120.0
AFTER_REBIND_S = 10.0
"""By then what waited, and what was in doubt and goes again, has gone to other connectors, if it may."""
LOOK_S = 1.0
"""So much of the time before the look that first sees a submit wait may count: where the limit is the
submits' time-out, the silence has to be noticed before the first of them are sent again."""


class Turn(Enum):
    """What a look has shown."""

    NOTHING = 0
    BEGAN = 1
    ENDED = 2
    PROBE = 3  # a message may try whether it answers again


class Silence:
    """How long one connector's SMSC has answered nothing; times are the clock's seconds."""

    def __init__(self, now: float) -> None:
        self.limit_s = 0.0
        """It counts as silent after so long; 0: never."""
        self.is_silent = False
        self.probe_due = False
        """A message may try it now."""
        self._quiet_s = 0.0
        self._looked_at = now
        self._was_waiting = False
        self._probe_at = 0.0
        self._pause_s = FIRST_PAUSE_S

    def look(self, now: float, *, heard: bool, waiting: bool, over: bool) -> Turn:
        """Called a few times each second.

        `heard`: a submit was answered since the last look; `waiting`: one waits for its answer, and a link is
        up; `over`: nothing waits here any more, neither for an answer nor for its turn.
        """
        passed, self._looked_at = now - self._looked_at, now
        was_waiting, self._was_waiting = self._was_waiting, waiting
        if heard or (self.is_silent and not self.limit_s):  # a reload wants to hear nothing of it
            self._quiet_s = 0.0
            turn = Turn.ENDED if self.is_silent else Turn.NOTHING
            self.is_silent = self.probe_due = False
            return turn
        if self.is_silent:
            return self._wait_for_probe(now, waiting)
        if over:
            self._quiet_s = 0.0
        elif waiting:
            self._quiet_s += passed if was_waiting else min(passed, LOOK_S)
            if self._quiet_s >= self.limit_s > 0:
                self.is_silent = True
                self._pause_s = FIRST_PAUSE_S
                self._probe_at = now + FIRST_PAUSE_S
                return Turn.BEGAN
        return Turn.NOTHING

    def _wait_for_probe(self, now: float, waiting: bool) -> Turn:
        if waiting and self.probe_due:  # it is on its way
            self.probe_due = False
            self._probe_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        elif not waiting and not self.probe_due and now >= self._probe_at:
            self.probe_due = True
            return Turn.PROBE
        return Turn.NOTHING

    def bound_again(self, now: float) -> None:
        """A new link may lead to a better part of the SMSC: it is tried soon."""
        self.probe_due = False
        self._probe_at = now + AFTER_REBIND_S
