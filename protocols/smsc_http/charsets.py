"""The three character sets of the service, and percent-encoding in them (SMSC HTTP API, `charset`)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

DEFAULT: Final = "windows-1251"
"""What the service takes when a request names none."""

_CODECS: Final = {"windows-1251": "cp1251", "utf-8": "utf-8", "koi8-r": "koi8-r"}
_OTHER_NAMES: Final = {
    "utf8": "utf-8",
    "cp1251": "windows-1251",
    "windows1251": "windows-1251",
    "koi8r": "koi8-r",
}
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_QUOTED: Final = tuple(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in range(256))
_PERCENT: Final = ord("%")
_PIECE: Final = 64 * 1024
_each_quoted_run = re.compile(rb"(?:%[0-9A-Fa-f]{2}){1,4096}").sub


@lru_cache(maxsize=64)
def canonical(name: str) -> str | None:
    """The service's name of a character set, None when it has no such one."""
    name = name.strip().strip("\"'").lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in _CODECS else None


def encode(text: str, charset: str) -> bytes:
    """`text` in `charset` (unknown: the default). What the charset cannot hold becomes "?"."""
    return text.encode(_CODECS[canonical(charset) or DEFAULT], "replace")


def decode(octets: bytes, charset: str) -> str:
    """`octets` read in `charset` (unknown: the default). What is none of its characters becomes U+FFFD."""
    if octets.isascii():  # the same in all of them
        return octets.decode("ascii")
    return octets.decode(_CODECS[canonical(charset) or DEFAULT], "replace")


def charset_of(content_type: str, default: str) -> str:
    """The charset that a Content-Type names, `default` when it names none of the three."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return canonical(value) or default
    return default


def percent_encode(octets: bytes) -> str:
    """`octets` as a value in a URL or a form: all but letters, digits and `-._~` is quoted, a space too."""
    return "".join([_QUOTED[octet] for octet in octets])


def percent_decode(text: bytes) -> bytes:
    """The octets of a value of a form; "+" is a space, a percent sign without two hex digits is itself."""
    if _PERCENT not in text:
        return text.replace(b"+", b" ")
    decoded = []
    start = 0
    while start < len(text):
        # In pieces, for their parts are objects; none of them ends inside a quoted octet.
        end = start + _PIECE
        quoted = text.rfind(b"%", end - 2, end)
        end = quoted if quoted >= 0 else end
        decoded.append(_each_quoted_run(_unquoted, text[start:end].replace(b"+", b" ")))
        start = end
    return b"".join(decoded)


def _unquoted(run: re.Match[bytes]) -> bytes:
    # A run at once: a text in Cyrillic is one, and an object for each octet would take fifty times its size.
    return bytes.fromhex(run[0].replace(b"%", b"").decode())
