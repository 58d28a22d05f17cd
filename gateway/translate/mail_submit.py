"""A mail's recipient, text and wishes to the draft of a message, and refusals to SMTP replies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from gateway.config.mail_model import AccountMail
from gateway.core.errors import Refusal
from gateway.core.model import Draft, Message, Notify
from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted
from protocols.mail.message import Style
from protocols.sms.addresses import (
    NPI_ISDN,
    NPI_UNKNOWN,
    TON_INTERNATIONAL,
    TON_UNKNOWN,
    digits_of,
    guess_source_ton_npi,
)
from protocols.sms.alphabet import Alphabet

FLASH = 0x10
"""data_coding: message class 0, to the display (3GPP TS 23.038 §4)."""

REFUSALS: dict[Refusal, tuple[str, str]] = {
    Refusal.RATE: ("451 4.7.1", "the account's rate is used up, try again later"),
    Refusal.QUEUE_FULL: ("452 4.3.1", "the queue is full, try again later"),
    Refusal.STORE: ("451 4.3.0", "the queue cannot be written, try again later"),
    Refusal.STOPPING: ("421 4.3.2", "the gateway stops, try again later"),
    Refusal.SOURCE: ("550 5.7.1", "the account may not use this SMS sender"),
    Refusal.DESTINATION: ("550 5.1.3", "this is no number that SMS can be sent to"),
    Refusal.NO_ROUTE: ("550 5.4.4", "no route leads to this number"),
    Refusal.ROUTE: ("550 5.7.1", "this gateway does not send such a message"),
    Refusal.TOO_LONG: ("554 5.2.3", "the text needs more segments than the account may send"),
    Refusal.VALIDITY: ("550 5.5.4", "the validity is over before the SMS may go out"),
    Refusal.SCHEDULE: ("550 5.5.4", "the time to send at is malformed"),
    Refusal.SERVICE_TYPE: ("550 5.7.1", "the account may not ask for this kind (service_messages)"),
    Refusal.SERVICE_OPTIONS: ("550 5.7.1", "the account may not ask for such options (service_messages)"),
    Refusal.OPTION_VALUE: ("550 5.5.4", "an option of the message is not as the service takes it"),
    Refusal.TLV: ("550 5.7.1", "the account may not send such an option"),
    Refusal.NUMBER: ("550 5.1.1", "this number does not exist, or gets no SMS (number_check)"),
    Refusal.DENIED: ("550 5.7.1", "the account may not write to this number"),
    Refusal.BLACKLIST: ("550 5.7.1", "this number wants no SMS"),
    # Mails that come again later are taken then. Repeated ones too: their senders may have missed our answer.
    Refusal.PER_DAY: ("451 4.7.1", "the account's limit of this day is used up, try again tomorrow"),
    Refusal.PER_NUMBER: ("451 4.7.1", "this number's limit of this day is used up, try again tomorrow"),
    Refusal.PER_TEXT: ("451 4.7.1", "this number got this text often enough today, try again tomorrow"),
    Refusal.PER_ADDRESS: ("451 4.7.1", "your address's limit of this day is used up, try again tomorrow"),
    Refusal.FLOOD: ("451 4.7.1", "too many SMS to this number in a row, try again later"),
    Refusal.HOURS: ("550 5.7.1", "the account sends nothing at this hour"),
    Refusal.REPEATED: ("451 4.7.1", "this number got the same SMS a moment ago, try again later"),
    Refusal.BALANCE: ("451 4.7.1", "the account's balance does not suffice, try again later"),
    Refusal.NO_PRICE: ("550 5.7.1", "the account has no price for this number"),
    Refusal.SPECIAL: ("550 5.7.1", "the account may not send this kind of message"),
    Refusal.MALFORMED_TEXT: ("554 5.6.0", "the text is malformed"),
    Refusal.RECEIPT_CLASS: ("554 5.6.0", "the text is malformed"),
}

_REPORTS = {
    "failure": Notify.FAILURE,
    "always": Notify.SUCCESS | Notify.FAILURE,
    "never": Notify(0),
}
# SMPP v3.4 §5.2.17: 1 every end, 2 only failures, 3 only success.
_REGISTERED = {
    Notify(0): 0,
    Notify.SUCCESS: 3,
    Notify.FAILURE: 2,
    Notify.SUCCESS | Notify.FAILURE: 1,
}


def style_of(mail: AccountMail, *, seeks_numbers: bool) -> Style:
    """How an account's mails are read; numbers in them are text where its address has said them already."""
    return Style(
        subject=mail.subject,
        sender=mail.sender,
        text=mail.text,
        cut_quotes=mail.cut_quotes,
        cut_signature=mail.cut_signature,
        empty_text=mail.empty_text,
        numbers_in_subject=mail.numbers_in_subject and seeks_numbers,
        numbers_in_body=mail.numbers_in_body and seeks_numbers,
        service_form=False,
    )


