"""A caller between a table of calls and handlers that answer as the test says; the clock is by hand."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, NamedTuple

from call_rows import call
from gateway_fakes import FakeJournal, ManualClock, account, recorded_events

from gateway.config.basics import Network
from gateway.config.model import AccountHttp
from gateway.config.secret import Secret
from gateway.core.accounts import Account
from gateway.core.api import Call, CallTarget
from gateway.core.batch import Answer, Batch
from gateway.core.clock import Clock
from gateway.egress.call_client import CallFailed
from gateway.egress.calls import Caller

PATIENCE_S = 20.0
HANDLER, WEBHOOK = CallTarget.HANDLER.value, CallTarget.WEBHOOK.value
SECRET = "hook-secret"


class Posted(NamedTuple):
    """What the client was asked to post."""

    at_ms: int
    url: str
    body: bytes
    headers: dict[str, str]
    by_operator: bool

    @property
    def text(self) -> str:
        return self.body.decode()


Given = int | Exception | asyncio.Future[int]


class FakeClient:
    """What stands in for CallClient; answers are by the beginning of the URL, a status unless said."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.networks: Sequence[Network] = ()
        self.posted: list[Posted] = []
        self.answers: defaultdict[str, deque[Given]] = defaultdict(deque)
        self.usual: dict[str, Given] = {}
        self.inside: defaultdict[str, int] = defaultdict(int)
        self.most: defaultdict[str, int] = defaultdict(int)
        self.takes_s: dict[str, float] = {}
        self.closed = False

    def to(self, url: str) -> list[Posted]:
        return [each for each in self.posted if each.url.startswith(url)]

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, by_operator: bool = True
    ) -> int:
        assert not self.closed
        place = url.partition("?")[0]
        self.posted.append(Posted(self._clock.now_ms(), url, body, dict(headers), by_operator))
        self.inside[place] += 1
        self.most[place] = max(self.most[place], self.inside[place])
        try:
            laid_down = self.answers[place]
            given = laid_down.popleft() if laid_down else self.usual.get(place, 200)
            if isinstance(given, asyncio.Future):
                given = await asyncio.shield(given)
            else:
                await asyncio.sleep(0)
            self._clock.advance(self.takes_s.get(place, 0.0))
        finally:
            self.inside[place] -= 1
        if isinstance(given, Exception):
            raise given
        return given

    async def close(self) -> None:
        self.closed = True


class Row:
    """A call in the store."""

    def __init__(self, row: Call) -> None:
        self.call = row
        self.place = (row.account, row.target)
        self.due_ms = row.created_ms
        self.claimed = False
        self.reason = ""


class Store(FakeJournal):
    """The table of calls; commits by itself, unless it is held."""

    def __init__(self) -> None:
        super().__init__(self._apply)
        self.rows: dict[int, Row] = {}
        self.dead: dict[int, str] = {}
        self.done: list[int] = []
        self.claims: list[tuple[int, int, tuple[tuple[str, int], ...]]] = []
        self.commits = 0
        self.held = False
        self.fails = False
        self.changed = asyncio.Event()
        self.caller: Caller | None = None

    def then(self, callback: Callable[[bool], object]) -> None:
        super().then(callback)
        asyncio.get_running_loop().call_soon(self._commit_if_due)

    def wake(self) -> None:
        self.changed.set()
        asyncio.get_running_loop().call_soon(self._commit_if_due)

    def _commit_if_due(self) -> None:
        if self.is_due and not self.held:
            self.commits += 1
            self.commit(not self.fails)
            self.changed.set()

    def _apply(self, batch: Batch, answer: Answer) -> None:
        for (call_id,) in batch.calls_done:
            del self.rows[call_id]
            self.done.append(call_id)
        for call_id, due_ms, reason in batch.calls_put_off:
            row = self.rows[call_id]
            row.call = row.call._replace(tries=row.call.tries + 1)
            row.due_ms, row.reason, row.claimed = due_ms, reason, False
        for call_id, reason, _ in batch.calls_refused:
            del self.rows[call_id]
            self.dead[call_id] = reason
        for now_ms, limit, left_out in batch.call_claims:
            self.claims.append((now_ms, limit, left_out))
            waiting = sorted(
                (it for it in self.rows.values() if not it.claimed and it.place not in left_out),
                key=lambda row: (row.due_ms, row.call.call_id),
            )
            due = [row for row in waiting if row.due_ms <= now_ms][:limit]
            for row in due:
                row.claimed = True
            following = next((row.due_ms for row in waiting if not row.claimed), None)
            answer.calls.append(([tuple(row.call) for row in due], following))
        assert self.caller is not None
        self.caller.store_says(answer)


class Bench:
    """The caller, the store, the accounts, the clock and the log."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = Store()
        self.client = FakeClient(self.clock)
        self.events, self.written = recorded_events()
        self.accounts: dict[str, Account] = {}
        self.caller = Caller(
            self.accounts,
            [],
            journal=self.store,
            events=self.events,
            clock=self.clock,
            random=Random(5),
            connect=self._connect,
        )
        self.store.caller = self.caller
        self._call_id = 0

    def _connect(self, networks: Sequence[Network], clock: Clock) -> FakeClient:
        self.client.networks = networks
        return self.client

    def account(self, name: str = "app", **http: Any) -> None:
        """An account with a handler at http://<name>/ and a webhook at http://<name>.hook/, unless said."""
        values = {
            "handler": f"http://{name}/",
            "webhook": f"http://{name}.hook/",
            "webhook_secret": Secret(SECRET),
            **http,
        }
        self.accounts[name] = account(system_id=name, http=AccountHttp(**values))

    def write(self, count: int = 1, **fields: Any) -> list[int]:
        """The store has new calls, and says so."""
        ids = [self._call_id + n for n in range(1, count + 1)]
        self._call_id += count
        for call_id in ids:
            values = {"created_ms": self.clock.now_ms(), "message_id": call_id, **fields}
            self.store.rows[call_id] = Row(call(call_id, **values))
        self.caller.store_says(Answer(calls_waiting=True))
        return ids

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until something is so; looks after each turn of the loop."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def settled(self) -> None:
        """Waits until nothing is under way and nothing waits for a commit."""
        quiet = 0
        async with asyncio.timeout(PATIENCE_S):
            while quiet < 10:
                await asyncio.sleep(0)
                quiet = 0 if self.caller.under_way or self.store.is_due else quiet + 1

    async def advance(self, seconds: float) -> None:
        """Time passes, then a tick, and what follows from it."""
        self.clock.advance(seconds)
        self.tick()
        await self.settled()

    def tick(self) -> None:
        self.caller.tick(self.clock.now(), self.clock.now_ms())

    def lines(self, name: str) -> list[str]:
        self.events.flush()
        lines = "\n".join(self.written).splitlines()
        return [line.split(" ", 1)[1] for line in lines if f" {name} " in line]


@asynccontextmanager
async def bench(*names: str) -> AsyncIterator[Bench]:
    """A caller at work for accounts of these names, app unless said."""
    it = Bench()
    for name in names or ("app",):
        it.account(name)
    it.caller.start()
    try:
        yield it
    finally:
        await it.caller.stop(PATIENCE_S)
        assert it.caller.under_way == 0


def no_answer(reason: str = "no answer within 30 s") -> CallFailed:
    return CallFailed(reason)
