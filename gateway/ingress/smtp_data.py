"""Reads what follows DATA (RFC 5321 §4.1.1.4, §4.5.2): octets up to the line that is only a dot.

Nothing but CR LF . CR LF ends it.  Other servers take a bare LF for a line's end, and whoever gets such a one
to pass on a mail could hide a second mail in it; here the odd line is part of the text.
"""

from __future__ import annotations

import asyncio

from protocols.mail.errors import MailError

_LAST_LINE = b".\r\n"
_END = b"\r\n" + _LAST_LINE
LINE_OCTETS = 65_536
"""Without CR LF.  RFC 5321 §4.5.3.1.6 has 998, which many a program that writes HTML has never heard of."""
ROOM = 128 << 20
NOBODYS_SHARE = ROOM // 2
THROWN_AWAY = 50_000_000
"""Octets over the limit that are read before we stop to be polite and hang up."""
_PAUSE_EVERY = 1024


class Room:
    """How many octets the mails take that are coming in, over all listeners, until each is answered.

    Whoever is no account's can fill a part of it only, so that strangers cannot keep it from accounts.
    """

    def __init__(self) -> None:
        self.taken = 0


class Place:
    """What one mail takes of the room; free again at the end of the `with`."""

    def __init__(self, room: Room, limit: int) -> None:
        self._room = room
        self._limit = limit
        self._octets = 0

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def take(self, octets: int) -> bool:
        """Whether there is room for so many more."""
        if self._room.taken + octets > self._limit:
            return False
        self._room.taken += octets
        self._octets += octets
        return True

    def clear(self) -> None:
        self._room.taken -= self._octets
        self._octets = 0


class HangUp(Exception):
    """The client goes on and on: the text is our last reply."""


async def read_data(reader: asyncio.StreamReader, max_size: int, place: Place) -> bytes:
    """The mail, without its last line and with the doubled dots single again.

    A mail over `max_size` octets, or for which `place` has no room, is read to its end and thrown away while
    it comes.  MailError: 552 or 452 for such a one, 500 for one with lines over LINE_OCTETS; HangUp when it
    is far too large.
    """
    parts: list[bytes] = []
    size = pieces = 0
    most = max_size + len(_LAST_LINE)
    refusal: MailError | None = None
    no_room = MailError("452 4.3.1", "too many mails at once, try again later")
    end = b"\r\n"
    while end != _END:
        try:
            piece = await reader.readuntil(_LAST_LINE)
        except asyncio.LimitOverrunError as error:
            piece = await reader.readexactly(error.consumed)
        # Dots that were doubled do not count (RFC 1870 §3).
        most += piece.count(b"\r\n.") + (piece[:1] == b"." and end[-2:] == b"\r\n")
        end = piece[-5:] if len(piece) >= 5 else (end + piece)[-5:]
        size += len(piece)
        if refusal is None:
            parts.append(piece)
        if size > most + THROWN_AWAY:
            raise HangUp("552 5.3.4 the mail is far too large")
        if size > most and (refusal is None or refusal is no_room):
            refusal = _refusal(b"".join(parts), max_size)
        elif refusal is None and not place.take(len(piece)):
            refusal = no_room
        if refusal is not None:
            parts.clear()
            place.clear()
        pieces += 1
        if not pieces % _PAUSE_EVERY:  # a buffer full of tiny pieces is read without a wait
            await asyncio.sleep(0)
    if refusal is not None:
        raise refusal
    mail = b"".join(parts)[: -len(_LAST_LINE)]
    if mail.startswith(b"."):
        mail = mail[1:]
    mail = mail.replace(b"\r\n.", b"\r\n")
    if len(mail) > max_size or (len(mail) > LINE_OCTETS and has_long_line(mail)):
        raise _refusal(mail, max_size)
    return mail


def _refusal(mail: bytes, max_size: int) -> MailError:
    if has_long_line(mail):
        return MailError("500 5.5.2", f"a line has more than {LINE_OCTETS} octets")
    return MailError("552 5.3.4", f"a mail has at most {max_size} octets here")


def has_long_line(mail: bytes) -> bool:
    """Whether a line has more than LINE_OCTETS; a bare LF ends a line here too.

    It looks at few places: from the last LF within reach of one line to that of the next.
    """
    reach = LINE_OCTETS + 2
    start, length = 0, len(mail)
    while length - start >= reach:
        found = mail.rfind(b"\n", start, start + reach)
        if found < 0:
            return True
        start = found + 1
    return False
