"""The options of the SMSC service's send.php that a message may carry: what is allowed, and its forms.

They come in a TLV (`gateway.core.service.OPTIONS_TAG`), form-encoded in UTF-8: "viber=1&tinyurl=1".  A
service_type of SMPP can name the kind too.  Only names of the list here pass, so nobody gets at the login,
the recipients or the form of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from gateway.core.service import OPTIONS_TAG
from protocols.smpp import tlv

_BY_SERVICE_TYPE = {
    "HLR": "hlr",
    "PING": "ping",
    "VIBER": "viber",
    "CALL": "call",
    "SOC": "soc",
    "MMS": "mms",
    "MAIL": "mail",
    "WHATS": "whatsapp",
    "FLASH": "flash",
}
KINDS = frozenset({*_BY_SERVICE_TYPE.values(), "push", "bot"})
"""Parameters that choose what a message is; one of them at the most."""
WITHOUT_TEXT = frozenset({"hlr", "ping"})
MAX_OPTIONS = 4096
"""Octets of the TLV."""
_MAX_LINE = 255

_is_time = re.compile(
    r"0|[0-9]{10}|0[0-9]{10}|\+[0-9]{1,6}|[0-9]{1,2}-[0-9]{1,2}"
    r"|[0-9]{2}\.[0-9]{2}\.[0-9]{2} [0-9]{2}:[0-9]{2}",
    re.ASCII,
).fullmatch
_is_clock = re.compile("([0-9]{1,2}):([0-9]{2})", re.ASCII).fullmatch
_is_decimal = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?", re.ASCII).fullmatch
_is_bot = re.compile("@[A-Za-z0-9_]{1,64}", re.ASCII).fullmatch
_is_voice = re.compile("[mw][234]?(?:,[a-z]{2})?", re.ASCII).fullmatch
_is_url = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]+").fullmatch
_is_word = re.compile("[A-Za-z0-9]{1,32}", re.ASCII).fullmatch
_is_mail_address = re.compile(r"[^\s\x00-\x1f\x7f,;:|<>\"@]+@[^\s\x00-\x1f\x7f,;:|<>\"@]+").fullmatch
_is_bot_user = re.compile("#[0-9]{1,20}|[A-Za-z][A-Za-z0-9_]{2,63}", re.ASCII).fullmatch
_is_group = re.compile("[Gg][0-9]+", re.ASCII).fullmatch
_has_control = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]").search
_find_bad_escape = re.compile("%(?![0-9A-Fa-f]{2})").search
_escaped = re.compile(rb"%([0-9A-Fa-f]{2})")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@,:/")


class Unsendable(ValueError):
    """A message that the service cannot be asked for; the text is one word for logs and reports."""


class OptionError(Unsendable):
    """It is the options that are at fault."""


class Options(NamedTuple):
    """What a message asks for beside its text; empty where it asks for nothing."""

    kind: str = ""
    """One of KINDS; "": an SMS."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Of send.php, sorted, with the kind's own."""
    to: str = ""
    """The recipient instead of the destination: a mail address, a nickname or an id of Telegram."""
    sender: str = ""
    """Instead of the source: a mail address, or the number of a call."""
    comment: str = ""

    def get(self, name: str) -> str:
        return next((value for found, value in self.parameters if found == name), "")


