"""Why a message is not taken, and what the system says of an error.

What each wire says for the first is the translators' matter.
"""

from __future__ import annotations

import os
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
    SERVICE_TYPE = "service_type"
    SERVICE_OPTIONS = "service_options"
    OPTION_VALUE = "option_value"
    TLV = "tlv"
    DENIED = "denied"
    SPECIAL = "special_message"
    STOPPING = "stopping"
    BALANCE = "balance"
    NO_PRICE = "no_price"
    PER_DAY = "limit_per_day"
    PER_NUMBER = "limit_per_number"
    PER_TEXT = "limit_per_text"
    PER_ADDRESS = "limit_per_address"
    HOURS = "hours"
    FLOOD = "flood"
    REPEATED = "repeated"
    BLACKLIST = "blacklist"
    NUMBER = "number"
    ROUTE = "route_refuses"


def system_reason(error: OSError) -> str:
    """What the system says of an error, without asyncio's words around it; "" when it says nothing."""
    number = error.errno or 0
    # name resolution has numbers of its own, below zero
    return os.strerror(number) if number > 0 else error.strerror or str(error)


class StoreReadError(Exception):
    """The store cannot be read, or not now: damaged, out of reach, or too much was asked at once."""
