"""Jobs of doctor: at the same time, in order, and with a deadline that holds whatever they do."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.cli.doctor.results import Finding, Job, Outcome, counts, passed, said
from gateway.cli.doctor.running import AT_ONCE, Runner, within

FOR_EVER_S = 600.0


def test_results_come_in_the_order_of_the_jobs_whatever_ends_first() -> None:
    second_has_ended = threading.Event()

    def first() -> Iterator[Finding]:
        assert second_has_ended.wait(60)
        yield passed("first", "x")

    def second() -> Iterator[Finding]:
        yield passed("second", "x")
        second_has_ended.set()

    jobs = [("a", Job("first", first, FOR_EVER_S)), ("b", Job("second", second, FOR_EVER_S))]
    told: list[tuple[int, int]] = []
    results = Runner(FOR_EVER_S, lambda done, total: told.append((done, total))).run(jobs)
    assert [(result.check, result.finding.subject) for result in results] == [("a", "first"), ("b", "second")]
    assert told == [(1, 2), (2, 2)]


def test_a_job_without_an_end_is_given_up_and_what_it_has_found_stays() -> None:
    over, has_found = threading.Event(), threading.Event()

    def stuck() -> Iterator[Finding]:
        yield passed("half", "done")
        has_found.set()
        over.wait()

    def now() -> float:  # the deadline of 5 s has come when the first half is there
        return 5.0 if has_found.is_set() else 0.0

    runner = Runner(FOR_EVER_S, now=now)
    other_job = Job("other", lambda: [_waits_for(has_found)], FOR_EVER_S)
    jobs = [("dns", Job("slow.example", stuck)), ("dns", other_job)]
    half, late, other = (result.finding for result in runner.run(jobs))
    over.set()
    assert (half.outcome, other.outcome) == (Outcome.PASSED, Outcome.PASSED)
    assert (late.subject, late.outcome, late.found) == ("slow.example", Outcome.FAILED, "no answer in time")
    assert "--only dns" in late.next


def _waits_for(event: threading.Event) -> Finding:
    assert event.wait(60)
    return passed("other", "x")


def test_what_is_not_begun_when_the_time_is_over_is_skipped() -> None:
    over, time_is_over = threading.Event(), threading.Event()

    def stuck() -> Iterator[Finding]:
        over.wait()
        yield passed("never", "seen")

    def ends() -> Iterator[Finding]:
        time_is_over.set()
        yield passed("ends", "and wakes the runner, which looks at the clock")

    jobs = [("x", Job("ends", ends, 50)), *(("x", Job("stuck", stuck, 50)) for _ in range(AT_ONCE - 1))]
    runner = Runner(60, now=lambda: 100.0 * time_is_over.is_set())
    results = runner.run([*jobs, ("y", Job("last", stuck))])
    over.set()
    assert results[-1].check == "y"
    assert results[-1].finding.outcome is Outcome.SKIPPED
    assert results[-1].finding.next == "--only y"
    assert counts(results)["failed"] >= 1


def test_a_check_that_breaks_is_told_and_hides_no_other() -> None:
    def broken() -> Iterator[Finding]:
        raise ValueError("password=secret")

    results = Runner(FOR_EVER_S).run([("a", Job("it", broken)), ("b", said(passed("other", "x")))])
    first, second = (result.finding for result in results)
    assert (first.outcome, first.found) == (Outcome.FAILED, "the check itself broke (ValueError)")
    assert second.outcome is Outcome.PASSED


def test_a_question_has_a_deadline_and_its_error_comes_through() -> None:
    over = threading.Event()
    assert within(60, lambda: 7) == 7
    with pytest.raises(TimeoutError):
        within(0.01, over.wait)
    over.set()
    with pytest.raises(KeyError):
        within(60, lambda: {}[1])  # type: ignore[index, no-any-return]


def test_every_outcome_is_counted() -> None:
    assert counts([]) == {"failed": 0, "warned": 0, "passed": 0, "skipped": 0}
