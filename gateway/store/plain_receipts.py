"""Most receipts at once: one statement from the receipt to the history, where the database is PostgreSQL.

The statements that can end any message look at it once each.  Most messages need little of that: they have
one segment, its only receipt is here, and nobody has doubts, has paid, or is to be called.  Such a message
ends by both ways alike, and a test holds them to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.batch import Row
from gateway.store.steps import Many

_CONNECTOR, _KEY_SAME, _STATE, _FINAL, _ERROR, _RECEIVED_MS, _INFO = 0, 2, 6, 7, 8, 9, 10


class Plain(NamedTuple):
    """What has ended in the usual way."""

    messages: dict[int, int]
    """Place of a receipt in the batch → the message that it has ended."""
    ended: list[tuple[str, int]]
    """account, how many of its messages have ended."""
    deliveries: list[Row]
    """What goes down to sessions here, as Answer.deliveries has it."""


def end_plain(many: Many, receipts: Sequence[Row]) -> Plain:
    """Ends what can be ended so; all other receipts are as they were.

    Of what is said of a segment beside its end some helps only before it, so that takes the long way with it.
    """
    noticed = {(row[_CONNECTOR], row[_KEY_SAME]) for row in receipts if row[_FINAL] != 1}
    rows = [
        (n, row[_CONNECTOR], row[_KEY_SAME], row[_STATE], row[_ERROR], row[_RECEIVED_MS], row[_INFO])
        for n, row in enumerate(receipts)
        if row[_FINAL] == 1 and (row[_CONNECTOR], row[_KEY_SAME]) not in noticed
    ]
    found = many("end_plain", rows).fetchall()
    ended = [row for row in found if row[0] is not None]
    return Plain(
        {row[0]: row[2] for row in ended},
        list(Counter(row[1] for row in ended).items()),
        sorted((row[-1], *row[1:-1]) for row in found if row[0] is None),
    )
