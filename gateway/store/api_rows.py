"""Reads of the HTTP front: one thread, one read-only connection that stays open.

Each read is a transaction of its own and is fetched as a whole, so none of them holds back a checkpoint, and
each sees what was committed before it began.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.store.sqlite_open import open_reader, statements

READ_MAX_S = 5.0
"""Longer no read may take: others wait for the thread."""
_STEPS = 10_000
"""So many instructions of SQLite are run between two looks at the clock."""
_PREFIX = "api"
"""The files of statements that the front may run begin so."""


class ApiRows:
    """What `gateway.front.desk.Rows` says; the file is opened by the first read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sql: dict[str, str] = {}
        self._connection: sqlite3.Connection | None = None
        self._until = 0.0
        self._thread = ThreadPoolExecutor(1, "api-rows")

    async def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a statement of gateway/store/sql/api*.sql; KeyError when there is none of this name,
        sqlite3.Error when it cannot be read, or not within READ_MAX_S."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, statement, parameters)

    def _read(self, statement: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        if self._connection is None:
            self._sql = statements(_PREFIX)
            self._connection = open_reader(self._path)
            self._connection.isolation_level = None
            self._connection.set_progress_handler(self._is_late, _STEPS)
        self._until = time.monotonic() + READ_MAX_S
        return [dict(row) for row in self._connection.execute(self._sql[statement], parameters)]

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    async def close(self) -> None:
        """After the reads that are under way; none may follow."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
