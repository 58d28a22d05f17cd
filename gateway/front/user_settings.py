"""What users.php can set of a sub-client, and what that makes of its parent's options.

A sub-client is its parent with another login: routes, prices, senders, rate, addresses and whatever else no
setting names are the parent's, as they are now. What has no counterpart here is kept and means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from gateway.config.account_model import Account, AccountLimits, SubAccount
from gateway.config.http_model import AccountHttp
from gateway.config.mail_model import AccountMail
from gateway.config.secret import Secret
from gateway.core.call_urls import CallUrlError, parse_call_url
from gateway.core.destinations import Destinations
from gateway.core.hours import zone_of
from gateway.front.desk import BAD_PARAMETERS, ApiProblem

OWN_BALANCE = ("0", "1")
"""Types of sub-clients whose balance is their own; the others' is their parent's."""
TEXT_MAX = 1000
NOBODY = ("0",)
"""Destinations that no number has: an international number does not begin with a zero."""

_NUMBERS = {
    "type": (0, 4),
    "tariff": (0, 8),
    "curr": (1, 5),
    "tz": (0, 24),
    "site_id": (0, 2**31 - 1),
    "ktm": (0, 3660),
    "dlim": (0, 10**9),
    "plim": (0, 10**6),
    "tlim": (0, 10**6),
    "ilim": (0, 10**9),
    "vld": (0, 10**6),
    "mh1": (0, 24),
    "mh2": (0, 24),
    "mlen": (0, 1000),
}
_TEXTS = frozenset(
    {
        *("fio", "props", "cntr", "mintrf", "notes", "answ", "answ_call", "sender2"),
        *("phone", "phone2", "ph", "mph"),
    }
)
_is_integer = re.compile("[0-9]{1,10}", re.ASCII).fullmatch
_is_money = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,4})?", re.ASCII).fullmatch
_is_mail = re.compile(r"[^\s@,;<>]{1,64}@[^\s@,;<>]{1,190}", re.ASCII).fullmatch
_is_hours = re.compile("([0-9]{1,2})-([0-9]{1,2})", re.ASCII).fullmatch
_is_flag_name = re.compile(r"fl[23]?\[[0-9]{1,2}\]|mfl\[[0-6]\]", re.ASCII).fullmatch
_is_prefix = re.compile("-?[0-9]{1,15}", re.ASCII).fullmatch
_is_number = re.compile("[0-9]{1,15}", re.ASCII).fullmatch
_is_sender = re.compile(r"[ -~]{1,11}|[0-9]{1,15}", re.ASCII).fullmatch
_between = re.compile(r"[,;\s]+").split


# -- reading ----------------------------------------------------------------------------------------


def read_settings(params: Mapping[str, str]) -> dict[str, str]:
    """The settings among the parameters, by their names; ApiProblem 1 for what makes no sense."""
    found = {}
    for name, value in params.items():
        if name in _NUMBERS or name in _TEXTS or name in _FORMS or _is_flag_name(name):
            if value and not _is_good(name, value):
                raise ApiProblem(BAD_PARAMETERS, f"{name} is not what it should be")
            found[name] = value
    return found


def _is_good(name: str, value: str) -> bool:
    if len(value) > TEXT_MAX:
        return False
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        return bool(_is_integer(value)) and low <= int(value) <= high
    if form := _FORMS.get(name):
        return bool(form(value))
    return name in _TEXTS or value in ("0", "1")


def _is_url(value: str) -> bool:
    try:
        parse_call_url(value)
    except CallUrlError:
        return False
    return True


def _are_hours(value: str) -> bool:
    found = _is_hours(value)
    return found is not None and 0 <= int(found[1]) < int(found[2]) <= 24


def _are_prefixes(value: str) -> bool:
    return all(_is_prefix(entry) for entry in _list(value))


_FORMS: dict[str, Callable[[str], object]] = {
    "email": _is_mail,
    "email2": _is_mail,
    "nb": _is_money,
    "tmlim": _are_hours,
    "url": _is_url,
    "fmts": _are_prefixes,
    "sender": _is_sender,
}


def _list(value: str) -> list[str]:
    return [entry for entry in _between(value) if entry]


def _numbers(value: str) -> tuple[str, ...]:
    """The numbers in a list, each once."""
    digits = (entry.removeprefix("+") for entry in _list(value))
    return tuple(one for one in dict.fromkeys(digits) if _is_number(one))


# -- what they make ---------------------------------------------------------------------------------


def account_of(parent: Account, name: str, password_hash: str, settings: Mapping[str, str]) -> SubAccount:
    """The account that a sub-client is."""
    given = {key: value for key, value in settings.items() if value}
    changed = replace(
        parent,
        system_id=name,
        password_hash=Secret(password_hash),
        second_password_hash=None,
        api_keys=(),
        parent=parent.system_id,
        max_binds=0 if given.get("fl[2]") == "0" else parent.max_binds,
        test_mode=parent.test_mode or _flag(given, "fl2[27]"),
        blocked=_flag(given, "fl2[10]"),
        default_source=_default_source(parent, given),
        destinations=_destinations(given),
        max_validity_h=_validity(parent, given),
        time_zone=_zone(parent, given),
        limits=_limits(parent.limits, given),
        balance=_balance(parent, given),
        credit=0,
        smpp=replace(
            parent.smpp, outbind=None, receipts="per_part" if _flag(given, "fl[23]") else parent.smpp.receipts
        ),
        mail=_mail(parent.mail, given),
        http=_http(parent.http, given),
    )
    return SubAccount(**{option.name: getattr(changed, option.name) for option in fields(Account)})


def _flag(given: Mapping[str, str], name: str) -> bool:
    return given.get(name) == "1"


def _balance(parent: Account, given: Mapping[str, str]) -> Any:
    """A balance of its own only where somebody else's would be used up."""
    if parent.balance == "none" or not parent.prices:
        return "none"
    return "own" if given.get("type", "0") in OWN_BALANCE else "parent"


