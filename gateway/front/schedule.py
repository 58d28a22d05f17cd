"""When the messages of a request are sent: `time` in its zone, spread over `period` in steps of `freq`.

SMSC HTTP API, send.php. Moments are milliseconds since 1970; 0 is at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final

from gateway.core.hours import zone_of
from gateway.front.desk import BAD_DATE, BAD_PARAMETERS, ApiProblem
from protocols.smsc_http.times import TimeError, Window, parse_time, parse_valid, parse_zone

LONGEST_WAIT_MS: Final = 366 * 86_400_000
"""What is due later is no time: nobody keeps a message so long."""
_NAMES: Final = frozenset({"time", "tz", "period", "freq", "valid"})
_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000


class Schedule:
    """The times of one request. Raises ApiProblem 5 for what is no time, 1 for what is no number."""

    def __init__(self, params: Mapping[str, str], time_zone: str, now_ms: int) -> None:
        """`time_zone`: the account's, which counts where the request names no offset to Moscow."""
        self._time = params.get("time", "")
        self._now_ms = now_ms
        self._time_zone = time_zone
        self._offset = params.get("tz", "")
        self._moments: dict[str, int] = {}
        self._period_ms = _number(params.get("period", ""), 0.1, 720) * _HOUR_MS
        self._freq_ms = _number(params.get("freq", ""), 1, 1440) * _MINUTE_MS if self._period_ms else 0.0
        try:
            if self._offset:
                parse_zone(self._offset)
            self.lifetime_ms = parse_valid(params["valid"]) * _MINUTE_MS if params.get("valid") else 0
        except TimeError:
            raise ApiProblem(BAD_DATE) from None
        self.due_ms("")

    def due_ms(self, offset: str) -> int:
        """When a message is due whose line has this offset to Moscow ("": none)."""
        if self._time in ("", "0"):
            return 0
        found = self._moments.get(offset)
        if found is None:
            found = self._moments[offset] = self._parsed(offset or self._offset)
        return found

    def _parsed(self, offset: str) -> int:
        now = datetime.fromtimestamp(self._now_ms / 1000, UTC)
        try:
            zone: int | tzinfo = parse_zone(offset) if offset else zone_of(self._time_zone)
            moment = parse_time(self._time, zone, now)
        except (TimeError, OverflowError):
            raise ApiProblem(BAD_DATE) from None
        if isinstance(moment, Window):
            moment = moment.opening(now, zone)
        if moment is None:
            return 0
        due_ms = int(moment.timestamp() * 1000)
        if due_ms > self._now_ms + LONGEST_WAIT_MS:
            raise ApiProblem(BAD_DATE, "the time to send at is more than a year from now")
        return due_ms

    @property
    def is_spread(self) -> bool:
        """Whether recipients of the request get theirs at different times."""
        return self._period_ms > 0

    def spread(self, due_ms: int, index: int, count: int) -> int:
        """When the recipient with this index of so many gets his, whose turn would be at `due_ms`."""
        if self._freq_ms:
            groups = max(1, int(self._period_ms // self._freq_ms))
            later_ms = index // -(-count // groups) * self._freq_ms
        else:
            later_ms = self._period_ms * index / count
        return (due_ms or self._now_ms) + int(later_ms) if later_ms else due_ms


def _number(text: str, least: float, most: float) -> float:
    """A number in its range; 0 of none."""
    if text in ("", "0"):
        return 0.0
    try:
        value = float(text) if len(text) <= 20 else math.nan
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise ApiProblem(BAD_PARAMETERS)
    return value


_AT_ONCE: Final = Schedule({}, "", 0)
"""Of a request that names no time, as nearly all are."""


def schedule_of(params: Mapping[str, str], time_zone: str, now_ms: int) -> Schedule:
    """The times of a request."""
    return _AT_ONCE if _NAMES.isdisjoint(params) else Schedule(params, time_zone, now_ms)
