"""How often one mail address and one number may meet: it ends loops between two machines that answer."""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED = 10_000
HOUR_S = 3600.0


class PairLimits:
    """SMS in an hour for each pair of a mail address and a number; the pairs that met last are remembered."""

    def __init__(self, per_hour: int) -> None:
        self.per_hour = per_hour
        self._pairs: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def full(self, address: str, number: str, now: float) -> bool:
        """Whether this pair has used up its hour."""
        began, count = self._pairs.get((address, number), (now, 0))
        return count >= self.per_hour and now - began < HOUR_S

    def met(self, address: str, number: str, now: float) -> None:
        """Counts one SMS."""
        pair = (address, number)
        began, count = self._pairs.pop(pair, (now, 0))
        self._pairs[pair] = (began, count + 1) if now - began < HOUR_S else (now, 1)
        if len(self._pairs) > REMEMBERED:
            self._pairs.popitem(last=False)

    def parted(self, address: str, number: str) -> None:
        """Takes back one SMS that was not sent after all."""
        began, count = self._pairs.get((address, number), (0.0, 0))
        if count:
            self._pairs[address, number] = (began, count - 1)
