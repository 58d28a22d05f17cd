"""The caller over the real store and real sockets: nothing is lost by a kill, dead calls come again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

from called_server import CalledServer, called
from front_desk import StoreJournal
from gateway_fakes import NOW_MS, ManualClock, account, message, recorded_events
from service_fakes import looped

from gateway.config.model import AccountHttp
from gateway.config.secret import Secret
from gateway.core.api import use_of
from gateway.core.batch import Answer, Batch
from gateway.core.model import Progress, Wish
from gateway.egress.call_lanes import FULL
from gateway.egress.calls import CLAIM, Caller
from protocols.smsc_http.callbacks import StatusCall, check_hash, parse_callback
from protocols.webhooks import is_genuine

HASH, HOOK = "hash-secret", "hook-secret"
PATIENCE_S = 60.0


class Journal(StoreJournal):
    """Commits soon, whoever asks for it."""

    def wake(self) -> None:
        asyncio.get_running_loop().call_soon(self.flush)


class Run:
    """One run of the gateway, as far as calls go."""

    def __init__(self, folder: Path, clock: ManualClock, http: AccountHttp) -> None:
        self.clock = clock
        self.journal = Journal(folder)
        self.account = account(http=http)
        self.caller = Caller(
            {"app": self.account},
            [ip_network("127.0.0.0/8")],
            journal=self.journal,
            events=recorded_events()[0],
            clock=clock,
            random=Random(1),
        )
        self.journal.on_answer = self._said
        self.journal.batch.api_accounts.append(("app", use_of(self.account.config)))
        self.caller.start()

    def _said(self, batch: Batch, answer: Answer) -> None:
        self.caller.store_says(answer)

    def end_messages(self, first: int, last: int) -> None:
        """Messages are accepted, and end at once."""
        rows = [message(n, flags=Wish.CALLED.value, destination=f"7999000{n:04}") for n in range(first, last)]
        self.journal.batch.accepted.extend((*row, Progress.QUEUED.value) for row in rows)
        self.journal.batch.failed.extend((row.message_id, 5, "11", self.clock.now_ms()) for row in rows)
        self.journal.wake()

    def count(self, table: str) -> int:
        return int(self.journal.all(f"SELECT count(*) FROM {table}")[0][0])

    async def until(self, condition: Callable[[], object], step_s: float = 0.5) -> None:
        """Looks again after each tick, which come so many seconds after each other."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.clock.advance(step_s)
                self.caller.tick(self.clock.now(), self.clock.now_ms())
                await asyncio.sleep(0.001)

    async def kill(self) -> None:
        """What is not committed is lost."""
        self.journal.on_answer = None
        self.journal.fails = True
        await self.caller.stop(0)
        self.journal.close()


@asynccontextmanager
async def run_of(folder: Path, clock: ManualClock, http: AccountHttp) -> AsyncIterator[Run]:
    run = Run(folder, clock, http)
    try:
        yield run
    finally:
        await run.kill()


def handler(server: CalledServer) -> AccountHttp:
    return AccountHttp(handler=f"{server.url}?sha1={HASH}&charset=utf-8")


def ids_of(server: CalledServer) -> list[int]:
    read = [parse_callback(came.headers["content-type"], came.body) for came in server.came]
    assert all(isinstance(each, StatusCall) and check_hash(each, HASH, "sha1") for each in read)
    return [int(each.id) for each in read if isinstance(each, StatusCall)]


@looped
async def test_ends_are_told_to_handler_and_webhook(tmp_path: Path) -> None:
    async with called() as one, called() as other:
        http = AccountHttp(handler=f"{one.url}?sha1={HASH}", webhook=other.url, webhook_secret=Secret(HOOK))
        async with run_of(tmp_path, ManualClock(), http) as run:
            run.end_messages(1, 31)
            await run.until(lambda: run.caller.taken == 60)
            await run.until(lambda: run.count("call") == 0)
            assert sorted(ids_of(one)) == list(range(1, 31))
            for came in other.came:
                signed_at = int(came.headers["x-signature"].partition(",")[0].removeprefix("t="))
                assert is_genuine(came.headers["x-signature"], came.body, [HOOK], signed_at)
            events: list[dict[str, Any]] = [json.loads(came.body) for came in other.came]
            assert {event["message"]["id"] for event in events} == {str(n) for n in range(1, 31)}
            assert len({event["id"] for event in events}) == 30
            assert {event["message"]["err"] for event in events} == {11}


