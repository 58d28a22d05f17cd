"""How busy the simulated SMSC is: a rate that it does not exceed, and the congestion it tells of."""

from __future__ import annotations

from collections.abc import Sequence

from protocols.smpp import tlv
from protocols.smpp.pdu import Tlvs

BY_LOAD = "load"


class Load:
    """Counts submits against `rate` a second (0: any) and says how congested it is.

    `congestion` is the text of the setting: "95", steps as "20:5,95:5" (value:seconds, in turn, for ever),
    or "load": the share of the rate that is in use. `now` is seconds of the loop's clock.
    """

    def __init__(self, rate: float, congestion: str, now: float) -> None:
        self._rate = rate
        self._burst = max(1.0, rate)
        self._left = self._burst
        self._at = self._begun = now
        self._by_load = congestion == BY_LOAD
        self._steps = [] if self._by_load else parse_congestion(congestion)
        self._cycle_s = sum(seconds for _, seconds in self._steps)

    def over(self, now: float) -> bool:
        """Count one more submit; whether it is one too many."""
        if not self._rate:
            return False
        self._refill(now)
        if self._left < 1:
            return True
        self._left -= 1
        return False

    def tlvs(self, now: float) -> Tlvs:
        """congestion_state for a response (SMPP v5.0 §4.8.4.18), nothing without the setting."""
        if self._by_load:
            self._refill(now)
            return ((tlv.CONGESTION_STATE, bytes((round(100 * (1 - self._left / self._burst)),))),)
        if not self._steps:
            return ()
        left = (now - self._begun) % self._cycle_s
        for value, seconds in self._steps:
            left -= seconds
            if left < 0:
                return ((tlv.CONGESTION_STATE, bytes((value,))),)
        return ()

    def _refill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now


def parse_congestion(text: str) -> Sequence[tuple[int, float]]:
    """(congestion_state, seconds) steps; ValueError when the text is none. A number alone holds for ever."""
    steps = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        value, colon, seconds = part.partition(":")
        try:
            step = int(value), float(seconds) if colon else 1.0
        except ValueError:
            raise ValueError(f"congestion: {part!r} is no step: write 95, 20:5,95:5 or load") from None
        if not (0 <= step[0] <= 100 and step[1] > 0):
            raise ValueError(f"congestion: {part!r} is not 0 to 100 for a time above 0 s")
        steps.append(step)
    return steps
