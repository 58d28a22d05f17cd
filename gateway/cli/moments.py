"""Times as people give them on the command line, and ages as they read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from gateway.cli import EXIT_USAGE, CommandError

FORMS = "2h, 3d, 10:30, 2026-11-20 or 2026-11-20T10:30"
"""For a command's help."""
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def moment_of(text: str, now_ms: int, option: str) -> int:
    """A time in milliseconds since 1970; CommandError, which names the option, when it is none.

    "2h" is two hours ago, "10:30" the last time that a clock here showed that, and a date without a zone is
    one here too.
    """
    text = text.strip()
    if match := _AGO.fullmatch(text):
        return max(0, now_ms - int(match[1]) * _UNITS_S[match[2]] * 1000)
    now = datetime.fromtimestamp(now_ms / 1000).astimezone()
    if match := _CLOCK.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in match.groups())
        wall = now.replace(tzinfo=None, hour=hour, minute=minute, second=second, microsecond=0)
        found = wall.astimezone()
        if found > now:
            found = (wall - timedelta(days=1)).astimezone()  # by the wall, also when clocks were changed
    else:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise CommandError(f"{option}: {text!r} is no time; write {FORMS}", EXIT_USAGE) from None
    try:
        return max(0, round(found.timestamp() * 1000))
    except (OverflowError, OSError, ValueError):
        raise CommandError(f"{option}: {text!r} is no time; write {FORMS}", EXIT_USAGE) from None


def age(ms: int) -> str:
    """A length of time in the two largest units that it has: 3d 4h, 5m 2s, 0s."""
    seconds = max(0, ms) // 1000
    words: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS_S[unit])
        if count or words:
            words.append(f"{count}{unit}")
    return " ".join(word for word in words[:2] if not word.startswith("0")) or "0s"
