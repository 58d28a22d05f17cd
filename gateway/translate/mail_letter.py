"""A letter to the mail that says it: reports and delay notices as DSNs, incoming SMS as plain mail.

What the SMSC said of a message becomes a code of RFC 3463 and words that a person understands.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from gateway.config.mail_model import Mail
from gateway.core.model import Letter, LetterKind, MessageState
from protocols.mail import dsn, letters
from protocols.sms.addresses import is_e164
from protocols.sms.receipts import STATE_WORDS

TRACE = "X-SMSC-Gateway"
"""The field by which we know our own mail when it comes back: mail_id@domain."""
_NAME = "SMS gateway"


class OutgoingMail(NamedTuple):
    """What goes to the smarthost; its envelope sender is <>, so nothing ever answers it."""

    recipient: str
    data: bytes
    needs_8bit: bool
    needs_utf8: bool  # SMTPUTF8: an address is outside ASCII


class Fate(NamedTuple):
    """What became of an SMS, for programs and for people."""

    action: str
    status: str
    why: str
    advice: str


_AGAIN = "Send it again later, if it still matters."
_CHECK_NUMBER = "Check the number. Sending the same again will not help."
_NO_USE = "Sending the same again will not help."
_BY_ITSELF = ("once", "minutes", "hours", "day")
"""When the service says that another try may do better."""
_ASK = "Ask whoever runs this gateway; the ids below help to find the message."

_STATES: dict[int, Fate] = {
    MessageState.DELIVERED: Fate("delivered", "2.0.0", "", ""),
    MessageState.ACCEPTED: Fate(
        "relayed",
        "2.0.0",
        "The SMS centre has taken it. It was not asked to say what becomes of it.",
        "",
    ),
    MessageState.EXPIRED: Fate(
        "failed",
        "5.4.7",
        "Its time was over before it could be delivered: the phone was off or out of reach, "
        "or the way there was closed.",
        _AGAIN,
    ),
    MessageState.DELETED: Fate("failed", "5.7.0", "It was deleted before it was delivered.", _ASK),
    MessageState.UNDELIVERABLE: Fate(
        "failed", "5.0.0", "The SMS centre could not deliver it.", "Check the number. " + _AGAIN
    ),
    MessageState.REJECTED: Fate("failed", "5.7.1", "The SMS centre refused it.", _ASK),
    MessageState.SKIPPED: Fate("failed", "5.0.0", "The SMS centre left it out.", _ASK),
    MessageState.UNKNOWN: Fate(
        "failed",
        "5.4.7",
        "Nobody knows whether it was delivered: no final word came. It may have arrived.",
        "Ask the recipient before you send it again.",
    ),
}

# Errors of GSM (3GPP TS 29.002 §17.6) as SMSCs put them into receipts.
_NETWORK_ERRORS: dict[int, Fate] = {
    1: Fate("failed", "5.1.1", "The number is not in use.", _CHECK_NUMBER),
    6: Fate("failed", "5.4.7", "The phone was off or out of reach for too long.", _AGAIN),
    11: Fate("failed", "5.2.1", "The number cannot take SMS.", "Reach the recipient by another way."),
    12: Fate("failed", "5.3.0", "The phone or its SIM card could not take it.", _AGAIN),
    13: Fate("failed", "5.2.1", "The number is barred.", "Reach the recipient by another way."),
    21: Fate("failed", "5.3.3", "The phone does not know this kind of SMS.", _ASK),
}

# What the SMSC said to submit_sm, or we ourselves.
_REFUSALS: dict[str, Fate] = {
    "ESME_RINVDSTADR": Fate("failed", "5.1.1", "The SMS centre does not take this number.", _CHECK_NUMBER),
    "ESME_RINVDSTTON": Fate("failed", "5.1.1", "The SMS centre does not take this number.", _CHECK_NUMBER),
    "ESME_RINVSRCADR": Fate("failed", "5.1.8", "The SMS centre does not take this SMS sender.", _ASK),
    "ESME_RINVSRCTON": Fate("failed", "5.1.8", "The SMS centre does not take this SMS sender.", _ASK),
    "ESME_RINVMSGLEN": Fate("failed", "5.2.3", "It is too long for the SMS centre.", "Send a shorter text."),
    "ESME_RINVDCS": Fate("failed", "5.6.1", "The SMS centre does not take this alphabet.", _ASK),
    "ESME_RINVSCHED": Fate("failed", "5.5.4", "The SMS centre does not take its time to send at.", _ASK),
    "ESME_RINVEXPIRY": Fate("failed", "5.5.4", "The SMS centre does not take its validity.", _ASK),
    "unsendable": Fate("failed", "5.6.0", "It cannot be written as an SMS.", _ASK),
    "needs_smsc_service": Fate(
        "failed", "5.3.3", "Only an SMSC service can send this kind of message.", _ASK
    ),
    "service_command_in_text": Fate(
        "failed",
        "5.7.1",
        "Its text would be a command to the SMSC service, which you may not give.",
        "Send it without the line of three tildes, or the word between underscores at its beginning.",
    ),
    "text_over_1000_characters": Fate(
        "failed", "5.2.3", "It is too long for the SMSC service.", "Send a shorter text."
    ),
    "too_long_for_one_sms": Fate(
        "failed", "5.2.3", "It is too long for the SMSC service.", "Send a shorter text."
    ),
    "given up": Fate("failed", "5.7.0", "Somebody who runs this gateway gave it up.", _ASK),
}

_LATE = Fate(
    "delayed",
    "4.4.7",
    "The phone may be off or out of reach, or the SMS centre is slow. It is still being tried.",
    "You need not do anything. You will hear if it fails.",
)


def fate_of(state: int, error: str, *, service: bool = False, is_mail: bool = False) -> Fate:
    """What a final state (MessageState) and an SMSC's error mean; the error is believed where it is known.

    `service`: it is an error of an SMSC service, whose numbers mean more; `is_mail`: of an e-mail sent by it.
    """
    fate = _STATES.get(state) or _STATES[MessageState.UNKNOWN]
    if fate.action != "failed" or state == MessageState.UNKNOWN:
        return fate
    if error in _REFUSALS:
        return _REFUSALS[error]
    if service and (found := _service_fate(error, is_mail)) is not None:
        return found
    if _is_number(error) and state != MessageState.REJECTED:
        return _NETWORK_ERRORS.get(int(error[:9]), fate)
    return fate


def _is_number(error: str) -> bool:
    return error.isascii() and error.isdecimal()


def _service_fate(error: str, is_mail: bool) -> Fate | None:
    """What an SMSC service's error means: of a message, or of the request to send it (smsc_error_N)."""
    from protocols.smsc_http.errors import SEND_ERRORS  # only who has a service needs these
    from protocols.smsc_http.statuses import ERRORS, MAIL_ERRORS

    of_request = error.removeprefix("smsc_error_")
    if of_request != error and _is_number(of_request):
        said = SEND_ERRORS.get(int(of_request[:9]))
        if said is None:
            return None
        status = "5" + said.smtp.partition(" ")[2][1:]  # it is over, whether or not it could be tried again
        advice = _CHECK_NUMBER if status.startswith("5.1.") else _ASK if said.permanent else _AGAIN
        return Fate("failed", status, f"The SMSC service says: {said.text}.", advice)
    if not _is_number(error):
        return None
    number = int(error[:9])
    if not is_mail and number in _NETWORK_ERRORS:
        return _NETWORK_ERRORS[number]
    row = (MAIL_ERRORS if is_mail else ERRORS).get(number)
    if row is None or row.enhanced[:1] != "5":
        return None
    advice = _AGAIN if row.again in _BY_ITSELF else _ASK if row.again == "by hand" else _NO_USE
    return Fate("failed", row.enhanced, f"The SMSC service says: {row.name} ({row.meaning}).", advice)


