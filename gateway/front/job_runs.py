"""Mailing lists are sent when their time comes, and SMS follow where a messenger failed.

The messages of a sending and the record that notes it are in one batch: whenever the gateway ends, both are
there or neither, so no list is sent twice and none is left out. When each is due is in memory: Desk.due_jobs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from gateway.core.accounts import Account
from gateway.core.batch import Row
from gateway.core.errors import StoreReadError
from gateway.core.hours import zone_of
from gateway.core.model import MessageState
from gateway.front.desk import TOO_OFTEN, ApiProblem, Asked, Desk, Unavailable, committed
from gateway.front.job_records import (
    KIND,
    Job,
    Run,
    Status,
    Watch,
    counted,
    failed,
    in_time,
    job_in,
    next_due,
)
from gateway.front.job_texts import written
from gateway.front.keeping import turn_of
from gateway.front.sending import Sending
from gateway.translate.api_submit import SMS, SubmitError, kind_of
from protocols.smsc_http.sending import ListLine

AGAIN_MS: Final = 5_000
"""After so long a sending is tried again that could not be stored, or was too much at once; later on after as
long as it has waited for already, up to AGAIN_LAST_MS."""
AGAIN_LAST_MS: Final = 300_000
GONE_MS: Final = 60_000
"""The same for an account that may not send just now, and for a list that the gateway cannot cope with."""
LOOK_FIRST_MS: Final = 5_000
"""When messages are first looked at that SMS may follow; then after twice that, and so on."""
LOOK_LAST_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_NO_FAILURES: Final = frozenset({None, int(MessageState.DELIVERED), int(MessageState.DELETED)})
"""States of messages that no SMS follows: what is under way, what was read, what its sender has cancelled."""


def keep(desk: Desk, account: str, job: Job) -> None:
    """Puts a list into the gathering batch."""
    desk.records.put(KIND, account, job.record)


def say_sent(desk: Desk, account: str, job: Job, now_ms: int) -> None:
    """Tells the log that a list was sent now, or could not be."""
    if job.last_ms != now_ms:
        desk.events.say("warning", "list_failed", account=account, id=job.number)
    else:
        desk.events.say("info", "list_sent", account=account, id=job.number, messages=job.runs[-1].messages)


def remember(desk: Desk, account: str, job: Job) -> None:
    """When it is due next, after the commit."""
    desk.due_jobs.pop((account, job.number), None)
    if job.next_ms:
        desk.due_jobs[account, job.number] = job.next_ms


class JobRuns:
    """Sends what is due beside everything else: one list of an account after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def tick(self, now_ms: int) -> None:
        """Begins to send where something is due."""
        if self._stopped:
            return
        for account in {account for (account, _), due_ms in self._desk.due_jobs.items() if due_ms <= now_ms}:
            if account not in self._tasks:
                task = asyncio.ensure_future(run_due(self._desk, now_ms, account))
                self._tasks[account] = task
                task.add_done_callback(partial(self._ended, account))

    def _ended(self, account: str, _: asyncio.Task[None]) -> None:
        del self._tasks[account]

    async def stop(self, timeout_s: float) -> None:
        """Begins nothing more, and waits for what is under way."""
        self._stopped = True
        tasks = set(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_s)
            for task in late:
                task.cancel()


async def run_due(desk: Desk, now_ms: int, of_account: str = "") -> None:
    """Does what is due of all lists, or of those of an account; what cannot be done is put off."""
    for key, due_ms in list(desk.due_jobs.items()):
        if due_ms > now_ms or of_account not in ("", key[0]):
            continue
        account = desk.accounts.get(key[0])
        if account is None or account.blocked or account.config.http is None:
            _put_off(desk, key, now_ms + GONE_MS)
            continue
        try:
            await _run(desk, account, key[1], now_ms)
        except (Unavailable, OSError, StoreReadError):
            _put_off(desk, key, now_ms + AGAIN_MS)
        except Exception as error:  # one list that is odd must not keep the others back
            _put_off(desk, key, now_ms + GONE_MS)
            desk.events.say("error", "list_fault", account=key[0], id=key[1], reason=repr(type(error)))


def _put_off(desk: Desk, key: tuple[str, int], due_ms: int) -> None:
    if key in desk.due_jobs:
        desk.due_jobs[key] = due_ms


def _wait(desk: Desk, account: str, job: Job, now_ms: int, reason: str) -> None:
    """A list that nothing was taken of is tried again a little later."""
    late_ms = now_ms - job.due_ms
    wait_ms = min(max(late_ms, AGAIN_MS), AGAIN_LAST_MS)
    _put_off(desk, (account, job.number), now_ms + wait_ms)
    if wait_ms < AGAIN_LAST_MS:
        desk.events.say("warning", "list_waits", account=account, id=job.number, reason=reason)


