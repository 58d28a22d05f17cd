"""What a check finds, and what is to be done in checks: plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check of something ended; `failed` alone makes the command's exit code 1."""

    FAILED = "failed"
    WARNED = "warned"
    PASSED = "passed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `next` is what to do, empty only when it passed or needs nothing."""

    subject: str
    outcome: Outcome
    found: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A finding of a check."""

    check: str
    finding: Finding

    def as_dict(self) -> dict[str, str]:
        """Plain values, with the keys of --json."""
        it = self.finding
        return {
            "check": self.check,
            "subject": it.subject,
            "outcome": it.outcome.value,
            "found": it.found,
            "next": it.next,
        }


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to look at, in a thread of its own; after `seconds` nobody waits for it any more."""

    subject: str
    look: Callable[[], Finding | Iterable[Finding]]
    seconds: float = 5.0

    def findings(self) -> Iterable[Finding]:
        """What it finds, one after the other."""
        found = self.look()
        return (found,) if isinstance(found, Finding) else found


def passed(subject: str, found: str) -> Finding:
    return Finding(subject, Outcome.PASSED, found)


def warned(subject: str, found: str, what_next: str) -> Finding:
    return Finding(subject, Outcome.WARNED, found, what_next)


def failed(subject: str, found: str, what_next: str) -> Finding:
    return Finding(subject, Outcome.FAILED, found, what_next)


def skipped(subject: str, why: str, what_next: str = "") -> Finding:
    return Finding(subject, Outcome.SKIPPED, why, what_next)


def said(*findings: Finding) -> Job:
    """A job for what is known already."""
    return Job(findings[0].subject, lambda: findings)


def counts(results: Iterable[Result]) -> dict[str, int]:
    """How many results ended how; every outcome is there."""
    found = {outcome.value: 0 for outcome in Outcome}
    for result in results:
        found[result.finding.outcome.value] += 1
    return found


def plural(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
