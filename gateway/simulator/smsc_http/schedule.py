"""When the messages of a request are sent: `time` in its zone, spread over `period` in steps of `freq`."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.simulator.smsc_http.model import ApiProblem, Params
from protocols.smsc_http.times import TimeError, Window, parse_time, parse_valid, parse_zone

BAD_PARAMETERS = 1
BAD_DATE = 5


class Schedule:
    """The times of one request. Raises ApiProblem for what is no time."""

    def __init__(self, params: Params, account_tz: int, now: float) -> None:
        self._time = params.get("time", "")
        self._now = now
        self._zone = str(account_tz) if params.get("tz", "") == "" else params["tz"]
        self._starts: dict[str, float] = {}
        self._period_s = _number(params.get("period", ""), 0.1, 720) * 3600
        self._freq_s = _number(params.get("freq", ""), 1, 1440) * 60 if self._period_s else 0.0
        self.start("")
        try:
            self.valid_s = parse_valid(params["valid"]) * 60.0 if params.get("valid") else None
        except TimeError:
            raise ApiProblem(BAD_DATE) from None

    def start(self, zone: str) -> float:
        """When a message is sent whose line has this zone ("": none), Unix seconds."""
        if not self._time or self._time == "0":
            return self._now
        found = self._starts.get(zone)
        if found is None:
            found = self._starts[zone] = self._parsed(zone)
        return found

    def _parsed(self, zone: str) -> float:
        now = datetime.fromtimestamp(self._now, UTC)
        try:
            hours = parse_zone(zone or self._zone)
            moment = parse_time(self._time, hours, now)
        except TimeError:
            raise ApiProblem(BAD_DATE) from None
        if isinstance(moment, Window):
            moment = moment.opening(now, hours)
        return self._now if moment is None else moment.timestamp()

    @property
    def is_spread(self) -> bool:
        """Whether recipients of the request start at different times."""
        return self._period_s > 0

    def offset(self, index: int, count: int) -> float:
        """Seconds that the recipient with this index of so many waits more."""
        if not self._freq_s:
            return self._period_s * index / count
        groups = max(1, int(self._period_s // self._freq_s))
        size = -(-count // groups)
        return (index // size) * self._freq_s


def _number(text: str, least: float, most: float) -> float:
    """A number in its range; 0 of none. Raises ApiProblem."""
    if text in ("", "0"):
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise ApiProblem(BAD_PARAMETERS)
    return value
