"""A mail as the text of an SMS, and what else the gateway has to know of it (RFC 5322).

The order of the steps is the order in which an admin thinks of them: which part is the text, without what it
quotes and signs, without needless white space, then the subject and the sender before it.  Nothing is
shortened here; that is `fitting`, because each recipient may have limits of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from protocols.mail.addresses import parse_mailboxes
from protocols.mail.body import Body, find_body
from protocols.mail.encoded_words import decode_words
from protocols.mail.mime import Part, read_part, unfold
from protocols.mail.quotes import cut_quotes, cut_signature, unflow, without_armour


class Style(NamedTuple):
    """How the text is made; the fields of `AccountMail` of the same names."""

    subject: str
    sender: str
    text: bool
    cut_quotes: bool
    cut_signature: bool
    empty_text: str
    numbers_in_subject: bool
    numbers_in_body: bool
    service_form: bool  # the body as it is, and koi8-r where no charset is named


class Reading(NamedTuple):
    """What a mail says."""

    text: str  # of the SMS, before it is made to fit; "": there is none
    header_id: str  # the Message-ID in its angle brackets; "" when there is none
    subject: str
    author_addresses: tuple[str, ...]  # of From, then of Sender; () when one of them cannot be read
    automatic: str  # "": a person wrote it; "generated", "replied", "bulk"
    report: bool  # a delivery status, a read receipt
    hops: int  # mail servers that it passed
    traces: tuple[str, ...]  # what gateways like this one wrote into it
    priority: int  # 0 normal or below, to 3
    number_source: str  # where the numbers stand; "" where they are not looked for, or none are
    header_length: int  # octets up to the body, with the empty line
    charset: str  # of the text
    reasons: tuple[tuple[str, str], ...]  # what was decided, and why, for people


TRACE = b"x-smsc-gateway"
MAX_TRACES = 20
MAX_TRACE = 100
MAX_HEADER_ID = 500
MAX_SUBJECT = 998

_is_header_id = re.compile(r"<[!-;=?-~]+>").fullmatch
_could_be_numbers = re.compile(r"(?:[+(]{0,2}[0-9][+()\-.,; /]*){7,}+").fullmatch
_is_answer = re.compile(
    r"\s*(?:re|aw|sv|antw|odp|ref|res|rif|ynt|отв|ответ|на)(?:\[\d{1,3}\])?\s*:", re.IGNORECASE
).match
_is_forwarded = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|пересл|пер|vb|pd|vs)\s*:", re.IGNORECASE).match
_PLACEHOLDER = re.compile(r"\{(?:address|name)\}")

# Characters that nobody sees: controls, soft hyphens, marks of direction, zero widths, halves of pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb]"
)
# These join letters and pictures; elsewhere they are filling.
_NEEDLESS_JOINER = re.compile(
    r"(?<![^\s\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\s\x00-\x7f\u200c\u200d])"
)
# What stands around headings of programs, and between their lists; nobody wants to pay for it.
_ORNAMENT = re.compile(r"^(?:([*#=~_-])\1{4,}+(?: |$))++| ([*#=~_-])\2{4,}+$", re.MULTILINE)
_ORNAMENTS = ("*****", "-----", "=====", "#####", "_____", "~~~~~")
_COLOUR = re.compile(r"\x1b\[[0-9;]*+[A-Za-z]")

_AUTOMATIC = {b"": "generated", b"no": "", b"auto-replied": "replied", b"auto-notified": "generated"}
_PRECEDENCE = {b"bulk": "bulk", b"junk": "bulk", b"list": "bulk", b"auto_reply": "replied"}
_REPLIERS = (b"x-autoreply", b"x-autorespond", b"x-autoresponder", b"x-auto-reply")
_LISTS = (b"list-id", b"list-unsubscribe", b"list-post", b"x-mailing-list", b"x-campaign-id", b"feedback-id")
_PRIORITIES = {
    b"x-priority": {b"1": 3, b"2": 2},
    b"x-msmail-priority": {b"high": 2},
    b"importance": {b"high": 2},
    b"priority": {b"urgent": 3, b"emergency": 3, b"normal": 0},
}


# The Message-ID of our letters that bring an SMS (gateway/translate/mail_letter.py).
_ANSWERS_SMS = re.compile(rb"<(?:answer|incoming)\.[0-9]{1,20}\.[0-9]{1,20}@")


def read_message(raw: bytes, style: Style, html_to_text: Callable[[str], str]) -> Reading:
    """What the mail `raw` says in that `style`; any line breaks will do.

    MailError: "554 5.6.0" when its parts are nested too deep or too many, "552 5.3.4" when a header is too
    large.
    """
    mail = read_part(raw, 0, len(raw))
    body = find_body(mail, "koi8-r" if style.service_form else "", html_to_text)
    reasons = list(body.reasons)
    subject = clean(decode_words(mail.field(b"subject"), body.charset), " ")[:MAX_SUBJECT]
    number_source = ""
    if style.service_form:
        text = body.text.strip()  # with its NULs: they may be binary data
    else:
        text = _own_text(mail, subject, body, style, reasons)
        number_source, subject_shown, text = _numbers(subject, text, style, reasons)
        has_text = style.text and bool(text)
        if has_text and subject_shown and _begins_with(text, subject_shown):
            subject_shown = ""
            reasons.append(("subject", "the text begins with it, so it is not shown twice"))
        elif has_text and subject_shown and _answers_sms(mail):
            subject_shown = ""
            reasons.append(("subject", "the mail answers an SMS, whose sender needs no subject"))
        before = _before(mail, subject_shown, body.charset, style, followed=has_text)
        text = (before + text if has_text else before).strip()
        if not text and style.empty_text:
            text = style.empty_text
            reasons.append(("text", "nothing is left of the mail: empty_text stands for it"))
    if mail.odd_lines:
        reasons.append(("header", f"{mail.odd_lines} lines that are no fields are left out"))
    return Reading(
        text=text,
        header_id=_header_id(mail),
        subject=subject,
        author_addresses=_authors(mail),
        automatic=_automatic(mail),
        report=mail.media_type in ("multipart/report", "message/delivery-status"),
        hops=len(mail.fields.get(b"received", ())),
        traces=_traces(mail),
        priority=_priority(mail),
        number_source=number_source,
        header_length=mail.start,
        charset=body.charset,
        reasons=tuple(reasons),
    )


def clean(text: str, line_break: str = "\n") -> str:
    """`text` without characters that nobody sees, blank lines, and white space that shows nothing.

    What stays of white space is single spaces, and `line_break` between lines that are not blank.
    """
    if not text.isprintable():  # as one line of an alert is
        if "\x1b" in text:
            text = _COLOUR.sub("", text)
        text = _UNSEEN.sub("", text)
        if not text.isascii():
            text = _NEEDLESS_JOINER.sub("", text)
    return line_break.join([line for line in [" ".join(line.split()) for line in text.splitlines()] if line])


def _own_text(mail: Part, subject: str, body: Body, style: Style, reasons: list[tuple[str, str]]) -> str:
    """The text without what is not this mail's own."""
    text = without_armour(body.text)
    if body.flowed:
        text = unflow(text, delsp=body.delsp)
    if style.cut_quotes and not _is_forwarded(subject):
        reply = b"in-reply-to" in mail.fields or b"references" in mail.fields or bool(_is_answer(subject))
        text, what = cut_quotes(text, reply=reply)
        if what:
            reasons.append(("quotes", what))
    if style.cut_signature:
        text, what = cut_signature(text)
        if what:
            reasons.append(("signature", what))
    return _without_ornaments(clean(text))