def mail_of(
    letter: Letter,
    mail: Mail,
    now_ms: int,
    *,
    eight_bit: bool,
    max_size: int = 0,
    services: Container[str] = (),
) -> OutgoingMail:
    """The mail that a letter becomes; `eight_bit` tells whether the smarthost offers 8BITMIME.

    `services` are the connectors that are SMSC services.
    A report that would have over `max_size` octets (0: any) brings back a header instead of a whole mail.
    The same letter has the same Message-ID however often it is sent. ValueError when its recipient is no mail
    address.
    """
    if letter.kind in (LetterKind.REPORT, LetterKind.DELAY):
        fields, (entity, is_8bit) = _report(letter, mail, eight_bit, letter.connector in services)
    else:
        fields, entity, is_8bit = _sms_fields(letter, mail), letters.text_entity(letter.text), False
    domain = mail.domains[0]
    kind = LetterKind(letter.kind).name.lower()
    common = (
        letters.address_field("To", letter.recipient),
        letters.ascii_field("Date", letters.date(now_ms)),
        letters.ascii_field("Message-ID", f"<{kind}.{letter.letter_id}.{letter.created_ms}@{domain}>"),
        *letters.reference_fields(letter.header_id),
        letters.ascii_field(TRACE, f"{letter.mail_id}@{domain}"),
    )
    head = b"".join((*fields, *common))
    needs_utf8 = not head.isascii()
    data = letters.mail((head,), entity)
    if letter.whole and 0 < max_size < len(data):
        return mail_of(letter._replace(whole=False), mail, now_ms, eight_bit=eight_bit, services=services)
    return OutgoingMail(letter.recipient, data, is_8bit or needs_utf8, needs_utf8)


