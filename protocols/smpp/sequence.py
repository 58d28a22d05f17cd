"""Sequence numbers of our own requests (SMPP v3.4 §5.1.4)."""

from __future__ import annotations

from collections.abc import Container

from protocols.smpp.constants import MAX_SEQUENCE_NUMBER


def next_sequence_number(last: int, taken: Container[int]) -> int:
    """The number after `last` in 1…0x7FFFFFFF, round and round, that is not in `taken`.

    `taken` holds the unanswered requests, so it is never the whole range.
    """
    number = last
    while True:
        number = number + 1 if number < MAX_SEQUENCE_NUMBER else 1
        if number not in taken:
            return number