def _integer(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: (
        value.isascii() and value.isdecimal() and len(value) <= 10 and low <= int(value) <= high
    )


def _zone(value: str) -> bool:
    # From UTC-12 to UTC+14, as an offset to Moscow.
    digits = value.removeprefix("-") if value.startswith("-") else value.removeprefix("+")
    return _integer(0, 15)(digits) and -15 <= int(value) <= 11


def _time(value: str) -> bool:
    if _is_time(value) is None:
        return False
    if "-" in value:
        first, last = (int(hour) for hour in value.split("-"))
        return first < last <= 24
    if len(value) == 10 or "." in value:
        day, month, _, hour, minute = (int(part) for part in re.findall("[0-9]{2}", value))
        return 1 <= day <= 31 and 1 <= month <= 12 and hour <= 23 and minute <= 59
    return True


def _period(value: str) -> bool:
    return _is_decimal(value) is not None and 0.1 <= float(value) <= 720


def _valid(value: str) -> bool:
    clock = _is_clock(value)
    if clock is None:
        return _integer(1, 24)(value)
    minutes = int(clock[1]) * 60 + int(clock[2])
    return int(clock[2]) <= 59 and 1 <= minutes <= 24 * 60


def _param(value: str) -> bool:
    """Seconds to wait for an answer, seconds between tries, tries; beyond these the service ignores all."""
    numbers = value.split(",")
    bounds = ((0, 99), (0, 3600), (0, 9))
    return len(numbers) == 3 and all(
        _integer(low, high)(number) for number, (low, high) in zip(numbers, bounds, strict=True)
    )


def _ip(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _line(value: str) -> bool:
    return 0 < len(value) <= _MAX_LINE and _has_control(value) is None


def _sender(value: str) -> bool:
    return _line(value) and not any(sign in value for sign in "|,;:")


_FLAG = _integer(0, 1)
_CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(KINDS - {"bot"}, _FLAG),
    "bot": lambda value: _is_bot(value) is not None,
    "translit": _integer(0, 2),
    "tinyurl": _FLAG,
    "time": _time,
    "tz": _zone,
    "period": _period,
    "freq": _integer(1, 1440),
    "valid": _valid,
    "maxsms": _integer(1, 255),
    "subj": _line,
    "fileurl": lambda value: len(value) <= 2000 and _is_url(value) is not None,
    "smsreq": _integer(10, 999),
    "voice": lambda value: _is_voice(value) is not None,
    "param": _param,
    "userip": _ip,
    "imgcode": lambda value: _is_word(value) is not None,
    "pp": _integer(1, 2_147_483_647),
    "comment": _line,
    "sender": _sender,
    "to": lambda value: len(value) <= 254,
}
"""Every name that may be given, and what its values look like."""


@lru_cache(maxsize=512)
def options_of(service_type: str, tlvs: bytes) -> Options:
    """The options of a message by its service_type and its TLVs as on the wire.

    OptionError, whose text is "option_" and the name, or another word, for what is not allowed.
    """
    given: dict[str, str] = {}
    values = [value for tag, value in tlv.read_stream(tlvs, 0, 64) if tag == OPTIONS_TAG]
    if len(values) > 1:
        raise OptionError("options_twice")
    if values:
        given = _read_form(values[0])
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None:
            raise OptionError("unknown_option")
        if not check(value):
            raise OptionError(f"option_{name}")
    if service_type in _BY_SERVICE_TYPE:
        given.setdefault(_BY_SERVICE_TYPE[service_type], "1")
    to, sender, comment = (given.pop(name, "") for name in ("to", "sender", "comment"))
    # What is switched off is not sent, so that equal messages are equal.
    wanted = {name: value for name, value in given.items() if value != "0" or _CHECKS[name] is not _FLAG}
    kinds = KINDS & wanted.keys()
    if len(kinds) > 1:
        raise OptionError("two_kinds")
    kind = next(iter(kinds), "")
    _check_ends(kind, to, sender, wanted)
    return Options(kind, tuple(sorted(wanted.items())), to, sender, comment)


def _check_ends(kind: str, to: str, sender: str, wanted: Mapping[str, str]) -> None:
    """Whom it goes to, and from whom: an address is for mail, and a name for a bot of Telegram."""
    if kind == "mail":
        if _is_mail_address(to) is None:
            raise OptionError("option_to")
        if not wanted.get("subj"):
            raise OptionError("option_subj")
        if sender and _is_mail_address(sender) is None:
            raise OptionError("option_sender")
        return
    # A text's own prefix can make it a bot's message too.
    if to and (kind not in ("", "bot") or _is_bot_user(to) is None or _is_group(to) is not None):
        raise OptionError("option_to")
    if sender and kind != "call":
        raise OptionError("option_sender")
    if "imgcode" in wanted and "userip" not in wanted:
        raise OptionError("option_userip")


def _read_form(octets: bytes) -> dict[str, str]:
    """name=value&name=value; OptionError for anything else, or a name that stands twice."""
    if len(octets) > MAX_OPTIONS:
        raise OptionError("options_too_long")
    try:
        text = octets.removesuffix(b"\0").decode("utf-8")  # some libraries write C strings
    except UnicodeDecodeError:
        raise OptionError("options_not_utf_8") from None
    found: dict[str, str] = {}
    for pair in text.split("&") if text else ():
        name, equals, value = pair.partition("=")
        if not equals or name in found or _find_bad_escape(value):
            raise OptionError("malformed_options")
        try:
            found[name] = _escaped.sub(_octet, value.replace("+", " ").encode("utf-8")).decode("utf-8")
        except UnicodeDecodeError:
            raise OptionError("options_not_utf_8") from None
    return found


def _octet(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[1], 16),))


def options_tlv(options: Iterable[tuple[str, str]]) -> bytes:
    """The TLV with these options, as on the wire; the reverse of what `options_of` reads."""
    value = "&".join(f"{name}={_quote(text)}" for name, text in options)
    return tlv.write_stream([(OPTIONS_TAG, value.encode("ascii"))])


def _quote(text: str) -> str:
    octets = text.encode("utf-8", "replace")
    return "".join(chr(octet) if octet in _PLAIN else f"%{octet:02X}" for octet in octets)
