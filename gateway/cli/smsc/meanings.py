"""What the numbers in a record of a message mean, for people."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cli.smsc.output import Row, rows_of
from protocols.smsc_http.statuses import ERRORS, MAIL_ERRORS, STATUSES, TYPE_MAIL, TYPES


def with_meanings(value: object) -> object:
    """A record, or several, with status, err (or error) and type said in words."""
    if isinstance(value, list):
        return [_with_meanings(row) for row in rows_of(value)]
    return _with_meanings(value) if isinstance(value, Mapping) else value


def _with_meanings(row: Row) -> Row:
    errors = MAIL_ERRORS if _is_mail(row) else ERRORS
    said = dict(row)
    for name, value in row.items():
        number = _number(value)
        if number is None:
            continue
        if name == "status" and number in STATUSES:
            said[name] = f"{number} {STATUSES[number].name}"
        elif name in ("err", "error") and number in errors and number:
            said[name] = f"{number} {errors[number].name}"
        elif name == "type" and number in TYPES:
            said[name] = f"{number} {TYPES[number]}"
    return said


def _is_mail(row: Row) -> bool:
    return _number(row.get("type")) == TYPE_MAIL or "@" in str(row.get("phone", ""))


def _number(value: object) -> int | None:
    text = str(value)
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None
