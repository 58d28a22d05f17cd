"""A mailing list and a kill between any two commits: everybody gets it, and nobody twice.

The journal is the gateway's own, so batches are cut as they are in a running one; behind it is a store in
this process, which dies after so many of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import front_desk
import pytest
from front_desk import StoreJournal, asked
from front_sending import SendDesk
from gateway_fakes import NOW_MS

from gateway.core.batch import Batch
from gateway.core.frames import encode_frame, take_frames
from gateway.front import contacts, job_records, jobs
from gateway.front.job_runs import run_due
from gateway.store.frames import encode
from gateway.store.journal import LARGE, Journal

MANY = 6 * LARGE
HOUR_MS = 3_600_000


class MortalJournal(Journal):
    """The gateway's journal over a store that is gone after `lives` batches with messages or records."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, lambda batch, answer: None, lambda reason: None)
        self._store = StoreJournal(folder)
        self.connection, self.rows_of = self._store.connection, self._store.rows
        self.lives, self.is_dead = 1_000_000, False
        self.transport: Any = self
        self._transport = self.transport
        self.data_received(encode_frame(("", 1, 0, [], [], 0, [])))

    async def rows_now(self, statement: str, parameters: Any = ()) -> list[dict[str, Any]]:
        return await self.rows_of(statement, parameters)

    def write(self, octets: bytes) -> None:
        [values] = take_frames(bytearray(octets))
        batch = Batch(*values)
        if batch.accepted or batch.records:
            self.is_dead = self.is_dead or not self.lives
            self.lives -= 1
        if not self.is_dead:
            answer = encode(self._store._applier.apply(batch))
            asyncio.get_running_loop().call_soon(self.data_received, answer)

    def then(self, callback: Any) -> None:
        super().then(lambda ok: None)  # somebody else has asked for a commit in the same turn of the loop
        super().then(callback)

    def close_store(self) -> None:
        self._store.close()


class Life:
    """A gateway from its start to its kill."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        journal = MortalJournal(folder)
        journal.rows = journal.rows_now  # type: ignore[method-assign, assignment]
        monkeypatch.setattr(front_desk, "StoreJournal", lambda folder: journal)
        self.journal = journal
        self.desk = SendDesk(folder)
        self.desk.desk.submission.max_messages = 100_000
        for module in (jobs, contacts):
            self.desk.handlers.update(module.handlers(self.desk.desk))

    async def ask(self, operation: str, **params: str) -> Any:
        return await self.desk.handlers[operation](asked(self.desk.desk, "app", operation, params))

    async def go_on(self, at_ms: int) -> None:
        """What is due then is done, or the gateway is killed meanwhile."""
        self.desk.clock.advance((at_ms - self.desk.clock.now_ms()) / 1000)
        running = asyncio.ensure_future(run_due(self.desk.desk, at_ms))
        for _ in range(5000):
            if running.done() or self.journal.is_dead:
                break
            await asyncio.sleep(0)
        self.journal.is_dead = self.journal.is_dead or not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def told(life: Life) -> Counter[str]:
    rows = life.journal.connection.execute("SELECT destination FROM message")
    return Counter(row[0] for row in rows)


PHONES = [str(79990000000 + one) for one in range(MANY)]


async def one_kill(folder: Path, monkeypatch: pytest.MonkeyPatch, lives: int) -> tuple[Counter[str], bool]:
    """Whom the store has messages for after a kill and a new start, and whether there was a kill."""
    first = Life(folder, monkeypatch)
    lines = "\n".join(f"{phone}:Hello {{Name}}, your number is {phone}" for phone in PHONES)
    await first.ask("job_add", name="all", list=lines, time=f"0{NOW_MS // 1000 + 3600}", rpt="1", rptn="1")
    first.journal.lives = lives
    await first.go_on(NOW_MS + HOUR_MS)
    was_killed = first.journal.is_dead
    first.journal.close_store()
    second = Life(folder, monkeypatch)
    await job_records.load(second.desk.desk)
    await second.go_on(NOW_MS + HOUR_MS + 60_000)
    found = told(second)
    second.journal.close_store()
    return found, was_killed


@pytest.mark.parametrize("lives", range(3))
def test_whenever_the_gateway_is_killed_a_list_is_sent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lives: int
) -> None:
    found, was_killed = asyncio.run(one_kill(tmp_path, monkeypatch, lives))
    assert found == Counter(PHONES)
    assert was_killed is (lives < 1)  # it is one commit: with a second one there are more kills to be tried
