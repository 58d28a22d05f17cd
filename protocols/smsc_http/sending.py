r"""What stands inside the values of a sending: recipients, lists, comments, prefixes, binary messages, calls.

A list has a line `[sender[,tz]|]phones:text` for each text, in which `\n` stands for a line feed
(SMSC HTTP API, send.php, `list`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from protocols.sms import segments
from protocols.sms.alphabet import choose, encode

MAX_TEXT: Final = 1000
"""Characters of a text, without its comment."""

MAX_HEAD: Final = 400_000
"""Characters of the recipients of a line: of so many numbers nobody would wait for the end."""

_COMMENT: Final = "\n~~~\n"
_find_comment = re.compile("\r?\n~~~\r?\n").search

PREFIXES: Final[Mapping[str, tuple[str, str]]] = {
    "__CALL__": ("call", "1"),
    "__VIBER__": ("viber", "1"),
    "__SOC__": ("soc", "1"),
    "__MAIL__": ("mail", "1"),
    "__BOT__": ("bot", ""),
    "__PING__": ("ping", "1"),
    "__HLR__": ("hlr", "1"),
}
"""Beginnings of a text that stand for a parameter; that of a bot does not say which one."""

_is_client_id = re.compile("[A-Za-z0-9._-]{1,40}", re.ASCII).fullmatch
_is_group = re.compile("[Gg]([0-9]{1,10})", re.ASCII).fullmatch
_is_call_param = re.compile(r"\s*([0-9]{1,6})\s*,\s*([0-9]{1,6})\s*,\s*([0-9]{1,6})\s*", re.ASCII).fullmatch
_find_pid_dcs = re.compile(r"\r?\n~~~\r?\npid: ([0-9]{1,3}), dcs: ([0-9]{1,3})\s*\Z", re.ASCII).search
_is_hex = re.compile("(?:[0-9A-Fa-f]{2})+", re.ASCII).fullmatch
_PHONE = r"(?:\+?[0-9][0-9 ()-]{6,24}|[Gg][0-9]{1,10}|#[0-9]{1,20}|[^\s,:;|@]{1,64}@[^\s,:;|@]{1,255})"
_starts_line = re.compile(rf"(?:[^|:;\n]{{0,40}}\|)?{_PHONE}(?:,\s?{_PHONE})*[:;]", re.ASCII).match


class SendingError(ValueError):
    """A value that the grammar cannot hold, or that is none; its text never repeats the value."""


class ListLine(NamedTuple):
    """A line of a list."""

    phones: tuple[str, ...]  # as given: "79991234567", "+79991234567", "G777", an address
    text: str  # with real line feeds, its comment still on it
    sender: str = ""  # "": that of the request
    zone: str = ""  # offset to Moscow in hours; "": that of the request


def format_list(lines: Iterable[ListLine]) -> str:
    """The value of `list`. SendingError for a line that would not be read as it is meant."""
    written = [_format_line(line) for line in lines]
    if not written:
        raise SendingError("a list needs a line")
    return "\n".join(written)


def _format_line(line: ListLine) -> str:
    if not line.phones or any(not phone or set(phone) & set(",:;|\n\r") for phone in line.phones):
        raise SendingError("a line of a list needs phones, without , : ; | and line ends in them")
    if set(line.sender + line.zone) & set(",:;|\n\r"):
        raise SendingError("a sender in a list has no , : ; | and line ends")
    if not can_list(line.text):
        raise SendingError("the text has a backslash before an n, or a carriage return: send it alone")
    head = f"{line.sender},{line.zone}|" if line.zone else f"{line.sender}|" if line.sender else ""
    text = line.text.replace("\n", "\\n")
    return f"{head}{','.join(line.phones)}:{text}"


def can_list(text: str) -> bool:
    r"""Whether a text comes out of a list as it went in: one that has `\n` itself does not."""
    return "\\n" not in text and "\r" not in text


def parse_list(text: str, nl: bool = False) -> list[ListLine]:
    r"""The lines of a list, at least one; empty lines are left out.

    With `nl` a line feed within a text is a real one: a line that does not begin like one of a list goes on
    with the text before it, and `\n` is nothing special. SendingError for what is no list.
    """
    text = text.replace("\r\n", "\n")
    lines: list[ListLine] = []
    for number, line in enumerate(_joined(text) if nl else text.split("\n"), 1):
        if line.strip():
            lines.append(_parse_line(line, number, nl))
    if not lines:
        raise SendingError("the list is empty")
    return lines


def _joined(text: str) -> list[str]:
    """The lines with those after them that do not begin one themselves."""
    gathered: list[list[str]] = []
    for line in text.split("\n"):
        if gathered and _starts_line(line) is None:
            gathered[-1].append(line)
        elif gathered or line.strip():
            gathered.append([line])
    return ["\n".join(lines) for lines in gathered]


def _parse_line(line: str, number: int, nl: bool) -> ListLine:
    parts = re.split("[:;]", line, maxsplit=1)
    if len(parts) < 2:
        raise SendingError(f"line {number} of the list is not phones:text")
    if len(parts[0]) > MAX_HEAD:
        raise SendingError(f"line {number} of the list has too many phones")
    head, _, numbers = parts[0].rpartition("|")
    phones = tuple(phone.strip() for phone in numbers.split(",") if phone.strip())
    if not phones:
        raise SendingError(f"line {number} of the list has no phone")
    sender, _, zone = (part.strip() for part in head.partition(","))
    said = parts[1] if nl else parts[1].replace("\\n", "\n")
    return ListLine(phones, said, sender, zone)


def split_phones(text: str) -> tuple[str, ...]:
    """The recipients in `phones`, separated by commas or semicolons; as given but for blanks around them."""
    return tuple(phone.strip() for phone in text.replace(";", ",").split(",") if phone.strip())


def group_number(recipient: str) -> str | None:
    """The sending number of a group of contacts, "777" of "G777"; None for any other recipient."""
    found = _is_group(recipient)
    return found[1] if found is not None else None


def is_client_id(text: str) -> bool:
    """Whether it can be the `id` of a message: a number from 1 to 2147483647, or letters, digits, . - _"""
    if text.isdecimal():
        return text.isascii() and len(text) <= 10 and 1 <= int(text) <= 2_147_483_647
    return _is_client_id(text) is not None


def join_comment(text: str, comment: str) -> str:
    """A text with a comment that only its sender sees; "" adds none.

    SendingError if the two would be parted elsewhere than where they were joined.
    """
    if not comment:
        return text
    whole = f"{text}{_COMMENT}{comment}"
    if split_comment(whole) != (text, comment):
        raise SendingError("the text has a line of three tildes")
    return whole


def split_comment(text: str) -> tuple[str, str]:
    """A text without its comment, and the comment; what follows the first line of three tildes is one."""
    found = _find_comment(text)
    if found is None:
        return text, ""
    return text[: found.start()], text[found.end() :]


def split_prefix(text: str) -> tuple[str, str]:
    """The prefix of PREFIXES that a text begins with, and the rest without colon and blank; "" and the text.

    Whatever follows the prefix, it is one: nobody may bring a command past a check by writing it oddly.
    """
    start = text.lstrip()
    for prefix in PREFIXES:
        if start.startswith(prefix):
            rest = start.removeprefix(prefix)
            return prefix, rest.removeprefix(":").removeprefix(" ")
    return "", text


def parts_of(text: str) -> int:
    """How many SMS a text is: of 160 characters or 153 each, or of 70 and 67 if not all are of GSM 7 bit."""
    alphabet = choose(text)
    return segments.count(encode(text, alphabet), alphabet)


class Binary(NamedTuple):
    """A binary message: octets that begin with a user data header, or with a zero octet where it has none."""

    octets: bytes
    pid: int | None = None
    dcs: int | None = None

    @property
    def has_udh(self) -> bool:
        """Whether there is a header; UDHI in SMPP's esm_class."""
        return self.octets[0] > 0

    @property
    def user_data(self) -> bytes:
        """What goes into an SMS: header and content, or the content alone."""
        return self.octets if self.has_udh else self.octets[1:]


