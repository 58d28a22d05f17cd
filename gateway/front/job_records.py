"""Mailing lists as they are kept (jobs.php), and when one is due again."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from enum import IntEnum
from typing import Any, Final, NamedTuple

from gateway.front.desk import Desk, Record

KIND: Final = "job"
"""Of the records."""
COUNTED_MAX: Final = 10_000
"""Of so many messages of a list, the newest, it is told how they have ended."""
GIVEN_UP_MS: Final = 86_400_000
"""Who gets a list so late would not understand it."""
_SATURDAY: Final = 5
_HOUR_MS: Final = 3_600_000


class Status(IntEnum):
    """What `status` of a list is here; the service's own values are not documented."""

    WAITS = 0
    SENT = 1
    CANCELLED = 2
    FAILED = 3


class Repeat(IntEnum):
    """When a list is sent again: the values of `rpt`."""

    MANUAL = 0
    HOURLY = 1
    DAILY = 2
    WORKING_DAYS = 3
    WEEKENDS = 4
    WEEKLY = 5
    MONTHLY = 6
    YEARLY = 7


class Run(NamedTuple):
    """The messages of one sending: ids that follow each other."""

    first: int
    last: int
    messages: int


class Watch(NamedTuple):
    """A sending of which SMS follow where it fails."""

    first: int
    last: int
    since_ms: int
    """When the last of its messages was due."""
    next_ms: int
    wait_ms: int
    done: tuple[int, ...]
    """Which of its messages were followed: their ids less `first`."""


class Job(NamedTuple):
    """One mailing list; its fields but the first two are the data of its record."""

    number: int
    name: str
    is_mail: int
    """1: a list of e-mail addresses is only found by requests with mail=1."""
    params: Mapping[str, str]
    """What send.php would get."""
    address: str
    """Where it was asked for from."""
    created_ms: int
    changed_ms: int
    first_ms: int
    """When it was due, or sent, first."""
    due_ms: int
    """0: it is not sent any more."""
    repeat: int
    repetitions: int
    """0: without end."""
    cost: str
    fallback: Mapping[str, str] | None
    """`mes` and `sender` of the SMS after a message that failed; None: no such SMS."""
    status: int = Status.WAITS
    last_ms: int = 0
    """When it was sent last, 0: never."""
    sendings: int = 0
    """Those that could not be are counted too."""
    runs: tuple[Run, ...] = ()
    watches: tuple[Watch, ...] = ()

    @property
    def next_ms(self) -> int:
        """When something of it is to be done, 0: never."""
        return min([*filter(None, (self.due_ms,)), *(watch.next_ms for watch in self.watches)], default=0)

    @property
    def record(self) -> Record:
        """As it is kept."""
        data = dict(zip(self._fields[2:], self[2:], strict=True))
        return Record(self.number, self.name, {**data, "next_ms": self.next_ms})


def job_in(record: Record) -> Job:
    """What a record says."""
    data: dict[str, Any] = {name: record.data[name] for name in Job._fields[2:]}
    data["runs"] = tuple(Run(*run) for run in data["runs"])
    data["watches"] = tuple(Watch._make((*watch[:5], tuple(watch[5]))) for watch in data["watches"])
    return Job(record.record_id, record.name, **data)


async def load(desk: Desk) -> None:
    """Takes into memory when something of each list is to be done; of none that is not there any more."""
    before = dict(desk.due_jobs)
    found = {(row["account"], row["record_id"]): row["next_ms"] for row in await desk.rows("jobs_due")}
    for key in before.keys() | found.keys():
        if desk.due_jobs.get(key) != before.get(key):
            continue  # what has changed here meanwhile is newer
        if key in found:
            desk.due_jobs[key] = found[key]
        else:
            del desk.due_jobs[key]


def failed(job: Job, now_ms: int, zone: tzinfo) -> Job:
    """A list after a sending that could not be: one that is repeated waits for the next time."""
    job = job._replace(sendings=job.sendings + 1)
    due_ms = next_due(job, now_ms, zone)
    return job._replace(due_ms=due_ms, status=int(Status.WAITS if due_ms else Status.FAILED))


def in_time(job: Job, now_ms: int, zone: tzinfo) -> Job | None:
    """A list that is due, with the time of this sending; None: what is over for more than a day is not made
    up for. What has been missed meanwhile is one sending."""
    if now_ms - job.due_ms < GIVEN_UP_MS:
        return job
    due_ms = next_due(job, now_ms - GIVEN_UP_MS, zone)
    return job._replace(due_ms=due_ms) if 0 < due_ms <= now_ms else None


def counted(runs: tuple[Run, ...], run: Run) -> tuple[Run, ...]:
    """The sendings that are told of, with a new one."""
    kept: list[Run] = [run]
    total = run.messages
    for earlier in reversed(runs):
        total += earlier.messages
        if total > COUNTED_MAX:
            break
        kept.append(earlier)
    return tuple(reversed(kept))


def next_due(job: Job, now_ms: int, zone: tzinfo) -> int:
    """When a list that was due is due again, 0: never; times that have gone by meanwhile are left out."""
    if job.repeat == Repeat.MANUAL or (job.repetitions and job.sendings > job.repetitions):
        return 0
    due_ms = job.due_ms or now_ms
    if job.repeat == Repeat.HOURLY:
        return due_ms + max(1, (now_ms - due_ms) // _HOUR_MS + 1) * _HOUR_MS
    first = datetime.fromtimestamp(job.first_ms / 1000, zone)
    at = datetime.fromtimestamp(due_ms / 1000, zone)
    while due_ms <= now_ms or due_ms == job.due_ms:
        at = _next(at, job.repeat, first)
        due_ms = int(at.timestamp() * 1000)
    return due_ms


def _next(at: datetime, repeat: int, first: datetime) -> datetime:
    """The next time, at the same time of the day by the clock on the wall: the first time's, as the last one
    may have been in an hour that the clocks leave out."""
    at = at.replace(hour=first.hour, minute=first.minute, second=first.second, fold=0)
    if repeat in (Repeat.MONTHLY, Repeat.YEARLY):
        months = at.month - 1 + (1 if repeat == Repeat.MONTHLY else 12)
        year, month = at.year + months // 12, months % 12 + 1
        return at.replace(year=year, month=month, day=min(first.day, calendar.monthrange(year, month)[1]))
    at += timedelta(days=7 if repeat == Repeat.WEEKLY else 1)
    if repeat in (Repeat.WORKING_DAYS, Repeat.WEEKENDS):
        while (at.weekday() >= _SATURDAY) is not (repeat == Repeat.WEEKENDS):
            at += timedelta(days=1)
    return at
