"""Hosts of calls are looked up few at once, once each, with a deadline, and not again for a moment."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from gateway_fakes import ManualClock
from service_fakes import looped, turns

from gateway.egress.call_names import KEEP_S, LOOKUPS, MOST_KEPT, STALE_S, Names, UnknownHost, ask_system


class Resolver:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.inside = 0
        self.most = 0
        self.gate = asyncio.Event()
        self.away = False

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1
        if self.away:
            raise OSError(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host.startswith("no"):
            raise OSError(-2, "Name or service not known")
        return ["192.0.2.1"]


@looped
async def test_few_hosts_are_looked_up_at_once_and_each_once() -> None:
    resolver = Resolver()
    names = Names(ManualClock(), resolver)
    waiting = [
        asyncio.create_task(names.addresses(f"{n}.example.org")) for n in range(3 * LOOKUPS) for _ in "ab"
    ]
    await turns()
    assert resolver.inside == LOOKUPS
    resolver.gate.set()
    assert await asyncio.gather(*waiting) == [["192.0.2.1"]] * len(waiting)
    assert resolver.most == LOOKUPS
    assert len(resolver.asked) == 3 * LOOKUPS


@looped
async def test_whoever_asks_waits_no_longer_than_the_deadline() -> None:
    resolver = Resolver()
    names = Names(ManualClock(), resolver, timeout_s=0.02)
    for _ in range(2):
        with pytest.raises(UnknownHost, match="not found in time"):
            await names.addresses("example.org")
    assert resolver.asked == ["example.org"], "a slow name server keeps one thread"
    resolver.gate.set()
    await turns()
    assert await names.addresses("example.org") == ["192.0.2.1"]
    assert resolver.asked == ["example.org"]


@looped
async def test_an_answer_is_kept_for_a_moment_and_a_failure_not() -> None:
    resolver, clock = Resolver(), ManualClock()
    resolver.gate.set()
    names = Names(clock, resolver)
    for seconds, times in ((0.0, 1), (KEEP_S - 1, 1), (2.0, 2)):
        clock.advance(seconds)
        await names.addresses("example.org")
        assert len(resolver.asked) == times
    for _ in range(2):
        with pytest.raises(UnknownHost, match="Name or service not known"):
            await names.addresses("no.example.org")
    assert len(resolver.asked) == 4


@looped
async def test_slow_hosts_of_others_and_absent_name_servers_do_not_matter_to_a_known_host() -> None:
    resolver, clock = Resolver(), ManualClock()
    names = Names(clock, resolver, timeout_s=0.02)
    resolver.gate.set()
    await names.addresses("example.org")
    resolver.gate.clear()
    slow = [asyncio.create_task(names.addresses(f"{n}.slow.example.org")) for n in range(2 * LOOKUPS)]
    await turns()
    clock.advance(STALE_S - 1)
    assert await names.addresses("example.org") == ["192.0.2.1"]
    clock.advance(2)
    with pytest.raises(UnknownHost, match="in time"):
        await names.addresses("example.org")
    resolver.gate.set()
    await asyncio.gather(*slow, return_exceptions=True)
    await names.addresses("example.org")
    resolver.away = True
    clock.advance(KEEP_S)
    assert await names.addresses("example.org") == ["192.0.2.1"]
    clock.advance(STALE_S)
    with pytest.raises(UnknownHost, match="Temporary failure"):
        await names.addresses("example.org")


@looped
async def test_so_many_are_kept_at_the_most() -> None:
    resolver = Resolver()
    resolver.gate.set()
    names = Names(ManualClock(), resolver)
    for n in range(2 * MOST_KEPT):
        await names.addresses(f"{n}.example.org")
        assert len(names._kept) <= MOST_KEPT
    asked = len(resolver.asked)
    await names.addresses(f"{MOST_KEPT}.example.org")
    assert len(resolver.asked) == asked, "the oldest goes first"


@looped
async def test_an_address_needs_no_look_up() -> None:
    names = Names(ManualClock(), Resolver())
    assert await names.addresses("192.0.2.7") == ["192.0.2.7"]
    assert await names.addresses("2001:db8::0:1") == ["2001:db8::1"]


@looped
async def test_the_end_waits_for_nothing() -> None:
    names = Names(ManualClock(), Resolver())
    asking = asyncio.create_task(names.addresses("example.org"))
    await turns()
    names.close()
    with pytest.raises(asyncio.CancelledError):
        await asking


@looped
async def test_the_system_is_asked_in_threads_that_hold_nobody_up() -> None:
    before = set(threading.enumerate())
    asking = asyncio.create_task(ask_system("localhost"))
    await asyncio.sleep(0)
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
    assert {"127.0.0.1", "::1"} & set(await asking)


@pytest.mark.parametrize("host", ["x" * 70, "a..b"])
@looped
async def test_what_is_no_host_is_an_error_like_others(host: str) -> None:
    with pytest.raises(OSError):
        await ask_system(host)
