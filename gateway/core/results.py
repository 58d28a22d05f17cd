"""What became of the segments that one connector was given: a row of the batch each, and a line of the log.

Results come in chunks (`results_end` ends one), whose slots are free when the rows are committed.  Who takes
a message next is found in `gateway.core.alternatives`, and when in `gateway.core.retry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from random import Random

from gateway.core import alternatives, retry
from gateway.core.alternatives import Works
from gateway.core.batch import Journal
from gateway.core.events import Events
from gateway.core.model import Message, MessageState, Wish
from protocols.sms.receipts import response_key

LONG_PAUSE_AFTER = 50
"""So many refusals in a row for lack of capacity pause the connector, not just the message."""
_CALLED = Wish.CALLED.value


class Results(ABC):
    """Takes the results of one connector, and counts them; its slots are its `Upstream`'s."""

    def __init__(self, name: str, journal: Journal, events: Events, random: Random) -> None:
        self.name = name
        self.all: Mapping[str, Works] = {}
        """Every connector's upstream by name, for failover."""
        self.journal = journal
        self.submitted = self.refused = self.doubtful = self.throttled = 0
        self.last_error = ""
        self.last_error_ms = 0
        """When `last_error` became that, as far as a tick has seen; 0: there is none."""
        self._events = events
        self._random = random
        self._error_seen = ""
        self._refusals_in_row = 0
        self._results = 0

    @abstractmethod
    def release(self, segments: int) -> None:
        """Gives slots back."""

    @abstractmethod
    def _rest(self, pause_s: float) -> None:
        """Lets nothing go up for so long."""

    def taken(self, message: Message, segment: int, upstream_id: str, now_ms: int) -> None:
        """The SMSC took a segment."""
        self.submitted += 1
        self._refusals_in_row = 0
        batch = self.journal.batch
        key = response_key(upstream_id) if upstream_id else None
        batch.submitted.append((now_ms, upstream_id, key, message.message_id, segment, self.name))
        # Without an id no receipt can ever be matched, so none is waited for.
        if key is None or not (message.registered_delivery & 3 or message.flags & _CALLED):
            batch.handed_over.append((message.message_id, now_ms))
        if self._events.messages:
            self._events.submitted(message.message_id, self.name, upstream_id, now_ms)
        self._results += 1

    def taken_late(self, message: Message, segment: int, upstream_id: str, now_ms: int) -> None:
        """A response that came after its time-out; its slot is free already."""
        key = response_key(upstream_id) if upstream_id else None
        self.journal.batch.late.append((now_ms, upstream_id, key, message.message_id, segment, self.name))
        if key is None or not (message.registered_delivery & 3 or message.flags & _CALLED):
            self.journal.batch.handed_over.append((message.message_id, now_ms))
        self.journal.wake()

    def refused_for_now(
        self, message: Message, segment: int, reason: str, *, full: bool, now_ms: int
    ) -> None:
        """The SMSC cannot take a segment now; `full`: for lack of capacity, so it is asked again soon.

        Any other reason hands the message to the route's next connector that is up, and this one if the route
        wants it.
        """
        if full:
            other, at_once = alternatives.too_much(message, self.name, self.all)
        else:
            other = alternatives.in_trouble(message, self.name, self.all)
            at_once = other is not None
        first_s = retry.FIRST_THROTTLED_S if full else retry.FIRST_S
        delay_ms = 0 if at_once else int(1000 * retry.delay_s(message.retries, self._random, first_s))
        due_ms = now_ms + delay_ms
        text = f"{self.name}: {reason}, " + (f"handed to {other}" if other else f"again in {delay_ms} ms")
        row = (message.message_id, segment, other or self.name, due_ms, 1, now_ms, text)
        self.journal.batch.postponed.append(row)
        self.throttled += full
        self.last_error = reason
        if self._events.messages:
            self._events.postponed(message.message_id, self.name, reason, now_ms)
        self._results += 1
        self._refusals_in_row += full
        if self._refusals_in_row > LONG_PAUSE_AFTER:
            tries = self._refusals_in_row // LONG_PAUSE_AFTER - 1
            self._rest(retry.delay_s(tries, self._random))

    def has_alternative(self, message: Message) -> bool:
        """Whether another connector of its route could take the message now."""
        return alternatives.in_trouble(message, self.name, self.all) is not None

    def refused_here(self, message: Message, segment: int, reason: str, now_ms: int) -> None:
        """The SMSC will never take a segment; another one may, if the route wants that."""
        other = alternatives.refused(message, self.name, self.all)
        if other is None:
            self.refused_for_good(message, reason, now_ms)
            return
        self.refused += 1
        self.last_error = reason
        row = (message.message_id, segment, self.name, other, now_ms, reason)
        self.journal.batch.rerouted.append(row)
        if self._events.messages:
            self._events.rerouted(message.message_id, self.name, other, reason, now_ms)
        self._results += 1

    def refused_for_good(self, message: Message, reason: str, now_ms: int) -> None:
        """Nobody will ever take this message."""
        self.refused += 1
        self.last_error = reason
        self.journal.batch.failed.append((message.message_id, MessageState.REJECTED.value, reason, now_ms))
        if self._events.messages:
            self._events.ended(message.message_id, MessageState.REJECTED, reason, now_ms)
        self._results += 1

    def expired(self, message: Message, now_ms: int) -> None:
        """Its validity ended here, and nothing of it is at the SMSC as far as is known."""
        self.journal.batch.failed.append((message.message_id, MessageState.EXPIRED.value, "", now_ms))
        if self._events.messages:
            self._events.ended(message.message_id, MessageState.EXPIRED, "time is over", now_ms)
        self._results += 1

    def in_doubt(
        self, message: Message, segment: int, evidence: str, now_ms: int, *, link: str = "", sent_ms: int = 0
    ) -> None:
        """Nobody knows whether the SMSC took a segment, which went by this connection at that time."""
        self.doubtful += 1
        self.journal.batch.doubts.append((message.message_id, segment, now_ms, evidence, link, sent_ms))
        if self._events.messages:
            self._events.in_doubt(message.message_id, self.name, evidence, now_ms)
        self._results += 1

    def results_end(self) -> None:
        """Ends a chunk of results: their slots are free when they are committed."""
        if self._results:
            count, self._results = self._results, 0
            self._free_after_commit(count)

    def _free_after_commit(self, count: int) -> None:
        # Whether or not the commit went well: rows that could not be written are kept for the next try.
        self.journal.then(lambda ok: self.release(count))

    def _note_error(self, now_ms: int) -> None:
        """Whether `last_error` is another one is seen a few times each second."""
        if self.last_error is not self._error_seen:
            if self.last_error != self._error_seen:
                self.last_error_ms = now_ms
            self._error_seen = self.last_error
