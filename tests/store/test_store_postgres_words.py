"""What nodes on PostgreSQL tell each other beside their batches: it is heard, whenever it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from gateway_fakes import NOW_MS, message
from test_store_postgres_process import PATIENCE_S, Run

from gateway.core.model import Progress
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_link import CHANNEL, listen, listening, say
from gateway.store.postgres_open import open_writer


class End:
    """A node's connection, and what was heard by it."""

    def __init__(self, url: str) -> None:
        self.heard: list[str] = []
        self.db = PostgresDatabase(listening(open_writer(url), self.heard.extend))

    def say(self, *words: str) -> None:
        say(self.db.connection, words)

    def batch(self) -> None:
        """One that begins before somebody else speaks does not hear of it before its end."""
        self.db.begin()
        self.db.run("list_nodes")
        self.db.commit()

    def listen(self) -> list[str]:
        listen(self.db.connection)
        return self.heard


@pytest.fixture
def ends(postgres_url: str) -> Iterator[tuple[End, End]]:
    both = End(postgres_url), End(postgres_url)
    yield both
    for end in both:
        end.db.close()


def test_words_that_come_while_a_batch_is_applied_are_heard(ends: tuple[End, End]) -> None:
    here, there = ends
    there.say("q:smsc")
    here.batch()
    assert here.heard == ["q:smsc"]
    here.db.begin()
    there.say("d:app", "c")
    here.db.run("list_nodes").fetchall()
    here.db.commit()
    here.batch()
    assert here.heard == ["q:smsc", "d:app", "c"]


def test_nobody_hears_himself_and_nothing_of_it_is_kept(ends: tuple[End, End]) -> None:
    here, there = ends
    for _ in range(20):
        here.say("c")
        here.batch()
    here.say("q:smsc")
    here.batch()
    assert here.listen() == []
    assert not here.db.connection._notifies_backlog, "where psycopg gathers what nobody takes"
    there.batch()
    assert there.heard == ["c"] * 20 + ["q:smsc"]


def test_what_no_node_says_is_passed_over(ends: tuple[End, End]) -> None:
    here, there = ends
    for text in ("", "{", "7", '["c"]'):
        there.db.connection.execute(b"SELECT pg_notify($1, $2)", (CHANNEL, text))
    here.batch()
    assert here.heard == ["c"]


def test_words_are_not_waited_for_and_batches_are(ends: tuple[End, End]) -> None:
    here, _ = ends
    here.say("c")
    assert here.db.connection.execute(b"SHOW synchronous_commit").fetchone() == ("on",)


def test_a_node_tells_the_others_and_is_told(tmp_path: Path, postgres_url: str) -> None:
    async def whole() -> None:
        run = Run(tmp_path, postgres_url)
        heard: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        run.journal.on_hint = heard.set_result
        await run.journal.open()
        assert await run.commit(accepted=[(*message(1), Progress.QUEUED.value)])
        assert await run.commit(postponed=[(1, 1, "another", 0, 0, NOW_MS, "")])
        said = await asyncio.to_thread(other.notifies(timeout=PATIENCE_S, stop_after=1).__next__)
        assert said.payload == '["q:another"]'
        other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, '["d:app"]'))
        assert await asyncio.wait_for(heard, PATIENCE_S) == ["d:app"]
        await run.journal.close()

    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(f"LISTEN {CHANNEL}".encode())
        asyncio.run(whole())
