"""Header values as text: encoded words, and octets that should have been some (RFC 2047).

Mail programs break the rules more often than not, so words may stand inside quotes, next to each other, hold
spaces, lack their padding, or cut a character in two; all of that is read as it was meant.
"""

from __future__ import annotations

import re
from binascii import a2b_qp

from protocols.mail import charsets
from protocols.mail.transfer import decode_base64

MAX_OCTETS = 2048
"""So much of a field is looked at."""

_WORD = re.compile(rb"=\?([^?\s*]{1,75}+)(?:\*[^?\s]{0,40}+)?\?([bBqQ])\?([^?]*+)\?=")


def decode_words(value: bytes, charset: str = "") -> str:
    """The text of an unfolded header value, white space as it stands.

    `charset` is that of the mail's text: what stands raw in a header, outside all words, is tried in UTF-8
    and then in it.
    """
    value = value[:MAX_OCTETS]
    if b"=?" not in value:
        return _raw(value, charset)
    text: list[str] = []
    pending, pending_charset = b"", b""
    end = 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        name, encoding, content = match.groups()
        name = name.lower()
        # White space between two words is none (§6.2); one character may be in two words of one charset.
        joined = end > 0 and not between.strip()
        if pending and not (joined and name == pending_charset):
            text.append(charsets.decode(pending, pending_charset.decode("latin-1")).text)
            pending = b""
        if not joined:
            text.append(_raw(between, charset))
        pending += decode_base64(content)[0] if encoding in b"bB" else a2b_qp(content, header=True)
        pending_charset = name
        end = match.end()
    text.append(charsets.decode(pending, pending_charset.decode("latin-1")).text if pending else "")
    text.append(_raw(value[end:], charset))
    return "".join(text)


def _raw(value: bytes, charset: str) -> str:
    if value.isascii():
        return value.decode("ascii")
    text, found, _ = charsets.decode(value, "")
    return text if found == "utf-8" or not charset else charsets.decode(value, charset).text
