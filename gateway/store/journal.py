"""The gateway's end of the store: gathers rows into batches and tells the producers when they are durable.

Theory of operation.  Producers append rows to `batch` (the one that is gathering) and leave a callback with
`then()`, once for each chunk of work, not for each row.  The batch goes to the writing process when fewer
than two are under way; what comes meanwhile gathers in the next one, so batches grow with the load.  Answers
come in order: the callbacks of a batch run when its answer is here.

Small batches cost as much as large ones, so the journal may wait a moment before it sends one.  Whether that
pays depends on the senders: those that wait for our answer send nothing meanwhile.  So it is tried: a wait
that brought more messages is followed by another, one that brought none by many commits without.

What a producer appends without waiting is in one batch, however much it is: nothing is sent while it runs.
A request's messages and its key, a mailing list and the note that it was sent, are there or not together.

A batch that the store could not write (disk full) is undone: callbacks hear `ok=False` and producers that
have promised nothing yet (accepts) forget it.  What the outside world has already done (answers, receipts)
is sent again with a later batch, see `_keep_for_retry`.

After any other error nobody knows whether the last batch is stored (a failed fsync may have written it), so
nothing is said of it to anybody: the gateway ends, and what the next start finds is what counts.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from gateway.core.batch import Answer, Batch, Row
from gateway.core.frames import encode_frame, take_frames
from gateway.core.histogram import ROWS, Histogram
from gateway.store.frames import encode
from gateway.store.sqlite_open import FILE_NAME, StoreError, StoreUnready

BATCHES_UNDER_WAY = 2
LARGE = 100
"""So many rows are worth a commit without a wait."""
TRY_WAITING_EVERY = 128
RETRY_S = 1.0
START_TIMEOUT_S = 600.0

Callback = Callable[[bool], object]


@dataclass(frozen=True, slots=True)
class Opening:
    """What the store said when it was opened."""

    boot: int
    newest_message_id: int
    open_messages: dict[str, int]
    """Account → messages that have not ended."""
    queued: list[tuple[str, int, int]]
    """connector, how many wait, due_ms of the first."""
    in_doubt: int
    marks: dict[str, int]
    """How far something outside was read, by its name (Batch.marks)."""
    day_counts: list[Row] = field(default_factory=list)
    """account, day, key, times: what limits per day have counted (Batch.counted)."""
    blacklist: list[Row] = field(default_factory=list)
    """account, number with a 1 before it."""
    balances: list[Row] = field(default_factory=list)
    """account, what is left of its money (millionths)."""
    newest_api_id: int = 0
    """The id that a request over HTTP was given last (Desk.next_api_id)."""
    newest_records: dict[str, int] = field(default_factory=dict)
    """Kind → the highest id that a record of it ever had."""
    newest_contact: int = 0
    """The same of contacts."""
    api_uses: dict[str, int] = field(default_factory=dict)
    """Account → how it wants to hear of things over HTTP (Batch.api_accounts), as the last run was told."""
    pauses: list[Row] = field(default_factory=list)
    """connector, since_ms, who: what the last run was told not to send by (Batch.pauses)."""
    node: int = 0
    """This node's number among those that share the store; 0: the store is its own."""
    ended_ms_ago: int | None = None
    """An earlier run of this node was alive, and was ended: how long ago it had renewed its lease."""


