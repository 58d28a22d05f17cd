"""Reads of the HTTP front: one thread, one connection that stays open and can only read.

Each read is a transaction of its own and is fetched as a whole, so none of them holds back a checkpoint, and
each sees what was committed before it began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.store.reading import Reads

READ_MAX_S = 5.0
"""Longer no read may take: others wait for the thread."""


class ApiRows:
    """What `gateway.front.desk.Rows` says; the store is opened by the first read."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads.often(READ_MAX_S)
        self._thread = ThreadPoolExecutor(1, "api-rows")

    async def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a statement of gateway/store/sql/api*.sql; KeyError when there is none of this name,
        StoreReadError when it cannot be read, or not within READ_MAX_S."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, statement, parameters)

    def _read(self, statement: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        with self._reads.question() as connection:
            return [dict(row) for row in connection.run(statement, parameters)]

    async def close(self) -> None:
        """After the reads that are under way; none may follow."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._reads.close)
        self._thread.shutdown(wait=False)