def error_of(refusal: Refusal) -> MailError:
    """What a mail's sender is told of a refusal."""
    return MailError(*REFUSALS[refusal])


def notify_of(asked: int | None, report: str, *, may_answer: bool) -> Notify:
    """When the sender hears of this recipient: as he asked, else as the account wants.

    Nobody hears anything of a mail that must not be answered (RFC 3461 §4.1, RFC 3834 §2).
    """
    if not may_answer:
        return Notify(0)
    return _REPORTS[report] if asked is None else Notify(asked)


def draft_of(
    fitted: Fitted,
    number: str,
    source: str,
    *,
    notify: Notify,
    priority: int = 0,
    flash: bool = False,
    due_ms: int = 0,
) -> Draft:
    """The SMS to one number (digits); `source` "": the SMSC's choice."""
    source_ton, source_npi = guess_source_ton_npi(source) if source else (TON_UNKNOWN, NPI_UNKNOWN)
    data_coding = 0 if fitted.alphabet is Alphabet.GSM7 else 8
    if flash:
        data_coding = FLASH if data_coding == 0 else FLASH | 8
    return Draft(
        service_type="",
        source_ton=source_ton,
        source_npi=source_npi,
        source=source,
        destination_ton=TON_INTERNATIONAL,
        destination_npi=NPI_ISDN,
        destination=number,
        esm_class=0,
        protocol_id=0,
        priority=priority,
        registered_delivery=_REGISTERED[notify & (Notify.SUCCESS | Notify.FAILURE)],
        data_coding=data_coding,
        user_data=fitted.user_data,
        tlvs=b"",
        segments=fitted.segments,
        due_ms=due_ms,
        expires_ms=0,
        validity_period="",
    )


def recipient_of(message: Draft | Message) -> str:
    """Whom it goes to: digits, or the address among its options, which only an SMSC service can write to."""
    if message.destination:
        return message.destination
    from gateway.translate.smsc_options import options_of  # hardly anybody needs it

    return options_of(message.service_type, message.tlvs).to


def own_number_of(message: Draft | Message) -> str:
    """Our number that answers to this SMS come to, in digits; "": a name, or the SMSC's choice."""
    digits = digits_of(message.source, message.source_ton)
    return digits if digits.isdecimal() else ""


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # which a machine without a time zone database knows too
        return UTC
    from zoneinfo import ZoneInfo  # hardly any configuration needs it

    return ZoneInfo(name)


def opening_ms(hours: str, time_zone: str, now_ms: int) -> int:
    """When an SMS may go out: 0 at once, else the next beginning of the hours "h1-h2", in milliseconds."""
    if not hours:
        return 0
    first, last = (int(hour) % 24 for hour in hours.split("-"))
    now = datetime.fromtimestamp(now_ms / 1000, _zone(time_zone))
    is_open = first <= now.hour < last if first < last else now.hour >= first or now.hour < last
    if is_open:
        return 0
    opening = now.replace(hour=first, minute=0, second=0, microsecond=0)
    if opening <= now:
        opening += timedelta(days=1)  # by the wall: the hour stays the same when clocks change
    return int(opening.timestamp() * 1000)
