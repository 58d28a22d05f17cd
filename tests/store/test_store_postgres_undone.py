"""Batches that were undone, or of which one does not know at once whether they are stored: nothing of them is
done twice, and nothing is forgotten."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from gateway_fakes import NOW_MS, message
from store_nodes import PATIENCE_S, Nodes

from gateway.core.batch import Answer, Batch
from gateway.core.model import Progress
from gateway.store.postgres_database import VACUUM_COMMITS, PostgresDatabase
from gateway.store.postgres_open import open_writer
from gateway.store.postgres_sql import Statement
from gateway.store.postgres_writer import UNKNOWN, Writer

BEAT = Batch(beats=[(json.dumps({}), 1)])
CLAIM = Batch(claims=[("one", 10, NOW_MS, 1)], credits=[("app", 5, NOW_MS, "root", "")])


class _Cut(PostgresDatabase):
    """Its next commit is given up while the server is still about it."""

    url = ""
    left: psycopg.Connection[Any] | None = None
    """What the server still has of it."""

    def commit(self) -> None:
        if self.left is not None or not self.url:
            super().commit()
            return
        self.left, self.connection = self.connection, open_writer(self.url)
        raise psycopg.errors.ConnectionFailure("the way there is cut")


class _Answers:
    """A writing process, in this one, with a message that waits for "one"."""

    def __init__(self, url: str) -> None:
        self._gateway, ours = socket.socketpair()
        self.writer = Writer(ours)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gateway.store.postgres_writer.PostgresDatabase", _Cut)
            self.writer.open(url, "one")
        assert isinstance(self.writer.db, _Cut)
        self._ours = ours
        self._watch = psycopg.connect(url, autocommit=True)
        self.db = self.writer.db
        queued = [(*message(1), Progress.QUEUED.value)]
        assert self.writer.answer(Batch(accepted=queued)).error == ""
        self.db.url = url
        self.rows: Callable[[str], list[Any]] = lambda sql: self._watch.execute(sql.encode()).fetchall()

    def answer(self, batch: Batch, end: str) -> Answer:
        """What is answered when the commit is cut, and the server ends it ("COMMIT" or "ROLLBACK") only when
        somebody waits for it."""
        with ThreadPoolExecutor(1) as pool:
            later = pool.submit(self.writer.answer, batch)
            until = time.monotonic() + PATIENCE_S
            while not (later.done() or self._somebody_waits()):
                assert time.monotonic() < until
                time.sleep(0.005)
            assert self.db.left is not None
            self.db.left.execute(end.encode())
            return later.result(PATIENCE_S)

    def _somebody_waits(self) -> bool:
        sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(self.rows(sql))

    def close(self) -> None:
        self.writer.db.close()
        if self.db.left is not None:
            self.db.left.close()
        self._watch.close()
        self._gateway.close()
        self._ours.close()


@pytest.fixture
def one(postgres_url: str) -> Iterator[_Answers]:
    opened = _Answers(postgres_url)
    yield opened
    opened.close()


def claimed(answer: Answer) -> list[int]:
    return [fields[0] for fields, _ in answer.claimed[0][1]]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_commit_that_ends_after_the_look_counts_once(one: _Answers, end: str) -> None:
    """A commit that waits for the standby outlives its connection, and is not seen before it is over."""
    answer = one.answer(CLAIM, end)
    assert (answer.error, claimed(answer)) == ("", [1])
    assert one.rows("SELECT amount FROM balance") == [(5,)]
    later = one.writer.answer(CLAIM)
    assert (later.error, claimed(later)) == ("", [])
    assert one.rows("SELECT amount FROM balance") == [(10,)]


def test_what_became_of_a_batch_that_nobody_knows_is_not_guessed(one: _Answers) -> None:
    one.db.url = ""
    one.rows("UPDATE boot SET batch_no = batch_no + 1 RETURNING 1")
    answer = one.writer.answer(CLAIM)
    assert (answer.error, answer.fatal) == (UNKNOWN, True)


def test_a_commit_is_one_whatever_becomes_of_the_vacuum_behind_it(nodes: Nodes) -> None:
    db = nodes.engines[0].db
    db.sql = {**db.sql, "vacuum_batch_tables": Statement("VACUUM pg_temp.there_is_none")}
    for n in range(VACUUM_COMMITS):
        db.begin()
        if n == VACUUM_COMMITS - 1:
            db.connection.execute("INSERT INTO mark (name, value) VALUES ('there', 1)")
        db.commit()
    assert nodes.b.rows("mark", name="there")


def test_what_an_undone_batch_has_heard_is_told_again(nodes: Nodes) -> None:
    b = nodes.engines[1]
    b.apply(BEAT)
    nodes.a.apply(pauses=[("one", NOW_MS, "root")])

    def full() -> None:
        raise psycopg.errors.DiskFull

    b.db.before_commit = full
    with pytest.raises(psycopg.errors.DiskFull):
        b.apply(BEAT)
    del b.db.before_commit
    b.db.rollback()
    b.applier.read_again()
    b.apply(Batch())
    assert b.apply(BEAT).changes == [("pauses", [("one", NOW_MS, "root")])]
    assert b.apply(BEAT).changes == []


def test_a_server_that_says_nothing_more_is_given_up(nodes: Nodes, postgres_url: str) -> None:
    told = nodes.engines[0].db.connection.info.get_parameters()
    assert (told["keepalives_idle"], told["tcp_user_timeout"]) == ("3", "9000")
    mark = "&" if "?" in postgres_url else "?"
    with open_writer(f"{postgres_url}{mark}keepalives_idle=60&connect_timeout=9") as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "60"
    connection.close()


@pytest.mark.parametrize("looks", [False, True])
def test_a_node_that_stands_still_in_a_batch_is_ended_by_the_server(nodes: Nodes, looks: bool) -> None:
    """Between any two statements of a pipeline, so that its locks are no others' trouble for long."""
    engine = nodes.engines[0]
    engine.db.connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
    engine.db.begin()
    found = engine.db.run("next_batch", (engine.applier.boot, 1_000))
    if looks:
        assert found.fetchone() is not None
    nodes.until_gone(engine)