class Journal(asyncio.Protocol):
    """One gathering batch, and those under way to the writing process."""

    def __init__(
        self,
        folder: Path,
        on_answer: Callable[[Batch, Answer], None],
        on_death: Callable[[str], None],
        *,
        delay_s: float = 0.0,
        url: str = "",
        node: str = "",
    ) -> None:
        """`url`: of a database on PostgreSQL, where this node has that name; "": SQLite in the folder."""
        self.batch = Batch()
        self.error = ""
        """Why nothing can be stored just now; empty when all is well."""
        self.damaged = False
        """The database is, so there is no use in another start."""
        self.answer = Answer()
        self.guard: Callable[[Batch, Answer], object] | None = None
        """Hears of each answer before anybody else; does not return if nobody else must hear of it."""
        self.commits = 0
        self.commit_s = Histogram()
        """From sending a batch to its answer."""
        self.batch_messages = Histogram(ROWS)
        """Messages accepted in a batch, of those with any."""
        self.on_hint: Callable[[list[str]], object] | None = None
        """Told what other nodes say, see `gateway.store.cluster_steps`."""
        self.on_wait: Callable[[str], object] | None = None
        """Told, while `open` waits for a server that is not reached, why it is not."""
        self._folder = folder
        self._url = url
        self._node = node
        self._on_answer = on_answer
        self._on_death = on_death
        self._callbacks: list[Callback] = []
        self._under_way: deque[tuple[Batch, list[Callback]]] = deque()
        self._sent_at: deque[float] = deque()
        self._buffer = bytearray()
        self._flush_due = False
        self._flush_soon = False  # with the next turn of the loop
        self._retry_due = False
        self._delay_s = delay_s
        self._until_try = 0  # commits until a wait is tried
        self._chunks = 0  # pieces of work that brought messages into the gathering batch
        self._messages = 0
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._opened: asyncio.Future[Opening] = self._loop.create_future()
        self._transport: asyncio.Transport
        self._process: subprocess.Popen[bytes]

    async def open(self) -> Opening:
        """Starts the writing process; raises StoreError when the database cannot be used."""
        ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-P",
            "-m",
            f"gateway.store.{'postgres' if self._url else 'sqlite'}_writer",
            str(theirs.fileno()),
            *([] if self._url else [str(self._folder / FILE_NAME)]),
        ]
        with theirs:
            self._process = await asyncio.to_thread(_start, command, theirs.fileno())
        ours.setblocking(False)
        await self._loop.create_unix_connection(lambda: self, sock=ours)
        if self._url:  # no argument, which everybody on the machine could read
            self._transport.write(encode_frame((str(self._folder), self._url, self._node)))
        try:
            return await asyncio.wait_for(self._opened, START_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            raise StoreUnready(f"the store did not open within {START_TIMEOUT_S:.0f} s") from None

    async def close(self) -> None:
        """Writes what is left, then ends the writing process."""
        while (len(self.batch) or self._under_way) and not self._closed.done() and not self.error:
            self.flush()
            await asyncio.sleep(0.005)
        self._closing = True
        self._transport.close()
        await self._loop.run_in_executor(None, self._process.wait)

    def waiting_s(self) -> float:
        """Seconds that the oldest batch under way has been waiting for its commit."""
        return self._loop.time() - self._sent_at[0] if self._sent_at else 0.0

    def unanswered(self) -> Iterator[Batch]:
        """The batches that the store has not answered, the gathering one too."""
        yield from (batch for batch, _ in self._under_way)
        yield self.batch

    @property
    def dead(self) -> bool:
        """Whether the writing process is gone: nothing that is asked for will ever be answered."""
        return self._closed.done()

    @property
    def pid(self) -> int:
        return self._process.pid

    # -- producers -------------------------------------------------------------------------------------

    def then(self, callback: Callback) -> None:
        """Calls back when the rows appended so far are durable (True) or could not be written (False)."""
        self._callbacks.append(callback)
        messages = len(self.batch.accepted)
        if messages != self._messages:
            self._messages = messages
            self._chunks += 1
        if not self._flush_due:
            self._schedule()
        elif messages >= LARGE and not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self.flush)

    def wake(self) -> None:
        """Makes sure that the gathering batch will be written; for rows that nobody waits for."""
        if not self._flush_due:
            self._schedule()

    def _schedule(self) -> None:
        if len(self._under_way) >= BATCHES_UNDER_WAY or self.error:
            return
        self._flush_due = True
        if self._until_try or not self._delay_s:
            self._flush_soon = True
            self._loop.call_soon(self.flush)
        else:
            self._loop.call_later(self._delay_s, self._flush_after_wait)

    def _flush_after_wait(self) -> None:
        if self._chunks == 1:
            self._until_try = TRY_WAITING_EVERY
        self.flush()

    def flush(self) -> None:
        """Sends the gathering batch on its way, unless enough are."""
        self._flush_due = self._flush_soon = False
        self._chunks = self._messages = 0
        if len(self._under_way) >= BATCHES_UNDER_WAY or self._closed.done():
            return
        if not self._callbacks and not len(self.batch):
            return
        batch, callbacks = self.batch, self._callbacks
        self.batch, self._callbacks = Batch(), []
        self._under_way.append((batch, callbacks))
        self._sent_at.append(self._loop.time())
        if batch.accepted and self._until_try:
            self._until_try -= 1
        try:
            octets = encode(batch)
        except ValueError as error:  # nobody would ever hear of this batch, nor of those after it
            self._on_death(f"a batch cannot be written down: {error}")
            self._transport.abort()
            return
        self._transport.write(octets)

    # -- answers ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for values in take_frames(self._buffer):
            if self._opened.done():
                if len(values) == 2:
                    self._told(*values)
                else:
                    self._answered(Answer(*values))
            else:
                self._hello(values)

    def _hello(self, row: tuple[Any, ...]) -> None:
        error, *rest = row
        if error == "lost":  # the writing process goes on trying: see `_told`
            if self.on_wait is not None:
                self.on_wait(rest[0])
        elif error:
            self._opened.set_exception((StoreError if rest[0] else StoreUnready)(error))
        else:
            boot, newest, messages, queued, in_doubt, marks, *of_accounts = rest
            found = (boot, newest, dict(messages), queued, in_doubt, dict(marks))
            self._opened.set_result(Opening(*found, *of_accounts))

    def _told(self, what: str, value: Any) -> None:
        """What the writing process says unasked, see `gateway.store.postgres_writer`.

        While it has no connection nothing new is taken; what happens outside gathers.
        """
        if what == "hint":
            if self.on_hint is not None:
                self.on_hint(value)
        elif what == "lost":
            self.error = f"PostgreSQL is not reached: {value}"
        else:
            self.error = ""
            if self._callbacks or len(self.batch):
                self.wake()

    def _answered(self, answer: Answer) -> None:
        batch, callbacks = self._under_way.popleft()
        sent_at = self._sent_at.popleft()
        if self.guard is not None:
            self.guard(batch, answer)
        self.commit_s.observe(self._loop.time() - sent_at)
        if answer.error:
            self._failed(batch, callbacks, answer)
            return
        self.error = ""
        self.answer = answer
        self.commits += 1
        if batch.accepted:
            self.batch_messages.observe(len(batch.accepted))
        self._on_answer(batch, answer)
        for callback in callbacks:
            callback(True)
        if not self._flush_due and (self._callbacks or len(self.batch)):
            if self._until_try or len(self.batch) >= LARGE:
                self.flush()
            else:
                self._schedule()

    def _failed(self, batch: Batch, callbacks: list[Callback], answer: Answer) -> None:
        self.error = answer.error
        if answer.fatal:
            # Nobody hears of this batch: a "no" could be as wrong as a "yes", and the next start knows.
            self.damaged = answer.damaged
            self._closing = True
            self._on_death(f"the store {'is damaged' if answer.damaged else 'failed'}: {answer.error}")
            return
        self._keep_for_retry(batch)
        for callback in callbacks:
            callback(False)
        if not self._retry_due:
            self._retry_due = True
            self._loop.call_later(RETRY_S, self._retry)

    def _retry(self) -> None:
        """An empty batch tells too whether the store can write again."""
        self._retry_due = False
        self._callbacks.append(lambda ok: None)
        self.flush()

    def _keep_for_retry(self, batch: Batch) -> None:
        """What already happened outside must be written some time; what was only asked for is forgotten."""
        for name in (
            "audit_ends",
            "submitted",
            "late",
            "handed_over",
            "postponed",
            "rerouted",
            "failed",
            "doubts",
            "delivered",
            "refused",
            "letters_sent",
            "letters_put_off",
            "letters_refused",
            "calls_done",
            "calls_put_off",
            "calls_refused",
            "moves",
            "receivers",
            "unclaimed",
        ):
            getattr(self.batch, name)[:0] = getattr(batch, name)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
        if not self._opened.done():
            self._opened.set_exception(StoreUnready("the store's process ended before it was ready"))
        elif not self._closing and self._opened.exception() is None:
            self._on_death(f"the store's process ended (pid {self._process.pid}): {exc or 'no error given'}")


def _start(command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, pass_fds=[descriptor], stdin=subprocess.DEVNULL)  # noqa: S603 - ours