def _postmaster(mail: Mail) -> str:
    return mail.postmaster or f"postmaster@{mail.domains[0]}"


def _shown(number: str) -> str:
    return f"+{number}" if is_e164(number) else number


# -- incoming SMS ------------------------------------------------------------------------------------------


def _sms_fields(letter: Letter, mail: Mail) -> list[bytes]:
    shown = _shown(letter.number)
    if letter.number.isascii() and letter.number.isdecimal():
        address = f"{letter.number}@{mail.domains[0]}"
        fields = [letters.address_field(name, address, shown) for name in ("From", "Reply-To")]
    else:  # a name, or nothing: nobody can write back
        fields = [letters.address_field("From", _postmaster(mail), shown or _NAME)]
    if letter.kind == LetterKind.ANSWER and letter.subject:
        again = letter.subject[:3].lower() == "re:"
        subject = letter.subject if again else f"Re: {letter.subject}"
    else:
        subject = f"SMS from {shown or 'an unknown number'}"
        subject += f" to {_shown(letter.own_number)}" if letter.own_number else ""
    return [*fields, letters.text_field("Subject", subject), b"Auto-Submitted: auto-generated\r\n"]


# -- reports -----------------------------------------------------------------------------------------------


def _report(letter: Letter, mail: Mail, eight_bit: bool, service: bool) -> tuple[list[bytes], dsn.Report]:
    is_late = letter.kind == LetterKind.DELAY
    is_mail = "@" in letter.number
    fate = _LATE if is_late else fate_of(letter.state, letter.error, service=service, is_mail=is_mail)
    status = dsn.Status(
        reporting_mta=mail.domains[0],
        envid=letter.envid,
        arrival_ms=letter.received_ms,
        orcpt=letter.orcpt,
        recipient=letter.address or f"{letter.number}@{mail.domains[0]}",
        action=fate.action,
        status=fate.status,
        diagnostic="" if is_late else _diagnostic(letter),
        last_attempt_ms=0 if is_late else letter.done_ms,
        retry_until_ms=letter.done_ms if is_late else 0,
    )
    what = f"{_what(letter)} {_outcome(fate, letter.state)}"
    if letter.text:
        what = f"What is known of {_shown(letter.number)}"
    fields = [
        letters.address_field("From", _postmaster(mail), _NAME),
        letters.text_field("Subject", what[0].upper() + what[1:]),
        b"Auto-Submitted: auto-replied\r\n",
    ]
    text = _words(letter, fate, what, status.diagnostic)
    return fields, dsn.report(text, status, letter.returned, whole=bool(letter.whole), eight_bit=eight_bit)


def _what(letter: Letter) -> str:
    return f"mail to {letter.number}" if "@" in letter.number else f"SMS to {_shown(letter.number)}"


def _outcome(fate: Fate, state: int) -> str:
    if fate.action == "failed":
        return "is of unknown fate" if state == MessageState.UNKNOWN else "was not delivered"
    return {"delivered": "was delivered", "relayed": "was handed over", "delayed": "is late"}[fate.action]


def _diagnostic(letter: Letter) -> str:
    word = STATE_WORDS.get(letter.state, "UNKNOWN")
    if not letter.error:
        return word
    return f"{word} err:{letter.error}" if letter.error.isdecimal() else f"{word} {letter.error}"


def _words(letter: Letter, fate: Fate, what: str, diagnostic: str) -> str:
    """What a person reads."""
    found: list[tuple[str, str]] = []
    if letter.text:
        from gateway.translate.hlr import readable  # only who has a service needs it

        found = readable(letter.text)
    rows = [
        *((name, letters.one_line(value)) for name, value in found),
        ("Mail", letters.one_line(letter.subject) or "(no subject)"),
        ("Received", letters.date(letter.received_ms) if letter.received_ms else ""),
        ("Ended", letters.date(letter.done_ms) if letter.kind == LetterKind.REPORT else ""),
        ("SMS centre", letters.one_line(diagnostic)),
        ("Queue id", str(letter.mail_id)),
        ("Message id", str(letter.message_id)),
    ]
    table = "\n".join(f"{name + ':':<12} {value}" for name, value in rows if value)
    said = f"{what}:" if letter.text else f"Your {what}."
    paragraphs = [said, fate.why, fate.advice, table]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
