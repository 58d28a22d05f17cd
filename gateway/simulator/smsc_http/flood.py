"""Too many messages to one number with short gaps between them."""

from __future__ import annotations

_MOST_NUMBERS = 200_000


class Flood:
    """Counts messages to each number that follow each other within `gap_s`; bounded."""

    def __init__(self, most: int, gap_s: float) -> None:
        self._most = most
        self._gap_s = gap_s
        self._runs: dict[str, tuple[float, int]] = {}

    def is_one(self, phone: str, now: float) -> bool:
        """Count a message to this number; whether it is one too many."""
        if not self._most:
            return False
        runs = self._runs
        last, length = runs.pop(phone, (now, 0))
        length = length + 1 if now - last < self._gap_s else 1
        runs[phone] = now, min(length, self._most + 1)
        if len(runs) > _MOST_NUMBERS:
            del runs[next(iter(runs))]
        return length > self._most
