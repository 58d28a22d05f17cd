"""Absolute and relative times (SMPP v3.4 §7.1.1, SMPP v5.0 §4.7.23).

Both have sixteen characters: ``YYMMDDhhmmsstnnp``. In an absolute time ``t`` is tenths of a second,
``nn`` quarters of an hour and ``p`` the sign of that difference to UTC; in a relative time ``tnn`` is
``000`` and ``p`` is ``R``. The two digits of the year follow the rule of v3.4 §7.1.1: 38 and above is
the twentieth century.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

_LENGTH = 16
_MAX_QUARTERS = 48
_CENTURY_TURN = 38
_DAYS_PER_YEAR = 365
_DAYS_PER_MONTH = 30


def parse_time(text: str, now: datetime) -> datetime | None:
    """The moment a schedule_delivery_time or validity_period names, None for the empty one.

    `now` is aware; a relative time counts from it by the calendar (a year is a year, a month a month).
    An absolute time keeps the offset it came with. ValueError when the text is no time.
    """
    if not text:
        return None
    if len(text) != _LENGTH:
        raise ValueError(f"a time has {_LENGTH} characters, this one {len(text)}")
    digits, sign = text[:15], text[15]
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("a time has fifteen digits before its last character")
    year, month, day, hour, minute, second = (int(digits[i : i + 2]) for i in range(0, 12, 2))
    tenths, quarters = int(digits[12]), int(digits[13:])
    if sign == "R":
        return _add(now, year, month, day, timedelta(hours=hour, minutes=minute, seconds=second))
    if sign not in "+-":
        raise ValueError(f"a time ends with +, - or R, not {sign!r}")
    if quarters > _MAX_QUARTERS:
        raise ValueError(f"{quarters} quarters of an hour are no time zone")
    offset = timedelta(minutes=15 * quarters)
    return datetime(
        year + (1900 if year >= _CENTURY_TURN else 2000),
        month,
        day,
        hour,
        minute,
        second,
        tenths * 100_000,
        timezone(offset if sign == "+" else -offset),
    )


def format_absolute(moment: datetime) -> str:
    """An aware datetime in the absolute form, to the tenth of a second (cut, not rounded).

    An offset that is no whole number of quarters, or beyond twelve hours, is written as UTC. ValueError
    for a naive datetime and for years that two digits cannot tell (before 1938, after 2037).
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("the datetime has no time zone")
    quarters, rest = divmod(offset, timedelta(minutes=15))
    if rest or abs(quarters) > _MAX_QUARTERS:
        moment, quarters = moment.astimezone(UTC), 0
    if not 1900 + _CENTURY_TURN <= moment.year < 2000 + _CENTURY_TURN:
        raise ValueError(f"two digits cannot tell the year {moment.year}")
    sign = "-" if quarters < 0 else "+"
    return f"{moment:%y%m%d%H%M%S}{moment.microsecond // 100_000}{abs(quarters):02d}{sign}"


def format_relative(period: timedelta) -> str:
    """A period in the relative form, in whole seconds (cut).

    Days over 30 are written as months and years of 30 and 365 days, which the SMSC reads by its
    calendar: such a period is only about right. ValueError when it is negative or over 99 years.
    """
    if period < timedelta(0):
        raise ValueError("a relative time cannot be negative")
    years, days = divmod(period.days, _DAYS_PER_YEAR)
    # the last days of a year would make a thirteenth month; they stay days of the twelfth
    months = min(days // _DAYS_PER_MONTH, 12)
    days -= months * _DAYS_PER_MONTH
    if years > 99:
        raise ValueError("a relative time cannot exceed 99 years")
    minutes, seconds = divmod(period.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{years:02d}{months:02d}{days:02d}{hours:02d}{minutes:02d}{seconds:02d}000R"


def _add(now: datetime, years: int, months: int, days: int, rest: timedelta) -> datetime:
    if now.utcoffset() is None:
        raise ValueError("now has no time zone")
    month_count = now.year * 12 + now.month - 1 + years * 12 + months
    year, month = divmod(month_count, 12)
    first_of_next = datetime(year + (month + 1) // 12, (month + 1) % 12 + 1, 1, tzinfo=now.tzinfo)
    last_day = (first_of_next - timedelta(days=1)).day
    try:
        return now.replace(year=year, month=month + 1, day=min(now.day, last_day)) + timedelta(days) + rest
    except OverflowError as error:
        raise ValueError("the time is beyond the calendar") from error
