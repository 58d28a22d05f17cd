"""Times and lengths of time for people."""

from __future__ import annotations

from collections.abc import Callable

from gateway.ops.web.words import N_

TIME_FORMS = N_("2h, 3d, 10:30, 2026-11-20 or 2026-11-20T10:30")
"""How a time may be written, as `gateway.core.moments.read_moment` reads it."""
Translate = Callable[..., str]
_DAY_S, _HOUR_S = 86_400, 3600


def span(ms: int, _: Translate) -> str:
    """Milliseconds in the unit, or the two, that fit: 12 ms, 3.4 s, 5 min 2 s, 3 h 20 min, 2 d 4 h."""
    ms = max(0, ms)
    if ms < 1000:
        return _("{n} ms", n=ms)
    if ms < 60_000:
        return _("{n} s", n=f"{ms / 1000:.1f}".removesuffix(".0"))
    seconds = ms // 1000
    if seconds < _HOUR_S:
        return _("{minutes} min {seconds} s", minutes=seconds // 60, seconds=seconds % 60)
    if seconds < _DAY_S:
        return _("{hours} h {minutes} min", hours=seconds // _HOUR_S, minutes=seconds % _HOUR_S // 60)
    return _("{days} d {hours} h", days=seconds // _DAY_S, hours=seconds % _DAY_S // _HOUR_S)
