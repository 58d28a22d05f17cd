"""Dead letters that are to wait again: told in pieces, and no more than there were."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_fakes import NOW_MS, FakeJournal, ManualClock

from gateway.admin import deadletters
from gateway.core.batch import Answer


class Desk:
    """What the handlers need of the daemon; its store lets so many wait again with each batch."""

    def __init__(self, *counts: int | None) -> None:
        self.journal = FakeJournal()
        self.clock = ManualClock()
        self.rows: list[Any] = []
        self.calls: list[Any] = []
        self._counts = list(counts)

    async def commits(self) -> None:
        """Ends each batch as it comes."""
        while True:
            await asyncio.sleep(0)
            if self.journal.is_due:
                batch, end = self.journal.take()
                self.rows += batch.replays
                self.calls += batch.call_replays
                counts = [self._counts.pop(0) for _ in batch.replays]
                calls = [self._counts.pop(0) for _ in batch.call_replays]
                answer = Answer(
                    replayed=[count or 0 for count in counts], calls_replayed=[count or 0 for count in calls]
                )
                end(None not in counts + calls, answer)


class Dead:
    def __init__(self, **counts: int) -> None:
        names = {"mail": "mail:", "call_app": "call:app"}
        self._counts = {names.get(name, name): count for name, count in counts.items()}

    def dead_counts(self, since_ms: int = 0) -> dict[str, int]:
        return self._counts


async def told(desk: Desk, reader: Any, account: str = "") -> list[Any]:
    some: Any = desk
    task = asyncio.ensure_future(desk.commits())
    try:
        return [line async for line in deadletters._replay_all(some, reader, account)]
    finally:
        task.cancel()


def test_as_many_as_there_were_and_no_more() -> None:
    desk = Desk(1000, 500, 3)  # what is refused again meanwhile is not asked for again
    lines = asyncio.run(told(desk, Dead(app=1500, mail=3)))
    assert [line["replayed"] for line in lines] == [1000, 1500, 1503, 1503]
    assert {line["of"] for line in lines} == {1503}
    assert desk.rows == [(0, "app", NOW_MS), (0, "app", NOW_MS), (0, "mail:", NOW_MS)]


def test_of_one_account_alone() -> None:
    desk = Desk(2)
    lines = asyncio.run(told(desk, Dead(app=2, other=9), "app"))
    assert lines[-1] == {"replayed": 2, "of": 2}
    assert asyncio.run(told(Desk(), Dead(app=2), "nobody")) == [{"replayed": 0, "of": 0}]


def test_somebody_else_was_faster() -> None:
    assert asyncio.run(told(Desk(0), Dead(app=5)))[-1] == {"replayed": 0, "of": 5}


def test_what_could_not_be_written_is_told() -> None:
    lines = asyncio.run(told(Desk(1000, None), Dead(app=1500)))
    assert [list(line) for line in lines] == [["replayed", "of"], ["error"]]


@pytest.mark.parametrize("counts", [(1, 0), (None, None)])
def test_by_their_ids(counts: tuple[int | None, ...]) -> None:
    async def run() -> None:
        desk: Any = Desk(*counts)
        desk.journal.batch.replays.append((9, "", 0))  # somebody else's, of the same batch
        desk._counts.insert(0, 1)
        task = asyncio.ensure_future(desk.commits())
        answer = await deadletters._replay(desk, ["7", "L7"])
        task.cancel()
        assert desk.rows[1:] == [(7, "", NOW_MS), (7, "mail:", NOW_MS)]
        assert answer == {"replayed": 1, "unknown": ["L7"]} if counts[0] else list(answer) == ["error"]

    asyncio.run(run())


def test_calls_are_those_of_their_account() -> None:
    desk = Desk(2, 1)
    lines = asyncio.run(told(desk, Dead(app=2, other=9, call_app=1), "app"))
    assert lines[-1] == {"replayed": 3, "of": 3}
    assert (desk.rows, desk.calls) == ([(0, "app", NOW_MS)], [(0, "app", NOW_MS)])


def test_calls_and_deliveries_by_their_ids_in_any_order() -> None:
    async def run() -> None:
        desk: Any = Desk(1, 0, 1, 1)
        desk.journal.batch.call_replays.append((9, "", 0))  # somebody else's, of the same batch
        task = asyncio.ensure_future(desk.commits())
        answer = await deadletters._replay(desk, ["C5", "7", "L7"])
        task.cancel()
        assert desk.calls == [(9, "", 0), (5, "", NOW_MS)]
        assert desk.rows == [(7, "", NOW_MS), (7, "mail:", NOW_MS)]
        assert answer == {"replayed": 2, "unknown": ["L7"]}

    asyncio.run(run())
