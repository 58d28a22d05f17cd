"""A person's decision about messages: the answer says what became of each, whenever it comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_fakes import NOW_MS, FakeJournal, ManualClock, id_at, quiet_events

from gateway.admin import deadletters, messages
from gateway.admin.messages import why_not
from gateway.core.batch import Answer

WAITS = {
    "state": "QUEUED",
    "ended": False,
    "connector": "operator",
    "due_ms": 0,
    "segments": 1,
    "carrier": None,
    "taken": 0,
    "under_way": 0,
    "doubt": 0,
}


class Waiting:
    """A store in which every message waits."""

    def standing(self, message_id: int) -> dict[str, Any] | None:
        return WAITS


class Desk:
    """What the handlers need of the daemon."""

    def __init__(self, journal: FakeJournal) -> None:
        self.journal = journal
        self.events = quiet_events()
        self.clock = ManualClock()


async def asked(journal: FakeJournal, *message_ids: int) -> asyncio.Task[dict[str, Any]]:
    """A decision that is in the gathering batch."""
    before = len(journal.batch.decisions)
    desk: Any = Desk(journal)
    reader: Any = Waiting()
    task = asyncio.ensure_future(messages._decide(desk, reader, list(message_ids), "drop"))
    while len(journal.batch.decisions) == before:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("waited", [True, False])
def test_the_answer_is_what_the_store_did(waited: bool) -> None:
    async def run() -> None:
        journal = FakeJournal()
        journal.batch.decisions.append((6, "drop", 0))  # somebody else's, of the same batch
        task = await asked(journal, 7, 8)
        _, end = journal.take()
        end(True, Answer(decided=[not waited, waited, True]))
        first, second = (await task)["results"]
        why = "" if waited else "it went on in the same moment; ask for it again"
        assert first == {"message_id": "7", "done": waited, "why": why}
        assert second == {"message_id": "8", "done": True, "why": ""}

    asyncio.run(run())


def test_what_could_not_be_written_is_told() -> None:
    async def run() -> None:
        journal = FakeJournal()
        task = await asked(journal, 7)
        journal.commit(ok=False)
        assert list(await task) == ["error"]

    asyncio.run(run())


def test_a_commit_after_the_patience_of_whoever_asked_harms_nothing() -> None:
    async def run() -> None:
        journal = FakeJournal()
        task = await asked(journal, 7)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        journal.commit(answer=Answer(decided=[True]))

    asyncio.run(run())


@pytest.mark.parametrize(("word", "ids"), [("burn", [1]), ("hold", []), ("hold", list(range(1001)))])
def test_what_makes_no_sense_is_not_written(word: str, ids: list[int]) -> None:
    journal = FakeJournal()
    desk: Any = Desk(journal)
    reader: Any = Waiting()
    assert list(asyncio.run(messages._decide(desk, reader, ids, word))) == ["error"]
    assert not journal.is_due


@pytest.mark.parametrize(
    ("word", "standing", "why"),
    [
        ("hold", None, "no such message; history is kept for queue.history_days"),
        ("hold", {"state": "DELIVERED", "ended": True}, "it has ended: DELIVERED"),
        ("cancel", {"state": "CARRIED", "carrier": 5}, "it goes up with message 5: decide about that one"),
        ("resend", {}, "it is QUEUED, so there is nothing to resend"),
        (
            "release",
            {"state": "HELD", "doubt": 1},
            'it is in doubt whether operator has it: only "queue resend" and "queue drop" can say what to do',
        ),
        (
            "hold",
            {"doubt": 1},
            'it may be at operator already (see "queue ambiguous"); "queue drop" gives it up all the same',
        ),
        ("cancel", {"state": "SENT", "taken": 1}, "it is under way at operator; wait for its receipt"),
        ("retry", {"state": "SENT"}, "it is under way at operator; wait for its receipt"),
        (
            "hold",
            {"taken": 1, "segments": 3},
            "1 of its 3 segments is under way at operator; wait for its receipt",
        ),
        (
            "cancel",
            {"taken": 1, "under_way": 1, "segments": 3},
            "2 of its 3 segments are under way at operator; wait for its receipt",
        ),
        ("release", {}, "nobody holds it back"),
        ("hold", {"state": "PAUSED"}, "it is held back: release it"),
        ("retry", {"state": "PAUSED"}, "it is held back: release it"),
        ("hold", {"state": "GATHERED"}, "it waits for the other parts of its text"),
        ("retry", {}, "it is due, and waits for room at operator: look at status"),
    ],
)
def test_why_nothing_came_of_it(word: str, standing: dict[str, Any] | None, why: str) -> None:
    assert why_not(word, standing if standing is None else {**WAITS, **standing}, NOW_MS) == why


def test_until_takes_its_millisecond_in() -> None:
    wanted = messages.wanted_of({"since_ms": NOW_MS, "until_ms": NOW_MS})
    assert wanted.low_id == id_at(NOW_MS) < wanted.high_id == id_at(NOW_MS + 1)


def test_two_replays_of_one_batch_have_each_its_answer() -> None:
    async def run() -> None:
        journal = FakeJournal()
        desk: Any = Desk(journal)
        tasks = [asyncio.ensure_future(deadletters._replay(desk, ids)) for ids in (["7", "L8"], ["9"])]
        while len(journal.batch.replays) < 3:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        journal.commit(answer=Answer(replayed=[1, 0, 0]))
        assert [await task for task in tasks] == [
            {"replayed": 1, "unknown": ["L8"]},
            {"replayed": 0, "unknown": ["9"]},
        ]

    asyncio.run(run())
