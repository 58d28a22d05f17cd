"""Waiting by a clock that is turned by hand."""

from __future__ import annotations

import asyncio

from gateway_fakes import ManualClock
from service_fakes import looped, turns

from gateway.egress.smsc_http.waits import Waits


class Bench:
    """Waits, and the clock that they go by."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.waits = Waits(self.clock)

    async def pass_(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.waits.tick(self.clock.now())
        await turns()


@looped
async def test_a_sleep_ends_with_the_tick_of_its_time() -> None:
    bench = Bench()
    sleeping = asyncio.ensure_future(bench.waits.sleep(10))
    await bench.pass_(0)
    await bench.pass_(9.5)
    assert not sleeping.done()
    await bench.pass_(0.5)
    assert sleeping.done()


@looped
async def test_shorter_sleeps_end_first_whichever_began_first() -> None:
    bench = Bench()
    ended: list[int] = []

    async def sleep(seconds: int) -> None:
        await bench.waits.sleep(seconds)
        ended.append(seconds)

    tasks = [asyncio.ensure_future(sleep(seconds)) for seconds in (3, 1, 2)]
    await turns()
    for _ in range(3):
        await bench.pass_(1)
    await asyncio.gather(*tasks)
    assert ended == [1, 2, 3]


@looped
async def test_no_time_is_no_wait() -> None:
    await Bench().waits.sleep(0)


@looped
async def test_an_event_ends_a_wait_and_says_so() -> None:
    bench, event = Bench(), asyncio.Event()
    waiting = asyncio.ensure_future(bench.waits.until(event, 10))
    await turns()
    event.set()
    assert await waiting is True
    assert await bench.waits.until(event, 10) is True, "it is set already"


@looped
async def test_the_time_ends_a_wait_for_an_event() -> None:
    bench, event = Bench(), asyncio.Event()
    waiting = asyncio.ensure_future(bench.waits.until(event, 10))
    await turns()
    await bench.pass_(10)
    assert await waiting is False


@looped
async def test_a_wait_without_a_time_waits_for_the_event() -> None:
    bench, event = Bench(), asyncio.Event()
    waiting = asyncio.ensure_future(bench.waits.until(event, None))
    await turns()
    await bench.pass_(1_000_000)
    assert not waiting.done()
    event.set()
    assert await waiting is True


@looped
async def test_a_cancelled_sleep_disturbs_nobody() -> None:
    bench = Bench()
    gone, other = (asyncio.ensure_future(bench.waits.sleep(1)) for _ in range(2))
    await turns()
    gone.cancel()
    await bench.pass_(1)
    assert gone.cancelled() and other.done() and len(bench.waits) == 0


@looped
async def test_waits_that_ended_early_take_no_memory() -> None:
    bench, event = Bench(), asyncio.Event()
    sleeping = asyncio.ensure_future(bench.waits.sleep(5000))
    for _ in range(5000):
        event.clear()
        waiting = asyncio.ensure_future(bench.waits.until(event, 3600))
        await asyncio.sleep(0)
        event.set()
        await waiting
    assert len(bench.waits) <= 200
    assert len(asyncio.all_tasks()) <= 4, "nothing waits for an event any more"
    await bench.pass_(5000)
    assert sleeping.done()
