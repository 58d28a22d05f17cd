"""What is kept of messages that came over HTTP, and of what an account is told over HTTP.

Tuples with names, because they cross to the store's process; their fields are the store's columns, in this
order. Money is in millionths of the account's currency, times are milliseconds since 1970.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the store's process needs none of it
    from gateway.config.account_model import Account

NEWEST_API_ID = "http:api_id"
"""The mark (Batch.marks) of the id that a request was given last."""


WAIT_CALL = b"\x1b<waitcall\x1b>"
"""An incoming SMS with this text (GSM 7 bit) and without a number that it came to: its sender has called."""


class ApiFlag(IntFlag):
    """What else is known of a message: `ApiMessage.flags`."""

    MASS = 1  # one of several of a request
    HIDDEN = 2  # its sender has deleted it
    CLICKED = 4  # its short link was opened
    JSON = 8  # it came by /v1


class ApiUse(IntFlag):
    """How an account wants to hear of things: `Batch.api_accounts`."""

    HANDLER = 1  # statuses and incoming SMS, as the SMSC service calls
    WEBHOOK = 2  # the same as a webhook
    INBOX = 4  # incoming SMS are kept to be asked for
    NO_SESSIONS = 8  # incoming SMS do not go to its sessions


def use_of(account: Account) -> int:
    """The ApiUse bits of an account, as `Batch.api_accounts` takes them; 0: it has no HTTP."""
    if account.http is None:
        return 0
    use = ApiUse.INBOX
    if account.http.handler:
        use |= ApiUse.HANDLER | ApiUse.NO_SESSIONS
    if account.http.webhook:
        use |= ApiUse.WEBHOOK | ApiUse.NO_SESSIONS
    return int(use)


class ApiMessage(NamedTuple):
    """A message to one recipient that came over HTTP."""

    message_id: int
    account: str
    api_id: str  # what its client calls it, or a number that we gave; recipients of one request share it
    phone: str  # as answers name it: digits, a mail address, a name
    sender: str
    kind: int  # the service's code of its type, SMSC HTTP API §3.3
    parts: int  # SMS, or seconds of a call
    cost: int
    comment: str
    flags: int  # see ApiFlag


class CallKind(IntEnum):
    """What a call tells. The number is a column of the store."""

    STATUS = 1  # a message has ended
    INCOMING = 2  # an SMS came
    CLICK = 3  # a short link was opened
    WAITCALL = 4  # a subscriber has called (SMSC HTTP API §4.4)


class CallTarget(IntEnum):
    """Who is called. The number is a column of the store."""

    HANDLER = 0
    WEBHOOK = 1


class Call(NamedTuple):
    """One request to an account's handler or webhook, with all that it says."""

    call_id: int
    target: int
    tries: int
    account: str
    kind: int
    created_ms: int
    message_id: int  # of INCOMING: the id under which it is in the inbox
    api_id: str  # of INCOMING: of the message that it answers, "": none
    phone: str  # the subscriber
    own_number: str  # of INCOMING: where it came to; else the sender
    state: int  # MessageState
    error: str
    done_ms: int  # of INCOMING: when it was received
    sms_type: int
    parts: int
    cost: int
    comment: str
    esm_class: int  # of INCOMING, with the two after it: its text
    data_coding: int
    user_data: bytes
    info: str  # what else a receipt says, see gateway.translate.hlr


class Contact(NamedTuple):
    """An entry of an account's address book."""

    contact_id: int
    account: str
    is_mail: int  # 1: of mails.php
    numbers: str  # digits or addresses, joined by spaces
    groups: str  # ids of its groups, joined by spaces
    name: str
    last_name: str
    first_name: str
    middle_name: str
    birthday: str  # dd.mm.yyyy or ""
    own_id: str
    comment: str
    tags: str
    others: str  # other numbers, never used for sending
