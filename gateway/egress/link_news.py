"""The event lines about a connector's links: every one, unless the links come and go all the time."""

from __future__ import annotations

from collections.abc import Callable

AT_ONCE = 20
"""So many lines for each bind are written as they come; after that one in EVERY_S."""
EVERY_S = 10.0


class LinkNews:
    """Writes what happens to links, and of too much only how much it was and how things are now.

    What was kept back is always followed by a line with the state that came of it.
    """

    def __init__(self, say: Callable[..., None], binds: int, now: float) -> None:
        self._say = say
        self._most = float(AT_ONCE * binds)
        self._left = self._most
        self._at = now
        self._kept_back = 0

    def tell(self, level: str, name: str, now: float, **fields: object) -> None:
        """Something has happened."""
        if not self._kept_back and self._may(now):  # what comes after something kept back waits for its line
            self._say(level, name, **fields)
        else:
            self._kept_back += 1

    def tick(self, now: float, state: str, reason: str) -> None:
        """Says in time what was kept back."""
        if self._kept_back and self._may(now):
            changes, self._kept_back = self._kept_back, 0
            self._say("warning", "flapping", changes=changes, state=state, reason=reason or "-")

    def _may(self, now: float) -> bool:
        self._left = min(self._most, self._left + (now - self._at) / EVERY_S)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
