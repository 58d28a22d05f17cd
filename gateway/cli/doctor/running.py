"""Runs jobs at the same time, each with a deadline, all of them with one.

Threads, because what is waited for blocks: name servers, handshakes, programs. One that never comes back
keeps its thread until the command ends, and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.cli.doctor.results import Finding, Job, Result, failed, skipped

AT_ONCE = 24
"""Jobs under way; what waits for an answer needs no processor."""
T = TypeVar("T")


@dataclass(slots=True)
class _Run:
    """A job under way."""

    place: int
    check: str
    job: Job
    until: float
    findings: list[Finding] = field(default_factory=list)
    is_done: bool = False


class Runner:
    """`told` hears how many of how many jobs have ended; `now` is a monotonic clock in seconds."""

    def __init__(
        self,
        seconds: float,
        told: Callable[[int, int], None] = lambda done, total: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._told = told
        self._now = now
        self._changed = threading.Condition()

    def run(self, jobs: Sequence[tuple[str, Job]]) -> list[Result]:
        """What was found, in the order of the jobs, each of which comes with the name of its check."""
        last = self._now() + self._seconds
        waiting = deque(enumerate(jobs))
        under_way: list[_Run] = []
        ended: list[_Run] = []
        with self._changed:
            while waiting or under_way:
                now = self._now()
                while waiting and len(under_way) < AT_ONCE and now < last:
                    place, (check, job) = waiting.popleft()
                    under_way.append(self._start(_Run(place, check, job, min(now + job.seconds, last))))
                if now >= last:
                    ended += [_not_begun(place, check, job) for place, (check, job) in waiting]
                    waiting.clear()
                for run in [it for it in under_way if it.is_done or it.until <= now]:
                    under_way.remove(run)
                    ended.append(run if run.is_done else _late(run))
                    self._told(len(ended), len(jobs))
                if under_way and not any(run.is_done for run in under_way):
                    self._changed.wait(max(0.0, min(run.until for run in under_way) - self._now()))
        return [
            Result(run.check, finding)
            for run in sorted(ended, key=lambda run: run.place)
            for finding in run.findings
        ]

    def _start(self, run: _Run) -> _Run:
        threading.Thread(target=self._work, args=(run,), name=f"doctor {run.check}", daemon=True).start()
        return run

    def _work(self, run: _Run) -> None:
        try:
            for finding in run.job.findings():
                run.findings.append(finding)
        except Exception as error:  # noqa: BLE001, RUF100 - one broken check must not hide what the others find
            # its text may hold anything
            text = f"the check itself broke ({type(error).__name__})"
            run.findings.append(failed(run.job.subject, text, "report it; the other lines stand"))
        with self._changed:
            run.is_done = True
            self._changed.notify()


def _late(run: _Run) -> _Run:
    """What a job found until nobody waited any more, and that there was no more; it may still write."""
    late = failed(
        run.job.subject,
        "no answer in time",
        f"look there by hand, or give it longer: --timeout S with --only {run.check}",
    )
    return _Run(run.place, run.check, run.job, run.until, [*run.findings, late], is_done=True)


def _not_begun(place: int, check: str, job: Job) -> _Run:
    why = skipped(job.subject, "the time was over before this was looked at", f"--only {check}")
    return _Run(place, check, job, 0.0, [why], is_done=True)


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns or raises; TimeoutError when it has not returned by then, and goes on for nobody."""
    answer: list[T] = []
    trouble: list[BaseException] = []

    def work() -> None:
        try:
            answer.append(ask())
        except BaseException as error:  # noqa: BLE001, RUF100 - it is raised where somebody waits for it
            trouble.append(error)

    thread = threading.Thread(target=work, name="doctor asks", daemon=True)
    thread.start()
    thread.join(seconds)
    if trouble:
        raise trouble[0]
    if not answer:
        raise TimeoutError
    return answer[0]
