"""What people read: a line for each finding, grouped by check, and the next step below what did not pass."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Outcome, Result, counts
from gateway.core.events import safe

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.WARNED: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
}
_CHECK, _OUTCOME = 15, 9
"""Columns of the check's name, and of the outcome."""
_MARGIN = _CHECK + _OUTCOME
_WIDTH = 120


def show(results: Sequence[Result], look: Look, *, is_quiet: bool = False) -> None:
    """Prints it; with colours on a terminal, which say nothing that the words do not."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"gateway on {look.state_dir}: {look.gateway.running.value}"))
    shown = [it for it in results if not is_quiet or it.finding.outcome in _TROUBLE]
    if shown:
        console.print()
    for check, group in groupby(shown, key=lambda result: result.check):
        head = check
        for result in group:
            outcome = result.finding.outcome
            words = (f"{outcome.value:<{_OUTCOME}}", _STYLES[outcome])
            console.print(Text.assemble((f"{head:<{_CHECK}}", "bold"), words, "\n".join(_lines(result))))
            head = ""
    console.print(Text(f"\n{summary(results)}", style="bold"))


_TROUBLE = (Outcome.FAILED, Outcome.WARNED)


def summary(results: Sequence[Result]) -> str:
    """The last line: what is worst first."""
    return ", ".join(f"{count} {word}" for word, count in counts(results).items())


def as_json(results: Sequence[Result], look: Look, code: int) -> str:
    """One object."""
    report = {
        "gateway": look.gateway.running.value,
        "exit_code": code,
        "counts": counts(results),
        "results": [result.as_dict() for result in results],
    }
    return json.dumps(report, indent=2, ensure_ascii=False)


def _lines(result: Result) -> Iterator[str]:
    """The first without its margin; on a terminal they keep its width, elsewhere they stay whole."""
    finding = result.finding
    subject = f"{safe(finding.subject)}: " if finding.subject else ""
    yield _wrapped(f"{subject}{safe(finding.found)}").lstrip()
    if finding.next:
        yield _wrapped(f"next: {safe(finding.next)}")


def _wrapped(text: str) -> str:
    margin = " " * _MARGIN
    if not sys.stdout.isatty():
        return margin + text
    width = max(_MARGIN + 20, min(_WIDTH, shutil.get_terminal_size().columns))
    return textwrap.fill(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
