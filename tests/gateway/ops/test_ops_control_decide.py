"""A person's decision about a message: the answer says what became of it, whenever it comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_fakes import FakeJournal, ManualClock, quiet_events

from gateway.admin import queue
from gateway.core.batch import Answer


class Waiting:
    """A store in which every message waits."""

    def __init__(self, path: object) -> None:
        pass

    def timeline(self, message_id: int) -> dict[str, Any] | None:
        return {"state": "QUEUED"}


class Desk:
    """What the handlers need of the daemon."""

    def __init__(self, journal: FakeJournal) -> None:
        self.journal = journal
        self.events = quiet_events()
        self.clock = ManualClock()


async def asked(journal: FakeJournal) -> asyncio.Task[dict[str, Any]]:
    """`queue drop` whose decision is in the gathering batch."""
    before = len(journal.batch.decisions)
    desk: Any = Desk(journal)
    reader: Any = Waiting(None)
    task = asyncio.ensure_future(queue._decide(desk, reader, 7, "drop"))
    while len(journal.batch.decisions) == before:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)
    return task


@pytest.mark.parametrize(
    ("ok", "waited", "answer"), [(True, True, "done"), (True, False, "error"), (False, False, "error")]
)
def test_the_answer_is_what_the_store_did(ok: bool, waited: bool, answer: str) -> None:
    async def run() -> None:
        journal = FakeJournal()
        journal.batch.decisions.append((6, "drop", 0))  # somebody else's, of the same batch
        task = await asked(journal)
        _, end = journal.take()
        end(ok, Answer(decided=[not waited, waited]))
        assert list(await task) == [answer]

    asyncio.run(run())


def test_a_commit_after_the_patience_of_whoever_asked_harms_nothing() -> None:
    async def run() -> None:
        journal = FakeJournal()
        task = await asked(journal)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        journal.commit(answer=Answer(decided=[True]))

    asyncio.run(run())
