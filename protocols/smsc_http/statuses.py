"""What the SMSC service says became of a message, in words of SMPP and SMTP (SMSC HTTP API, status.php).

A `status` of the service is no message_state of SMPP, though both are small numbers. Why a message failed is
in `err`, whose numbers mean one thing for SMS, HLR requests, calls and messengers, and another for e-mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from protocols.sms.receipts import (
    ACCEPTED,
    DELIVERED,
    ENROUTE,
    EXPIRED,
    REJECTED,
    STATE_WORDS,
    UNDELIVERABLE,
    UNKNOWN,
)

Again = Literal["no", "once", "minutes", "hours", "day", "by hand"]
"""When the same route may do better: after so long, or after a person has done something."""
Elsewhere = Literal["no", "maybe", "yes"]
"""Whether another upstream may do better."""

NOT_FOUND: Final = -3
DELIVERED_STATUSES: Final = frozenset({1, 2, 4})
"""Delivered, read, link opened; the later ones may follow the first and make no second receipt."""
NETWORK_TYPE_GSM: Final = 3
"""First octet of the TLV network_error_code, before `err` as 16 bits."""


class Status(NamedTuple):
    """A row of the message statuses."""

    name: str
    state: int  # SMPP message_state
    final: bool
    again: Again
    elsewhere: Elsewhere
    enhanced: str  # SMTP enhanced code (RFC 3463) where `err` says nothing; "": no report


STATUSES: Final[Mapping[int, Status]] = {
    -3: Status("not found", UNKNOWN, False, "no", "no", ""),
    -2: Status("stopped", ACCEPTED, False, "no", "no", ""),
    -1: Status("waiting", ACCEPTED, False, "no", "no", ""),
    0: Status("transferred to the operator", ENROUTE, False, "no", "no", ""),
    1: Status("delivered", DELIVERED, True, "no", "no", "2.1.5"),
    2: Status("read", DELIVERED, True, "no", "no", "2.1.5"),
    3: Status("expired", EXPIRED, True, "hours", "no", "5.4.7"),
    4: Status("link clicked", DELIVERED, True, "no", "no", "2.1.5"),
    20: Status("cannot be delivered", UNDELIVERABLE, True, "no", "no", "5.0.0"),
    22: Status("wrong number", REJECTED, True, "no", "no", "5.1.3"),
    23: Status("banned", REJECTED, True, "no", "no", "5.7.1"),
    24: Status("not enough money", REJECTED, True, "by hand", "yes", "5.3.0"),
    25: Status("unavailable number", UNDELIVERABLE, True, "no", "yes", "5.4.4"),
}
"""-3 is to be asked for again until nobody would expect the message any more, a day: then it is UNKNOWN."""

_BY_ERR: Final = frozenset({3, 20, 23})
"""Statuses after which `err` alone decides whether to try again."""


class ErrCode(NamedTuple):
    """A row of the errors of messages."""

    name: str
    meaning: str
    state: int | None  # SMPP message_state; None: the status says it
    again: Again
    elsewhere: Elsewhere
    enhanced: (
        str  # SMTP enhanced code (RFC 3463) of the final report; "": none, it is not known to have failed
    )
    delayed: str = ""  # the same while it may still be delivered


_U, _R = UNDELIVERABLE, REJECTED

ERRORS: Final[Mapping[int, ErrCode]] = {
    0: ErrCode("no error", "subscriber exists and is available", None, "no", "no", "2.1.5"),
    1: ErrCode("subscriber does not exist", "number is not in use", _U, "no", "no", "5.1.1"),
    6: ErrCode(
        "subscriber offline", "switched off or out of coverage", None, "hours", "no", "5.4.7", "4.4.1"
    ),
    11: ErrCode("service not connected", "subscriber can take no SMS", _U, "no", "maybe", "5.2.1"),
    12: ErrCode("phone error", "fault of the phone or its SIM", _U, "once", "no", "5.3.0", "4.3.0"),
    13: ErrCode("subscriber blocked", "no credit, barred or a bad SIM", _U, "no", "no", "5.2.1"),
    21: ErrCode(
        "service not supported", "phone does not support this kind of message", _U, "no", "no", "5.3.3"
    ),
    200: ErrCode("virtual sending", "account is in test mode, nothing was sent", None, "no", "no", "2.1.5"),
    219: ErrCode(
        "SIM replaced",
        "senders with letters are barred for a day after it",
        _U,
        "day",
        "no",
        "5.2.1",
        "4.2.1",
    ),
    220: ErrCode(
        "operator queue full", "too many wait for the subscriber", _U, "minutes", "maybe", "5.2.2", "4.2.2"
    ),
    237: ErrCode("no answer", "call was not answered", _U, "minutes", "no", "5.4.1", "4.4.1"),
    238: ErrCode(
        "no template", "only texts of templates are allowed, this is none", _R, "no", "maybe", "5.7.1"
    ),
    239: ErrCode(
        "forbidden IP", "request came from an address that is not allowed", _R, "by hand", "yes", "5.7.1"
    ),
    240: ErrCode("subscriber busy", "line busy or call rejected", _U, "minutes", "no", "5.2.1", "4.2.1"),
    241: ErrCode(
        "conversion error", "sound not converted, or not all parts were passed on", _U, "no", "no", "5.6.5"
    ),
    242: ErrCode("answering machine", "a machine took the call", _U, "no", "no", "5.2.1"),
    243: ErrCode("no contract", "advertising or mass sending needs one", _R, "no", "yes", "5.7.1"),
    244: ErrCode(
        "mailing prohibited", "no mass sending for this account, or a bad link", _R, "no", "maybe", "5.7.1"
    ),
    245: ErrCode("status not received", "operator said nothing for a day", UNKNOWN, "no", "no", ""),
    246: ErrCode("time limit", "outside the account's hours", _R, "hours", "maybe", "5.7.1", "4.7.1"),
    247: ErrCode("daily message limit", "account's messages of a day", _R, "day", "yes", "5.7.1", "4.7.1"),
    248: ErrCode("no route", "service has no way to this number", _U, "no", "yes", "5.4.4"),
    249: ErrCode("bad number format", "code and length do not fit", _R, "no", "no", "5.1.3"),
    250: ErrCode("number forbidden by settings", "by the account itself", _R, "no", "maybe", "5.7.1"),
    251: ErrCode("limit per number", "a day's, or too many in a row", _R, "day", "maybe", "5.7.1", "4.7.1"),
    252: ErrCode("number not permitted", "such as a number of the service", _R, "no", "no", "5.7.1"),
    253: ErrCode("spam filter", "text or sender is forbidden", _R, "no", "maybe", "5.7.1"),
    254: ErrCode("unregistered sender", "sender is not registered", _R, "no", "maybe", "5.7.1"),
    255: ErrCode("rejected by operator", "for no stated reason", _U, "once", "maybe", "5.0.0"),
}
"""Of SMS, HLR requests, calls and messengers."""

MAIL_ERRORS: Final[Mapping[int, ErrCode]] = {
    0: ErrCode("no error", "recipient exists", None, "no", "no", "2.1.5"),
    1: ErrCode("recipient does not exist", "no such address", _U, "no", "no", "5.1.1"),
    2: ErrCode("mailbox full", "recipient's server refused it", _U, "hours", "no", "5.2.2", "4.2.2"),
    3: ErrCode("recipient server not found", "mail domain not found", _U, "no", "no", "5.1.2"),
    4: ErrCode("mailbox locked", "recipient's server says so", _U, "no", "no", "5.2.1"),
    239: ErrCode(
        "forbidden IP", "request came from an address that is not allowed", _R, "by hand", "no", "5.7.1"
    ),
    245: ErrCode("status not received", "nothing was heard for a day", UNKNOWN, "no", "no", ""),
    248: ErrCode("no route", "service has no way to this address", _U, "no", "yes", "5.4.4"),
    249: ErrCode("bad format", "address is malformed", _R, "no", "no", "5.1.3"),
    252: ErrCode("address prohibited", "such as one in the blacklist", _R, "no", "no", "5.7.1"),
    253: ErrCode("spam filter", "text or sender's address is forbidden", _R, "no", "no", "5.7.1"),
    254: ErrCode("unregistered sender", "sender's address is not registered", _R, "no", "no", "5.7.1"),
    255: ErrCode("rejected by the recipient's server", "for no stated reason", _U, "once", "no", "5.0.0"),
}
"""Of e-mail."""

STATUS_NOT_RECEIVED: Final = 245

TYPES: Final[Mapping[int, str]] = {
    0: "SMS",
    1: "Flash",
    2: "binary",
    3: "WAP-push",
    4: "HLR",
    5: "Ping",
    6: "MMS",
    7: "call",
    8: "e-mail",
    10: "Viber",
    12: "social networks",
}
"""What `type` means. These are not the numbers of `format` in a mail to the service."""
TYPE_MAIL: Final = 8

TEMPLATE_KINDS: Final = ("service", "transactional", "authorisation", "advertising")


class Flag(NamedTuple):
    """What the bits of `flag` say."""

    type: int
    second_balance: bool  # paid from the electronic balance
    template: str  # of TEMPLATE_KINDS; "": no message of a template


def read_flag(flag: int) -> Flag:
    """The bits of `flag`; those nobody described are left out."""
    template = TEMPLATE_KINDS[flag >> 9 & 3] if flag & 0x100 else ""
    return Flag(flag & 0xF, bool(flag & 0x20), template)


def flag_of(flag: Flag) -> int:
    """The number that `read_flag` reads. ValueError for a kind of template that is none."""
    template = 0x100 | TEMPLATE_KINDS.index(flag.template) << 9 if flag.template else 0
    return flag.type & 0xF | flag.second_balance << 5 | template


class Outcome(NamedTuple):
    """A status in the words of SMPP and SMTP."""

    state: int  # SMPP message_state
    stat: str  # its word in a receipt
    final: bool
    error: str  # three digits for the receipt
    enhanced: str  # SMTP enhanced code of the report; "": none, it is under way or its end unknown
    retry_here: bool  # the same route may do better later, by itself
    retry_elsewhere: bool  # another upstream may do better


def outcome(status: int, err: int, *, is_mail: bool = False) -> Outcome:
    """What a status and its error mean; neither number needs to be a known one.

    An unknown status from 5 is taken for 20, an unknown one below zero for -1. `err` changes the state only
    of what failed, and ends the wait for what was transferred if the operator's answer never came. That
    "maybe" is a yes here: the row of the error says which of the two it is.
    """
    number = status if status in STATUSES else (-1 if status < 0 else 20)
    row = STATUSES[number]
    why = (MAIL_ERRORS if is_mail else ERRORS).get(err)
    error = f"{err:03}" if 0 <= err <= 999 else "999"
    lost = number == 0 and err == STATUS_NOT_RECEIVED
    failed = lost or (row.final and number not in DELIVERED_STATUSES)
    if not failed or why is None or err in (0, 200):
        return _outcome(row.state, row.final, error, row.enhanced, row.again, row.elsewhere)
    again, elsewhere = (why.again, why.elsewhere) if lost or number in _BY_ERR else (row.again, row.elsewhere)
    if number == 25 and why.elsewhere == "no":
        elsewhere = "no"
    state = row.state if why.state is None else why.state
    return _outcome(state, True, error, why.enhanced, again, elsewhere)


def _outcome(
    state: int, final: bool, error: str, enhanced: str, again: Again, elsewhere: Elsewhere
) -> Outcome:
    stat = STATE_WORDS[state]
    return Outcome(
        state, stat, final, error, enhanced, again not in ("no", "by hand"), elsewhere in ("maybe", "yes")
    )
