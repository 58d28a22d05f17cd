"""Numbers that nobody, or one account, writes to: sets in memory of what the store has.

A number is held as an integer, with a 1 before its digits so that zeros at the beginning count: a hundred
thousand of them are 8 MiB, and looking one up is a tenth of a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

EVERYBODY = ""
"""Instead of an account: its list holds for all of them."""


def number_of(digits: str) -> int:
    """How a number is held; ValueError for what is not made of digits."""
    return int("1" + digits)


def _nothing() -> None:
    pass


class Blacklists:
    """The lists of all accounts."""

    def __init__(self, rows: Iterable[tuple[str, int]] = ()) -> None:
        self._lists: dict[str, set[int]] = {}
        for account, number in rows:
            self._lists.setdefault(account, set()).add(number)
        self.on_change: Callable[[], object] = _nothing
        """Called when a list gets its first number or loses its last one."""

    def of(self, account: str) -> set[int]:
        """The list of an account, or of EVERYBODY; once it has a number it is the same set for ever."""
        return self._lists.get(account) or set()

    def add(self, account: str, digits: Iterable[str]) -> int:
        """Puts numbers on a list; how many were not on it."""
        return self._change(account, lambda one: one.update(map(number_of, digits)))

    def remove(self, account: str, digits: Iterable[str]) -> int:
        """Takes numbers off a list; how many were on it."""
        return -self._change(account, lambda one: one.difference_update(map(number_of, digits)))

    def sizes(self) -> dict[str, int]:
        """How long each list is that is not empty."""
        return {account: len(numbers) for account, numbers in self._lists.items() if numbers}

    def _change(self, account: str, change: Callable[[set[int]], object]) -> int:
        numbers = self._lists.setdefault(account, set())
        before = len(numbers)
        change(numbers)
        if bool(before) != bool(numbers):
            self.on_change()
        return len(numbers) - before