def _without_ornaments(text: str) -> str:
    if not any(ornament in text for ornament in _ORNAMENTS):
        return text
    lines = _ORNAMENT.sub("", text).split("\n")
    return "\n".join([line for line in lines if line])


def _answers_sms(mail: Part) -> bool:
    return any(_ANSWERS_SMS.search(value) for value in mail.fields.get(b"in-reply-to", ()))


def _begins_with(text: str, subject: str) -> bool:
    start = text[: len(subject)].replace("\n", " ")
    return start.lower() == subject.lower() and not text[len(subject) : len(subject) + 1].isalnum()


def _numbers(subject: str, text: str, style: Style, reasons: list[tuple[str, str]]) -> tuple[str, str, str]:
    """Where the numbers stand, and subject and text without them."""
    if style.numbers_in_subject and _could_be_numbers(subject):
        reasons.append(("numbers", "from the subject, which is not shown"))
        return subject, "", text
    if style.numbers_in_body:
        line, _, rest = text.partition("\n")
        if _could_be_numbers(line):
            reasons.append(("numbers", "from the first line of the text, which is not shown"))
            return line, subject, rest
    return "", subject, text


def _before(mail: Part, subject: str, charset: str, style: Style, *, followed: bool) -> str:
    """What stands before the text: the sender and the subject, each as the style has it.

    `followed` says that a text comes; else what the style puts between is left out.
    """
    before = ""
    if style.sender:
        name, address = _first_author(mail, charset)
        if address:
            values = {"{address}": address, "{name}": name or address}
            before = _PLACEHOLDER.sub(lambda found: values[found[0]], style.sender)
    if style.subject and subject:
        before += style.subject.replace("{subject}", subject)
    return before if followed else before.rstrip(" \n:–—-")


