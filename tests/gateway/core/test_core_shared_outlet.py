"""One account's way down where several nodes share the store: nothing is lost, nothing is with two."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from random import Random
from typing import Any

import pytest
from gateway_fakes import NOW_MS, FakeJournal, FakeReceiver, ManualClock, delivery, recorded_events

from gateway.core.batch import Answer, Batch
from gateway.core.downstream import IN_MEMORY
from gateway.core.model import Delivery
from gateway.core.shared_outlet import SharedOutlet

STEPS = 1500


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that the loop runs."""

    @wraps(test)
    def run(**values: Any) -> None:
        asyncio.run(test(**values))

    return run


class Table:
    """The store's deliveries of one account: the row, and the node that has claimed it (0: none)."""

    def __init__(self) -> None:
        self.rows: dict[int, Delivery] = {}
        self.claimed: dict[int, int] = {}
        self.last_id = 0
        self.taken: list[int] = []


class Node:
    """A node's outlet, and the store as it works on the node's batches."""

    def __init__(self, number: int, table: Table) -> None:
        self.number, self.table = number, table
        self.journal = FakeJournal(self._apply)
        self.outlet = SharedOutlet(
            "app", journal=self.journal, events=recorded_events()[0], clock=ManualClock(), random=Random(3)
        )
        self.sessions: list[FakeReceiver] = []
        self.listens = False
        self.to_write = 0
        self.fetches = 0

    def _apply(self, batch: Batch, answer: Answer) -> None:
        """In the order in which the store applies them; what it says is handed on with the next turn."""
        table = self.table
        for account, receives in batch.receivers:
            assert account == "app"
            self.listens = bool(receives)
            if not receives:
                self._free([row for row, node in table.claimed.items() if node == self.number])
        for (row_id,) in batch.delivered:
            assert table.rows.pop(row_id, None) is not None, "delivered twice"
            del table.claimed[row_id]
            table.taken.append(row_id)
        self._free(row_id for (row_id,) in batch.unclaimed)
        offers = self._write()
        asked = [self._claim(limit) for _, _, limit in batch.fetches]
        self.fetches += len(asked)
        asyncio.get_running_loop().call_soon(self._hand_on, asked, offers)

    def _free(self, numbers: object) -> None:
        for row_id in list(numbers):  # type: ignore[call-overload]
            if self.table.claimed.get(row_id) == self.number:
                self.table.claimed[row_id] = 0

    def _write(self) -> list[Delivery]:
        new = [delivery(self.table.last_id + n) for n in range(1, self.to_write + 1)]
        self.table.last_id += len(new)
        for row in new:
            self.table.rows[row.delivery_id] = row
            self.table.claimed[row.delivery_id] = self.number if self.listens else 0
        self.to_write = 0
        return new if self.listens else []

    def _claim(self, limit: int) -> tuple[list[Delivery], bool]:
        free = [row_id for row_id, node in sorted(self.table.claimed.items()) if not node][:limit]
        for row_id in free:
            self.table.claimed[row_id] = self.number
        return [self.table.rows[row_id] for row_id in free], len(free) == limit

    def _hand_on(self, asked: list[tuple[list[Delivery], bool]], offers: list[Delivery]) -> None:
        for rows, more in asked:
            self.outlet.fetched([tuple(row) for row in rows], more)
        for row in offers:
            self.outlet.offer(row)
        if offers:
            self.outlet.pump()

    # -- what happens ----------------------------------------------------------------------------------

    def bind(self, room: int = 100_000) -> FakeReceiver:
        session = FakeReceiver(room)
        self.sessions.append(session)
        self.outlet.attach(session)
        return session

    def leave(self, session: FakeReceiver) -> None:
        self.sessions.remove(session)
        self.outlet.detach(session, session.got)

    def take(self, session: FakeReceiver, count: int = 1_000_000) -> None:
        """The peer says OK to some of what it got."""
        done, session.got[:] = session.got[:count], session.got[count:]
        session.room += len(done)
        for row in done:
            self.outlet.took(row, NOW_MS)
        self.outlet.pump()

    def write(self, count: int = 1) -> None:
        """The next batch writes so many deliveries."""
        self.to_write += count
        self.journal.then(lambda ok: None)


async def settle(*nodes: Node) -> None:
    """Commits until nothing is asked for any more."""
    for _ in range(3):
        while any(node.journal.is_due for node in nodes):
            for node in nodes:
                if node.journal.is_due:
                    node.journal.commit()
            await asyncio.sleep(0)
        await asyncio.sleep(0)


def two() -> tuple[Table, Node, Node]:
    table = Table()
    return table, Node(1, table), Node(2, table)


@in_loop
async def test_what_is_written_at_one_node_reaches_the_session_at_another() -> None:
    _, first, second = two()
    session = second.bind()
    await settle(first, second)
    first.write(3)
    await settle(first, second)
    assert session.ids == []
    second.outlet.found()
    await settle(first, second)
    assert session.ids == [1, 2, 3]


@in_loop
async def test_a_node_with_a_session_brings_down_what_it_writes_without_a_look() -> None:
    _, first, _ = two()
    session = first.bind()
    await settle(first)
    fetches = first.fetches
    first.write(2)
    await settle(first)
    assert session.ids == [1, 2]
    assert first.fetches == fetches


@in_loop
async def test_what_a_session_leaves_is_the_other_nodes() -> None:
    table, first, second = two()
    session = first.bind()
    await settle(first)
    first.write(3)
    await settle(first)
    other = second.bind()
    await settle(second)
    assert other.ids == []
    first.leave(session)
    await settle(first)
    assert set(table.claimed.values()) == {0}
    second.outlet.found()
    await settle(second)
    assert other.ids == [1, 2, 3]


