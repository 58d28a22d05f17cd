"""downloads.php: exports of sent messages, made in the background.

Exports are ordered on pages of the account. The simulation orders one by itself for each day on which the
list is asked for; `order()` is for tests and for whoever drives a simulated account.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Outbox, Params, SimAccount
from gateway.simulator.smsc_http.moments import local, written
from gateway.simulator.smsc_http.shelf import Shelf

MAX_TASKS = 1_000
MAX_ROWS = 100_000
RUNS_AFTER_S = 1.0
DONE_AFTER_S = 3.0

WAITS, RUNS, DONE = 0, 1, 2
_NOT_FOUND = 5
_COLUMNS = ("id", "phone", "sender", "status", "err", "sent", "changed", "parts", "cost", "message")


@dataclass(slots=True, eq=False)
class Task:
    """One export of what had been sent when it was ordered."""

    id: int
    name: str
    created: float

    def status(self, now: float) -> int:
        """0 waits, 1 runs, 2 done."""
        age = now - self.created
        return WAITS if age < RUNS_AFTER_S else RUNS if age < DONE_AFTER_S else DONE

    @property
    def file(self) -> str:
        """The name of its file, once there is one."""
        return f"{self.name}.csv"


class Downloads:
    """The tasks, oldest first."""

    def __init__(self, account: SimAccount, outbox: Outbox) -> None:
        self._account = account
        self._outbox = outbox
        self._tasks: Shelf[Task] = Shelf(MAX_TASKS)
        self._last_day = ""

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {"dl_list": self._list, "dl_file": self._file}

    def order(self, name: str, now: float) -> Task:
        """Begin an export."""
        return self._tasks.add(lambda id: Task(id, name, now))

    def _list(self, params: dict[str, str], now: float) -> object:
        most = fields.count(params, MAX_TASKS)
        after = fields.optional_integer(params, "after_id", 0, 2**31 - 1) or 0
        today = local(now, self._account.tz).strftime("%Y-%m-%d")
        if today != self._last_day:
            self._last_day = today
            self.order(f"messages-{today}", now)
        return [self._record(task, now) for task in self._tasks if task.id > after][:most]

    def _record(self, task: Task, now: float) -> dict[str, object]:
        is_done = task.status(now) == DONE
        return {
            "id": task.id,
            "name": task.name,
            "status": str(task.status(now)),
            "created": written(task.created, self._account.tz),
            "time": written(task.created + DONE_AFTER_S, self._account.tz) if is_done else "",
            "file": task.file if is_done else "",
        }

    def _file(self, params: dict[str, str], now: float) -> object:
        task = self._find(params)
        if task is None or task.status(now) != DONE:
            raise ApiProblem(_NOT_FOUND)
        return self._csv(task).encode(), "text/csv; charset=utf-8"

    def _find(self, params: Params) -> Task | None:
        id, name = fields.optional_integer(params, "id", 1, 2**31 - 1), params.get("name", "")
        if id is not None:
            return self._tasks.get(id)
        if not name:
            raise fields.bad()
        return next((task for task in self._tasks.newest() if name in (task.name, task.file)), None)

    def _csv(self, task: Task) -> str:
        out = io.StringIO()
        rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
        rows.writerow(_COLUMNS)
        tz = self._account.tz
        chosen = [m for m in self._outbox.messages if m.sent_at <= task.created][-MAX_ROWS:]
        for m in chosen:
            sent, changed = written(m.sent_at, tz), written(m.changed_at, tz)
            rows.writerow(
                (
                    m.id,
                    m.phone,
                    m.sender,
                    m.status,
                    m.err,
                    sent,
                    changed,
                    m.parts,
                    fields.cents(m.cost),
                    m.text,
                )
            )
        return out.getvalue()
