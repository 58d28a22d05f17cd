"""Regular expressions that an administrator writes and that hostile texts are matched against.

Python's engine tries one way after the other, so a pattern such as `(a+)+b` takes hours for a text of forty
characters.  Therefore a pattern is measured before it is used: in how many ways could its repeats share out
the characters that it will be shown?  Where that is more than `MOST_WAYS`, it is refused with a hint.  The
measure is an upper bound, so it also refuses some that would be quick; each of those can be written with
limits (`.{0,40}`) or without going back (`[0-9]++`), and then it passes.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_NUMBER = 21
"""Characters of a number or a sender (SMPP v3.4 §5.2.8)."""
LONGEST_TEXT = 1000
"""Characters of a text that are looked at: six segments of GSM 7 bit, and more."""
MOST_WAYS = 2_500_000
"""About 50 ms at the worst, for a text that somebody made for it; all sessions wait meanwhile."""

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)
_AT_START = (op.AT_BEGINNING, op.AT_BEGINNING_STRING)


class PatternError(ValueError):
    """A pattern that cannot be used: the text says why, `fix` what to write."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.fix = fix


def compile_whole(pattern: str) -> re.Pattern[str]:
    """A pattern that numbers and senders are to match as a whole; PatternError."""
    return _compile(pattern, LONGEST_NUMBER, anywhere=False)


def compile_anywhere(pattern: str) -> re.Pattern[str]:
    """A pattern that is looked for in texts; PatternError."""
    return _compile(pattern, LONGEST_TEXT, anywhere=True)


def check_replacement(pattern: re.Pattern[str], replacement: str) -> None:
    """Whether a pattern has the groups that its replacement names; PatternError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parser.parse_template(replacement, pattern)
    except (re.error, IndexError, Warning) as error:
        raise PatternError(
            f"is no replacement: {error}", r"write \1 for the first group, \\ for a backslash"
        ) from None


@lru_cache(maxsize=8192)  # the checks compile them first, then the routes
def _compile(pattern: str, longest: int, *, anywhere: bool) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what is about to mean something else is a mistake
            compiled = re.compile(pattern)
            tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise PatternError(
            f"is no regular expression: {error}", "see docs/routing.md, Regular expressions"
        ) from None
    ways = _ways(tree, longest)
    if anywhere and not _is_anchored(tree, compiled.flags):
        ways *= longest
    if ways > MOST_WAYS:
        raise PatternError(
            "could take very long: too many repeats that can share out the same characters",
            "limit them, as .{0,40} for .* and [0-9]{1,9} for [0-9]+, or write [0-9]++, "
            "which gives nothing back",
        )
    return compiled


def _is_anchored(tree: Any, flags: int) -> bool:
    return not flags & re.MULTILINE and len(tree) > 0 and tree[0][0] is op.AT and tree[0][1] in _AT_START


def _ways(tree: Any, longest: int) -> int:
    """In how many ways a sequence can match, at the most; stops counting beyond MOST_WAYS."""
    ways = 1
    for code, argument in tree:
        ways *= _ways_of(code, argument, longest)
        if ways > MOST_WAYS:
            break
    return ways


def _ways_of(code: Any, argument: Any, longest: int) -> int:
    if code in _REPEATS:
        low, high, body = argument
        return _ways_of_repeat(int(low), int(high), body, longest)
    if code is op.POSSESSIVE_REPEAT:
        return _ways(argument[2], longest)
    if code is op.SUBPATTERN:
        return _ways(argument[3], longest)
    if code is op.ATOMIC_GROUP:
        return _ways(argument, longest)
    if code in (op.ASSERT, op.ASSERT_NOT):
        return _ways(argument[1], longest)
    if code is op.BRANCH:
        each = [_ways(branch, longest) for branch in argument[1]]
        return max(each) if _differ_at_once(argument[1]) else sum(each)
    if code is op.GROUPREF_EXISTS:
        return max(_ways(branch, longest) for branch in argument[1:] if branch is not None)
    return 1


def _ways_of_repeat(low: int, high: int, body: Any, longest: int) -> int:
    inner = _ways(body, longest)
    width = int(body.getwidth()[0])
    # what may be empty is repeated as often as is asked for, however short the text is
    high = min(high, longest // width if width else max(longest, low))
    low = min(low, high)
    if inner == 1:
        return high - low + 1
    total, ways = 0, int(inner**low) if low < 64 else MOST_WAYS + 1
    for _ in range(low, high + 1):
        total += ways
        if total > MOST_WAYS:
            break
        ways *= inner
    return total


def _differ_at_once(branches: Any) -> bool:
    """Whether the first character says which of the branches it is, in small or in capital letters."""
    first = [
        _fold(branch[0][1]) if len(branch) and branch[0][0] is op.LITERAL else None for branch in branches
    ]
    return None not in first and len(set(first)) == len(first)


def _fold(code: int) -> str:
    """The same for all letters that `(?i)` does not tell apart, and for a few more."""
    return chr(code).upper().casefold()[0]
