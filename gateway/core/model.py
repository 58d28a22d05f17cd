"""The values that travel through the gateway.

A *message* is what a customer sent; a *segment* is one SMS of it; a *receipt* is what became of it;
a *delivery* is what we bring down to an account (a receipt, or an incoming SMS).

Messages and deliveries are tuples with names: they cross to the store's process and come back as plain
tuples, thousands in one batch, and a tuple is the cheapest thing that can do so.  Times are integers,
milliseconds since 1970 in UTC, and end in `_ms`; only what people read is made a datetime.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum, IntFlag
from typing import NamedTuple


class MessageState(IntEnum):
    """What became of a message.  SMPP v5.0 §4.7.15."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


FINAL_STATES = frozenset(
    {
        MessageState.DELIVERED,
        MessageState.EXPIRED,
        MessageState.DELETED,
        MessageState.UNDELIVERABLE,
        MessageState.UNKNOWN,
        MessageState.REJECTED,
        MessageState.SKIPPED,
    }
)
"""A receipt with one of these ends the message.  ACCEPTED is not among them: SMSCs send ACCEPTD when
the handset's network took the SMS and the final receipt afterwards."""


class Progress(IntEnum):
    """Where a live message stands.  The number is a column of the store."""

    QUEUED = 0  # on disk, waits for room in a connector's window, or for its time
    SENT = 1  # each segment is on its way or waits for its receipt (see Attempt)
    HELD = 2  # in doubt, and the route's policy says that a person decides
    GATHERED = 3  # a sender's own segment that waits for the others
    CARRIED = 4  # such a segment whose text goes up with that of another one, and ends with it
    PAUSED = 5  # a person keeps it from being sent, and nothing of it was


class Attempt(IntEnum):
    """Where a segment stands at its connector.  The number is a column of the store."""

    INTENT = 0  # committed before its first byte went up
    SUBMITTED = 1  # the SMSC took it and gave it an id
    DOUBT = 2  # sent, but nobody knows whether it was taken
    DONE = 3  # its receipt came; kept a while so that a repeated receipt is known


class OnAmbiguous(IntEnum):
    """What to do with a segment that may or may not have been taken upstream."""

    RESEND_ONCE = 0
    RESEND = 1
    HOLD = 2
    FAIL = 3


class Origin(IntEnum):
    """How a message came in, and so how its end is reported.  The number is a column of the store."""

    SESSION = 0  # over SMPP: receipts go to the account's sessions
    MAIL = 1  # by mail: reports go to the mail's sender
    HTTP = 2  # over HTTP: its client asks, or is called


class Wish(IntFlag):
    """What else a sender wants: `Message.flags`, a column of the store."""

    PER_PART = 1  # a receipt for each segment instead of one for all
    REPLACE = 2  # replace_if_present: an earlier one to the same number that still waits gives way
    WHOLE = 4  # its segments are the sender's own, and go up joined
    ONE_PDU = 8  # and then in one PDU, which the SMSC splits
    CHARGED = 16  # it has a row in `charge`: something may have to be given back at its end
    ON_REFUSED = 32  # its route's next connector takes over when the SMSC refuses it for good,
    ON_THROTTLED = 64  # or says twice that it is too much
    STAYS_DOWN = 128  # it waits for its connector while that is down,
    STAYS_SILENT = 1 << 32  # or answers nothing
    CALLED = 1 << 33  # its account's handler and webhook are called with its end

    @staticmethod
    def failover_flags(kinds: Collection[str]) -> int:
        """A route's `failover` as flags; 0: down and silent."""
        flags = 0 if "down" in kinds else Wish.STAYS_DOWN.value
        flags |= 0 if "silent" in kinds else Wish.STAYS_SILENT.value
        flags |= Wish.ON_REFUSED.value if "refused" in kinds else 0
        return flags | (Wish.ON_THROTTLED.value if "throttled" in kinds else 0)

    @staticmethod
    def default_message(sm_default_msg_id: int) -> int:
        """The number of a canned message (SMPP v3.4 §5.2.27) as flags."""
        return sm_default_msg_id << 8

    @staticmethod
    def behind(first: int) -> int:
        """As flags: this message is so many places behind the first one of its submit_multi, whose id its
        receipts bear. Below 1 << 16."""
        return first << 16


class Draft(NamedTuple):
    """A message as it came, checked for form by its translator; the first fields are Message's."""

    service_type: str
    source_ton: int
    source_npi: int
    source: str
    destination_ton: int
    destination_npi: int
    destination: str
    esm_class: int
    protocol_id: int
    priority: int
    registered_delivery: int
    data_coding: int
    user_data: bytes
    tlvs: bytes
    segments: int
    due_ms: int
    expires_ms: int  # 0: the default validity
    validity_period: str
    flags: int = 0  # see Wish
    part: tuple[int, int, int] | None = None
    """Of a segment that the sender made itself: reference, total and its number. References of 8 bits, of 16
    bits (from 1 << 16) and of SAR TLVs (from 1 << 17) are different ones."""
    client_id: str = ""
    """What its sender calls it, if anything; see `Message.client_id`."""
    address: str = ""
    """The IP address it came from; empty: none, as by a Unix socket."""
    sent_as: str = ""
    """Set by a route that changes its addresses, see `gateway.core.sent_as`."""


