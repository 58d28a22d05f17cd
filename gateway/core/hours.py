"""Days and hours by the clock on the wall of a time zone; moments are milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

_FIRST_DAY = date(1970, 1, 1)


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; empty: UTC, which a machine without a time zone database knows too."""
    if name in ("", "UTC"):
        return UTC
    from zoneinfo import ZoneInfo  # hardly any configuration needs it

    return ZoneInfo(name)


def day_at(now_ms: int, zone: tzinfo) -> tuple[int, int]:
    """The day that it is, counted from 1970 by the calendar there, and when it ends."""
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    after = today + timedelta(days=1)
    # a midnight that clocks jump over is the moment of the jump, of one that is there twice the first
    ends = datetime(after.year, after.month, after.day, tzinfo=zone)
    return (today - _FIRST_DAY).days, int(ends.timestamp() * 1000)


class Hours(NamedTuple):
    """From the beginning of one hour to that of another one, each from 0 to 23; 21 to 6 is over midnight."""

    first: int
    last: int

    def opening_ms(self, at_ms: int, zone: tzinfo) -> int:
        """The first moment from `at_ms` on that is within the hours."""
        at = datetime.fromtimestamp(at_ms / 1000, zone)
        if self._hold(at):
            return at_ms
        opening = at.replace(hour=self.first, minute=0, second=0, microsecond=0, fold=0)
        if opening <= at:
            opening += timedelta(days=1)  # by the wall: the hour stays the same when clocks change
        opening_ms = int(opening.timestamp() * 1000)
        if not self._hold(datetime.fromtimestamp(opening_ms / 1000, zone)):
            # the clocks jump over all of the hours that day
            opening_ms = int((opening + timedelta(days=1)).timestamp() * 1000)
        return opening_ms

    def _hold(self, at: datetime) -> bool:
        first, last = self
        return first <= at.hour < last if first < last else at.hour >= first or at.hour < last


def parse_hours(text: str) -> Hours:
    """Hours as they are configured: "9-21"; 24 is 0."""
    first, last = (int(hour) % 24 for hour in text.split("-"))
    return Hours(first, last)
