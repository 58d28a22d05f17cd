"""Everything that is known of a number, for people: the command line shows it."""

from __future__ import annotations

from typing import Any

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    carrier,
    format_number,
    geocoder,
    is_possible_number_with_reason,
    number_type,
    parse,
)

from gateway.core import numbers
from protocols.sms.addresses import is_e164

_PROBLEMS = {
    ValidationResult.TOO_SHORT: "too short",
    ValidationResult.TOO_LONG: "too long",
    ValidationResult.INVALID_LENGTH: "no number of its country has so many digits",
    ValidationResult.INVALID_COUNTRY_CODE: "no country has this code",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too short but within its town",
}
NO_NUMBER = "no number"
NO_RANGE = "in no range that is given out"
OTHERWISE = "not written as an international number is"


def operator_of(digits: str, language: str = "en") -> str:
    """The operator that the number's range was given to; "" if unknown. A ported number has another one."""
    number = numbers.parsed(digits)
    return carrier.name_for_number(number, language) if number else ""


def region_of(digits: str, language: str = "en") -> str:
    """The town or region of a number, else its country by name; "" if unknown. Loads 100 MB of names."""
    number = numbers.parsed(digits)
    return geocoder.description_for_number(number, language) if number else ""


def describe(text: str, region: str = "") -> dict[str, Any]:
    """What is known of a number as people write it: with "+", in digits, or as in `region`.

    `problem` says why it is not valid, "": it is. Of what is no number there is nothing else.
    """
    digits = _international(text, region)
    number = numbers.parsed(digits)
    valid = numbers.check(digits, "valid")
    known: dict[str, Any] = {
        "number": text,
        "e164": f"+{digits}" if number else "",
        "possible": numbers.check(digits, "possible"),
        "valid": valid,
        "problem": "" if valid else _problem(digits),
    }
    if number is None:
        return known
    return known | {
        "national": format_number(number, PhoneNumberFormat.NATIONAL),
        "type": PhoneNumberType.to_string(number_type(number)).lower().replace("_", " "),
        "country": numbers.country_of(digits),
        "region": region_of(digits),
        "operator": operator_of(digits),
        "time_zone": numbers.time_zone_of(digits),
        "time_zones": list(numbers.time_zones_of(digits)),
    }


def _international(text: str, region: str) -> str:
    """The digits that a text means as an international number."""
    digits = "".join(character for character in text if character.isdecimal())
    if text.lstrip().startswith("+"):
        return digits
    return (numbers.national_to_e164(text, region) if region else None) or digits


def _problem(digits: str) -> str:
    """Why a number is not valid."""
    if not is_e164(digits):
        return NO_NUMBER
    try:
        reason = is_possible_number_with_reason(parse("+" + digits))
    except NumberParseException:
        return _PROBLEMS[ValidationResult.INVALID_COUNTRY_CODE]
    if reason in _PROBLEMS:
        return _PROBLEMS[reason]
    return NO_RANGE if numbers.parsed(digits) else OTHERWISE
