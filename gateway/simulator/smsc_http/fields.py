"""Reading the parameters of a request: what is missing or makes no sense is error 1.

Numbers of subscribers are checked in form only; whether they exist is not asked.
"""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.simulator.smsc_http.model import ApiProblem, Params
from gateway.simulator.smsc_http.recipients import canonical_phone
from protocols.sms.addresses import is_e164

BAD_PARAMETERS = 1
MAX_TEXT = 1000
"""Characters of a name, a comment, a text."""

_is_integer = re.compile("-?[0-9]{1,18}", re.ASCII).fullmatch
_is_money = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,4})?", re.ASCII).fullmatch
_is_mail = re.compile(r"[^\s@,;<>]{1,64}@[^\s@,;<>]{1,190}", re.ASCII).fullmatch
_is_sender_name = re.compile(r"[A-Za-z0-9 !\"#$%&'()*+,./:;<=>?_-]{1,11}|[0-9]{1,15}", re.ASCII).fullmatch
_between = re.compile(r"[,;|\s]+").split


def bad() -> ApiProblem:
    """Error 1, to be raised."""
    return ApiProblem(BAD_PARAMETERS)


def text(params: Params, name: str, most: int = MAX_TEXT) -> str:
    """A parameter that must be there."""
    value = optional_text(params, name, most)
    if not value.strip():
        raise bad()
    return value


def optional_text(params: Params, name: str, most: int = MAX_TEXT) -> str:
    """A parameter that may be missing: empty then."""
    value = params.get(name, "")
    if len(value) > most:
        raise bad()
    return value


def integer(params: Params, name: str, low: int, high: int) -> int:
    """A number that must be there."""
    value = optional_integer(params, name, low, high)
    if value is None:
        raise bad()
    return value


def optional_integer(params: Params, name: str, low: int, high: int) -> int | None:
    """A number that may be missing or empty."""
    value = params.get(name, "")
    return as_integer(value, low, high) if value else None


def as_integer(value: str, low: int, high: int) -> int:
    """The number that this text is, within bounds that both belong to it."""
    if not _is_integer(value) or not low <= int(value) <= high:
        raise bad()
    return int(value)


def flag(params: Params, name: str) -> bool:
    """A parameter that is on (1) or off (0 or missing)."""
    value = params.get(name, "")
    if value not in ("", "0", "1"):
        raise bad()
    return value == "1"


def count(params: Params, most: int, name: str = "cnt") -> int:
    """How many records to return: what is asked for, and `most` at most."""
    asked = optional_integer(params, name, 1, 10**9)
    return most if asked is None else min(asked, most)


def money(params: Params, name: str) -> Decimal:
    """An amount with up to four digits behind the point."""
    value = params.get(name, "")
    if not _is_money(value):
        raise bad()
    return Decimal(value)


def split(value: str) -> list[str]:
    """The items of a list with any separators."""
    return [item for item in _between(value) if item]


def phone(value: str, problem: int = BAD_PARAMETERS) -> str:
    """One number in digits alone; the error is `problem` if it is none.

    Without a plus, some national prefixes are corrected, as for send.php.
    """
    digits = canonical_phone(value.strip())
    if not is_e164(digits):
        raise ApiProblem(problem)
    return digits


def phones(value: str) -> list[str]:
    """The numbers of a list, each once; at least one."""
    found = list(dict.fromkeys(phone(item) for item in split(value)))
    if not found:
        raise bad()
    return found


def mail(value: str) -> str:
    """One address, in small letters."""
    address = value.strip().lower()
    if not _is_mail(address):
        raise bad()
    return address


def mails(value: str) -> list[str]:
    """The addresses of a list, each once; at least one."""
    found = list(dict.fromkeys(mail(item) for item in split(value)))
    if not found:
        raise bad()
    return found


def sender_name(value: str) -> str:
    """A Sender ID: up to 11 characters or up to 15 digits."""
    if not _is_sender_name(value):
        raise bad()
    return value


def cents(amount: Decimal) -> str:
    """An amount as the answers have it."""
    return f"{amount:.2f}"
