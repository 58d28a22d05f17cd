"""`smsc-gateway recover`: makes a store of what can be read of a damaged one."""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_OK, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import table
from gateway.cli.smsc.output import progress
from gateway.crashes import leave_no_memory
from gateway.store.moved import moved_text
from gateway.store.replace import finish, give_to_owner, put_in_place, remove
from gateway.store.salvaged import NAMED, Report, salvage
from gateway.store.sqlite_open import FILE_NAME, StoreError, lock

HELP = "Make a store of what can be read of a damaged one, and say what is missing; the damaged one is kept."

EXIT_MISSING = 3
"""There is a new store, and something is missing in it."""
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    add_state_dir(parser)
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="make the new store there, and change nothing here"
    )
    parser.add_argument(
        "--queued",
        choices=("send", "hold"),
        help="what becomes of messages that wait (default: held if they may have been sent)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what could be read")
    add_json(parser)
    parser.epilog = (
        "The gateway must not run. Nothing is sent by this command. The damaged files stay as\n"
        "queue.sqlite3.damaged-TIME in the state directory.\n\n"
        "examples:\n"
        "  smsc-gateway recover --dry-run\n"
        "  smsc-gateway recover\n"
        "  smsc-gateway recover --to /var/lib/smsc-gateway.new\n\n"
        f"exit codes: 0 all of it was read, 1 no store was made, {EXIT_MISSING} made, but not with all"
    )


def run(args: argparse.Namespace) -> int:
    leave_no_memory()
    path = args.state_dir / FILE_NAME
    try:
        if moved := moved_text(path):
            raise CommandError(f"{moved}. Of a store on PostgreSQL its own copies are put back")
        with lock(args.state_dir):
            return _recover(args, path)
    except StoreError as error:
        raise CommandError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"no new store was made: {error}; {path} is as it was") from error


def _recover(args: argparse.Namespace, path: Path) -> int:
    if not args.dry_run and args.to is None and finish(path):
        print(
            json.dumps({"finished": True}) if args.json else "the store that was made before is in its place"
        )
        return EXIT_OK
    if not path.exists():
        raise CommandError(f"there is no {path}; give the --state-dir of the damaged store")
    unfinished = path.with_name(path.name + ".recovering")
    hold = None if args.queued is None else args.queued == "hold"
    if args.to is not None:
        args.to.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = args.to / unfinished.name
        if (args.to / FILE_NAME).exists():
            raise CommandError(f"{args.to / FILE_NAME} exists, and is not overwritten")
    remove(unfinished)
    try:
        with progress() as bar:
            report = salvage(path, unfinished, time.time_ns() // 1_000_000, bar.update, hold=hold)
        kept = [] if args.dry_run else _keep(args, unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            remove(unfinished)
    _show(args, report, kept)
    return EXIT_OK if report.is_whole else EXIT_MISSING


def _keep(args: argparse.Namespace, made: Path, path: Path) -> list[Path]:
    if args.to is not None:
        give_to_owner(made)
        made.rename(args.to / FILE_NAME)
        return []
    give_to_owner(made)
    return put_in_place(made, path, "damaged")


# -- what is said ----------------------------------------------------------------------------------------


def _show(args: argparse.Namespace, report: Report, kept: list[Path]) -> None:
    if args.json:
        values: dict[str, Any] = asdict(report)
        values["lost_messages"] = [str(number) for number in report.lost_messages[:NAMED]]
        values |= {"whole": report.is_whole, "kept": [str(path) for path in kept]}
        print(json.dumps(values, indent=2))
        return
    rows = [{"table": name, **counts} for name, counts in report.tables.items() if any(counts.values())]
    print(table(rows))
    for name, ranges in report.ranges.items():
        more = f" and {len(ranges) - SHOWN} more" if len(ranges) > SHOWN else ""
        print(f"{name} not read: {', '.join(ranges[:SHOWN])}{more}")
    print()
    for line in _sentences(report):
        print(line)
    if args.dry_run:
        print("nothing was changed (--dry-run)")
    elif args.to is not None:
        print(f"the new store is in {args.to}")
    for path in kept:
        print(f"kept: {path}")


def _sentences(report: Report) -> list[str]:
    """What an admin has to expect."""
    said = []
    if report.log:
        said.append(
            f"{report.log}: what was committed last is gone. Clients may have answers to messages that "
            "are not here; receipts and incoming SMS may come twice."
        )
    if lost := report.lost_messages:
        names = ", ".join(map(str, lost[:SHOWN])) + (" … (--json names them)" if len(lost) > SHOWN else "")
        said.append(f"{len(lost)} accepted messages are lost; no receipt will come for them: {names}")
    if report.lost_submissions:
        said.append(
            f"{report.lost_submissions} segments are at an SMSC and their messages lost: their receipts will "
            "be in `smsc-gateway receipts unmatched`."
        )
    if report.ended_twice:
        said.append(f"{report.ended_twice} messages were live and ended at once; they are ended.")
    if report.held:
        said.append(
            f"{report.held} messages may have been sent and are held: `smsc-gateway queue held`, then "
            "`queue resend ID` or `queue drop ID`."
        )
    if report.in_doubt:
        said.append(
            f"{report.in_doubt} segments were under way: the start treats them as after a kill, by their "
            "routes' on_ambiguous."
        )
    if report.balances:
        said.append(
            f"no balance could be read of: {', '.join(report.balances)} (`smsc-gateway account credit`)"
        )
    if report.uncharged:
        said.append(f"{report.uncharged} messages' prices are lost: nothing is given back if they fail.")
    return said or ["no message is missing, as far as can be seen"]
