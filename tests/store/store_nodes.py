"""Two nodes on one database, and what one of them does while the other has not committed yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
from store_support import PostgresEngine, Store

from gateway.core.batch import Answer, Batch
from gateway.store.apply import Applier
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_open import open_writer

PATIENCE_S = 120.0


def _nothing() -> None:
    pass


class _Database(PostgresDatabase):
    before_commit: Callable[[], None] = staticmethod(_nothing)

    def commit(self) -> None:
        self.settle()
        self.before_commit()
        super().commit()


class NodeEngine(PostgresEngine):
    """A node's writing, without the process around it; no account has sessions there."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        super().__init__(url)

    def _open(self, now_ms: int) -> int:
        self.db: _Database = _Database(open_writer(self.url))
        self.db.connection.execute("SET synchronous_commit = off")
        self.applier = Applier(self.db, now_ms, self.name)
        return self.applier.recover(now_ms)

    def apply(self, batch: Batch) -> Answer:
        return self.applier.apply(batch)


class Nodes:
    """Two of them; `a` and `b` take batches as any store does."""

    def __init__(self, url: str) -> None:
        self.engines = NodeEngine(url, "a"), NodeEngine(url, "b")
        self.a, self.b = (Store(engine) for engine in self.engines)
        self._watch = psycopg.connect(url, autocommit=True)
        self._pool = ThreadPoolExecutor(1)

    def at_once(self, first: Batch, second: Batch) -> tuple[Answer, Answer]:
        """`a` does the first batch, and commits it when `b` is over with the second, or waits for `a`."""
        a, b = self.engines
        later: list[Future[Answer]] = []

        def meanwhile() -> None:
            a.db.before_commit = _nothing
            later.append(self._pool.submit(b.apply, second))
            self._until(lambda: later[0].done() or self._waits(b))

        a.db.before_commit = meanwhile
        answer = a.apply(first)
        return answer, later[0].result(PATIENCE_S)

    def without_waiting(self, first: Batch, second: Batch) -> tuple[Answer, Answer]:
        """The same where `b` has to be over before `a` commits."""
        a, b = self.engines
        answers: list[Answer] = []

        def meanwhile() -> None:
            a.db.before_commit = _nothing
            b.db.connection.execute("SET lock_timeout = '1ms'")
            answers.append(b.apply(second))

        a.db.before_commit = meanwhile
        return a.apply(first), answers[0]

    def _waits(self, engine: NodeEngine) -> bool:
        pid = engine.db.connection.info.backend_pid
        sql = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        found = self._watch.execute(sql, (pid,)).fetchone()
        return found is not None and bool(found[0])

    @staticmethod
    def _until(condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.005)

    def close(self) -> None:
        self._pool.shutdown()
        self._watch.close()
        for engine in self.engines:
            engine.close()
