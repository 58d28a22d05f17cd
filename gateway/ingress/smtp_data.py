"""Reads what follows DATA (RFC 5321 §4.1.1.4, §4.5.2): octets up to the line that is only a dot.

Nothing but CR LF . CR LF ends it.  Other servers take a bare LF for a line's end, and whoever gets such a one
to pass on a mail could hide a second mail in it; here the odd line is part of the text.
"""

from __future__ import annotations

import asyncio

from protocols.mail.errors import MailError

_END = b"\r\n.\r\n"
LINE_OCTETS = 998
"""RFC 5322 §2.1.1, without CR LF."""
THROWN_AWAY = 50_000_000
"""Octets over the limit that are read before we stop to be polite and hang up."""
_PAUSE_EVERY = 1024


class HangUp(Exception):
    """The client goes on and on: the text is our last reply."""


async def read_data(reader: asyncio.StreamReader, max_size: int) -> bytes:
    """The mail, without its last line and with the doubled dots single again.

    A mail over `max_size` octets is read to its end and thrown away while it comes.  MailError: 552 for such
    a one, 500 for one with lines over LINE_OCTETS; HangUp when it is far too large.
    """
    parts: list[bytes] = []
    size = pieces = 0
    refusal: MailError | None = None
    end = b"\r\n"
    while end != _END:
        try:
            piece = await reader.readuntil(b".\r\n")
        except asyncio.LimitOverrunError as error:
            piece = await reader.readexactly(error.consumed)
        end = piece[-5:] if len(piece) >= 5 else (end + piece)[-5:]
        size += len(piece)
        if refusal is None:
            parts.append(piece)
            if size > max_size + len(_END):
                refusal = _refusal(b"".join(parts), max_size)
                parts.clear()
        elif size > max_size + THROWN_AWAY:
            raise HangUp("552 5.3.4 the mail is far too large")
        pieces += 1
        if not pieces % _PAUSE_EVERY:  # a buffer full of tiny pieces is read without a wait
            await asyncio.sleep(0)
    if refusal is not None:
        raise refusal
    mail = b"".join(parts)[:-3]
    if mail.startswith(b"."):
        mail = mail[1:]
    mail = mail.replace(b"\r\n.", b"\r\n")
    if len(mail) > LINE_OCTETS and has_long_line(mail):
        raise _refusal(mail, max_size)
    return mail


def _refusal(mail: bytes, max_size: int) -> MailError:
    if has_long_line(mail):
        return MailError("500 5.5.2", f"a line has more than {LINE_OCTETS} octets")
    return MailError("552 5.3.4", f"a mail has at most {max_size} octets here")


def has_long_line(mail: bytes) -> bool:
    """Whether a line has more than LINE_OCTETS; a bare LF ends a line here too.

    It looks at one place in a thousand: from the last LF within reach of one line to that of the next.
    """
    reach = LINE_OCTETS + 2
    start, length = 0, len(mail)
    while length - start >= reach:
        found = mail.rfind(b"\n", start, start + reach)
        if found < 0:
            return True
        start = found + 1
    return False