@in_loop
async def test_a_session_that_binds_again_at_once_gets_each_once() -> None:
    _, first, _ = two()
    session = first.bind()
    await settle(first)
    first.write(3)
    _, end = first.journal.take()
    first.leave(session)
    again = first.bind()
    end(True)
    await settle(first)
    assert again.ids == [1, 2, 3]
    first.write(1)
    await settle(first)
    assert again.ids == [1, 2, 3, 4]


@in_loop
async def test_what_was_just_to_be_fetched_is_not_claimed_for_nobody() -> None:
    table, first, _ = two()
    first.write(2)
    await settle(first)
    session = first.bind()
    first.leave(session)
    await settle(first)
    assert set(table.claimed.values()) == {0}
    assert first.outlet.waiting


@in_loop
async def test_what_memory_has_no_room_for_is_any_nodes() -> None:
    table, first, second = two()
    first.bind(room=0)
    await settle(first)
    first.write(IN_MEMORY + 5)
    await settle(first)
    assert list(table.claimed.values()).count(0) == 5
    session = second.bind()
    await settle(second)
    assert session.ids == list(range(IN_MEMORY + 1, IN_MEMORY + 6))


@in_loop
async def test_a_look_without_a_session_claims_nothing() -> None:
    table, first, _ = two()
    first.write(2)
    await settle(first)
    first.outlet.look()
    await settle(first)
    assert first.outlet.waiting
    assert set(table.claimed.values()) == {0}


@in_loop
async def test_a_node_that_is_drained_gives_all_away_but_what_its_sessions_have() -> None:
    table, first, second = two()
    session = first.bind(room=2)
    await settle(first)
    first.write(5)
    await settle(first)
    first.outlet.close()
    first.write(1)
    await settle(first)
    other = second.bind()
    await settle(second)
    assert sorted(other.ids) == [3, 4, 5, 6]
    first.take(session)
    await settle(first)
    assert session.ids == []
    assert table.taken == [1, 2]


@in_loop
async def test_a_node_that_goes_on_brings_down_again() -> None:
    _, first, _ = two()
    session = first.bind()
    first.outlet.close()
    first.write(2)
    await settle(first)
    assert session.ids == []
    first.outlet.reopen()
    await settle(first)
    assert session.ids == [1, 2]


@in_loop
async def test_when_the_store_cannot_write_the_node_listens_after_it_can() -> None:
    _, first, _ = two()
    session = first.bind()
    await settle(first)
    first.leave(session)
    again = first.bind()
    batch, end = first.journal.take()
    first.journal.batch.receivers[:0] = batch.receivers
    end(False)
    first.write(1)
    await settle(first)
    assert again.ids == [1]


@in_loop
async def test_this_process_is_asked_before_anything_goes_down() -> None:
    _, first, _ = two()
    session = first.bind()
    await settle(first)
    seen: list[list[int]] = []
    first.outlet.guard = lambda: seen.append(list(session.ids))
    first.write(1)
    await settle(first)
    assert seen[0] == []
    assert session.ids == [1]


@in_loop
async def test_what_is_written_while_older_ones_are_fetched_comes_behind_them() -> None:
    _, first, _ = two()
    session = first.bind()
    _, end = first.journal.take()
    end(True)
    first.outlet.found()
    assert first.outlet._fetching
    first.outlet.offer(delivery(3))
    first.outlet.fetched([tuple(delivery(1)), tuple(delivery(2))], False)
    assert session.ids == [1, 2, 3]


@in_loop
async def test_what_was_fetched_before_its_sessions_went_is_freed_once() -> None:
    _, first, _ = two()
    session = first.bind()
    first.journal.take()[1](True)
    first.outlet.found()
    first.leave(session)
    first.outlet.fetched([tuple(delivery(1))], False)
    assert first.journal.batch.unclaimed == []


@pytest.mark.parametrize("seed", range(6))
@in_loop
async def test_whatever_happens_each_delivery_is_taken_once_and_none_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    table, *nodes = two()
    for _ in range(STEPS):
        node = chance.choice(nodes)
        await _something(chance, node)
        held = [row for one in nodes for session in one.sessions for row in session.ids]
        assert len(held) == len(set(held)), "two sessions have one"
    for node in nodes:
        node.outlet.reopen()
    await settle(*nodes)
    session = nodes[0].bind()
    while table.rows:
        for node in nodes:
            node.outlet.found()
            await settle(*nodes)
            for one in node.sessions:
                one.room = 1000
                node.take(one)
        nodes[0].outlet.pump()
        await settle(*nodes)
    assert session.room
    assert sorted(table.taken) == list(range(1, table.last_id + 1))


async def _something(chance: random.Random, node: Node) -> None:
    what = chance.random()
    sessions = node.sessions
    if what < 0.08 and len(sessions) < 3:
        node.bind(room=chance.choice((1, 5, 100)))
    elif what < 0.14 and sessions:
        session = chance.choice(sessions)
        _, end = node.journal.take()  # what it has taken is committed before it goes
        end(True)
        node.leave(session)
    elif what < 0.3:
        node.write(chance.randrange(1, 4))
    elif what < 0.45 and sessions:
        node.take(chance.choice(sessions), chance.randrange(1, 5))
    elif what < 0.5:
        node.outlet.found()
    elif what < 0.52:
        node.outlet.close()
    elif what < 0.55:
        node.outlet.reopen()
    elif what < 0.8:
        node.journal.commit()
    else:
        await asyncio.sleep(0)
