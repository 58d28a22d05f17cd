"""Exports of sent messages: CSV files that are made in the background and fetched later.

Who asks get_messages for more than is told at once has ordered one of the same messages. It is a record, so
a restart goes on with it; the file is written under another name first. It is in the state directory,
readable by this user alone, and goes after some days.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import os
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import tzinfo
from pathlib import Path
from typing import Any

from gateway.core.csv_cells import csv_cell
from gateway.core.errors import StoreReadError
from gateway.core.hours import zone_of
from gateway.front import fields
from gateway.front.desk import Desk, Record, Unavailable, committed
from gateway.front.sent_messages import PAGE, Search
from gateway.front.status import cost_of, shown_of, text_of

KIND = "download"
"""Of the records."""
FOLDER = "downloads"  # gateway.http_side has it too
WAITS, RUNS, DONE, CANCELLED, FAILED = range(5)
"""Statuses of a task (SMSC HTTP API, downloads.php)."""
ROWS_MAX = 100_000
TASKS_MAX = 20
"""Of one account; the oldest makes room."""
OCTETS_MAX = 32 << 20
"""Of a file: it is handed out from memory. The oldest messages are left out."""
KEEP_S = 3 * 86_400
_COLUMNS = ("id", "phone", "sender", "status", "err", "sent", "changed", "parts", "cost", "message")

Row = Mapping[str, Any]


class Exports:
    """The tasks of all accounts; one of them is made at a time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = self._desk = desk
        self._folder = None if desk.state_dir is None else desk.state_dir / FOLDER
        self._waiting: asyncio.Queue[tuple[str, Record]] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._ready: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[None]] = set()
        self._turn = asyncio.Lock()
        """Of orders: each sees those before it."""

    # -- orders ------------------------------------------------------------------------------------------

    async def order(self, account: str, search: Search) -> None:
        """Begins an export, unless the same one is there already; Unavailable."""
        if self._folder is not None:
            async with self._turn:
                await self._order(account, search)

    async def _order(self, account: str, search: Search) -> None:
        told = search.as_data()
        tasks = await self.tasks(account)
        for task in tasks:
            if task.data["search"] == told and await self._is_of_use(account, task):
                return
        for task in tasks[: max(0, len(tasks) + 1 - TASKS_MAX)]:
            self._drop(account, task)
        number = self._desk.records.next_id(KIND)
        data = {"status": WAITS, "created_ms": self._desk.clock.now_ms(), "done_ms": 0, "search": told}
        task = Record(number, f"messages-{number}", data)
        self._desk.records.put(KIND, account, task)
        await committed(self._desk.journal)
        self._start(account, task)
        if self._timer is None:
            self._forget_in(KEEP_S)

    async def _is_of_use(self, account: str, task: Record) -> bool:
        """Whether it has a file, or will have."""
        path, status = self._path(account, task), task.data["status"]
        if status in (WAITS, RUNS) or path is None:
            return True
        return bool(status == DONE and await asyncio.to_thread(path.exists))

    async def tasks(self, account: str) -> list[Record]:
        """Those of an account, oldest first; what is too old is gone."""
        await self.resume()
        found, kept = await self._desk.records.all(KIND, account), []
        for task in found:
            if self._is_old(task):
                self._drop(account, task)
            else:
                kept.append(task)
        if len(kept) < len(found):
            self._desk.journal.wake()
        return kept

    async def read(self, account: str, task: Record) -> bytes | None:
        """The file of a task; None: there is none."""
        path = self._path(account, task)
        if path is None or task.data["status"] != DONE:
            return None
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError:
            return None

    async def resume(self) -> None:
        """Goes on with what an earlier run has left, once; and forgets what is too old, of all accounts."""
        ready = self._ready
        if ready is None or (ready.done() and (ready.cancelled() or ready.exception() is not None)):
            self._ready = ready = asyncio.create_task(self._resume())
        await asyncio.shield(ready)

    async def _resume(self) -> None:
        await self._forget_old()
        for account, task in await self._desk.records.of_kind(KIND):
            if task.data["status"] in (WAITS, RUNS):
                self._start(account, task)

    async def _forget_old(self) -> None:
        """Of all accounts; again when the next one is old."""
        left = []
        for account, task in await self._desk.records.of_kind(KIND):
            if self._is_old(task):
                self._drop(account, task)
                self._desk.journal.wake()
            else:
                left.append(task.data["created_ms"])
        if left:
            age_s = (self._desk.clock.now_ms() - min(left)) / 1000
            self._forget_in(KEEP_S - age_s)

    def _forget_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds + 1, lambda: self._background(self._forget_old()))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_old(self, task: Record) -> bool:
        return bool(task.data["created_ms"] + KEEP_S * 1000 <= self._desk.clock.now_ms())

    def _drop(self, account: str, task: Record) -> None:
        self._desk.records.drop(KIND, account, task.record_id)
        path = self._path(account, task)
        if path is not None:
            _remove(path)

    def _path(self, account: str, task: Record) -> Path | None:
        # an account's name may be anything, a file's may not
        owner = hashlib.sha256(account.encode()).hexdigest()[:16]
        return None if self._folder is None else self._folder / f"{owner}-{task.record_id}.csv"

    # -- work --------------------------------------------------------------------------------------------

    def _start(self, account: str, task: Record) -> None:
        self._waiting.put_nowait((account, task))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="exports")

    async def _work(self) -> None:
        while not self._waiting.empty():
            account, task = self._waiting.get_nowait()
            try:
                await self._make(account, task)
            except (Unavailable, RuntimeError):
                continue  # the gateway stops, or cannot write: the next run goes on with it
            except Exception as error:  # whatever it is, those that wait behind it are made
                await self._failed(account, task, error)

    async def _failed(self, account: str, task: Record, error: Exception) -> None:
        """Room on a full disk is for others: nothing of the file stays."""
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        self._desk.events.say("warning", "export_failed", account=account, reason=reason)
        path = self._path(account, task)
        with suppress(Unavailable, StoreReadError):
            if path is not None:
                await asyncio.to_thread(_remove, path)
            await self._note(account, task, FAILED)

    async def _is_wanted(self, account: str, task: Record) -> bool:
        """Whether none of the others has made it go."""
        return await self._desk.records.get(KIND, account, task.record_id) is not None

    async def _make(self, account: str, task: Record) -> None:
        path = self._path(account, task)
        if path is None or not await self._is_wanted(account, task):
            return
        await self._note(account, task, RUNS)
        known = self._desk.accounts.get(account)
        zone = zone_of(known.config.time_zone if known is not None else "")
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, exist_ok=True)
        unfinished = path.with_suffix(".part")
        await asyncio.to_thread(_begin, unfinished)
        search, count, octets = Search.of_data(account, task.data["search"]), 0, 0
        while count < ROWS_MAX:
            rows = await search.page(self._desk, min(PAGE, ROWS_MAX - count))
            count += len(rows)
            octets += await asyncio.to_thread(_append, unfinished, rows, zone, OCTETS_MAX - octets)
            if len(rows) < PAGE or octets >= OCTETS_MAX:
                break
            search = search.before(rows[-1]["message_id"])
        if not await self._is_wanted(account, task):
            await asyncio.to_thread(_remove, path)
            return
        await asyncio.to_thread(unfinished.replace, path)
        await self._note(account, task, DONE)
        if not await self._is_wanted(account, task):
            await asyncio.to_thread(_remove, path)

    async def _note(self, account: str, task: Record, status: int) -> None:
        task.data["status"] = status
        if status == DONE:
            task.data["done_ms"] = self._desk.clock.now_ms()
        self._desk.records.change(KIND, account, task)  # a newer order may have made it go meanwhile
        await committed(self._desk.journal)


