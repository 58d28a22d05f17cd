"""Which part of a mail is its text, and what it says (RFC 2046 §5.1, RFC 2183, RFC 3676).

The parts are walked one by one until there is a text.  In multipart/alternative plain text comes before HTML,
wherever it stands; elsewhere the first text that is no attachment counts.  A blank text is none: some
programs write one beside their HTML.  What a mail carries in message/rfc822 is looked at when there is
nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from protocols.mail import charsets
from protocols.mail.errors import MailError
from protocols.mail.mime import Part, children, parse_parameters, read_part
from protocols.mail.transfer import decode_transfer

MAX_DEPTH = 10
MAX_PARTS = 200
MAX_CHARACTERS = 65_536
"""So much of a text is used."""

HtmlToText = Callable[[str], str]

_HTML = frozenset({"text/html", "text/enriched", "text/richtext", "application/xhtml+xml"})
# Other subtypes of text are read as plain ones (RFC 2046 §4.1.4), except these, which nobody reads.
_NO_PROSE = frozenset(
    {
        *("text/calendar", "text/csv", "text/css", "text/javascript", "text/xml", "text/rtf"),
        *("text/vcard", "text/x-vcard", "text/directory", "text/rfc822-headers", "text/x-amp-html"),
        *("text/watch-html", "text/x-watch-html", "text/tab-separated-values"),
    }
)
_MAILS = frozenset({"message/rfc822", "message/global"})
_ENCODED = frozenset({"base64", "quoted-printable"})
_META_CHARSET = re.compile(rb"charset\s*+=\s*+[\"']?([A-Za-z0-9_:.-]{1,40})")


class Body(NamedTuple):
    """A mail's text with "\\n" line breaks, not yet shortened in any way."""

    text: str
    charset: str
    html: bool
    flowed: bool  # RFC 3676
    delsp: bool
    reasons: tuple[tuple[str, str], ...]


NO_BODY = Body("", "us-ascii", False, False, False, (("text", "there is none in the mail"),))


def find_body(mail: Part, default_charset: str, html_to_text: HtmlToText) -> Body:
    """The text of `mail`; `NO_BODY` if there is none.

    `default_charset` is for text that names none ("": see `charsets.decode`).  Raises MailError (554 5.6.0)
    when parts are nested deeper than `MAX_DEPTH` or are more than `MAX_PARTS`, before anything is decoded.
    """
    parts = _count(mail, 0, 0)
    return _Search(default_charset, html_to_text, parts).find(mail)


def _count(part: Part, depth: int, parts: int) -> int:
    """How many parts there are with this one and those in it, after `parts` others."""
    parts += 1
    if depth > MAX_DEPTH:
        raise MailError("554 5.6.0", f"parts are nested deeper than {MAX_DEPTH}")
    if parts > MAX_PARTS:
        raise MailError("554 5.6.0", f"more than {MAX_PARTS} parts")
    if part.media_type.startswith("multipart/"):
        for child in children(part):
            parts = _count(child, depth + 1, parts)
    elif part.media_type in _MAILS and _encoding(part) not in _ENCODED:
        parts = _count(read_part(part.data, part.start, part.end), depth + 1, parts)
    return parts


class _Search:
    def __init__(self, default_charset: str, html_to_text: HtmlToText, parts: int) -> None:
        self._default_charset = default_charset
        self._html_to_text = html_to_text
        self._parts = parts
        self._enclosed: list[tuple[Part, int]] = []
        """Mails within the mail, and how deep."""

    def find(self, mail: Part) -> Body:
        body = self._look(mail, 0, whole=True)
        while body is None and self._enclosed:
            # the mails inside may enclose others again, which come last
            enclosed, depth = self._enclosed.pop(0)
            data, start, end = enclosed.data, enclosed.start, enclosed.end
            encoding = _encoding(enclosed)
            if encoding in _ENCODED:  # not allowed (RFC 2046 §5.2.1), but met with
                data, _ = decode_transfer(data, start, end, encoding)
                start, end = 0, len(data)
            inside = read_part(data, start, end)
            if encoding in _ENCODED:
                self._parts = _count(inside, depth + 1, self._parts)
            body = self._look(inside, depth + 1, whole=True)
            body = body and body._replace(reasons=(("text", "of the mail inside the mail"), *body.reasons))
        return body or NO_BODY

    def _look(self, part: Part, depth: int, *, whole: bool = False) -> Body | None:
        """The text in `part`; `whole` for a mail, which cannot be an attachment."""
        media_type = part.media_type
        if media_type.startswith("multipart/"):
            return self._look_inside(part, depth)
        if media_type in _MAILS:
            self._enclosed.append((part, depth))
            return None
        if not (media_type.startswith("text/") or media_type in _HTML or "/" not in media_type):
            return None
        if media_type in _NO_PROSE or (not whole and _is_attachment(part)):
            return None
        return self._read(part)

    def _look_inside(self, part: Part, depth: int) -> Body | None:
        html: Body | None = None
        nothing = True
        for child in children(part):
            nothing = False
            body = self._look(child, depth + 1)
            if body is None:
                continue
            if part.media_type != "multipart/alternative" or not body.html:
                return body
            html = html or body
        if nothing:  # no boundary, or one that never comes
            body = self._read(part)
            note = ("parts", "the boundary of the parts is not in the mail: all of it is taken as text")
            return body and body._replace(reasons=(note, *body.reasons))
        return html

    def _read(self, part: Part) -> Body | None:
        octets, odd = decode_transfer(part.data, part.start, part.end, _encoding(part))
        is_html = part.media_type in _HTML
        name = part.parameters.get("charset", "")
        if is_html and not name:
            meta = _META_CHARSET.search(octets, 0, 1024)
            name = meta[1].decode("ascii") if meta else ""
        text, charset, reason = charsets.decode(octets, name, self._default_charset)
        if is_html:
            text = self._html_to_text(text)
        if not text or text.isspace():
            return None
        reasons = [("text", "from the HTML, there is no plain text")] if is_html else []
        if odd:
            reasons.append(("transfer encoding", odd))
        if reason:
            reasons.append(("charset", reason))
        if len(text) > MAX_CHARACTERS:
            reasons.append(("text", f"only its first {MAX_CHARACTERS} characters are looked at"))
            text = text[:MAX_CHARACTERS]
        parameters = part.parameters
        flowed = not is_html and parameters.get("format", "").lower() == "flowed"
        delsp = flowed and parameters.get("delsp", "").lower() == "yes"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return Body(text, charset, is_html, flowed, delsp, tuple(reasons))


def _encoding(part: Part) -> str:
    value = part.field(b"content-transfer-encoding")
    return value.partition(b";")[0].strip().lower().decode("latin-1") if value else ""


def _is_attachment(part: Part) -> bool:
    """Said so, or with a file's name: programs show text files inline, but they are no text of the mail."""
    value = part.field(b"content-disposition")
    if not value:
        return "name" in part.parameters
    disposition, parameters = parse_parameters(value)
    return disposition == "attachment" or "filename" in parameters
