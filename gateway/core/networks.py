"""Whose a number is, as far as the numbering plans say: its country, and the operator of its range.

A ported number has another operator, which only an HLR request tells: no mobile network code is known here.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.core import numbers
from protocols.sms.countries import COUNTRIES


class Network(NamedTuple):
    """What is known of a number; "" where nothing is."""

    country: str = ""
    operator: str = ""
    mcc: str = ""
    """Of the country, three digits."""


UNKNOWN: Final = Network()


@lru_cache(maxsize=4_096)
def network_of(digits: str) -> Network:
    """Of an international number without "+"; UNKNOWN of what is no number of a country."""
    country = COUNTRIES.get(numbers.country_of(digits))
    if country is None:
        return UNKNOWN
    return Network(country.name, _operator(digits), country.mcc)


def country_name(digits: str) -> str:
    """In English; "" if unknown."""
    country = COUNTRIES.get(numbers.country_of(digits))
    return "" if country is None else country.name


def mccmnc_of(digits: str) -> str:
    """The mobile country code of a number, without a network code behind it; "" if unknown."""
    country = COUNTRIES.get(numbers.country_of(digits))
    return "" if country is None else country.mcc


def _operator(digits: str) -> str:
    """By the longest prefix: a history of a thousand numbers has no time for the library's own way there."""
    from phonenumbers.carrierdata import CARRIER_DATA, CARRIER_LONGEST_PREFIX  # some megabytes

    for length in range(CARRIER_LONGEST_PREFIX, 0, -1):
        names = CARRIER_DATA.get(digits[:length])
        if names is not None:
            return names.get("en", "")
    return ""


def hours_from(zone: tzinfo, time_zone: str, now: datetime) -> str:
    """How many hours a time zone is before another one now ("-3" … "9.5"); "" for one that is not known."""
    try:
        there = now.astimezone(ZoneInfo(time_zone)).utcoffset() if time_zone else None
    except (ZoneInfoNotFoundError, ValueError):
        there = None
    here = now.astimezone(zone).utcoffset()
    if there is None or here is None:
        return ""
    return f"{(there - here).total_seconds() / 3600:g}"