def _default_source(parent: Account, given: Mapping[str, str]) -> str:
    sender = given.get("sender", "")
    allowed = not parent.allowed_sources or sender in parent.allowed_sources
    return sender if sender and allowed else parent.default_source


def _destinations(given: Mapping[str, str]) -> tuple[str, ...]:
    """Prefixes of `fmts`; where `ph` names numbers, those of them that the prefixes allow.

    Those of the parent hold beside them. Groups in `ph` are no numbers, and name nobody.
    """
    prefixes = tuple(dict.fromkeys(_list(given.get("fmts", ""))))
    if not given.get("ph", "").strip():
        return prefixes
    allowed = Destinations(prefixes)
    return tuple(number for number in _numbers(given["ph"]) if allowed.allow(number)) or NOBODY


def _validity(parent: Account, given: Mapping[str, str]) -> int:
    """Hours; 0: no limit. The shorter of both."""
    hours = -(-int(given.get("vld", "0")) // 60)
    known = [limit for limit in (hours, parent.max_validity_h) if limit]
    return min(known, default=0)


def _zone(parent: Account, given: Mapping[str, str]) -> str:
    """The time zone of a `tz`: 0 is twelve hours behind UTC. Names of these zones have the other sign.

    The parent's where that has hours, which would be others in another zone, and on a machine that does not
    know time zones.
    """
    if "tz" not in given or parent.limits.hours:
        return parent.time_zone
    hours = 12 - int(given["tz"])
    name = f"Etc/GMT{hours:+}" if hours else "UTC"
    try:
        zone_of(name)
    except (KeyError, OSError, ValueError):
        return parent.time_zone
    return name


def _limits(parent: AccountLimits, given: Mapping[str, str]) -> AccountLimits:
    """Its own limits per day; those of the parent count beside them. Hours of the parent hold."""
    limits = replace(
        parent,
        per_day=int(given.get("dlim", "0")),
        per_number=int(given.get("plim", "0")),
        per_text=int(given.get("tlim", "0")),
        per_address=int(given.get("ilim", "0")),
    )
    if parent.hours or "tmlim" not in given:
        return limits
    first, last = (int(hour) % 24 for hour in given["tmlim"].split("-"))
    return replace(
        limits,
        hours="" if first == last else f"{first}-{last}",
        outside_hours="refuse" if _flag(given, "fl2[15]") else "wait",
        hours_of="subscriber" if _flag(given, "fl2[16]") else "account",
    )


def _http(parent: AccountHttp | None, given: Mapping[str, str]) -> AccountHttp | None:
    if parent is None:
        return None
    called = _flag(given, "fl[10]") or _flag(given, "fl[11]")
    return AccountHttp(
        networks=parent.networks, handler=given.get("url", "") if called else "", relay=parent.relay
    )


def _mail(parent: AccountMail | None, given: Mapping[str, str]) -> AccountMail | None:
    """Mail with AUTH only: servers that need none are the parent's."""
    if parent is None or _flag(given, "mfl[0]"):
        return None
    changes: dict[str, Any] = {"networks": (), "recipients": _numbers(given.get("mph", ""))}
    if "mfl[5]" in given:
        changes["numbers_in_body"] = _flag(given, "mfl[5]")
    if "mfl[6]" in given:
        changes["numbers_in_address"] = _flag(given, "mfl[6]")
    if _flag(given, "mfl[1]"):
        changes["subject"] = ""
    if _flag(given, "mfl[2]"):
        changes["text"] = False
    if _flag(given, "mfl[3]"):
        changes["sender"] = ""
    if _flag(given, "mfl[4]"):
        changes["transliterate"] = "all"
    length = int(given.get("mlen", "0"))
    if length > 12:
        changes["max_characters"] = min(length, parent.max_characters or length)
    elif length:
        changes["max_segments"] = min(length, parent.max_segments)
    return replace(parent, **changes)
