"""What became of a message in the SMSC service's numbers, and which of its errors a refusal is.

The other way round than protocols.smsc_http.statuses: for clients that know the service's HTTP API, its
`status` and `err`, and the error numbers of send.php.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.core.errors import Refusal
from gateway.core.model import MessageState, Progress
from protocols.smsc_http import errors
from protocols.smsc_http.statuses import NOT_FOUND, STATUS_NOT_RECEIVED, STATUSES

STOPPED, WAITING, TRANSFERRED, DELIVERED, EXPIRED, CLICKED = -2, -1, 0, 1, 3, 4
UNDELIVERABLE, WRONG_NUMBER, BANNED, NO_MONEY, UNAVAILABLE = 20, 22, 23, 24, 25
_BAD_NUMBER, _NO_ROUTE, _REJECTED = 249, 248, 255
_BANNING = frozenset({238, 239, 243, 244, 246, 247, 250, 251, 252, 253, 254})
"""Values of err that come with "banned"."""


class Shown(NamedTuple):
    """What status.php and calls say."""

    status: int
    err: int


MISSING: Final = Shown(NOT_FOUND, 0)

REFUSAL_NUMBERS: Final[Mapping[Refusal, int]] = {
    Refusal.RATE: errors.TOO_MANY,
    Refusal.QUEUE_FULL: 0,
    Refusal.STORE: 0,
    Refusal.STOPPING: 0,
    Refusal.SOURCE: errors.DENIED,
    Refusal.DESTINATION: errors.NUMBER,
    Refusal.NO_ROUTE: errors.UNDELIVERABLE_NUMBER,
    Refusal.TOO_LONG: errors.PARAMETERS,
    Refusal.MALFORMED_TEXT: errors.PARAMETERS,
    Refusal.RECEIPT_CLASS: errors.PARAMETERS,
    Refusal.SCHEDULE: errors.DATE,
    Refusal.VALIDITY: errors.DATE,
    Refusal.SERVICE_TYPE: errors.PARAMETERS,
    Refusal.SERVICE_OPTIONS: errors.DENIED,
    Refusal.OPTION_VALUE: errors.PARAMETERS,
    Refusal.TLV: errors.PARAMETERS,
    Refusal.DENIED: errors.UNDELIVERABLE_NUMBER,
    Refusal.SPECIAL: errors.DENIED,
    Refusal.BALANCE: errors.NO_MONEY,
    Refusal.NO_PRICE: errors.UNDELIVERABLE_NUMBER,
    Refusal.PER_DAY: errors.NO_MONEY,
    Refusal.PER_NUMBER: errors.DENIED,
    Refusal.PER_TEXT: errors.DENIED,
    Refusal.PER_ADDRESS: errors.DENIED,
    Refusal.HOURS: errors.DENIED,
    Refusal.FLOOD: errors.TOO_MANY,
    Refusal.REPEATED: errors.TOO_MANY,
    Refusal.BLACKLIST: errors.UNDELIVERABLE_NUMBER,
    Refusal.NUMBER: errors.NUMBER,
    Refusal.ROUTE: errors.UNDELIVERABLE_NUMBER,
}
"""Error numbers of send.php (SMSC HTTP API §3.5, the reverse way); 0: nothing can be taken now, HTTP 503."""

_REGISTERED: Final[Mapping[Refusal, Shown]] = {
    Refusal.BALANCE: Shown(NO_MONEY, 0),
    Refusal.PER_DAY: Shown(BANNED, 247),
    Refusal.PER_NUMBER: Shown(BANNED, 251),
    Refusal.PER_TEXT: Shown(BANNED, 251),
    Refusal.PER_ADDRESS: Shown(BANNED, 239),
    Refusal.FLOOD: Shown(BANNED, 251),
    Refusal.HOURS: Shown(BANNED, 246),
    Refusal.SOURCE: Shown(BANNED, 254),
    Refusal.SPECIAL: Shown(BANNED, 243),
    Refusal.SERVICE_OPTIONS: Shown(BANNED, 243),
    Refusal.BLACKLIST: Shown(UNAVAILABLE, 250),
    Refusal.DENIED: Shown(UNAVAILABLE, 252),
    Refusal.NUMBER: Shown(WRONG_NUMBER, _BAD_NUMBER),
    Refusal.DESTINATION: Shown(WRONG_NUMBER, _BAD_NUMBER),
    Refusal.NO_ROUTE: Shown(UNAVAILABLE, _NO_ROUTE),
    Refusal.NO_PRICE: Shown(UNAVAILABLE, _NO_ROUTE),
    Refusal.ROUTE: Shown(UNAVAILABLE, _NO_ROUTE),
}
_BY_NUMBER: Final[Mapping[int, Shown]] = {
    errors.NO_MONEY: Shown(NO_MONEY, 0),
    errors.DENIED: Shown(BANNED, 253),
    errors.NUMBER: Shown(WRONG_NUMBER, _BAD_NUMBER),
    errors.UNDELIVERABLE_NUMBER: Shown(UNAVAILABLE, _NO_ROUTE),
}
"""What the service shows of a message that it registered with an error."""
_ERROR_WORDS: Final[Mapping[int, str]] = {
    errors.NO_MONEY: Refusal.BALANCE.value,
    errors.DENIED: "253",
    errors.NUMBER: "249",
    errors.UNDELIVERABLE_NUMBER: "248",
}
_OUR_FAULT: Final = Shown(UNAVAILABLE, _NO_ROUTE)
_WORDS: Final[Mapping[str, Shown]] = {
    **{refusal.value: shown for refusal, shown in _REGISTERED.items()},
    # What the service says of our own account there is no news for its client: nobody takes the message.
    **{f"smsc_error_{number}": _OUR_FAULT for number in (errors.NO_MONEY, errors.AUTHORISE, errors.BLOCKED)},
    f"smsc_error_{errors.DENIED}": _BY_NUMBER[errors.DENIED],
    f"smsc_error_{errors.NUMBER}": _BY_NUMBER[errors.NUMBER],
    f"smsc_error_{errors.UNDELIVERABLE_NUMBER}": _BY_NUMBER[errors.UNDELIVERABLE_NUMBER],
    "ESME_RINVDSTADR": Shown(WRONG_NUMBER, _BAD_NUMBER),
    "ESME_RINVSRCADR": Shown(BANNED, 254),
    "ESME_RPROHIBITED": Shown(BANNED, 243),
}
"""Reasons that are no numbers, of messages that were rejected."""
_FAILED: Final = frozenset(
    {MessageState.UNDELIVERABLE.value, MessageState.REJECTED.value, MessageState.SKIPPED.value}
)
_digits = re.compile("[0-9]{1,5}", re.ASCII).fullmatch


def status_of(state: int, error: str, *, clicked: bool = False) -> Shown:
    """Of a message that has ended: its MessageState, the error of its receipt or our own reason.

    Digits are taken for the service's `err` whoever said them: those below 100 are the codes of GSM 09.02,
    which SMSCs say too. `clicked`: the link in its text was opened.
    """
    err = int(error) if _digits(error) else None
    match state:
        case MessageState.DELIVERED:
            return Shown(CLICKED if clicked else DELIVERED, err or 0)
        case MessageState.EXPIRED:
            return Shown(EXPIRED, err or 0)
        case MessageState.ACCEPTED | MessageState.ENROUTE:
            return Shown(TRANSFERRED, 0)
        case MessageState.SCHEDULED:
            return Shown(WAITING, 0)
        case MessageState.DELETED:
            return Shown(UNDELIVERABLE, err or 0)
    if state not in _FAILED:
        return Shown(UNDELIVERABLE, STATUS_NOT_RECEIVED)  # nobody knows what became of it
    if err is None:
        return _WORDS.get(error, Shown(UNDELIVERABLE, _REJECTED if error else 0))
    return Shown(_failed_status(state, err), err)


def _failed_status(state: int, err: int) -> int:
    if err == _BAD_NUMBER:
        return WRONG_NUMBER
    if err == _NO_ROUTE:
        return UNAVAILABLE
    if err in _BANNING or (state == MessageState.REJECTED and not err):
        return BANNED
    return UNDELIVERABLE


def live_status(progress: int) -> Shown:
    """Of a message that has not ended."""
    match progress:
        case Progress.SENT | Progress.HELD:
            return Shown(TRANSFERRED, 0)
        case Progress.PAUSED:
            return Shown(STOPPED, 0)
    return Shown(WAITING, 0)


def status_name(status: int) -> str:
    """The word for a status; never empty."""
    known = STATUSES.get(status)
    return known.name if known is not None else "unknown"


def refusal_number(refusal: Refusal) -> int:
    """The error number of send.php; 0: none, nothing can be taken just now (HTTP 503)."""
    return REFUSAL_NUMBERS[refusal]


def registered_as(why: Refusal | int) -> tuple[MessageState, str]:
    """How a message is kept (`Batch.registered`) whose request was answered with an error of errors.WITH_ID.

    `why`: what refused it, or the number of the error itself. `status_of` shows it as the service does.
    """
    if isinstance(why, Refusal):
        shown, error = _REGISTERED.get(why) or _BY_NUMBER.get(REFUSAL_NUMBERS[why]), why.value
    else:
        shown, error = _BY_NUMBER.get(why), _ERROR_WORDS.get(why, f"smsc_error_{why}")
    unavailable = shown is not None and shown.status == UNAVAILABLE
    return (MessageState.UNDELIVERABLE if unavailable else MessageState.REJECTED), error
