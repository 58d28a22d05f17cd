"""Content-Transfer-Encoding: base64 and quoted-printable, as far as anyone reads (RFC 2045 §6).

Base64 is read as it is meant when it is cut off, lacks its padding or was written in pieces, and given up
when it plainly is text.  Nothing here raises.
"""

from __future__ import annotations

import binascii
import re

MAX_OCTETS = 262_144
"""So many octets of a text are decoded."""

_PROSE = re.compile(rb"[^\s=][ \t]++[^\s=]")
_NO_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
_PADDING = re.compile(b"=++")


def decode_transfer(data: bytes, start: int, end: int, encoding: str) -> tuple[bytes, str]:
    """The octets of a body, at most `MAX_OCTETS`, and what was odd about them ("" for nothing).

    `encoding` is the field's value in small letters; an unknown one changes nothing.
    """
    if encoding == "base64":
        # four thirds, and line breaks; more than that is thrown away unread
        return decode_base64(data[start : min(end, start + MAX_OCTETS * 3 // 2)])
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data[start : min(end, start + MAX_OCTETS * 3)])[:MAX_OCTETS], ""
    reason = (
        ""
        if encoding in ("", "7bit", "8bit", "binary")
        else f"transfer encoding “{encoding[:40]}” is unknown"
    )
    return data[start : min(end, start + MAX_OCTETS)], reason


def decode_base64(data: bytes) -> tuple[bytes, str]:
    """The octets that `data` stands for, or `data` itself where it is no base64, and what was odd.

    Text behind the encoded lines (a mailing list's footer, put there unencoded) ends them.
    """
    prose = _PROSE.search(data)
    if prose is not None:
        line = data.rfind(b"\n", 0, prose.start() + 1) + 1
        if not data[:line].strip():
            return data[:MAX_OCTETS], "the text is no base64, and taken as it is"
        data = data[:line]
    letters = data.translate(None, _NO_BASE64).rstrip(b"=")
    pieces = _PADDING.split(letters) if b"=" in letters else [letters]
    octets = b"".join(map(_decode_piece, pieces))
    odd = "" if prose is None else "text behind the base64 is left out"
    return octets[:MAX_OCTETS], odd


def _decode_piece(letters: bytes) -> bytes:
    spare = len(letters) % 4
    if spare == 1:  # six bits of an octet that is not there
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
