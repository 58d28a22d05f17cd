"""What the numbering plans say of a number: its country, its form, whether it exists, its time zone.

Everything comes from the `phonenumbers` library, which is loaded by the first question: a gateway whose
configuration asks nothing pays nothing. `digits` are those of an international number without "+".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from protocols.sms.addresses import is_e164

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_DECISIVE: Final = 8
"""First digits that tell countries with one calling code apart, with the number's length."""
_DECISIVE_OF: Final = {"1": 5, "7": 3}  # the plans with the most numbers need fewer
_SHORT_CODE: Final = 6
"""Digits up to which a number is a short code, except where a country's mobile numbers are as short."""
_FILLINGS: Final = ("0123456789", "1111111111", "2345678901", "5555555555", "9999999999")
_WINTER_AND_SUMMER: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
_NOWHERE: Final = "001"  # what the library calls calling codes of no country


def country_of(digits: str) -> str:
    """The country of a number (ISO 3166, two letters); "" for what is no number of a country.

    Only its beginning and length are looked at: a number that is not given out has the country of its
    calling code.
    """
    return _country(digits[:_DECISIVE], len(digits))


@lru_cache(maxsize=16_384)
def _country(first: str, length: int) -> str:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    if not is_e164(first.ljust(length, "0")):
        return ""
    for size in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(first[:size]))
        if regions is not None:
            found = ""
            if len(regions) > 1:
                found = _among_several(first[: _DECISIVE_OF.get(first[0], _DECISIVE)], length)
            return found or ("" if regions[0] == _NOWHERE else regions[0])
    return ""


@lru_cache(maxsize=16_384)
def _among_several(first: str, length: int) -> str:
    """The country among those with one calling code; "" if no such number is given out.

    What stands behind the beginning is made up, so that every number with it has the same country.
    """
    from phonenumbers import region_code_for_number

    for filling in _FILLINGS:
        number = parsed((first + filling)[:length])
        region = region_code_for_number(number) if number else None
        if region:
            return region
    return ""


@lru_cache(maxsize=4_096)
def time_zone_of(digits: str) -> str:
    """The time zone of a number (a name of the IANA database); "" if its beginning does not say one.

    A mobile number may be anywhere in its country: where that has several times, it has the zone of most
    of its people if the library knows one, as Moscow for Russia, and none else.
    """
    from phonenumbers import timezone

    if not time_zones_of(digits):
        return ""
    number = parsed(digits)
    zones = tuple(timezone.time_zones_for_geographical_number(number)) if number else ()
    return zones[0] if zones and have_same_time(zones) else ""


@lru_cache(maxsize=4_096)
def time_zones_of(digits: str) -> tuple[str, ...]:
    """All zones that a number may be of; () if nothing is known, or it is not given out."""
    from phonenumbers import timezone

    number = parsed(digits)
    zones = timezone.time_zones_for_number(number) if number else ()
    return () if zones == (timezone.UNKNOWN_TIMEZONE,) else tuple(zones)


@lru_cache(maxsize=256)
def have_same_time(zones: tuple[str, ...]) -> bool:
    """Whether it is as late in all of them, in winter and in summer."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        offsets = {_offsets_in(ZoneInfo(zone)) for zone in zones}
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return len(offsets) == 1


def _offsets_in(zone: tzinfo) -> tuple[timedelta | None, ...]:
    return tuple(moment.astimezone(zone).utcoffset() for moment in _WINTER_AND_SUMMER)


def parsed(digits: str) -> PhoneNumber | None:
    """The number, if the library reads all of its digits as they are."""
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse

    try:
        number = parse("+" + digits)
    except NumberParseException:
        return None
    # it takes an 8 behind +7, as in +7 8 999…, for the national prefix, and leaves it out
    return number if format_number(number, PhoneNumberFormat.E164) == "+" + digits else None


# -- national numbers, and which numbers exist ---------------------------------------------------------


def is_region(name: str) -> bool:
    """Whether the numbers of a country (ISO 3166, two capital letters) are known."""
    from phonenumbers import SUPPORTED_REGIONS

    return name in SUPPORTED_REGIONS


@lru_cache(maxsize=4_096)
def national_to_e164(text: str, region: str) -> str | None:
    """The digits of an international number that is written as its country's people do; None: it is none.

    `text` may have blanks, brackets and dashes. It is read as a number of `region` (8 999…, 999…, 7999… are
    one in RU); where that gives no number that can exist, but its digits are a foreign number without its
    "+", these are the answer. Short codes stay what they are: None.
    """
    from phonenumbers import (
        NumberParseException,
        PhoneNumberFormat,
        format_number,
        is_valid_number,
        parse,
    )

    if any(character.isalpha() for character in text):
        return None  # the library would read 8800FLOWERS
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if number.extension:
        return None
    digits = "".join(character for character in text if character.isdecimal())
    if len(digits) <= _SHORT_CODE and not _is_mobile(number):
        return None
    if not is_valid_number(number):
        if check(digits, "valid"):
            return digits
        if not _is_possible(number):
            return None
    found = format_number(number, PhoneNumberFormat.E164)[1:]
    return found if is_e164(found) else None


def reader_of(region: str) -> Callable[[str], str | None] | None:
    """What reads the national numbers of a region; None for no region."""
    return partial(national_to_e164, region=region) if region else None


@lru_cache(maxsize=4_096)
def check(digits: str, level: str) -> bool:
    """Whether a number is what an account's `number_check` asks for."""
    from phonenumbers import is_valid_number

    if level == "none":
        return True
    number = parsed(digits)
    if number is None:
        return False
    if level == "possible":
        return _is_possible(number)
    return is_valid_number(number) if level == "valid" else _is_mobile(number)


def _is_possible(number: PhoneNumber) -> bool:
    from phonenumbers import ValidationResult, is_possible_number_with_reason

    # not those that are long enough within their town or island only
    return is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _is_mobile(number: PhoneNumber) -> bool:
    from phonenumbers import PhoneNumberType, number_type

    # of some countries, such as those of +1, the two cannot be told apart
    return number_type(number) in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
