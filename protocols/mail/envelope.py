"""The parameters of MAIL and RCPT (RFC 5321 §4.1.1.2-3), those of DSN among them (RFC 3461 §4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from protocols.mail.addresses import format_address, parse_address
from protocols.mail.errors import MailError

NOTIFY_BITS = {"SUCCESS": 1, "FAILURE": 2, "DELAY": 4}
"""The words of NOTIFY and their bits; NEVER has none (RFC 3461 §4.1)."""
_MAX_ENVID = 100
_MAX_ORCPT = 500
_BAD_ARGUMENT = "501 5.5.4"
_MAIL_PARAMETERS = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"})
_RCPT_PARAMETERS = frozenset({"NOTIFY", "ORCPT"})

# What nearly every client sends, without the characters that the checks below look for.
_PLAIN = r"<([A-Za-z0-9_+=-]++(?:\.[A-Za-z0-9_+=-]++)*+)@([A-Za-z0-9]++(?:[.-][A-Za-z0-9]++)*+)>"
_usual_mail = re.compile(
    rf"FROM:(?:<>|{_PLAIN})(?: SIZE=([0-9]{{1,15}}+))?(?: BODY=8BITMIME)?", re.IGNORECASE | re.ASCII
).fullmatch
_usual_rcpt = re.compile(rf"TO:{_PLAIN}", re.IGNORECASE | re.ASCII).fullmatch
_USUAL_LENGTH = 63  # of a part of an address; longer ones are looked at more closely

# Some clients leave a blank before the bracket, and some devices leave out the brackets.
_path = re.compile(
    r'(FROM|TO): *(?:<((?:"(?:[^"\\]|\\.)*+"|[^"<> ])*+)>|([^"<> @]++@[^"<> ]++))( .*)?', re.IGNORECASE
)
_is_size = re.compile("[0-9]{1,20}", re.ASCII).fullmatch
_is_orcpt = re.compile(r"([A-Za-z0-9-]{1,30});(.+)", re.ASCII).fullmatch
_is_relayed = re.compile("[%!@]").search
_is_xtext = re.compile(r"(?:[!-*,-<>-~]|\+[2-7][0-9A-F])*+", re.ASCII).fullmatch
_hexchars = re.compile(r"\+([0-9A-F]{2})").sub


class MailFrom(NamedTuple):
    """What MAIL said."""

    address: str  # "" for the null sender; the domain in small letters
    size: int  # octets the client announced; 0: it did not
    utf8: bool  # SMTPUTF8 was given
    ret: str  # "HDRS", "FULL" or, not given, ""
    envid: str  # decoded


class RcptTo(NamedTuple):
    """What RCPT said."""

    address: str  # the domain in small letters
    notify: int | None  # of NOTIFY_BITS; 0: never; None: not given
    orcpt: str  # type;xtext, as given


def parse_mail(argument: str, *, esmtp: bool, max_size: int) -> MailFrom:
    """What follows "MAIL ".

    `esmtp` tells whether the client said EHLO, without which there are no parameters. `max_size` is in
    octets. MailError: 501 and 555 for the syntax, 553 for the address, 552 for a mail that will be too
    large, 554 for an address that names its own way (`user%host@relay`), because we might report to it.
    AUTH= (RFC 4954 §5) is accepted and means nothing here: who sends is known by the connection.
    """
    usual = _usual_mail(argument)
    if usual is not None and esmtp:
        local, domain, size = usual.groups()
        if int(size or 0) <= max_size:
            if local is None:
                return MailFrom("", int(size or 0), False, "", "")
            if len(local) <= _USUAL_LENGTH and len(domain) <= _USUAL_LENGTH:
                return MailFrom(f"{local}@{domain.lower()}", int(size or 0), False, "", "")
    path, given = _read(argument, "FROM", _MAIL_PARAMETERS, esmtp)
    utf8 = "SMTPUTF8" in given
    if not (utf8 or argument.isascii()):
        raise MailError("553 5.6.7", "an address outside ASCII needs the parameter SMTPUTF8")
    address = _address(path, "5.1.7") if path else ""
    if given.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise MailError(_BAD_ARGUMENT, "BODY is 7BIT or 8BITMIME")
    ret = given.get("RET", "").upper()
    if ret not in ("", "FULL", "HDRS"):
        raise MailError(_BAD_ARGUMENT, "RET is FULL or HDRS")
    return MailFrom(
        address, _size(given.get("SIZE", "0"), max_size), utf8, ret, _envid(given.get("ENVID", ""))
    )


def parse_rcpt(argument: str, *, esmtp: bool) -> RcptTo:
    """What follows "RCPT ".

    An address outside ASCII is accepted; that MAIL must have had SMTPUTF8 is for the caller to check.
    MailError: 501 and 555 for the syntax, 553 for the address, 554 for one that names its own way,
    550 for the bare <postmaster>, who has no mailbox here.
    """
    usual = _usual_rcpt(argument)
    if usual is not None:
        local, domain = usual.groups()
        if len(local) <= _USUAL_LENGTH and len(domain) <= _USUAL_LENGTH:
            return RcptTo(f"{local}@{domain.lower()}", None, "")
    path, given = _read(argument, "TO", _RCPT_PARAMETERS, esmtp)
    if path.lower() == "postmaster":
        raise MailError("550 5.1.1", "write to postmaster at the domain of the site instead")
    address = _address(path, "5.1.3")
    notify = _notify(given["NOTIFY"]) if "NOTIFY" in given else None
    return RcptTo(address, notify, _orcpt(given["ORCPT"]) if "ORCPT" in given else "")


def decode_xtext(text: str) -> str:
    """The text behind an xtext (RFC 3461 §4). ValueError unless both are printable US-ASCII."""
    if _is_xtext(text) is None:
        raise ValueError("it is no xtext of printable characters")
    decoded = _hexchars(_character, text) if "+" in text else text
    if "\x7f" in decoded:
        raise ValueError("it is no xtext of printable characters")
    return decoded


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _read(argument: str, verb: str, known: frozenset[str], esmtp: bool) -> tuple[str, dict[str, str]]:
    """The path and the parameters, by their names in capital letters."""
    match = _path.fullmatch(argument) if argument.isprintable() else None
    if match is None or match[1].upper() != verb:
        raise MailError(_BAD_ARGUMENT, f"the syntax is {verb}:<name@domain>")
    given: dict[str, str] = {}
    for word in (match[4] or "").split():
        name, equals, value = word.partition("=")
        name = name.upper()
        if not esmtp:
            raise MailError("555 5.5.4", "parameters need EHLO instead of HELO")
        if name not in known:
            raise MailError("555 5.5.4", f"the parameter {name[:20]!a} is not known here")
        if name in given:
            raise MailError(_BAD_ARGUMENT, f"{name} is given twice")
        if "=" in value or (equals if name == "SMTPUTF8" else not value):
            raise MailError(_BAD_ARGUMENT, f"{name} has a wrong value")
        given[name] = value
    return match[2] if match[3] is None else match[3], given


def _address(path: str, syntax: str) -> str:
    if path.startswith("@"):
        raise MailError("554 5.7.1", "mail does not go by routes here")
    try:
        local, domain = parse_address(path)
    except ValueError as error:
        raise MailError(f"553 {syntax}", f"this is no address: {error}") from None
    if _is_relayed(local) is not None:
        raise MailError("554 5.7.1", "mail does not go by routes here")
    return format_address(local, domain)


def _size(text: str, max_size: int) -> int:
    if _is_size(text) is None:
        raise MailError(_BAD_ARGUMENT, "SIZE is a number of octets")
    if int(text) > max_size:
        raise MailError("552 5.3.4", f"a mail has at most {max_size} octets here")
    return int(text)


def _envid(text: str) -> str:
    return _xtext_of("ENVID", text, _MAX_ENVID, decode_xtext)


def _orcpt(text: str) -> str:
    def check(whole: str) -> str:
        match = _is_orcpt(whole)
        if match is None:
            raise ValueError("it is not of the form type;xtext")
        # The type utf-8 has a form with the characters as they are (RFC 6533 §3).
        raw = match[1].lower() == "utf-8"
        decode_xtext("".join(filter(str.isascii, match[2])) if raw else match[2])
        return whole

    return _xtext_of("ORCPT", text, _MAX_ORCPT, check)


def _xtext_of(name: str, text: str, longest: int, read: Callable[[str], str]) -> str:
    if len(text) > longest:
        raise MailError(_BAD_ARGUMENT, f"{name} has at most {longest} characters")
    try:
        return read(text)
    except ValueError as error:
        raise MailError(_BAD_ARGUMENT, f"{name}: {error}") from None


def _notify(text: str) -> int:
    words = text.upper().split(",")
    if words == ["NEVER"]:
        return 0
    if not all(word in NOTIFY_BITS for word in words):
        raise MailError(_BAD_ARGUMENT, "NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY")
    bits = 0
    for word in words:
        bits |= NOTIFY_BITS[word]
    return bits