async def _run(desk: Desk, account: Account, number: int, now_ms: int) -> None:
    zone = zone_of(account.config.time_zone)
    async with turn_of(desk, account.name):
        found = await desk.records.get(KIND, account.name, number)
        if found is None:
            desk.due_jobs.pop((account.name, number), None)
            return
        job = job_in(found)
        if not 0 < job.next_ms <= now_ms:
            remember(desk, account.name, job)
            return
        is_due = 0 < job.due_ms <= now_ms
        now_due = in_time(job, now_ms, zone) if is_due else None
        lines = await lines_of_job(desk, account, now_due) if now_due is not None else None
        looks = [
            (watch, await desk.rows("job_messages", (account.name, watch.first, watch.last)))
            for watch in job.watches
            if watch.next_ms <= now_ms
        ]
        after = await _instead(desk, account, job, looks)
        # from here to the commit nothing is awaited: it is one batch
        if now_due is not None:
            try:
                job = send_now(desk, account, now_due, lines, now_ms)
            except (ApiProblem, Unavailable) as problem:
                why = "rate" if isinstance(problem, ApiProblem) else "queue or store"
                _wait(desk, account.name, now_due, now_ms, why)
                return
        elif is_due:
            job = failed(job, now_ms, zone)
        for (watch, rows), instead in zip(looks, after, strict=True):
            job = _followed(desk, account, job, watch, rows, instead, now_ms)
        keep(desk, account.name, job)
        await committed(desk.journal)
        remember(desk, account.name, job)
        if is_due:
            say_sent(desk, account.name, job, now_ms)


# -- sending -----------------------------------------------------------------------------------------------


async def lines_of_job(desk: Desk, account: Account, job: Job) -> Sequence[ListLine] | None:
    """Whom a list goes to, and the texts; None: it cannot be sent, a group is gone for instance."""
    try:
        lines = await Sending(desk).lines(_asked(account, job, job.params))
        return await written(desk, account, lines, kind_of(job.params)) or None
    except (ApiProblem, SubmitError):
        return None


def send_now(desk: Desk, account: Account, job: Job, lines: Sequence[ListLine] | None, now_ms: int) -> Job:
    """Puts a sending into the gathering batch, into which the list that is returned belongs too.

    ApiProblem 9 and Unavailable: nothing was taken, as it is too much at once or cannot be kept.
    """
    rows = desk.journal.batch.api_messages
    before = len(rows)
    try:
        if lines is None:
            raise ApiProblem(1)
        Sending(desk).take(_asked(account, job, job.params), lines)
    except ApiProblem as problem:
        if problem.number == TOO_OFTEN:
            raise
        return failed(job, now_ms, zone_of(account.config.time_zone))
    run = _run_of(rows[before:])
    job = job._replace(last_ms=now_ms, sendings=job.sendings + 1, runs=counted(job.runs, run))
    if job.fallback is not None:
        all_sent_ms = now_ms + int(float(job.params.get("period") or 0) * _HOUR_MS)
        watch = Watch(run.first, run.last, all_sent_ms, now_ms + LOOK_FIRST_MS, LOOK_FIRST_MS, ())
        job = job._replace(watches=(*job.watches, watch))
    due_ms = next_due(job, now_ms, zone_of(account.config.time_zone))
    return job._replace(due_ms=due_ms, status=int(Status.WAITS if due_ms else Status.SENT))


def _run_of(messages: Sequence[Row]) -> Run:
    """A sending by its ApiMessages; those that were refused have ids behind those of all others."""
    ids = [row[0] for row in messages]
    return Run(min(ids), max(ids), len(ids))


def _asked(account: Account, job: Job, params: Mapping[str, str]) -> Asked:
    return Asked(account, "send", params, (), job.address, 3, "utf-8")


# -- SMS after what failed -------------------------------------------------------------------------------


def _failed(watch: Watch, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages that have ended without being delivered, and that no SMS has followed yet."""
    done = set(watch.done)
    return [
        row
        for row in rows
        if row["state"] not in _NO_FAILURES and row["message_id"] - watch.first not in done
    ]


async def _instead(
    desk: Desk,
    account: Account,
    job: Job,
    looks: Sequence[tuple[Watch, Sequence[dict[str, Any]]]],
) -> list[Sequence[ListLine]]:
    """The texts of the SMS that follow, for each sending that is looked at."""
    found: list[Sequence[ListLine]] = []
    for watch, rows in looks:
        numbers = (row["phone"] for row in _failed(watch, rows) if row["phone"].isdecimal())
        phones = tuple(dict.fromkeys(f"+{number}" for number in numbers))
        text = (job.fallback or {}).get("mes") or job.params.get("mes", "")
        lines = [ListLine(phones, text)] if phones and text else []
        found.append(await written(desk, account, lines, SMS))
    return found


def _followed(
    desk: Desk,
    account: Account,
    job: Job,
    watch: Watch,
    rows: Sequence[dict[str, Any]],
    lines: Sequence[ListLine],
    now_ms: int,
) -> Job:
    """Sends the SMS that follow, with the gathering batch; the list that belongs into it too."""
    done = (*watch.done, *(row["message_id"] - watch.first for row in _failed(watch, rows)))
    messages = desk.journal.batch.api_messages
    before = len(messages)
    if lines:
        params = {key: value for key, value in (job.fallback or {}).items() if key == "sender"}
        try:
            Sending(desk).take(_asked(account, job, params), lines)
        except Unavailable:
            done = watch.done  # next time
        except ApiProblem as problem:
            if problem.number == TOO_OFTEN:
                done = watch.done
    if len(messages) > before:
        job = job._replace(runs=counted(job.runs, _run_of(messages[before:])))
    others = tuple(one for one in job.watches if one[:3] != watch[:3])
    settled = sum(row["state"] is not None and row["state"] in _NO_FAILURES for row in rows)
    is_over = settled + len(done) >= len(rows)
    if is_over or now_ms - watch.since_ms >= LOOK_LAST_MS:
        return job._replace(watches=others)
    wait_ms = watch.wait_ms * 2
    later = watch._replace(next_ms=now_ms + wait_ms, wait_ms=wait_ms, done=done)
    return job._replace(watches=(*others, later))