def format_binary(octets: bytes, pid: int | None = None, dcs: int | None = None) -> str:
    """The value of `mes` for `bin=2`: hex digits, and pid and dcs after a line of tildes if one is given.

    `octets` begin with a header or a zero octet; SendingError if they do not, or for a number over 255.
    """
    _check_header(octets)
    mes = octets.hex().upper()
    if pid is None and dcs is None:
        return mes
    pid, dcs = pid or 0, 4 if dcs is None else dcs
    if not (0 <= pid <= 255 and 0 <= dcs <= 255):
        raise SendingError("pid and dcs are octets")
    return f"{mes}{_COMMENT}pid: {pid}, dcs: {dcs}"


def parse_binary(mes: str, kind: int = 2) -> Binary:
    """The message in `mes`. `kind` is the value of `bin`: 2 hex digits, 1 a character for each octet.

    SendingError for anything else, and for a header that is longer than the message.
    """
    found = _find_pid_dcs(mes)
    pid = dcs = None
    if found is not None:
        mes = mes[: found.start()]
        pid, dcs = int(found[1]), int(found[2])
        if pid > 255 or dcs > 255:
            raise SendingError("pid and dcs are octets")
    elif kind == 2:
        mes, _ = split_comment(mes)
    try:
        octets = mes.encode("latin-1") if kind == 1 else bytes.fromhex(mes) if _is_hex(mes) else b""
    except UnicodeEncodeError:
        raise SendingError("a binary message has octets only") from None
    _check_header(octets)
    return Binary(octets, pid, dcs)


def _check_header(octets: bytes) -> None:
    if not octets or octets[0] >= len(octets):
        raise SendingError("a binary message begins with its header's length, or with 00 if it has none")


class CallParam(NamedTuple):
    """How often and how long a voice message is tried."""

    wait_s: int  # for an answer
    interval_s: int | None  # between attempts; None: growing from 3 to 14 s
    attempts: int


CALL_DEFAULT: Final = CallParam(25, None, 8)


def call_param(text: str) -> CallParam:
    """What `w,i,n` comes to: some values are drawn to the nearest that works, others give the defaults."""
    found = _is_call_param(text)
    if found is None:
        return CALL_DEFAULT
    wait_s, interval_s, attempts = (int(part) for part in found.groups())
    if wait_s > 99 or interval_s > 3600 or attempts > 9:
        return CALL_DEFAULT
    return CallParam(min(max(wait_s, 10), 35), max(interval_s, 10), max(attempts, 1))
