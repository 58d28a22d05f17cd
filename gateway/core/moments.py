"""Times as people write them, and lengths of time as they read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

FORMS = "2h, 3d, 10:30, 2026-11-20 or 2026-11-20T10:30"
"""For whoever has to write one."""
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def read_moment(text: str, now_ms: int) -> int:
    """A time in milliseconds since 1970; ValueError when it is none.

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
        found = datetime.fromisoformat(text)
    try:
        return max(0, round(found.timestamp() * 1000))
    except (OverflowError, OSError) as error:
        raise ValueError(f"no time: {text}") from error


def age(ms: int) -> str:
    """A length of time in the two largest units that it has: 3d 4h, 5m 2s, 0s."""
    seconds = max(0, ms) // 1000
    words: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, _UNITS_S[unit])
        if count or words:
            words.append(f"{count}{unit}")
    return " ".join(word for word in words[:2] if not word.startswith("0")) or "0s"