def _mailboxes(mail: Part, name: bytes) -> list[tuple[str, str]]:
    """Raises ValueError when a field of that name cannot be read beyond doubt."""
    found = []
    for value in mail.fields.get(name, ()):
        if len(value) > 20_000:
            raise ValueError("too long")
        value = value.replace(b"\r", b"").replace(b"\n", b"").strip()
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        found.extend(parse_mailboxes(text))
    return found


def _authors(mail: Part) -> tuple[str, ...]:
    try:
        both = [*_mailboxes(mail, b"from"), *_mailboxes(mail, b"sender")]
    except ValueError:
        return ()
    return tuple(dict.fromkeys(address for _, address in both))


def _first_author(mail: Part, charset: str) -> tuple[str, str]:
    """Display name and address of the first author; ("", "") when unreadable."""
    try:
        found = _mailboxes(mail, b"from")
    except ValueError:
        return "", ""
    if not found:
        return "", ""
    name, address = found[0]
    return clean(decode_words(name.encode("utf-8", "replace"), charset), " ")[:100], address


def _header_id(mail: Part) -> str:
    value = mail.field(b"message-id").decode("latin-1")
    return value if len(value) <= MAX_HEADER_ID and _is_header_id(value) else ""


def _traces(mail: Part) -> tuple[str, ...]:
    values = mail.fields.get(TRACE, ())[:MAX_TRACES]
    return tuple(unfold(value)[:MAX_TRACE].decode("latin-1") for value in values)


def _automatic(mail: Part) -> str:
    """RFC 3834 §5, and what programs wrote before it."""
    fields = mail.fields
    if b"auto-submitted" in fields:
        word = mail.field(b"auto-submitted").partition(b";")[0].partition(b"(")[0].strip().lower()
        found = _AUTOMATIC.get(word, "generated")
        if found:
            return found
    if any(name in fields for name in _REPLIERS):
        return "replied"
    precedence = mail.field(b"precedence").lower()
    if precedence in _PRECEDENCE:
        return _PRECEDENCE[precedence]
    return "bulk" if any(name in fields for name in _LISTS) else ""


def _priority(mail: Part) -> int:
    highest = 0
    for name, words in _PRIORITIES.items():
        if name in mail.fields:
            word = mail.field(name).split(None, 1)
            highest = max(highest, words.get(word[0].lower(), 0) if word else 0)
    return highest
