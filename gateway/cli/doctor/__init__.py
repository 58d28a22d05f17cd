"""`smsc-gateway doctor`: what is wrong, and what to do next, on one screen.

Each check is a module here with `jobs(look)`; `checks` names them. Nothing is changed, and nothing is sent to
anybody outside this machine, except binds that end at once where no gateway runs.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

from gateway.cli import (
    EXIT_CONFIG,
    EXIT_FAILURE,
    EXIT_OK,
    EXIT_USAGE,
    CommandError,
    add_config,
    add_json,
    add_state_dir,
)

if TYPE_CHECKING:
    from gateway.cli.doctor.look import Look
    from gateway.cli.doctor.results import Result

HELP = "Look for what is wrong with the gateway and around it, and say what to do next."
SECONDS = 15.0


def configure(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_state_dir(parser)
    parser.add_argument("--only", metavar="NAMES", help="checks with commas between (default: all)")
    parser.add_argument(
        "--to", action="append", default=[], metavar="NUMBER", help="say which way a message to it would go"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=SECONDS,
        metavar="S",
        help="end after S seconds, whatever has not answered (default: %(default)g)",
    )
    parser.add_argument("--problems", action="store_true", help="leave out what passed or was skipped")
    add_json(parser)
    parser.epilog = (
        "Nothing is changed, and no customer gets anything. While the gateway runs it is asked about its\n"
        "links; where none runs, each connector's login is tried and ended at once. Run it as root or as\n"
        "the gateway's user.\n\n"
        f"{_checks()}\n\n"
        "examples:\n"
        "  smsc-gateway doctor\n"
        "  smsc-gateway doctor --problems --to 79991234567\n"
        "  smsc-gateway doctor --only binds,tls,dns\n"
        "  smsc-gateway doctor --json | jq '.results[] | select(.outcome == \"failed\")'\n\n"
        "exit codes: 0 nothing failed, 1 something did, 78 the configuration cannot be read"
    )


def _checks() -> str:
    from gateway.cli.doctor.checks import CHECKS

    return "checks:\n" + "\n".join(f"  {name:<14} {check.about}" for name, check in CHECKS.items())


def run(args: argparse.Namespace) -> int:
    from gateway.cli.doctor.output import as_json, show

    wanted = _wanted(args.only)
    if not args.timeout > 0:
        raise CommandError("--timeout must be above 0", EXIT_USAGE)
    started = time.monotonic()
    with _ending() as at_exit:
        look = _begin(args, at_exit)
        look.seconds = max(started + args.timeout - time.monotonic(), 1.0)
        results = _run(look, wanted)
    code = _code(look, results)
    if args.json:
        print(as_json(results, look, code))
    else:
        show(results, look, is_quiet=args.problems)
    return code


def _wanted(only: str | None) -> list[str]:
    from gateway.cli.doctor.checks import CHECKS

    if only is None:
        return list(CHECKS)
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in CHECKS]
    if unknown or not names:
        raise CommandError(
            f"--only {only}: there is no such check; write some of {', '.join(CHECKS)}", EXIT_USAGE
        )
    return names


def _begin(args: argparse.Namespace, at_exit: list[Callable[[], None]]) -> Look:
    from gateway.cli.doctor.gateway_state import look_at_gateway
    from gateway.cli.doctor.look import Look, read_config
    from gateway.cli.doctor.machine import Machine
    from gateway.cli.doctor.running import within

    machine = Machine()
    try:
        read = within(args.timeout, lambda: read_config(args.config, machine, at_exit))
    except TimeoutError:
        raise CommandError(
            f"{args.config}, or a file that it names, could not be read within {args.timeout:g} s: "
            "is one of them a pipe, or on a disk that does not answer?"
        ) from None
    config, reading, problems = read
    return Look(
        config_file=args.config,
        state_dir=args.state_dir,
        gateway=look_at_gateway(args.state_dir),
        config=config,
        reading=reading,
        problems=problems,
        numbers=args.to,
        seconds=args.timeout,
        machine=machine,
        at_exit=at_exit,
    )


def _run(look: Look, wanted: list[str]) -> list[Result]:
    from gateway.cli.doctor.checks import jobs_of
    from gateway.cli.doctor.running import Runner
    from gateway.cli.smsc.output import progress

    with progress() as bar:

        def told(done: int, total: int) -> None:
            bar.update(f"looking ({done} of {total})", done / total)

        return Runner(look.seconds, told).run(list(jobs_of(wanted, look)))


@contextlib.contextmanager
def _ending() -> Iterator[list[Callable[[], None]]]:
    """What is to be called at the end, whatever ends the command, also SIGTERM: processes, folders."""

    def terminated(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, terminated)
    at_exit: list[Callable[[], None]] = []
    try:
        yield at_exit
    finally:
        signal.signal(signal.SIGTERM, before)
        for end in at_exit:
            end()


def _code(look: Look, results: list[Result]) -> int:
    from gateway.cli.doctor.results import Outcome

    if look.config is None:
        return EXIT_CONFIG
    has_failed = any(result.finding.outcome is Outcome.FAILED for result in results)
    return EXIT_FAILURE if has_failed else EXIT_OK
