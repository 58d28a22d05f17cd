"""Receipts from upstream: which of our segments they mean.

The store does the matching, in the transaction that keeps the receipt, so it works in either order: a receipt
finds its response's id, or waits until a response with that id is recorded.  Here is what has to be known
for it: SMSCs write the same id in different forms (hexadecimal in one PDU, decimal in the other), so each
receipt brings up to three keys, the connector's usual one first.  The usual one is learnt from what matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.core.batch import Journal, Row
from gateway.core.events import Events
from gateway.core.smsc_ids import MAX_OCTETS
from protocols.sms.receipts import FORMS, MAX_ID, convert, response_key

SURE_AFTER = 100
"""So many matches of one form alone, and the others are not tried: a guess could hit a stranger."""
DOUBT_AFTER = 20
"""So many receipts in a row without a match, and all forms are tried again."""


class ReceiptBook:
    """The receipts of one connector."""

    def __init__(
        self, connector: str, journal: Journal, events: Events, *, forms: tuple[str, ...] = FORMS
    ) -> None:
        """`forms`: how ids may be written; the first of FORMS alone: they are ours, and of any length."""
        self.connector = connector
        self.on_receipt: Callable[[str], object] | None = None
        """Hears the id of each receipt: its SMSC has that segment."""
        self.matched = 0
        self.unmatched = 0
        self.replays = 0
        self._journal = journal
        self._events = events
        self._forms = forms
        self._is_ours = forms == FORMS[:1]
        self._order = forms
        self._counts = dict.fromkeys(forms, 0)
        self._misses_in_row = 0

    def only(self, form: str) -> None:
        """Ids are known to be written so; nothing is tried and learnt."""
        self._forms = self._order = (form,)
        self._counts = {form: 0}

    @property
    def usual_form(self) -> str:
        """How this SMSC writes ids in receipts, as far as is known."""
        return self._order[0]

    def _sure(self) -> bool:
        usual = self._counts[self._order[0]]
        return usual >= SURE_AFTER and usual == sum(self._counts.values())

    def take(
        self,
        upstream_id: str,
        peer: str,
        state: int,
        final: int,
        error: str,
        now_ms: int,
        info: str = "",
    ) -> None:
        """Appends a receipt to the batch, acknowledged after the commit; `peer` sent it.

        `final` and `info` are as in Batch.receipts; the latter goes down with the receipt: what else the SMSC
        says, for whoever asked.
        """
        keys: list[str | None]
        if self._is_ours:  # the ids are as we gave them
            upstream_id = upstream_id[:MAX_OCTETS]
            keys = [response_key(upstream_id), None, None]
        else:
            usual = self._order[0]
            keys = [convert(usual, upstream_id)]
            if not self._sure():
                keys += [convert(form, upstream_id) for form in self._order[1:]]
            keys += [None] * (3 - len(keys))
            upstream_id = upstream_id[:MAX_ID]
        # An id that cannot be of the usual form still needs a first key to be parked by.
        first = keys[0] if keys[0] is not None else "?" + upstream_id
        self._journal.batch.receipts.append(
            (
                self.connector,
                upstream_id,
                first,
                keys[1],
                keys[2],
                peer,
                state,
                int(final),  # a truth value has to cross as a number
                error[:16],
                now_ms,
                info,
            )
        )
        if self.on_receipt is not None:
            self.on_receipt(upstream_id)

    def result(self, receipt: Row, how: int | None, message_id: int | None, replay: int) -> None:
        """What the store made of a receipt of an earlier batch."""
        if how is None or message_id is None:
            self.unmatched += 1
            self._misses_in_row += 1
            if self._misses_in_row == DOUBT_AFTER:
                self._counts = dict.fromkeys(self._forms, 0)
            return
        self._misses_in_row = 0
        if replay:
            self.replays += 1
            return
        self.matched += 1
        if not self._sure():
            self._learn(receipt[1], receipt[1 + how])
        if self._events.messages:
            self._events.receipt(message_id, self.connector, receipt[6], receipt[8], receipt[9])

    def found_later(self, receipt: Row, message_id: int) -> None:
        """A receipt that waited for its response has it now."""
        self._misses_in_row = 0
        self.unmatched -= 1
        self.matched += 1
        if self._events.messages:
            self._events.receipt(message_id, self.connector, receipt[6], receipt[8], receipt[9])

    def _learn(self, upstream_id: str, key: str) -> None:
        # The order of the forms may have changed since the receipt was taken, so its key says which it was.
        form = next((name for name in self._order if convert(name, upstream_id) == key), self._order[0])
        self._counts[form] += 1
        best = max(self._order, key=lambda name: self._counts[name])
        if best != self._order[0]:
            self._order = (best, *(name for name in self._forms if name != best))
            self._events.say("info", "receipt_ids", connector=self.connector, form=best)


def results(books: dict[str, ReceiptBook], receipts: Iterable[Row], answers: Iterable[Row]) -> None:
    """Hands the store's answers to the books that asked; answers beyond the receipts were parked ones."""
    for receipt, (how, message_id, replay) in zip(receipts, answers, strict=False):
        book = books.get(receipt[0])
        if book is not None:
            book.result(receipt, how, message_id, replay)
