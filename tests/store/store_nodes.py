"""Two nodes on one database, and what one of them does while the other has not committed yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import psycopg
from store_support import PostgresEngine, Store

from gateway.core.batch import Answer, Batch, Row
from gateway.store.apply import Applier
from gateway.store.database import Found
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_open import open_writer

PATIENCE_S = 120.0
T = TypeVar("T")


def _nothing() -> None:
    pass


class _Database(PostgresDatabase):
    before_commit: Callable[[], None] = staticmethod(_nothing)
    before: tuple[str, Callable[[], None]] = ("", _nothing)
    """The next statement of this name waits for this to be done."""

    def run(self, name: str, row: Row = ()) -> Found:
        if name == self.before[0]:
            (_, meanwhile), self.before = self.before, ("", _nothing)
            self.settle()
            meanwhile()
        return super().run(name, row)

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
        return self.applier.recovery.recover(now_ms)

    def apply(self, batch: Batch) -> Answer:
        return self.applier.apply(batch)


class Nodes:
    """Two of them; `a` and `b` take batches as any store does."""

    def __init__(self, url: str) -> None:
        self.engines = NodeEngine(url, "a"), NodeEngine(url, "b")
        self.a, self.b = (Store(engine) for engine in self.engines)
        self._watch = psycopg.connect(url, autocommit=True)
        self._third = psycopg.connect(url)
        self._pool = ThreadPoolExecutor(2)

    def at_once(self, first: Batch, second: Batch) -> tuple[Answer, Answer]:
        """`a` does the first batch, and commits it when `b` is over with the second, or waits for `a`."""
        return self.both(lambda a: a.apply(first), lambda b: b.apply(second))

    def both(self, first: Callable[[NodeEngine], T], second: Callable[[NodeEngine], T]) -> tuple[T, T]:
        """The same of anything else that ends with a commit."""
        a, b = self.engines
        later: list[Future[T]] = []

        def meanwhile() -> None:
            a.db.before_commit = _nothing
            later.append(self._pool.submit(second, b))
            self._until(lambda: later[0].done() or self._waits(b))

        a.db.before_commit = meanwhile
        found = first(a)
        return found, later[0].result(PATIENCE_S)

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

    def in_the_middle(self, first: Batch, second: Batch, before: str) -> tuple[Answer, Answer]:
        """`a` has done a part of its batch, up to the statement of this name, when `b` commits all of it."""
        a, b = self.engines
        answers: list[Answer] = []
        a.db.before = before, lambda: answers.append(b.apply(second))
        return a.apply(first), answers[0]

    def behind(self, locks: str, first: Batch, second: Batch) -> tuple[Answer, Answer]:
        """A third one has what this statement locks; `a` comes as far as it can, then `b`, then it goes on.

        Raises psycopg's DeadlockDetected when they wait for each other then.
        """
        self._third.execute(locks.encode())
        answers = []
        for engine, batch in zip(self.engines, (first, second), strict=True):
            answers.append(later := self._pool.submit(engine.apply, batch))
            self._until(lambda later=later, engine=engine: later.done() or self._waits(engine))
        self._third.rollback()
        return answers[0].result(PATIENCE_S), answers[1].result(PATIENCE_S)

    def make_days(self, now_ms: int) -> None:
        """So a sweep at that moment makes none, for which it would wait until no other batch is under way."""
        a, _ = self.engines
        a.db.begin()
        a.applier.cluster.make_days(now_ms)
        a.db.commit()

    def until_gone(self, engine: NodeEngine) -> None:
        """Until the server has ended its connection."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        pid = engine.db.connection.info.backend_pid
        self._until(lambda: self._watch.execute(sql, (pid,)).fetchone() == (0,))

    def _waits(self, engine: NodeEngine) -> bool:
        pid = engine.db.connection.info.backend_pid
        sql = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        found = self._watch.execute(sql, (pid,)).fetchone()
        return found is not None and bool(found[0])

    def disconnect(self, engine: NodeEngine) -> None:
        """The node's process is gone, and the server knows that."""
        pid = engine.db.connection.info.backend_pid
        engine.db.close()
        gone = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        self._until(lambda: self._watch.execute(gone, (pid,)).fetchone() is None)

    @staticmethod
    def _until(condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.005)

    def close(self) -> None:
        self._pool.shutdown()
        self._watch.close()
        self._third.close()
        for engine in self.engines:
            engine.close()