@looped
async def test_the_first_click_is_told_as_status_4_and_no_other(tmp_path: Path) -> None:
    async with called() as server, run_of(tmp_path, ManualClock(), handler(server)) as run:
        run.end_messages(1, 2)
        names = (1, "app", "order-17", "79990000001", "Example", 0, 1, 0, "", 0)
        run.journal.batch.api_messages.append(names)
        run.journal.batch.short_links.append((5, "app", "https://example.org/", NOW_MS, 1))
        await run.until(lambda: run.caller.taken == 1)
        for _ in range(3):
            run.journal.batch.clicks.append((5, run.clock.now_ms(), NOW_MS // 86_400_000))
            run.journal.wake()
            await run.until(lambda: run.caller.taken == 2)
        await run.until(lambda: run.count("call") == 0)
        read = [parse_callback(came.headers["content-type"], came.body) for came in server.came]
        told = [(each.id, each.status) for each in read if isinstance(each, StatusCall)]
        assert told == [("order-17", 20), ("order-17", 4)]


@looped
async def test_what_a_killed_run_had_claimed_is_told_by_the_next(tmp_path: Path) -> None:
    clock = ManualClock()
    async with called() as server:
        for first in range(1, 61, 20):
            async with run_of(tmp_path, clock, handler(server)) as run:
                run.end_messages(first, first + 20)
                await server.until(lambda first=first: len(set(ids_of(server))) > first + 5)
        async with run_of(tmp_path, clock, handler(server)) as run:
            await run.until(lambda: run.count("call") == 0)
        assert set(ids_of(server)) == set(range(1, 61)), "each at least once"


@looped
async def test_a_handler_that_is_down_loses_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    async with called() as server:
        http = handler(server)
    async with run_of(tmp_path, clock, http) as run:
        run.end_messages(1, 4)
        await run.until(lambda: run.caller.put_off >= 6, 20)
        async with called(server):
            await run.until(lambda: run.count("call") == 0, 20)
        assert sorted(ids_of(server)) == [1, 2, 3]


@looped
async def test_a_dead_call_comes_again_when_it_is_replayed(tmp_path: Path) -> None:
    clock = ManualClock()
    async with called(CalledServer(500)) as server, run_of(tmp_path, clock, handler(server)) as run:
        run.end_messages(1, 2)
        await run.until(lambda: run.caller.dead == 1, 80)
        assert len(server.came) == 50
        await run.until(lambda: run.count("dead_call") == 1)
        server.usual = 200
        run.journal.batch.call_replays.append((0, "app", clock.now_ms()))
        run.journal.wake()
        await run.until(lambda: run.caller.taken == 1)
        assert ids_of(server) == [1] * 51
        await run.until(lambda: run.count("call") + run.count("dead_call") == 0)


@looped
async def test_a_long_backlog_stays_in_the_store(tmp_path: Path) -> None:
    """Claims stay small, and memory with them."""
    clock = ManualClock()
    async with called() as server:
        http = handler(server)
    async with run_of(tmp_path, clock, http) as run:
        rows = [
            (
                "app",
                1,
                NOW_MS,
                n,
                f"g{n}",
                "79990000001",
                "Example",
                2,
                "",
                NOW_MS,
                0,
                1,
                0,
                "",
                0,
                0,
                b"",
                "",
            )
            for n in range(2000)
        ]
        run.journal.batch.calls.extend(rows)
        run.journal.wake()
        await run.until(lambda: run.caller.put_off >= 20)
        held = sum(len(lane.waiting) for lane in run.caller._lanes.values())
        assert held <= FULL + CLAIM
        assert run.count("call") == 2000
