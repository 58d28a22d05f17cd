"""Dates and times as the service writes and takes them. A zone is hours from Moscow."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from gateway.simulator.smsc_http.fields import bad
from gateway.simulator.smsc_http.model import Params

_MOSCOW_H = 3
_is_day = re.compile("[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}", re.ASCII).fullmatch


def local(at: float, tz: int) -> datetime:
    """This moment on a clock of the zone."""
    return datetime.fromtimestamp(at, tz=UTC).astimezone(zone(tz))


def zone(tz: int) -> timezone:
    """The zone that is so many hours from Moscow."""
    return timezone(timedelta(hours=_MOSCOW_H + tz))


def written(at: float, tz: int) -> str:
    """`DD.MM.YYYY hh:mm:ss`."""
    return local(at, tz).strftime("%d.%m.%Y %H:%M:%S")


def read_day(value: str) -> date:
    """A date `dd.mm.yyyy`; ValueError for anything else."""
    if not _is_day(value):
        raise ValueError("a date is dd.mm.yyyy")
    day, month, year = map(int, value.split("."))
    return date(year, month, day)


def day(params: Params, name: str) -> date | None:
    """The date in a parameter that may be missing; error 1 for what is no date."""
    value = params.get(name, "")
    if not value:
        return None
    try:
        return read_day(value)
    except ValueError:
        raise bad() from None


def begin(of: date, tz: int) -> float:
    """When this day begins in the zone, Unix seconds."""
    return datetime(of.year, of.month, of.day, tzinfo=zone(tz)).timestamp()


def period(params: Params, now: float, tz: int, *, longest_days: int = 3660) -> tuple[float, float]:
    """The moments from which and before which: `start` and `end`, both days included.

    Without `end` it is the day of `start`, without both it is today. Error 1 for what is no period.
    """
    first = day(params, "start") or local(now, tz).date()
    last = day(params, "end") or first
    if last < first or (last - first).days > longest_days:
        raise bad()
    return begin(first, tz), begin(last, tz) + 86_400
