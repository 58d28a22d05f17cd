"""A connector to an SMSC service without sockets, over a real store.

Its client is a `FakeClient`: what it is asked is remembered, and answered as the test says.  Time passes and
commits are made when the test says so.
"""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest import mock

from gateway_fakes import FakeJournal, ManualClock, message, recorded_events

from gateway.config.basics import Url
from gateway.config.secret import Secret
from gateway.config.smsc_model import SmscConnector as ConnectorConfig
from gateway.core.batch import Answer, Batch
from gateway.core.incoming import Incoming
from gateway.core.model import Message, Progress
from gateway.core.receipts import ReceiptBook, results
from gateway.core.upstream import Upstream
from gateway.egress.smsc_http import connector as connector_module
from gateway.egress.smsc_http.connector import SmscConnector
from gateway.store.apply import Applier
from gateway.store.journal import Journal
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, open_writer
from protocols.sms.receipts import FORMS

NAME = "centre"


def looped(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an async test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(30):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run


async def turns(count: int = 10) -> None:
    """Lets everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


class Asked(NamedTuple):
    """A question to the service."""

    operation: str
    params: dict[str, str]
    at_once: bool

    @property
    def id(self) -> str:
        return self.params["id"]


class FakeClient:
    """What stands in for SmscClient."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: defaultdict[str, deque[object]] = defaultdict(deque)
        """By operation, what is answered next: a value, an error to raise, a future of one of them, or a
        function of the question that gives it."""
        self.usual: dict[str, object] = {
            "balance": {"balance": "100.00", "currency": "RUR"},
            "send": lambda asked: {"id": asked.id, "cnt": 1},
            "answers": [],
        }
        """The same for when nothing else is laid down; without it nobody answers."""
        self.due: Mapping[str, float] = {}
        self.inside = 0
        self.closed = False

    def of(self, operation: str) -> list[Asked]:
        """The questions of one operation."""
        return [asked for asked in self.asked if asked.operation == operation]

    def later(self, operation: str) -> asyncio.Future[object]:
        """What will be the next answer."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.answers[operation].append(future)
        return future

    async def call(self, operation: str, params: Mapping[str, str], *, at_once: bool = False) -> object:
        assert not self.closed, "asked after its end"
        asked = Asked(operation, dict(params), at_once)
        self.asked.append(asked)
        laid_down = self.answers[operation]
        answer = laid_down.popleft() if laid_down else self.usual.get(operation)
        self.inside += 1
        try:
            if callable(answer):
                answer = answer(asked)
            if answer is None:  # never
                answer = asyncio.get_running_loop().create_future()
            if isinstance(answer, asyncio.Future):
                answer = await answer
            else:
                await asyncio.sleep(0)
        finally:
            self.inside -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def due_s(self, operation: str, params: Mapping[str, str]) -> float:
        return self.due.get(operation, 0.0)

    async def close(self) -> None:
        self.closed = True


def to(n: int, message_id: int | None = None, **fields: Any) -> Message:
    """A message to the n-th number."""
    values = {"connector": NAME, "alternatives": NAME, "user_data": b"text %d" % n, **fields}
    return message(message_id or n, destination=f"7916{n:07d}", **values)


class Bench:
    """One connector, its upstream, and the store behind both."""

    def __init__(self, folder: Path, *, client: FakeClient | None = None, **config: Any) -> None:
        values: dict[str, Any] = {"login": "alex", "password": Secret("p-secret"), **config}
        self.config = ConnectorConfig(name=NAME, url=Url("http", "127.0.0.1", 1), **values)
        self.path = folder / FILE_NAME
        self.clock = ManualClock()
        self.client = client or FakeClient()
        self.deaths: list[str] = []
        self.marks: dict[str, int] = {}
        self.allowed = True
        self.open()

    # -- life ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """A run of the gateway begins."""
        self.connection = open_writer(self.path)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.store = Applier(SqliteDatabase(self.connection), self.clock.now_ms())
        self.store.recovery.recover(self.clock.now_ms())
        self.events, self.lines = recorded_events()
        self.journal = FakeJournal(self._on_answer)
        self.make()

    def make(self) -> None:
        """The connector and its upstream."""
        config, journal, events, clock = self.config, self.journal, self.events, self.clock
        self.upstream = Upstream(
            NAME,
            window=config.max_requests * config.list_max,
            rate=config.rate,
            whole=True,
            service=True,
            journal=journal,
            events=events,
            clock=clock,
            random=Random(1),
        )
        self.upstream.all = {NAME: self.upstream}
        self.receipts = ReceiptBook(NAME, journal, events, forms=FORMS[:1])
        with mock.patch.object(connector_module, "SmscClient", lambda *_, **__: self.client):
            self.connector = SmscConnector(
                config,
                upstream=self.upstream,
                receipts=self.receipts,
                incoming=Incoming(),
                journal=journal,
                events=events,
                clock=clock,
                random=Random(2),
                boot=self.store.boot,
                marks=self.marks,
                may_command=lambda account: self.allowed,
                on_death=self.task_ended,
            )
        self.asker, self.sender = self.connector.asker, self.connector.sender
        self.watcher = self.connector.watcher

    def start(self) -> None:
        for task in self.connector.start():
            task.add_done_callback(self.task_ended)

    async def up(self) -> None:
        """Starts, and is bound."""
        self.start()
        await self.calm()
        assert self.connector.is_up, self.lines

    async def reading(self) -> None:
        """The same, and has asked for incoming SMS."""
        await self.up()
        await self.pass_(1)

    def task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.deaths.append(repr(task.exception()))

    async def stop(self) -> None:
        await self.connector.stop(0)

    async def reload(self) -> None:
        """Another connector of this name takes over."""
        await self.stop()
        doubts = self.asker.hand_over()
        self.client.closed = False
        self.make()
        self.asker.take_over(doubts)
        self.start()

    async def kill(self) -> None:
        """The run ends where it is, what is not committed is lost; the next one begins."""
        dead, self.journal.on_answer = self.connector, None
        await dead.stop(0)
        self.connection.close()
        self.client.closed = False
        self.open()
        self.start()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Commits fail."""
        self.journal.error = "disk full"
        yield
        self.journal.error = ""

    # -- steps -----------------------------------------------------------------------------------------

    def queue(self, *messages: Message) -> None:
        """Messages that were accepted."""
        self.store.apply(Batch(accepted=[(*it, Progress.QUEUED.value) for it in messages]))
        self.upstream.queued(0)

    def commit(self) -> Batch:
        """One batch, if there is one that can be written."""
        batch, end = self.journal.take()
        if self.journal.error:
            Journal._keep_for_retry(self.journal, batch)  # type: ignore[arg-type]
            end(False)
        else:
            end(True, self.store.apply(batch))
        return batch

    def log(self) -> str:
        """All that was written."""
        self.events.flush()
        return "".join(self.lines)

    async def calm(self) -> None:
        """Lets everything go on until nothing does, without time."""
        for _ in range(1000):
            await turns()
            if not self.journal.is_due:
                break
            self.commit()
            if self.journal.error:
                break
        assert not self.deaths, self.deaths

    async def pass_(self, seconds: float, step_s: float = 0.5) -> None:
        """Time passes, with ticks."""
        while seconds > 0:
            self.clock.advance(min(step_s, seconds))
            seconds -= step_s
            self.upstream.tick(self.clock.now(), self.clock.now_ms())
            self.connector.tick(self.clock.now())
            await self.calm()

    def receipt(self, upstream_id: str, status: int = 1, err: int = 0) -> None:
        """The service calls with a status."""
        id, _, phone = upstream_id.partition("/")
        self.connector.inbox.receipt(id, phone, status, err, "", False, self.clock.now_ms())

    def _on_answer(self, batch: Batch, answer: Answer) -> None:
        for _, rows in answer.open_sends:
            self.connector.open_sends(rows)
        for row in answer.unfinished:
            self.watcher.walked(row)
        if batch.receipts:
            results({NAME: self.receipts}, batch.receipts, answer.results)
        for name, due_ms in answer.queued:
            if name in self.upstream.all:
                self.upstream.all[name].queued(due_ms)
        for name, found, due in answer.claimed:
            self.upstream.all[name].claimed(found, due)

    # -- looks -----------------------------------------------------------------------------------------

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()

    def ends(self) -> dict[int, tuple[int, str]]:
        """message_id → state and error of what has ended."""
        return {id: (state, error) for id, state, error in self.rows("history", "message_id, state, error")}

    def progress(self) -> dict[int, Progress]:
        """Of what has not ended."""
        return {id: Progress(value) for id, value in self.rows("message", "message_id, progress")}

    def taken(self) -> dict[int, str]:
        """message_id → upstream_id of what the service has taken."""
        return dict(self.rows("submission WHERE submitted_ms IS NOT NULL", "message_id, upstream_id"))

    def sends(self) -> list[Asked]:
        return self.client.of("send")

    def timeline(self, message_id: int) -> list[str]:
        found = self.connection.execute("SELECT text FROM incident WHERE message_id = ?", (message_id,))
        return [text for (text,) in found]

    def has_nothing_left(self) -> None:
        """Slots and places are free, and nobody asks for anything."""
        assert self.upstream.in_flight == 0
        assert len(self.asker) == 0 and not self.asker.has_missing
        assert self.sender.is_idle and not self.sender._waiting and not self.sender._under_way
        assert self.sender._free == max(1, self.config.max_requests - connector_module.FOR_STATUS)
