"""Numbers with which the SMSC service refuses a request (SMSC HTTP API, error_code).

1, 2, 4 and 9 mean the same everywhere; the others have a meaning in each script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.sms.receipts import REJECTED, UNDELIVERABLE

PARAMETERS: Final = 1
AUTHORISE: Final = 2
NO_MONEY: Final = 3
BLOCKED: Final = 4
DATE: Final = 5
DENIED: Final = 6
NUMBER: Final = 7
UNDELIVERABLE_NUMBER: Final = 8
TOO_MANY: Final = 9
CAPTCHA: Final = 10
"""The numbers as send.php means them."""

WITH_ID: Final = frozenset({NO_MONEY, DENIED, NUMBER, UNDELIVERABLE_NUMBER})
"""After these send.php names an id: the message is registered and its status can be asked for."""

ESME_RSYSERR: Final = 0x08
ESME_RINVSRCADR: Final = 0x0A
ESME_RINVDSTADR: Final = 0x0B
ESME_RMSGQFUL: Final = 0x14
ESME_RSUBMITFAIL: Final = 0x45
ESME_RTHROTTLED: Final = 0x58
ESME_RINVSCHED: Final = 0x61

_UNREGISTERED_SENDER = 254


class SendError(NamedTuple):
    """What a number of send.php means for the message that was to be sent."""

    text: str
    command_status: int  # SMPP v3.4 §5.1.3, while its sender waits for an answer
    smtp: str  # reply code and enhanced code, likewise
    state: int  # SMPP message_state of its receipt, if the gateway has accepted it before
    permanent: bool  # the same request will never do here
    failover: bool  # another upstream may take it


_FAULT = (ESME_RSYSERR, "451 4.3.0", UNDELIVERABLE, False, True)

SEND_ERRORS: Final[Mapping[int, SendError]] = {
    PARAMETERS: SendError("bad parameters", ESME_RSUBMITFAIL, "550 5.5.4", REJECTED, True, False),
    AUTHORISE: SendError(
        "wrong login or password, or address not allowed",
        ESME_RSYSERR,
        "451 4.3.5",
        UNDELIVERABLE,
        False,
        True,
    ),
    NO_MONEY: SendError("not enough money", ESME_RMSGQFUL, "451 4.3.0", UNDELIVERABLE, False, True),
    BLOCKED: SendError(
        "address blocked for some time", ESME_RTHROTTLED, "451 4.3.2", UNDELIVERABLE, False, True
    ),
    DATE: SendError("bad date", ESME_RINVSCHED, "550 5.5.4", REJECTED, True, False),
    DENIED: SendError("message forbidden", ESME_RSUBMITFAIL, "550 5.7.1", REJECTED, True, False),
    NUMBER: SendError("bad phone number", ESME_RINVDSTADR, "550 5.1.3", REJECTED, True, False),
    UNDELIVERABLE_NUMBER: SendError(
        "cannot be delivered to this number", ESME_RINVDSTADR, "550 5.4.4", UNDELIVERABLE, True, True
    ),
    TOO_MANY: SendError(
        "the same again within a minute, or too many requests",
        ESME_RTHROTTLED,
        "451 4.4.5",
        UNDELIVERABLE,
        False,
        False,
    ),
    CAPTCHA: SendError("wrong captcha code", ESME_RSUBMITFAIL, "550 5.7.1", REJECTED, True, False),
}
"""A 6 may be tried elsewhere where that is a policy; a 9 is worth a wait of a minute."""

UNKNOWN_ERROR: Final = SendError("unknown error of the service", *_FAULT)
NO_ANSWER: Final = SendError(
    "no answer of the service", ESME_RSYSERR, "451 4.4.1", UNDELIVERABLE, False, True
)
"""The connection failed, or what came is no answer; the message may have been accepted."""


def send_error(number: int, err: int = 0) -> SendError:
    """What `number` of send.php means; `err` is the error of the one number it was to go to, if known."""
    found = SEND_ERRORS.get(number, UNKNOWN_ERROR)
    if number == DENIED and err == _UNREGISTERED_SENDER:
        return found._replace(command_status=ESME_RINVSRCADR)
    return found


_COMMON = {
    PARAMETERS: "bad parameters",
    AUTHORISE: "wrong login or password, or address not allowed",
    BLOCKED: "address blocked for some time",
    TOO_MANY: "too many requests",
}
_CONTACTS = {3: "no records found", 5: "operation failed"}

MEANINGS: Final[Mapping[str, Mapping[int, str]]] = {
    script: _COMMON | own
    for script, own in {
        "send.php": {
            3: "not enough money",
            5: "bad date",
            6: "message forbidden by its text, its sender or for want of a contract",
            7: "bad phone number",
            8: "cannot be delivered to this number",
            9: "the same again within a minute, or too many requests",
            10: "wrong captcha code",
        },
        "jobs.php": {3: "record not saved", 5: "bad date"},
        "status.php": {5: "message not deleted"},
        "balance.php": {},
        "phones.php": _CONTACTS,
        "mails.php": _CONTACTS,
        "users.php": {
            3: "no records found",
            5: "operation failed",
            6: "no sub-client with this login",
            7: "sub-login shares the main balance, or an electronic balance needs balance2=1",
            8: "record not saved",
            10: "not enough money to credit",
        },
        "documents.php": {5: "invoice not created", 6: "sub-login not found", 7: "document not found"},
        "senders.php": {
            3: "sender name not found",
            5: "not saved or not deleted",
            7: "bad phone number",
            8: "code cannot be delivered to this number",
            10: "code was already sent, try again after 8 hours",
            11: "wrong code",
        },
        "templates.php": {3: "record not found", 5: "not saved or not deleted"},
        "op_templates.php": {},
        "ping.php": {3: "task group not found"},
        "get.php": {3: "message not found"},
        "info.php": {3: "operator not found"},
        "tinyurls.php": {3: "link not found"},
        "receive_phones.php": {3: "not enough money to rent the number"},
        "wait_call.php": {3: "not enough money", 5: "number is in the client's blacklist"},
        "downloads.php": {5: "task or file not found"},
    }.items()
}
"""By script; the 3 of get.php is one of get_messages alone."""

ERROR_TEXTS: Final[Mapping[int, str]] = {
    1: "parameters error",
    2: "authorise error",
    3: "no money",
    6: "message is denied",
    7: "invalid number",
    8: "can't to deliver",
    9: "duplicate request, wait a minute",
}
"""What the service has been seen to write; 3, 6, 7 and 8 in send.php."""

_EVERYWHERE = frozenset({1, 2, 9})


def meaning(script: str, number: int) -> str:
    """What a number means in a script ("send.php"), for people; never empty."""
    return MEANINGS.get(script, _COMMON).get(number, "unknown error")


def error_text(script: str, number: int) -> str:
    """The description in an answer, as the service writes it where that is known, else our own words."""
    if number in _EVERYWHERE or script == "send.php":
        known = ERROR_TEXTS.get(number)
        if known is not None:
            return known
    return meaning(script, number)