class Message(NamedTuple):
    """A message that we took responsibility for.  The fields are the store's columns, in this order."""

    message_id: int
    account: str
    accepted_ms: int
    service_type: str
    source_ton: int
    source_npi: int
    source: str
    destination_ton: int
    destination_npi: int
    destination: str
    esm_class: int
    protocol_id: int
    priority: int
    registered_delivery: int
    data_coding: int
    user_data: bytes  # as in short_message or message_payload: with UDH when esm_class says so
    tlvs: bytes  # the TLVs to pass on, as on the wire
    segments: int
    connector: str
    alternatives: str  # the route's connectors, in order, separated by spaces
    on_ambiguous: int
    due_ms: int  # not before; 0: at once, and before those of 0 what is below it, by its priority
    expires_ms: int
    validity_period: str  # as the sender gave it, for the SMSC; empty: not given; or UNTIL_EXPIRY
    retries: int  # times that an SMSC said "not now"
    origin: int = 0
    flags: int = 0  # see Wish
    route: str = ""  # the name of the route that was found
    client_id: str = ""  # what its sender calls it: user_message_reference, the id of a mail's form
    sent_as: str = ""  # its addresses on the way up; empty: as they came, see gateway.core.sent_as


class Delivery(NamedTuple):
    """What goes down to an account: a receipt (`state` is set) or an incoming SMS (`state` is -1).

    Source and destination are those of the PDU that goes down, so a receipt's source is the number that
    the message went to.  The fields are the store's columns, in this order.
    """

    delivery_id: int
    account: str
    message_id: int  # 0 for an incoming SMS
    created_ms: int
    source_ton: int
    source_npi: int
    source: str
    destination_ton: int
    destination_npi: int
    destination: str
    esm_class: int
    protocol_id: int
    data_coding: int
    user_data: bytes  # of a receipt: the first octets of the message's text
    tlvs: bytes  # of a receipt: what else it says, see gateway.translate.hlr
    state: int
    error: str
    accepted_ms: int
    done_ms: int
    segments: int
    part: int = 0  # of a receipt for one segment alone: which; 0: it is of the whole message


UNTIL_EXPIRY = "R"
"""`Message.validity_period`: the SMSC is told what is left until `expires_ms`, whatever the sender gave."""
INCOMING = -1
"""`Delivery.state` of an incoming SMS."""


class Notify(IntFlag):
    """When a mail's sender wants a report of one recipient (RFC 3461 §4.1); none: never."""

    SUCCESS = 1
    FAILURE = 2
    DELAY = 4


class LetterKind(IntEnum):
    """Why we write a mail.  The number is a column of the store."""

    REPORT = 1  # a message that came by mail has ended
    DELAY = 2  # it still waits
    ANSWER = 3  # an incoming SMS that answers one
    INCOMING = 4  # an incoming SMS that a rule sends to a mailbox


class Letter(NamedTuple):
    """A mail to write: what has to be said, and of the mail and the message that it is about.

    The fields are what the store's `claim_letters` gives, in this order.  What a kind has no use for is
    empty: an incoming SMS has no message, and hardly any report a text.
    """

    letter_id: int
    kind: int
    recipient: str  # the mail address that it goes to
    created_ms: int
    tries: int
    message_id: int
    state: int  # of REPORT
    error: str
    done_ms: int
    number: str  # the subscriber's: whom the SMS went to, or came from
    own_number: str  # ours, of an incoming SMS
    text: str  # of an incoming SMS; of REPORT: what else the receipt says, see gateway.translate.hlr
    mail_id: int
    received_ms: int  # when that mail came
    envid: str  # of its envelope (RFC 3461 §4.4), decoded; empty: none
    header_id: str  # its Message-ID with the angle brackets; empty: none
    subject: str  # its Subject, decoded
    returned: bytes  # its header, or with RET=FULL all of it
    whole: bool  # `returned` is all of it
    address: str  # its recipient as RCPT TO gave it
    orcpt: str  # ORCPT as given: type;address, still in xtext; empty: none
    connector: str = ""  # by which the message ended; empty: none, or not known any more


def wants_receipt(registered_delivery: int, state: int) -> bool:
    """Whether a message's sender asked to hear of this end (SMPP v5.0 §4.7.21; `write_deliveries` in SQL)."""
    asked = registered_delivery & 3
    if asked == 2:
        return state not in (MessageState.DELIVERED, MessageState.ACCEPTED)
    return asked == 1 or (asked == 3 and state == MessageState.DELIVERED)
