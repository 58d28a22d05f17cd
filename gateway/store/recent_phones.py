"""Which message over HTTP went to a number last: a table in memory, of a fixed size.

An index on the numbers would make each message write ten times the octets (random numbers fall on pages all
over it), for the few incoming SMS that answer one.  Here a place may be taken by a later message to another
number, so what is found is to be looked at; the older a message, the likelier it is gone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

PLACES = 1 << 19
"""8 octets each: 4 MiB, from the first message on. A power of two."""


class RecentPhones:
    """message_ids by account and number."""

    def __init__(self) -> None:
        self._ids: array[int] = array("q")

    def remember(self, messages: Iterable[tuple[int, str, str]]) -> None:
        """message_id, account and phone, the newest last."""
        if not self._ids:
            self._ids = array("q", bytes(8 * PLACES))
        ids, last_place = self._ids, PLACES - 1
        for message_id, account, phone in messages:
            ids[hash((account, phone)) & last_place] = message_id

    def find(self, account: str, phone: str) -> int:
        """The message that may have gone there last; 0: none is known."""
        return self._ids[hash((account, phone)) & PLACES - 1] if self._ids else 0
