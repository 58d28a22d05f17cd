"""Our own requests while they wait for their answers.

They stand in a dict by sequence number. All have the same timeout, so the order of the dict is the order
of the deadlines and its first entry expires next. An expired request is remembered for a while, so that
an answer that comes late still finds its context.
"""

from __future__ import annotations

from typing import Final

from protocols.smpp.constants import GENERIC_NACK
from protocols.smpp.events import Abandoned, Answered, TimedOut
from protocols.smpp.pdu import GenericNack
from protocols.smpp.sequence import next_sequence_number

LATE_REQUESTS_KEPT: Final = 4096
_NO_ANSWER_YET = GenericNack()


class Window:
    """Outstanding requests; `timeout_s` is how long each may wait."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.outstanding: dict[int, Answered] = {}
        self._late: dict[int, Answered] = {}
        self._last = 0

    def number(self) -> int:
        """The sequence_number of the next request."""
        self._last = number = next_sequence_number(self._last, self.outstanding)
        return number

    def add(self, number: int, response_id: int, context: object, now: float) -> None:
        """A request is on its way; its answer bears `number` and `response_id`."""
        self.outstanding[number] = Answered(context, _NO_ANSWER_YET, now, False, response_id)

    def settle(self, number: int, command_id: int) -> Answered | None:
        """The request that a response answers, which then waits no more; None if there is none.

        generic_nack answers a request of any kind by its number (interop quirk 39); a response of the
        wrong type answers nothing.
        """
        entry = self.outstanding.get(number)
        if entry is not None:
            if command_id in (entry.response_id, GENERIC_NACK):
                del self.outstanding[number]
                return entry
            return None
        entry = self._late.get(number)
        if entry is not None and command_id in (entry.response_id, GENERIC_NACK):
            del self._late[number]
            entry.late = True
            return entry
        return None

    def next_deadline(self) -> float | None:
        """When the oldest request expires."""
        for entry in self.outstanding.values():
            return entry.sent_at + self.timeout_s
        return None

    def expire(self, now: float) -> list[tuple[TimedOut, int]]:
        """Moves what has waited too long to the late ones; each with its response_id, oldest first."""
        expired: list[tuple[TimedOut, int]] = []
        for number, entry in self.outstanding.items():
            if entry.sent_at + self.timeout_s > now:
                break
            expired.append((TimedOut(entry.context, number, entry.sent_at), entry.response_id))
        for timed_out, _ in expired:
            number = timed_out.sequence_number
            self._late[number] = self.outstanding.pop(number)
        for number in list(self._late)[: max(0, len(self._late) - LATE_REQUESTS_KEPT)]:
            del self._late[number]
        return expired

    def abandon(self) -> list[Abandoned]:
        """Empties the window; what was unanswered, oldest first."""
        abandoned = [
            Abandoned(number, entry.context, entry.sent_at) for number, entry in self.outstanding.items()
        ]
        self.outstanding.clear()
        self._late.clear()
        return abandoned
