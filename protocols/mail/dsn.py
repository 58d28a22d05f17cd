"""Delivery status notifications (RFC 3464) inside multipart/report (RFC 6522).

Three parts: what a person reads, what a program reads, and the mail that it is about: its header, or with
RET=FULL all of it.  A returned mail cannot be encoded (RFC 2046 §5.2.1), so it is returned whole only where
the way takes it as it is; else its header comes back, which may be encoded (RFC 6522 §4).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from protocols.mail.envelope import decode_xtext
from protocols.mail.letters import ascii_field, crlf, date, one_line, quoted_printable, text_entity

HEADER_MAX = 32_768
"""Octets of a header that are returned; a longer one is cut where a field ends."""
WHOLE_MAX = 1_000_000
"""Octets of a mail that is returned whole; of a larger one its header is."""
_LINE_MAX = 998  # RFC 5322 §2.1.1
_VALUE_MAX = 500

_unprintable = re.compile("[^ -~]").sub
_field_begins = re.compile(b"\r\n(?![ \t])").finditer
_is_8bit = re.compile(b"[\x80-\xff]").search


class Status(NamedTuple):
    """What a program is told of one recipient.  Times in milliseconds since 1970; 0: left out."""

    reporting_mta: str  # our domain
    envid: str  # of the mail's envelope, decoded; "": none
    arrival_ms: int
    orcpt: str  # of the recipient, as given: type;xtext; "": none
    recipient: str  # its address
    action: str  # failed, delayed, delivered or relayed (RFC 3464 §2.3.3)
    status: str  # x.y.z (RFC 3463)
    diagnostic: str  # what the SMSC said
    last_attempt_ms: int
    retry_until_ms: int


class Report(NamedTuple):
    """An entity to stand behind a mail's fields."""

    entity: bytes
    eight_bit: bool  # it goes only by 8BITMIME (RFC 6152)


def report(text: str, status: Status, returned: bytes, *, whole: bool, eight_bit: bool) -> Report:
    """The three parts; `returned` is the mail's header or, if `whole`, all of it.

    `eight_bit` tells whether the way takes 8-bit lines; without it such a mail is cut to its header.
    """
    third, is_8bit = _returned_mail(returned, eight_bit) if whole else (b"", False)
    if not third:
        third = _returned_header(returned)
    machine = b"Content-Type: message/delivery-status\r\n\r\n" + status_fields(status)
    parts = (text_entity(text), machine, third)
    # Nobody who can choose what a part says can choose the digest of all of them as well.
    boundary = b"=_" + sha256(b"\0".join(parts)).hexdigest()[:40].encode("ascii")
    head = b'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="%b"\r\n' % boundary
    if is_8bit:
        head += b"Content-Transfer-Encoding: 8bit\r\n"
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    return Report(b"%b\r\n%b--%b--\r\n" % (head, body, boundary), is_8bit)


def status_fields(status: Status) -> bytes:
    """The fields per message, an empty line, and those of the recipient (RFC 3464 §2.2, §2.3)."""
    message = [("Reporting-MTA", f"dns; {status.reporting_mta}")]
    if status.envid:
        message.append(("Original-Envelope-Id", status.envid))
    if status.arrival_ms:
        message.append(("Arrival-Date", date(status.arrival_ms)))
    recipient = []
    if status.orcpt:
        recipient.append(("Original-Recipient", _original(status.orcpt)))
    recipient.append(("Final-Recipient", _typed(status.recipient)))
    recipient += [("Action", status.action), ("Status", status.status)]
    if status.diagnostic:
        recipient.append(("Diagnostic-Code", f"x-sms; {status.diagnostic}"))
    if status.last_attempt_ms:
        recipient.append(("Last-Attempt-Date", date(status.last_attempt_ms)))
    if status.retry_until_ms:
        recipient.append(("Will-Retry-Until", date(status.retry_until_ms)))
    return b"\r\n".join(
        b"".join(ascii_field(name, _printable(value)) for name, value in group)
        for group in (message, recipient)
    )


def _printable(value: str) -> str:
    return _unprintable("?", one_line(value, _VALUE_MAX))


def _typed(address: str) -> str:
    """An address with its type; outside ASCII in the form that stays within it (RFC 6533 §3)."""
    return f"rfc822; {address}" if address.isascii() else f"utf-8; {_escaped(address)}"


def _original(orcpt: str) -> str:
    """ORCPT with its xtext read (RFC 3461 §6.3 e); one of type utf-8 has an encoding of its own."""
    kind, _, address = orcpt.partition(";")
    if kind.lower() == "utf-8":
        return f"{kind}; {_escaped(address)}"
    try:
        return f"{kind}; {decode_xtext(address)}"
    except ValueError:
        return f"{kind}; {address}"


def _escaped(address: str) -> str:
    return _unprintable(lambda found: rf"\x{{{ord(found[0]):X}}}", address)


def _returned_mail(returned: bytes, eight_bit: bool) -> tuple[bytes, bool]:
    """The part with a whole mail, and whether it has 8-bit lines; b"" when it cannot go as it is."""
    if len(returned) > WHOLE_MAX:
        return b"", False
    octets = crlf(returned)
    is_8bit = _is_8bit(octets) is not None
    header = octets.partition(b"\r\n\r\n")[0]
    if (is_8bit and not eight_bit) or _is_8bit(header) or not _are_lines(octets):
        return b"", False
    encoding = b"Content-Transfer-Encoding: 8bit\r\n" if is_8bit else b""
    return b"Content-Type: message/rfc822\r\n%b\r\n%b" % (encoding, octets), is_8bit


def _returned_header(returned: bytes) -> bytes:
    # The empty line is looked for from the line end before the first field, as there may be no field.
    lines = b"\r\n" + crlf(returned[: 2 * HEADER_MAX])
    header, is_whole, _ = lines.partition(b"\r\n\r\n")
    header = header[2:].removesuffix(b"\r\n")
    if header:
        header += b"\r\n"
    if len(header) > HEADER_MAX or not (is_whole or len(returned) < HEADER_MAX):
        # Its end is no border, as somebody may have cut it there; one octet more shows if a line goes on.
        borders = (found.end() for found in _field_begins(header[: HEADER_MAX + 1]))
        ends = [end for end in borders if end <= HEADER_MAX and end < len(header)]
        header = header[: max(ends, default=0)]
    head = b"Content-Type: text/rfc822-headers\r\n"
    if _is_8bit(header) or not _are_lines(header):
        return head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(header)
    return head + b"\r\n" + header


def _are_lines(octets: bytes) -> bool:
    """Whether SMTP carries these lines as they are (RFC 5321 §4.5.3.1.6, RFC 2045 §2.8)."""
    return b"\0" not in octets and max(map(len, octets.split(b"\r\n"))) <= _LINE_MAX
