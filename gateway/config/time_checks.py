"""Rules about spans of hours and time zones, for the sections that have them."""

from __future__ import annotations

import re

from gateway.config.sections import Reading
from gateway.config.values import quoted

_HOURS = re.compile("(1?[0-9]|2[0-3])-(1?[0-9]|2[0-4])", re.ASCII)


def check_hours(hours: str, key: str, reading: Reading) -> None:
    """Whether a span of hours is one, if it is given."""
    if not hours or not reading.is_good(key):
        return
    match = _HOURS.fullmatch(hours)
    if match is None or match[1] == match[2]:
        text = f"{quoted(hours)} is no span of hours"
        reading.note(key, text, "write for example 9-21, or 22-6 for the night")


def check_time_zone(name: str, key: str, reading: Reading) -> None:
    """Whether there is such a time zone, if one is given; UTC is known without any files."""
    if name in ("", "UTC") or not reading.is_good(key):
        return
    import zoneinfo  # hardly any configuration needs it

    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        if zoneinfo.available_timezones():
            text, fix = f"there is no time zone {quoted(name)}", "write for example Europe/Moscow"
        else:
            text, fix = "this machine knows no time zones", "install the package tzdata, or write UTC"
        reading.note(key, text, fix)
