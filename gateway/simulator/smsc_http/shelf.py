"""Rows with ids that count up, so many at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Shelf(Generic[Row]):
    """Rows by id, oldest first; when it is full, the oldest makes room."""

    def __init__(self, most: int, first: int = 1) -> None:
        self._most = most
        self._next = first
        self._rows: dict[int, Row] = {}

    def add(self, make: Callable[[int], Row]) -> Row:
        """Put the row that `make(id)` returns."""
        row = make(self._next)
        if len(self._rows) >= self._most:
            del self._rows[next(iter(self._rows))]
        self._rows[self._next] = row
        self._next += 1
        return row

    def get(self, id: int | None) -> Row | None:
        """The row, or None."""
        return None if id is None else self._rows.get(id)

    def remove(self, id: int) -> None:
        """Take the row away; KeyError if it is not there."""
        del self._rows[id]

    def newest(self) -> Iterator[Row]:
        """From the newest to the oldest."""
        return reversed(self._rows.values())

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)
