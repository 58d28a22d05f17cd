"""AUTH PLAIN and AUTH LOGIN (RFC 4954, RFC 4616): what the client says, not whether it is right."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable

from protocols.mail.errors import MailError

MECHANISMS = "PLAIN LOGIN"
LINE_LIMIT = 12_288
"""Octets of one line of the exchange (RFC 4954 §4)."""

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge ("334 …") and returns the client's line."""


async def credentials(argument: str, ask: Ask) -> tuple[str, str]:
    """Name and password, asked for as the mechanism wants it.

    `argument` is what follows AUTH. MailError: 504 for a mechanism we do not have, 501 for what cannot be
    read and for a client that cancels.
    """
    words = argument.split()
    if not 1 <= len(words) <= 2:
        raise MailError("501 5.5.4", f"the syntax is AUTH and one of {MECHANISMS}")
    initial = words[1].encode("utf-8", "replace") if len(words) == 2 else None
    match words[0].upper():
        case "PLAIN":
            return _plain(_decoded(initial if initial is not None else await ask(b"334 ")))
        case "LOGIN":
            name = _decoded(initial if initial is not None else await ask(_challenge("Username:")))
            password = _decoded(await ask(_challenge("Password:")))
            return _text(name), _text(password)
    raise MailError("504 5.5.4", f"this mechanism is not known here, only {MECHANISMS}")


def _challenge(text: str) -> bytes:
    return b"334 " + b64encode(text.encode())


def _decoded(line: bytes) -> bytes:
    line = line.strip()
    if line == b"*":
        raise MailError("501 5.7.0", "cancelled")
    if line == b"=":  # an initial response of no octets (RFC 4954 §4)
        return b""
    try:
        return b64decode(line, validate=True)
    except binascii.Error:
        raise MailError("501 5.5.2", "this is no base64") from None


def _plain(message: bytes) -> tuple[str, str]:
    """authorization identity NUL name NUL password (RFC 4616 §2); the first one may only repeat the name."""
    parts = message.split(b"\0")
    if len(parts) != 3:
        raise MailError("501 5.5.2", "PLAIN takes an empty word, the name and the password, parted by NUL")
    identity, name, password = map(_text, parts)
    if identity not in ("", name):
        raise MailError("535 5.7.8", "nobody can act for somebody else here")
    return name, password


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise MailError("501 5.5.2", "names and passwords are in UTF-8") from None
