"""Reading the parameters of a request: what makes no sense is error 1."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple, TypeVar

from gateway.core.hours import zone_of
from gateway.core.smsc_ids import phone_key
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Asked
from protocols.smsc_http.recipients import canonical_number
from protocols.smsc_http.times import TimeError, parse_date

_is_integer = re.compile("[0-9]{1,18}", re.ASCII).fullmatch
_between = re.compile(r"[,;\s]+").split

Params = Mapping[str, str]
T = TypeVar("T")
ROWS_AT_ONCE = 200
"""They take some milliseconds."""


def bad() -> ApiProblem:
    """Error 1, to be raised."""
    return ApiProblem(BAD_PARAMETERS)


def text(params: Params, name: str, most: int) -> str:
    """A parameter that must be there, with so many characters at the most."""
    value = params.get(name, "").strip()
    if not 0 < len(value) <= most:
        raise bad()
    return value


def integer(params: Params, name: str, low: int, high: int) -> int | None:
    """A whole number within bounds that both belong to it; None: it is missing or empty."""
    value = params.get(name, "")
    if not value:
        return None
    if not _is_integer(value) or not low <= int(value) <= high:
        raise bad()
    return int(value)


def flag(params: Params, name: str) -> bool:
    """A parameter that is on (1) or off (0, empty or missing)."""
    value = params.get(name, "")
    if value not in ("", "0", "1"):
        raise bad()
    return value == "1"


def count(params: Params, most: int, name: str = "cnt") -> int:
    """How many records are asked for, `most` at the most and without a word of it."""
    asked = integer(params, name, 1, 10**9)
    return most if asked is None else min(asked, most)


async def made(records: Callable[[], T], count: int) -> T:
    """What makes records of so many rows: many of them beside the loop, so that nobody else waits for it."""
    return records() if count <= ROWS_AT_ONCE else await asyncio.to_thread(records)


def items(value: str) -> list[str]:
    """The items of a list with any separators."""
    return [item for item in _between(value) if item]


def spellings(recipient: str) -> list[str]:
    """How a recipient may be kept, the likeliest first: as digits, an address in small letters, a name."""
    digits = canonical_number(recipient)
    found = [digits] if digits.isdecimal() else []
    return list(dict.fromkeys([*found, phone_key(recipient), recipient.strip()]))


# -- times ---------------------------------------------------------------------------------------------


class Period(NamedTuple):
    """Days of a calendar, both included, and the moments (ms) from which and before which they are."""

    first: date
    last: date
    begins_ms: int
    ends_ms: int


def period(asked: Asked, now_ms: int, longest_days: int) -> Period:
    """`start` to `end` in the account's zone; the day of `start` without an end, today without both."""
    zone = zone_of(asked.account.config.time_zone)
    params = asked.params
    try:
        today = datetime.fromtimestamp(now_ms / 1000, zone).date()
        first = parse_date(params["start"]) if params.get("start") else today
        last = parse_date(params["end"]) if params.get("end") else first
        if last < first or (last - first).days > longest_days:
            raise bad()
        return Period(first, last, begin_ms(first, zone), begin_ms(last + timedelta(1), zone))
    except (TimeError, OverflowError):
        raise bad() from None


def begin_ms(day: date, zone: tzinfo) -> int:
    """When a day begins in a zone."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def written(at_ms: int, zone: tzinfo) -> str:
    """`DD.MM.YYYY hh:mm:ss` by the clocks of a zone."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%d.%m.%Y %H:%M:%S")
