"""What happens by the clock and not by a message: timers, sweeps, failover, the disk, the watchdog."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gateway.core import failover
from gateway.core.batch import NO_TEXTS, Sweep
from gateway.core.cluster import HOUSEKEEPING
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.message_ids import lowest_id_at
from gateway.core.steady_clock import SteadyClock, Step
from gateway.ops import sd_notify
from gateway.ops.store_watch import StoreWatch

if TYPE_CHECKING:
    from gateway.daemon import Daemon

TICK_S = 0.05
SESSIONS_EVERY = 10  # ticks
DISK_EVERY = 100
SWEEP_EVERY = 200
COUNT_EVERY = 1200
DISK_LOW_OCTETS = 100 << 20
"""Below this nothing is accepted any more; what is queued still goes out."""
FAILURES_MAX = 5
"""A duty that fails so often in a row will not do better: a new start may."""
STORE_STUCK = 2 / 3
"""A commit that takes so much of the watchdog's time stops its food; the sweep wants one each ten seconds."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PARKED_MS = 72 * HOUR_MS
SEEN_MS = 30 * DAY_MS
"""The service repeats a callback for hours, and lists incoming SMS of a week."""


def say_clock(events: Events, step: Step) -> None:
    """The machine's clock has leapt, or we go by it again."""
    if step.name == "clock_jumped":
        fix = "set the machine's clock right: it is followed when it comes back, or has stood for an hour"
        events.say("error", "clock_jumped", by_s=step.by_ms // 1000, fix=fix)
    elif step.name == "clock_back":
        events.say("warning", "clock_back", by_s=step.by_ms // 1000)
    else:
        events.say("warning", "clock_followed", by_s=step.by_ms // 1000)


class Housekeeping:
    """One timer for the whole gateway."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._sweep_due = False
        self._failures: Counter[str] = Counter()
        self._store_watch = StoreWatch(daemon.journal, daemon.events, on_disk=not daemon.store_url)
        watchdog_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
        self._store_stuck_s = watchdog_s * STORE_STUCK
        self._feed_every = max(1, int(watchdog_s / 3 / TICK_S)) if watchdog_s else 0

    def sweep_soon(self) -> None:
        """The last sweep left something."""
        self._sweep_due = True

    def start(self) -> None:
        self._sweep_due = True  # what was configured anew, such as whether texts are kept, holds at once
        self._handle = self._loop.call_later(TICK_S, self._tick)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _tick(self) -> None:
        assert self._handle is not None
        self._daemon.loop_lag.observe(self._loop.time() - self._handle.when())
        self._handle = self._loop.call_later(TICK_S, self._tick)
        self._ticks += 1
        for duty in self._due():
            name = duty.__name__.strip("_")
            try:
                duty()
            except Exception as error:  # the others are still to be done, and this one next time
                self._failed(name, error)
            else:
                self._failures[name] = 0

    def _due(self) -> Iterator[Callable[[], None]]:
        """What this tick has to do."""
        yield self._upstreams
        if self._ticks % SESSIONS_EVERY == 0:
            yield self._watch_clock
            yield self._sessions
        if self._ticks % DISK_EVERY == 1:
            yield self._watch_disk
        if self._ticks % SWEEP_EVERY == 0 or self._sweep_due:
            self._sweep_due = False
            if self._daemon.may(HOUSEKEEPING):
                yield self._sweep
        if self._feed_every and self._ticks % self._feed_every == 0 and not any(self._failures.values()):
            yield self._feed
        yield self._daemon.events.flush

    def _failed(self, duty: str, error: Exception) -> None:
        self._failures[duty] += 1
        self._daemon.faults.note(error, f"housekeeping: {duty}")
        if self._failures[duty] == FAILURES_MAX:
            self._daemon.fail(f"housekeeping cannot do its work ({duty}: {type(error).__name__})")

    def _feed(self) -> None:
        if self._daemon.journal.waiting_s() < self._store_stuck_s:
            sd_notify.notify("WATCHDOG=1")

    def _upstreams(self) -> None:
        now, now_ms = self._daemon.clock.now(), self._daemon.clock.now_ms()
        for upstream in self._daemon.upstreams.values():
            upstream.tick(now, now_ms)

    def _watch_clock(self) -> None:
        clock = self._daemon.clock
        step = clock.look() if isinstance(clock, SteadyClock) else None
        if step is not None:
            say_clock(self._daemon.events, step)

    def _sessions(self) -> None:
        daemon = self._daemon
        now = daemon.clock.now()
        self._store_watch.look(now)
        for connector in daemon.connectors.values():
            connector.tick(now)
        for listener in daemon.smpp.listeners:
            listener.tick(now)
        for outlet in daemon.outlets.values():
            outlet.tick(now)
        if daemon.mail is not None:
            daemon.mail.tick(now, daemon.clock.now_ms())
        daemon.http.tick(now, daemon.clock.now_ms())
        daemon.dead_alarm.tick(now)
        failover.move_queues(
            daemon.submission.router.routes, daemon.upstreams, daemon.journal.batch, daemon.events, now
        )

    def _watch_disk(self) -> None:
        daemon = self._daemon
        if daemon.store_url:
            return  # what is accepted needs no room here
        disk = os.statvfs(daemon.state_dir)
        free = disk.f_bavail * disk.f_frsize
        submission = daemon.submission
        if free < DISK_LOW_OCTETS and submission.closed_because is None:
            submission.closed_because = Refusal.QUEUE_FULL
            daemon.events.say(
                "error",
                "disk_low",
                free_mib=free >> 20,
                directory=daemon.state_dir,
                fix="free some space: new messages are refused, queued ones go on",
            )
        elif free >= DISK_LOW_OCTETS and submission.closed_because is Refusal.QUEUE_FULL:
            submission.closed_because = None
            daemon.events.say("info", "disk_ok", free_mib=free >> 20)

    def _sweep(self) -> None:
        clock, queue = self._daemon.clock, self._daemon.config.queue
        at_ms = clock.now_ms()
        # what is old is told by this one, which may lag in the first hour after a start
        now_ms = at_ms - (clock.unproven_ms if isinstance(clock, SteadyClock) else 0)
        receipt_before_ms = now_ms - queue.receipt_wait_h * HOUR_MS
        history_before_ms = now_ms - queue.history_days * DAY_MS
        mail = self._daemon.config.mail
        reply_window_ms = mail.reply_window_h * HOUR_MS if mail else 0
        delay_ms = (mail.delay_notice_h if mail else 4) * HOUR_MS
        sweep = Sweep(
            now_ms=at_ms,
            receipt_before_ms=receipt_before_ms,
            oldest_id=lowest_id_at(receipt_before_ms),
            delivery_before_ms=now_ms - queue.outbox_days * DAY_MS,
            deliveries_max=queue.outbox_max,
            history_before_id=lowest_id_at(history_before_ms),
            history_before_ms=history_before_ms,
            parked_before_ms=now_ms - PARKED_MS,
            mail_before_id=lowest_id_at(now_ms - max(DAY_MS, reply_window_ms)),
            part_before_ms=now_ms - DAY_MS,
            seen_before_ms=now_ms - SEEN_MS,
            assembly_before_ms=at_ms - queue.part_wait_s * 1000,
            text_before_id=lowest_id_at(now_ms - queue.text_days * DAY_MS) if queue.text_days else NO_TEXTS,
            statistics_before_day=now_ms // DAY_MS - queue.statistics_days,
            delay_before_id=lowest_id_at(now_ms - delay_ms),
            audit_before_ms=now_ms - queue.audit_days * DAY_MS,
            with_counts=self._ticks % COUNT_EVERY == 0,
        )
        self._daemon.journal.batch.sweeps.append(tuple(getattr(sweep, name) for name in Sweep.__slots__))
        self._daemon.journal.wake()
