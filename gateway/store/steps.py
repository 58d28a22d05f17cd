"""How the parts of the Applier run the named statements in its transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.core.batch import Row
from gateway.store.database import Found


def lock_name(kind: str, key: Row) -> str:
    """What is locked while a set is looked at, where several nodes may bring its parts."""
    return "\x1f".join((kind, *map(str, key)))


class Run(Protocol):
    """Runs one statement."""

    def __call__(self, name: str, parameters: Row = ..., /) -> Found: ...


class Many(Protocol):
    """Runs one statement for each of the rows."""

    def __call__(self, name: str, rows: Iterable[Row], /) -> Found: ...
