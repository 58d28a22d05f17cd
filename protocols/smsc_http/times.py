"""Times as the SMSC service writes them (SMSC HTTP API, send.php, `time`; the others in the answers).

Its zone is Moscow's; `tz` is an offset to that in hours. A time that says its zone is UTC here, a callback's
is read in the zone that the account has. TimeError for whatever is none of the forms.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple

MOSCOW_OFFSET_H: Final = 3
MAX_VALID_MIN: Final = 24 * 60
MAX_DELAY_MIN: Final = 999_999

_is_zone = re.compile("[+-]?[0-9]{1,2}", re.ASCII).fullmatch
_is_delay = re.compile(r"\+([0-9]{1,6})", re.ASCII).fullmatch
_is_window = re.compile("([0-9]{1,2})-([0-9]{1,2})", re.ASCII).fullmatch
_is_timestamp = re.compile("0[0-9]{10,12}", re.ASCII).fullmatch
_is_moment = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})"
    r"|([0-9]{2})\.([0-9]{2})\.([0-9]{2}) ([0-9]{2}):([0-9]{2})",
    re.ASCII,
).fullmatch
_is_hours = re.compile("[0-9]{1,2}", re.ASCII).fullmatch
_is_hours_minutes = re.compile("([0-9]{2}):([0-9]{2})", re.ASCII).fullmatch
_is_date = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", re.ASCII).fullmatch
_is_date_time = re.compile(
    r"([0-9]{2})\.([0-9]{2})\.([0-9]{4}|[0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})", re.ASCII
).fullmatch


class TimeError(ValueError):
    """Text that is no time of the form it should have."""


class Window(NamedTuple):
    """Hours of the day within which to send: from `first` until before `last`, 0 to 24."""

    first: int
    last: int

    def opening(self, now: datetime, zone: int | tzinfo = 0) -> datetime | None:
        """When it opens next, in UTC; None: it is open. `now` is aware; `zone` as in `parse_time`."""
        local = now.astimezone(zone_of(zone))
        if self.first <= local.hour < self.last:
            return None
        opening = local.replace(hour=self.first, minute=0, second=0, microsecond=0)
        return (opening if opening > local else opening + timedelta(days=1)).astimezone(UTC)


def zone_of(zone: int | tzinfo) -> tzinfo:
    """The zone so many hours east of Moscow; one that is a zone already is itself."""
    return timezone(timedelta(hours=MOSCOW_OFFSET_H + zone)) if isinstance(zone, int) else zone


def parse_zone(text: str) -> int:
    """The hours of a `tz`, -15 to 11 (UTC-12 to UTC+14); "" is 0."""
    if not text:
        return 0
    if _is_zone(text) is None or not -15 <= int(text) <= 11:
        raise TimeError("a zone is an offset to Moscow of -15 to 11 hours")
    return int(text)


def parse_time(text: str, zone: int | tzinfo, now: datetime) -> datetime | Window | None:
    """When to send: a moment in UTC, a window of hours in the zone, or None: at once. `now` is aware.

    `zone`: hours east of Moscow, or any zone with its own rules.
    `DDMMYYhhmm` or `DD.MM.YY hh:mm` in the zone; `h1-h2`; `0` and a Unix timestamp; `+m`, minutes from now;
    `0` or "". A moment that is past means at once. A window over midnight is refused: the service does not
    say what it would do.
    """
    if text in ("", "0"):
        return None
    if (delay := _is_delay(text)) is not None:
        due = now + timedelta(minutes=int(delay[1]))
    elif (hours := _is_window(text)) is not None:
        return _window(int(hours[1]), int(hours[2]))
    elif _is_timestamp(text):
        due = _from_timestamp(int(text))
    elif (moment := _is_moment(text)) is not None:
        day, month, year, hour, minute = (int(part) for part in moment.groups() if part is not None)
        due = _moment(2000 + year, month, day, hour, minute, 0, zone)
    else:
        raise TimeError("it is none of the forms of a time")
    return due.astimezone(UTC) if due > now else None


def _window(first: int, last: int) -> Window:
    if not 0 <= first < last <= 24:
        raise TimeError("a window is two hours of one day, the first before the second")
    return Window(first, last)


def _from_timestamp(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise TimeError("the timestamp is after the year 9999") from None


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, zone: int | tzinfo
) -> datetime:
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone_of(zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeError("there is no such day or time") from None


def format_time(moment: datetime) -> str:
    """A moment that needs no zone, a zero and the Unix timestamp, whole seconds. `moment` is aware."""
    return f"0{int(moment.timestamp()):010}"


def format_local_time(moment: datetime, tz_hours: int) -> str:
    """`DDMMYYhhmm` in the zone; the only form in which each line of a list can have a zone of its own."""
    return moment.astimezone(zone_of(tz_hours)).strftime("%d%m%y%H%M")


def format_delay(minutes: int) -> str:
    """`+m`, minutes from now, at most MAX_DELAY_MIN."""
    return f"+{min(max(minutes, 0), MAX_DELAY_MIN)}"


def format_window(window: Window) -> str:
    """`h1-h2`."""
    return f"{window.first}-{window.last}"


def parse_valid(text: str) -> int:
    """The minutes of a `valid`: hours from 1 to 24, or `hh:mm` from 00:01 to 24:00."""
    if _is_hours(text):
        minutes = int(text) * 60
    elif (parts := _is_hours_minutes(text)) is not None and int(parts[2]) < 60:
        minutes = int(parts[1]) * 60 + int(parts[2])
    else:
        raise TimeError("a lifetime is hours from 1 to 24, or hh:mm")
    if not 1 <= minutes <= MAX_VALID_MIN:
        raise TimeError("a lifetime is of 00:01 to 24:00")
    return minutes


def format_valid(seconds: float) -> str:
    """A lifetime as `hh:mm`, in whole minutes that it does not exceed, but at least one and at most a day."""
    minutes = min(max(int(seconds // 60), 1), MAX_VALID_MIN)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def parse_date(text: str) -> date:
    """The day `dd.mm.yyyy`."""
    found = _is_date(text)
    if found is None:
        raise TimeError("a date is dd.mm.yyyy")
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        raise TimeError("there is no such day") from None


def format_date(day: date) -> str:
    """`dd.mm.yyyy`."""
    return f"{day.day:02}.{day.month:02}.{day.year:04}"


def parse_date_time(text: str, tz_hours: int = 0) -> datetime:
    """`DD.MM.YYYY hh:mm:ss` of an answer, or `DD.MM.YY hh:mm:ss` of a callback, in the zone; in UTC."""
    found = _is_date_time(text)
    if found is None:
        raise TimeError("a time is DD.MM.YYYY hh:mm:ss")
    day, month, year, hour, minute, second = (int(part) for part in found.groups())
    return _moment(year if len(found[3]) == 4 else 2000 + year, month, day, hour, minute, second, tz_hours)


def format_date_time(moment: datetime, tz_hours: int = 0) -> str:
    """`DD.MM.YYYY hh:mm:ss` in the zone, as in answers. `moment` is aware."""
    local = moment.astimezone(zone_of(tz_hours))
    return f"{format_date(local)} {local:%H:%M:%S}"


def format_callback_time(moment: datetime, tz_hours: int = 0) -> str:
    """`DD.MM.YY hh:mm:ss` in the zone, as in status calls. `moment` is aware."""
    return f"{moment.astimezone(zone_of(tz_hours)):%d.%m.%y %H:%M:%S}"