_made: list[Exports] = []


def exports_of(desk: Desk) -> Exports:
    """Those of a desk, the same for all scripts."""
    if not _made or _made[0].desk is not desk:
        _made[:] = [Exports(desk)]
    return _made[0]


def _cells(row: Row, zone: tzinfo) -> list[object]:
    shown, accepted_ms = shown_of(row), row["accepted_ms"] or 0
    return [
        row["api_id"] or row["message_id"],
        row["phone"],
        row["sender"],
        shown.status,
        shown.err,
        fields.written(accepted_ms, zone),
        fields.written(row["done_ms"] or accepted_ms, zone),
        row["parts"],
        cost_of(row),
        text_of(row),
    ]


def _begin(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(_lines([_COLUMNS]), "utf-8", newline="")


def _append(path: Path, rows: Iterable[Row], zone: tzinfo, most: int) -> int:
    """How many octets the rows are; those that would be more than `most` are left out. OSError when the file
    is not there any more."""
    lines, octets = [], 0
    for row in rows:
        lines.append(_lines([_cells(row, zone)]).encode())
        octets += len(lines[-1])
        if octets > most:
            lines.pop()
            break
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"".join(lines))
    return octets


def _remove(path: Path) -> None:
    """The file, and what there is of it as long as it is made."""
    for each in (path, path.with_suffix(".part")):
        with suppress(OSError):
            each.unlink()


def _lines(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue()
