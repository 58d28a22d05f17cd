"""Faults on demand: which requests meet which, by share, by counting, or as the next ones.

A fault either refuses the request (nothing is accepted) or spoils the answer to one that was accepted: the
difference a client has to get right, for it may see the same of both.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

_MAX_NEXT = 10_000


class FaultKind(Enum):
    """What happens to a request."""

    TIMEOUT = "timeout"
    DROP = "drop"
    HTTP_ERROR = "http_500"
    SLOW = "slow"
    WRONG_CHARSET = "wrong_charset"
    NO_JSON = "no_json"
    DROP_BEFORE = "drop_before"
    HTTP_ERROR_BEFORE = "http_500_before"
    ERROR = "error"

    @property
    def refuses(self) -> bool:
        """Whether the request is not accepted."""
        return self in _REFUSING


_REFUSING = frozenset({FaultKind.DROP_BEFORE, FaultKind.HTTP_ERROR_BEFORE, FaultKind.ERROR})

MEANINGS: dict[FaultKind, str] = {
    FaultKind.TIMEOUT: "accepted, never answered",
    FaultKind.DROP: "accepted, then the connection is dropped",
    FaultKind.HTTP_ERROR: "accepted, answered with HTTP 500",
    FaultKind.SLOW: "accepted, answered after slow_ms",
    FaultKind.WRONG_CHARSET: "accepted, answered in another charset than the header says",
    FaultKind.NO_JSON: "accepted, answered with a page of HTML",
    FaultKind.DROP_BEFORE: "not accepted, the connection is dropped",
    FaultKind.HTTP_ERROR_BEFORE: "not accepted, answered with HTTP 500",
    FaultKind.ERROR: "error:N, not accepted, answered with error N",
}


class Fault(NamedTuple):
    """One fault; `number` is the error number of ERROR."""

    kind: FaultKind
    number: int = 0


class Rule(NamedTuple):
    """A fault of a share of the requests to a script; `every` counts them instead."""

    script: str
    """`send`, `status`, …; `any` for all."""
    fault: Fault
    share: float = 0.0
    every: int = 0


def parse_fault(text: str) -> Fault:
    """A fault from its name, `timeout` or `error:9`. Raises ValueError."""
    name, colon, number = text.strip().partition(":")
    try:
        kind = FaultKind(name)
        if (kind is FaultKind.ERROR) != bool(colon):
            raise ValueError(text)
        return Fault(kind, int(number or 0))
    except ValueError:
        known = ", ".join(kind.value for kind in FaultKind if kind is not FaultKind.ERROR)
        raise ValueError(f"faults: {text!r} is none of {known}, error:N") from None


def parse_faults(text: str) -> tuple[Rule, ...]:
    """Rules from `[SCRIPT.]FAULT=SHARE` by commas; SHARE is `1%` or `/100`, SCRIPT without it `send`.

    Raises ValueError.
    """
    rules = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        what, _, share = part.partition("=")
        script, dot, name = what.rpartition(".")
        fault = parse_fault(name)
        script = script if dot else "send"
        try:
            if share.startswith("/"):
                rule = Rule(script, fault, every=int(share[1:]))
            else:
                rule = Rule(script, fault, share=float(share.removesuffix("%")) / 100)
        except ValueError:
            raise ValueError(f"faults: {part!r} has no share: write {what}=1% or {what}=/100") from None
        if not (rule.every >= 1 or 0 < rule.share <= 1):
            raise ValueError(f"faults: the share of {what} is not above 0 % and up to 100 %")
        rules.append(rule)
    return tuple(rules)


class Faults:
    """Chooses the fault of each request."""

    def __init__(self, rules: Sequence[Rule], seed: int) -> None:
        self._random = random.Random(seed)
        self._next: dict[str, deque[Fault | None]] = {}
        self.replace(rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        """From now on these rules; those counted before are forgotten."""
        self._rules = tuple(rules)
        self._counts = [0] * len(self._rules)

    def next(self, script: str, faults: Sequence[Fault | None]) -> None:
        """Let the next requests to this script meet these, in order, before any rule; None is no fault."""
        waiting = self._next.setdefault(script, deque(maxlen=_MAX_NEXT))
        waiting.extend(faults)

    def choose(self, script: str) -> Fault | None:
        """The fault of one more request to this script, or None."""
        for name in (script, "any"):
            waiting = self._next.get(name)
            if waiting:
                return waiting.popleft()
        chosen = None
        for index, rule in enumerate(self._rules):
            if rule.script not in (script, "any"):
                continue
            self._counts[index] += 1
            hit = self._counts[index] % rule.every == 0 if rule.every else self._random.random() < rule.share
            if hit and chosen is None:
                chosen = rule.fault
        return chosen
