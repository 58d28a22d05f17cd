"""The service's own mail form to drafts; what only the service can send is in `mail_service_kinds`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.core.model import Draft, Notify
from gateway.translate.mail_submit import draft_of
from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted, fit
from protocols.mail.message import Style
from protocols.mail.service_form import (
    BINARY,
    BINARY_HEX,
    FLASH,
    FORMAT_NAMES,
    SMS,
    ServiceMail,
    ServiceText,
    parse_service_form,
    parse_time,
)
from protocols.sms import udh
from protocols.sms.alphabet import Alphabet

STYLE = Style(
    subject="",
    sender="",
    text=True,
    cut_quotes=False,
    cut_signature=False,
    empty_text="",
    numbers_in_subject=False,
    numbers_in_body=False,
    service_form=True,
)
"""How such a mail is read: its body as it stands."""

_OWN = (SMS, FLASH, BINARY, BINARY_HEX)
"""Formats that any connector can send."""
_CHARSETS = ("us-ascii", "utf-8", "koi8-", "windows-125", "iso-8859-", "ibm8")
"""Beginnings of charsets in which an octet of ASCII is itself."""
_NO_TRANSLITERATION = ("", "0")
_BINARY = 0x04
"""data_coding of 8 bit data (3GPP TS 23.038 §4)."""
_ESM_UDHI = 0x40
_TRAILER = "\n~~~\n"


class About(NamedTuple):
    """What else is to be known of the mail and its account."""

    may_service: bool
    """The account may ask for what only an SMSC service sends, and there is one."""
    author: str
    """The mail address of who wrote it."""
    subject: str
    charset: str


class _Body(NamedTuple):
    """What an SMS carries; the last three are used for binary data only."""

    fitted: Fitted
    esm_class: int = 0
    protocol_id: int = 0
    data_coding: int = 0

    def applied_to(self, draft: Draft) -> Draft:
        return draft._replace(
            esm_class=self.esm_class, protocol_id=self.protocol_id, data_coding=self.data_coding
        )


def parse(text: str) -> ServiceMail:
    """The form in a mail's text; MailError when it is none."""
    return parse_service_form(text)


def drafts_of(
    form: ServiceMail,
    *,
    resolve: Callable[[str], Iterable[str]],
    source: str,
    max_segments: int,
    max_numbers: int,
    notify: Notify,
    now_ms: int,
    about: About,
) -> list[Draft]:
    """The messages of a form; `resolve` gives the numbers of a phone or a group, or raises MailError."""
    due_ms = _due_ms(form, now_ms)
    drafts: list[Draft] = []
    for said in form.texts:
        own_source = _source(said.source or form.source, source)
        if said.format not in _OWN:
            if not about.may_service:
                raise _needs_service(said.format)
            # What a gateway without a service needs no memory for.
            from gateway.translate import mail_service_kinds as kinds

            wishes = kinds.Wishes(
                own_source, about.author, about.subject, form.translit, notify, due_ms, now_ms
            )
            drafts += kinds.drafts_of_text(said, wishes, resolve)
        else:
            body = _body(form, said, max_segments, about.charset)
            for number in dict.fromkeys(number for phone in said.phones for number in resolve(phone)):
                flash = said.format == FLASH
                draft = draft_of(body.fitted, number, own_source, notify=notify, flash=flash, due_ms=due_ms)
                drafts.append(draft if said.format in (SMS, FLASH) else body.applied_to(draft))
        if len(drafts) > max_numbers:
            raise MailError("550 5.5.3", f"the form names more than {max_numbers} phones")
    if not drafts:
        raise MailError("550 5.1.3", "the form names no phones")
    return drafts


def _needs_service(number: int) -> MailError:
    name = FORMAT_NAMES.get(number, "Telegram bot")
    what = f"format {number} ({name})" if number in FORMAT_NAMES else name
    return MailError(
        "550 5.5.4",
        f"{what} cannot be sent: it needs an SMSC service, and service_messages of the account; "
        "use 0, 1, 4 or 5",
    )


def _body(form: ServiceMail, said: ServiceText, max_segments: int, charset: str) -> _Body:
    if said.format in (SMS, FLASH):
        return _text(form, said.text, max_segments)
    data, _, trailer = said.text.partition(_TRAILER)
    return _binary(_octets(data, charset) if said.format == BINARY else _hex_octets(data), trailer)


def _source(asked: str, usual: str) -> str:
    """A dot asks for no sender, not even the usual one."""
    return "" if asked == "." else asked or usual


def _due_ms(form: ServiceMail, now_ms: int) -> int:
    try:
        due = parse_time(form.time, form.zone, datetime.fromtimestamp(now_ms / 1000, UTC))
    except ValueError:
        raise MailError(
            "550 5.5.4", "the time is malformed, see the forms of `time` in docs/email.md"
        ) from None
    return int(due.timestamp() * 1000) if due is not None else 0


def _text(form: ServiceMail, text: str, max_segments: int) -> _Body:
    transliterate = "none" if form.translit in _NO_TRANSLITERATION else "all"
    if not text:
        raise MailError("554 5.6.0", "the form has an empty text")
    return _Body(
        fit(text, transliterate=transliterate, max_segments=max_segments, max_characters=0, cut=False)
    )


def _hex_octets(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits.strip())
    except ValueError:
        raise _bad_binary() from None


def _octets(data: str, charset: str) -> bytes:
    """The octets as they stood in the mail, before somebody took them for characters."""
    try:
        if not charset.startswith(_CHARSETS):
            raise _bad_binary()
        return data.encode(charset)
    except (LookupError, UnicodeEncodeError):
        raise _bad_binary() from None


def _bad_binary() -> MailError:
    return MailError(
        "550 5.5.4",
        "binary data is octets (format 4) or hex digits (5) that begin with the UDH, or with 00; "
        "octets that mail changes have to be digits",
    )


def _binary(octets: bytes, trailer: str) -> _Body:
    """Octets that begin with the UDH or 00, and perhaps pid and dcs."""
    try:
        fields = dict(part.strip().split(": ") for part in trailer.split(",")) if trailer else {}
        protocol_id, data_coding = int(fields.get("pid", "0")), int(fields.get("dcs", str(_BINARY)))
        bytes((protocol_id, data_coding))
        if octets[:1] == b"\0":
            octets, esm_class = octets[1:], 0
        else:
            udh.parse(octets)
            esm_class = _ESM_UDHI
    except (ValueError, udh.UdhError):
        raise _bad_binary() from None
    if not 0 < len(octets) <= 140:
        raise MailError("554 5.2.3", "binary data of one SMS is 1 to 140 octets")
    fitted = Fitted(text="", alphabet=Alphabet.BINARY, user_data=octets, segments=1, cut=False, reasons=())
    return _Body(fitted, esm_class, protocol_id, data_coding)
