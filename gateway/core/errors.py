"""Why a message is not taken.  What each wire says for it is the translators' matter."""

from __future__ import annotations

from enum import Enum


class Refusal(Enum):
    """A reason that the sender is told at once; the value is the word in logs and counters."""

    RATE = "rate"
    QUEUE_FULL = "queue_full"
    STORE = "store"
    SOURCE = "source"
    DESTINATION = "destination"
    NO_ROUTE = "no_route"
    TOO_LONG = "too_long"
    MALFORMED_TEXT = "malformed_text"
    RECEIPT_CLASS = "receipt_class"
    SCHEDULE = "schedule"
    VALIDITY = "validity"
    STOPPING = "stopping"
