"""Times as people give them on the command line, and ages as they read them."""

from __future__ import annotations

from gateway.cli import EXIT_USAGE, CommandError
from gateway.core.moments import FORMS, age, read_moment

__all__ = ["FORMS", "age", "moment_of"]


def moment_of(text: str, now_ms: int, option: str) -> int:
    """See `read_moment`; CommandError, which names the option, when it is no time."""
    try:
        return read_moment(text, now_ms)
    except ValueError:
        raise CommandError(f"{option}: {text!r} is no time; write {FORMS}", EXIT_USAGE) from None
