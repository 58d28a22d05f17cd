"""Turns of HTTP: only so many requests begin in one round of the loop, and all get their turn in order."""

from __future__ import annotations

import asyncio

from gateway.ingress.http_turns import BUDGET_S, MOST, Turns


class Work:
    """Requests that each take as long as they are said to."""

    def __init__(self, each_s: float) -> None:
        self.now_s = 0.0
        self.each_s = each_s
        self.turns = Turns(asyncio.get_running_loop(), lambda: self.now_s)
        self.begun: list[int] = []

    async def request(self, number: int) -> None:
        wait = self.turns.take()
        if wait is not None:
            await wait
        self.now_s += self.each_s
        self.begun.append(number)


async def rounds(work: Work, tasks: list[asyncio.Task[None]]) -> list[int]:
    """How many requests began in each round of the loop until all have."""
    found = []
    while not all(task.done() for task in tasks):
        before = len(work.begun)
        await asyncio.sleep(0)
        found.append(len(work.begun) - before)
    return found


def begun_in_rounds(each_s: float, count: int) -> tuple[list[int], list[int]]:
    async def run() -> tuple[list[int], list[int]]:
        work = Work(each_s)
        await work.request(-1)  # what one takes is known after this
        await asyncio.sleep(0)
        tasks = [asyncio.ensure_future(work.request(number)) for number in range(count)]
        return await rounds(work, tasks), work.begun[1:]

    return asyncio.run(run())


def test_only_so_many_begin_in_a_round_as_fit_into_it() -> None:
    found, begun = begun_in_rounds(BUDGET_S / 4, 50)
    assert max(found) <= 4
    assert begun == list(range(50))


def test_one_that_takes_longer_than_a_round_is_alone_in_it() -> None:
    found, begun = begun_in_rounds(BUDGET_S * 3, 5)
    assert max(found) == 1
    assert begun == list(range(5))


def test_cheap_ones_begin_together() -> None:
    found, begun = begun_in_rounds(BUDGET_S / 1000, MOST + 1)
    assert found[0] == MOST
    assert begun == list(range(MOST + 1))


def test_who_has_gone_takes_no_turn_from_others() -> None:
    async def run() -> list[int]:
        work = Work(BUDGET_S)
        await work.request(-1)
        await asyncio.sleep(0)
        tasks = [asyncio.ensure_future(work.request(number)) for number in range(6)]
        await asyncio.sleep(0)
        for task in tasks[2:4]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return work.begun[1:]

    assert asyncio.run(run()) == [0, 1, 4, 5]
