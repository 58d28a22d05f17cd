"""A journal with the process that writes into PostgreSQL, from its opening to its close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
from gateway_fakes import message

from gateway.core.batch import Answer, Batch
from gateway.core.model import Progress
from gateway.store.journal import Journal, Opening

PATIENCE_S = 120.0


class Run:
    """A journal, from its opening to its close."""

    def __init__(self, folder: Path, url: str) -> None:
        self.answers: list[Answer] = []
        self.death: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.journal = Journal(folder, self._on_answer, self._on_death, url=url, node="one")
        self.opening: Opening

    def _on_answer(self, batch: Batch, answer: Answer) -> None:
        self.answers.append(answer)

    def _on_death(self, why: str) -> None:
        if not self.death.done():
            self.death.set_result(why)

    async def commit(self, **lists: Any) -> bool:
        """Whether these rows were stored."""
        for name, rows in lists.items():
            getattr(self.journal.batch, name).extend(rows)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.journal.then(done.set_result)
        return await asyncio.wait_for(done, PATIENCE_S)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(0.01)


def queued(*ids: int, **fields: Any) -> list[tuple[Any, ...]]:
    return [(*message(n, **fields), Progress.QUEUED.value) for n in ids]


def run(folder: Path, url: str, work: Callable[[Run], Awaitable[None]]) -> Run:
    async def whole() -> Run:
        opened = Run(folder, url)
        opened.opening = await asyncio.wait_for(opened.journal.open(), PATIENCE_S)
        try:
            await work(opened)
        finally:
            await asyncio.wait_for(opened.journal.close(), PATIENCE_S)
        return opened

    return asyncio.run(whole())


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()
