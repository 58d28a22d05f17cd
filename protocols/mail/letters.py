"""Mail that we write: header fields that nothing can break out of, and texts that every relay takes.

Everything here comes from strangers: subjects, texts, Message-IDs.  So a field is made of characters that
were looked at, one by one; what is not printable ASCII goes into encoded words (RFC 2047), and what must be
ASCII and is not is left out or refused.  All lines end in CRLF.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from protocols.mail.addresses import parse_address

LINE = 78
"""Characters of a line, without CRLF, that a field is folded to where it can be (RFC 5322 §2.1.1)."""
_TEXT_MAX = 400
"""Characters of a text in a field; a longer one is cut."""
_WORD_OCTETS = 39
"""Octets in an encoded word: with it, the longest of our field names fits into a line."""
_QUOTED_LINE = 76
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_is_plain = re.compile("[ -~]*").fullmatch
# Blanks of all kinds, controls, and what turns the direction of what follows.
_gaps = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+").sub
_is_message_id = re.compile(r"<[!-;=?-~]{1,250}@[!-;=?-~]{1,250}>").fullmatch
_quote = re.compile(b"[^\t -<>-~]|[\t ]$").sub
_line_ends = re.compile("\r\n|\r|\n").sub


def one_line(text: str, longest: int = _TEXT_MAX) -> str:
    """The text as one line: each run of blanks, line ends and controls is one blank, surrogates are "?"."""
    text = text[: 4 * longest].encode("utf-8", "replace").decode("utf-8")
    text = _gaps(" ", text).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text_field(name: str, text: str) -> bytes:
    """A field of free text (RFC 5322 §2.2.1), in encoded words where it is not short words of plain ASCII."""
    text = one_line(text)
    if _is_plain(text) and "=?" not in text and max(map(len, text.split(" "))) <= LINE - len(name) - 2:
        return ascii_field(name, text)
    return f"{name}: {_encoded_words(text)}\r\n".encode("ascii")


def ascii_field(name: str, value: str) -> bytes:
    """A field as it stands, folded at blanks.  ValueError when it is not one line of printable ASCII."""
    if not _is_plain(value):
        raise ValueError(f"{name} is not one line of printable ASCII")
    first, *words = value.split(" ")
    lines = [f"{name}: {first}"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= LINE:
            lines[-1] += " " + word
        else:
            lines.append(" " + word)
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def address_field(name: str, address: str, display: str = "") -> bytes:
    """A field with one mailbox (RFC 5322 §3.4); an address outside ASCII is written in UTF-8 (RFC 6532 §3.2).

    ValueError when it is no address.
    """
    parse_address(address)
    display = one_line(display, 100)
    if not display:
        return f"{name}: {address}\r\n".encode()
    if _is_plain(display) and "=?" not in display and len(display) < LINE - len(name) - 4:
        phrase = '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        phrase = _encoded_words(display)
    fold = "\r\n" if len(name) + len(phrase) + len(address) > LINE - 5 else ""
    return f"{name}: {phrase}{fold} <{address}>\r\n".encode()


def reference_fields(message_id: str) -> list[bytes]:
    """In-Reply-To and References to a mail (RFC 5322 §3.6.4); none when its Message-ID is not well-formed."""
    if not _is_message_id(message_id):
        return []
    return [f"{name}: {message_id}\r\n".encode("ascii") for name in ("In-Reply-To", "References")]


def date(moment_ms: int) -> str:
    """A time, in milliseconds since 1970, as mail writes it (RFC 5322 §3.3), in UTC."""
    at = datetime.fromtimestamp(moment_ms // 1000, UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04d}"
        f" {at.hour:02d}:{at.minute:02d}:{at.second:02d} +0000"
    )


def crlf(data: bytes) -> bytes:
    """The same lines, each with the end that mail demands (RFC 5322 §2.3)."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def quoted_printable(data: bytes) -> bytes:
    """Lines of octets as lines of ASCII, 76 characters at the most (RFC 2045 §6.7)."""
    return b"\r\n".join(map(_quoted_line, crlf(data).split(b"\r\n")))


def _quoted_line(line: bytes) -> bytes:
    # binascii.b2a_qp makes longer lines where they end in blanks.
    line = _quote(lambda found: b"=%02X" % found[0][0], line)
    pieces = []
    while len(line) > _QUOTED_LINE:
        end = line.rfind(b"=", _QUOTED_LINE - 3, _QUOTED_LINE - 1)
        end = _QUOTED_LINE - 1 if end < 0 else end
        pieces.append(line[:end])
        line = line[end:]
    return b"=\r\n".join((*pieces, line))


def text_entity(text: str) -> bytes:
    """Content fields, an empty line and a text: 7 bit, whatever the text is (RFC 2045 §6)."""
    octets = _line_ends("\r\n", text).encode("utf-8", "replace")
    if not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    if sum(octet > 126 for octet in octets) * 6 <= len(octets):
        return head + b"quoted-printable\r\n\r\n" + quoted_printable(octets)
    lines = (binascii.b2a_base64(octets[at : at + 57], newline=False) for at in range(0, len(octets), 57))
    return head + b"base64\r\n\r\n" + b"\r\n".join(lines) + b"\r\n"


def mail(fields: Iterable[bytes], entity: bytes) -> bytes:
    """A whole mail; `entity` begins with its content fields (RFC 2045 §3)."""
    return b"".join((*fields, b"MIME-Version: 1.0\r\n", entity))


def _encoded_words(text: str) -> str:
    """The text in as many encoded words as it takes, one to a line; none splits a character (RFC 2047 §2)."""
    words, piece = [], b""
    for octets in (character.encode() for character in text):
        if len(piece) + len(octets) > _WORD_OCTETS:
            words.append(piece)
            piece = b""
        piece += octets
    words.append(piece)
    return "\r\n ".join(
        f"=?utf-8?B?{binascii.b2a_base64(word, newline=False).decode('ascii')}?=" for word in words
    )
