"""Which numbers an account may write to, by their first digits."""

from __future__ import annotations

from collections.abc import Iterable


class Destinations:
    """First digits of numbers, with a minus of those that are denied; the longest that fits decides.

    What none fits is allowed only if all of them are denied ones.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._allows = {entry.removeprefix("-"): not entry.startswith("-") for entry in entries}
        self._lengths = sorted({len(digits) for digits in self._allows}, reverse=True)
        self._otherwise = not any(self._allows.values())

    def allow(self, digits: str) -> bool:
        """Whether the number may be written to."""
        for length in self._lengths:
            found = self._allows.get(digits[:length])
            if found is not None:
                return found
        return self._otherwise
