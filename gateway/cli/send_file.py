"""`smsc-gateway send --file`: a list of messages, with progress, and with a file from which to go on."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError
from gateway.cli.bulk_list import FROM, TEXT, TO, BulkList, Found, Wanted, is_sender
from gateway.cli.bulk_results import Results
from gateway.cli.bulk_sending import Sending
from gateway.cli.bulk_session import BulkSession
from gateway.cli.send_session import SendError
from gateway.cli.smsc.output import Progress, progress

REDRAW_S = 0.2
WINDOW_MAX = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `send` that are about lists."""
    group = parser.add_argument_group("lists")
    group.add_argument(
        "--file", type=Path, metavar="LIST", help="send each line of a CSV file, or of numbers"
    )
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help=f"which column of the list is {TO}, {TEXT} or {FROM}, where it has another name",
    )
    group.add_argument("--rate", type=float, default=0.0, metavar="N", help="at most N messages a second")
    group.add_argument("--window", type=int, default=10, metavar="N", help="unanswered at once (default: 10)")
    group.add_argument("--receipts", action="store_true", help="ask for receipts, for the account's sessions")
    group.add_argument("--resume", action="store_true", help="go on where an earlier run ended")
    group.add_argument(
        "--resend-unknown", action="store_true", help="with --resume: also lines that may have been taken"
    )
    group.add_argument("--dry-run", action="store_true", help="check the list and count, send nothing")


def check_options(args: argparse.Namespace) -> None:
    """What goes only with a list, or not with one."""
    if args.file is None:
        given = [
            name
            for name in ("rate", "resume", "resend_unknown", "dry_run", "receipts")
            if getattr(args, name)
        ]
        if given or args.column:
            name = (given or ["column"])[0].replace("_", "-")
            raise CommandError(f"--{name} goes with --file", EXIT_USAGE)
        return
    if args.to is not None or args.count != 1 or args.no_receipt:
        raise CommandError("--to, --count and --no-receipt do not go with --file", EXIT_USAGE)
    if args.resend_unknown and not args.resume:
        raise CommandError("--resend-unknown goes with --resume", EXIT_USAGE)
    if args.rate < 0 or not 0 < args.window <= WINDOW_MAX:
        raise CommandError(f"--rate is above 0, --window from 1 to {WINDOW_MAX}", EXIT_USAGE)
    if not is_sender(args.sender):
        raise CommandError(
            f"--from {args.sender!r} is neither a number nor at most 11 ASCII characters", EXIT_USAGE
        )


def run(args: argparse.Namespace, host: str, port: int, password: str) -> int:
    """0 when each line was accepted, now or before."""
    numbers = BulkList(args.file, Wanted(_columns(args.column), args.text, args.sender))
    with progress() as shown:
        found = numbers.check(_Counter(shown))
    if args.dry_run:
        return _show_dry(found, as_json=args.json)
    results = Results(args.file, found.digest, resume=args.resume)
    complete = False
    try:
        session = BulkSession(host, port, window=args.window, timeout_s=args.timeout)
        sending = Sending(
            numbers.lines(),
            results,
            session,
            rate=args.rate,
            resend_unknown=args.resend_unknown,
            receipt=args.receipts,
        )
        try:
            problem = _send(args, session, sending, found, password)
            complete = True
        finally:
            session.close()
    except SendError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        text = f"{results.sent_path} cannot be written: {error.strerror}; correct that, then --resume"
        raise CommandError(text) from None
    finally:
        results.close(complete=complete)
    return problem


def _columns(pairs: list[str]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        meaning, _, name = pair.partition("=")
        if meaning not in (TO, TEXT, FROM) or not name:
            raise CommandError(f"--column {pair}: write {TO}=NAME, {TEXT}=NAME or {FROM}=NAME", EXIT_USAGE)
        columns[meaning] = name
    return columns


def _send(
    args: argparse.Namespace, session: BulkSession, sending: Sending, found: Found, password: str
) -> int:
    session.bind(args.system_id, password)
    started, why = time.monotonic(), ""
    with _stopped_by_ctrl_c(sending), progress() as shown:
        bar = _Bar(shown, sending, found.lines)
        try:
            sending.run(bar)
        except SendError as error:
            why = str(error)
        except KeyboardInterrupt:
            why = "interrupted"
        finally:
            sending.give_up()
    if sending.stopping:
        why = "interrupted"
    return _show(args, sending, found.lines, time.monotonic() - started, why)


@contextlib.contextmanager
def _stopped_by_ctrl_c(sending: Sending) -> Iterator[None]:
    """The first Ctrl-C waits for what is on its way, the second one does not."""

    def stop(number: int, frame: object) -> None:
        if sending.stopping:
            raise KeyboardInterrupt
        sending.stopping = True
        print("stopping: waiting for answers; Ctrl-C again ends at once", file=sys.stderr)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Counter:
    """Shows how far the check is."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def __call__(self, count: int) -> None:
        if count % 1000 == 0:
            self._shown.update(f"checking, {count} lines")


class _Bar:
    """Shows how far the list is."""

    def __init__(self, shown: Progress, sending: Sending, total: int) -> None:
        self._shown, self._sending, self._total = shown, sending, total
        self._drawn_at = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._drawn_at < REDRAW_S:
            return
        self._drawn_at = now
        it = self._sending
        over = it.accepted + it.refused + it.unknown + it.before
        self._shown.update(f"{over} of {self._total}, {it.refused} refused", over / self._total)


def _show_dry(found: Found, *, as_json: bool) -> int:
    counts = {"lines": found.lines, "segments": found.segments, "longest": found.longest}
    if as_json:
        print(json.dumps(counts))
    else:
        counted = f"{found.lines} lines, {found.segments} segments, {found.longest} in the longest text"
        print(f"{counted}; nothing was sent")
    return EXIT_OK


def _show(args: argparse.Namespace, it: Sending, total: int, seconds: float, why: str) -> int:
    left = total - it.accepted - it.refused - it.unknown - it.before
    counts: dict[str, Any] = {
        "lines": total,
        "before": it.before,
        "accepted": it.accepted,
        "refused": it.refused,
        "unknown": it.unknown,
        "left": left,
    }
    if args.json:
        print(json.dumps({**counts, "seconds": round(seconds, 1), "problem": why or None}))
    else:
        words = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "lines" and count)
        print(f"{total} lines: {words or 'nothing to do'}, in {seconds:.1f} s; see {args.file}.sent")
    if why:
        print(f"smsc-gateway send: {why}; --resume goes on", file=sys.stderr)
    return EXIT_OK if not (why or left or it.refused or it.unknown) else EXIT_FAILURE
