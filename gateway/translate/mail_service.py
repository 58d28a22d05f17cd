"""The service's own mail form to drafts: what of it the gateway can do, and a refusal for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.core.model import Draft, Notify
from gateway.translate.mail_submit import draft_of
from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted, fit
from protocols.mail.message import Style
from protocols.mail.service_form import FORMAT_NAMES, ServiceMail, parse_service_form, parse_time
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

SMS, FLASH, BINARY_HEX = 0, 1, 5
_NO_TRANSLITERATION = ("", "0")
_BINARY = 0x04
"""data_coding of 8 bit data (3GPP TS 23.038 §4)."""
_ESM_UDHI = 0x40
_TRAILER = "\n~~~\n"


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
    """The form in a mail's text; MailError when it is none, or asks for what the gateway cannot do."""
    form = parse_service_form(text)
    if form.format not in (SMS, FLASH, BINARY_HEX):
        name = FORMAT_NAMES.get(form.format, "unknown")
        raise MailError(
            "550 5.5.4", f"format {form.format} ({name}) cannot be sent by this gateway: use 0, 1 or 5"
        )
    return form


def drafts_of(
    form: ServiceMail,
    *,
    resolve: Callable[[str], Iterable[str]],
    source: str,
    max_segments: int,
    max_numbers: int,
    notify: Notify,
    now_ms: int,
) -> list[Draft]:
    """The SMS of a form; `resolve` gives the numbers of a phone or a group, or raises MailError."""
    due_ms = _due_ms(form, now_ms)
    drafts = []
    for phones, text, own_source in form.texts:
        binary = form.format == BINARY_HEX
        body = _binary(text) if binary else _text(form, text, max_segments)
        numbers = dict.fromkeys(number for phone in phones for number in resolve(phone))
        for number in numbers:
            draft = draft_of(
                body.fitted,
                number,
                _source(own_source or form.source, source),
                notify=notify,
                flash=form.format == FLASH,
                due_ms=due_ms,
            )
            drafts.append(body.applied_to(draft) if binary else draft)
        if len(drafts) > max_numbers:
            raise MailError("550 5.5.3", f"the form names more than {max_numbers} phones")
    if not drafts:
        raise MailError("550 5.1.3", "the form names no phones")
    return drafts


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


def _binary(text: str) -> _Body:
    """Hex digits that begin with the UDH or 00, and perhaps pid and dcs after a line of three tildes."""
    digits, _, trailer = text.partition(_TRAILER)
    try:
        octets = bytes.fromhex(digits.strip())
        fields = dict(part.strip().split(": ") for part in trailer.split(",")) if trailer else {}
        protocol_id, data_coding = int(fields.get("pid", "0")), int(fields.get("dcs", str(_BINARY)))
        bytes((protocol_id, data_coding))
        if octets[:1] == b"\0":
            octets, esm_class = octets[1:], 0
        else:
            udh.parse(octets)
            esm_class = _ESM_UDHI
    except (ValueError, udh.UdhError):
        raise MailError(
            "550 5.5.4", "binary data is hex digits that begin with the UDH, or with 00"
        ) from None
    if not 0 < len(octets) <= 140:
        raise MailError("554 5.2.3", "binary data of one SMS is 1 to 140 octets")
    fitted = Fitted(text="", alphabet=Alphabet.BINARY, user_data=octets, segments=1, cut=False, reasons=())
    return _Body(fitted, esm_class, protocol_id, data_coding)
