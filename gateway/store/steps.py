"""How the parts of the Applier run the named statements in its transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Protocol

from gateway.core.batch import Row


class Run(Protocol):
    """Runs one statement."""

    def __call__(self, name: str, parameters: Row = ..., /) -> sqlite3.Cursor: ...


class Many(Protocol):
    """Runs one statement for each of the rows."""

    def __call__(self, name: str, rows: Iterable[Row], /) -> sqlite3.Cursor: ...
