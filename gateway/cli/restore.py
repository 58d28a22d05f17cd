"""`smsc-gateway restore`: puts a copy of the store into its place."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import time
from pathlib import Path

from gateway.cli import EXIT_OK, CommandError, add_json, add_state_dir
from gateway.crashes import leave_no_memory
from gateway.store.copying import make_ready, open_copy
from gateway.store.moved import moved_text
from gateway.store.replace import finish, give_to_owner, put_in_place, remove
from gateway.store.sqlite_open import FILE_NAME, StoreError, lock, sync

HELP = "Put a copy of the store that `backup` has made into its place; the gateway must not run."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the copy; it stays as it is")
    add_state_dir(parser)
    parser.add_argument(
        "--replace", action="store_true", help="also where there is a store with messages, which is kept"
    )
    parser.add_argument(
        "--queued",
        choices=("hold", "send"),
        default="hold",
        help="what becomes of messages that wait in the copy (default: hold)",
    )
    add_json(parser)
    parser.epilog = (
        "A copy is old. Messages that were accepted after it was made are not in it: they are lost, and\n"
        "their receipts will match nothing. Messages that wait in it may have been sent since: they are\n"
        "held; `smsc-gateway queue held`, then `queue resend ID` or `queue drop ID`, or --all. With\n"
        "--queued send they go out again, and some of them twice; what was under way when the copy was\n"
        "made is held anyway.\n"
        "Receipts, reports and calls that wait in it come a second time.\n\n"
        "example:\n  smsc-gateway restore /backup/smsc-gateway.sqlite3"
    )


def run(args: argparse.Namespace) -> int:
    leave_no_memory()
    path = args.state_dir / FILE_NAME
    made = path.with_name(path.name + ".restoring")
    try:
        args.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if moved := moved_text(path):
            raise CommandError(f"{moved}. Of a store on PostgreSQL its own copies are put back")
        with lock(args.state_dir):
            if finish(path):
                _show_finished(args, path)
                return EXIT_OK
            if not args.replace:
                _refuse_to_lose(path)
            try:
                held = _make(args, made)
                give_to_owner(made)
                kept = put_in_place(made, path, "replaced")
            finally:
                with contextlib.suppress(OSError):
                    remove(made)
    except StoreError as error:
        raise CommandError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"nothing was restored: {error}") from error
    _show(args, held, kept)
    return EXIT_OK


def _refuse_to_lose(path: Path) -> None:
    """CommandError when the store that is there has messages that have not ended, or cannot be read."""
    if not path.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            count = connection.execute("SELECT count(*) FROM message").fetchone()[0]
    except sqlite3.Error as error:
        raise CommandError(
            f"{path} cannot be read ({error}); `smsc-gateway recover` reads what is readable, and --replace "
            "keeps it under another name"
        ) from error
    if count:
        raise CommandError(
            f"{path} has {count} messages that have not ended; with --replace it is kept under another name, "
            "and they are not sent"
        )


def _make(args: argparse.Namespace, made: Path) -> int:
    """Copies the copy and makes it ready; how many messages are held."""
    if not args.file.is_file():
        raise CommandError(
            f"{args.file} is not there, or no file; name a copy that `smsc-gateway backup` has made"
        )
    if args.file.with_name(args.file.name + "-wal").exists():
        raise CommandError(
            f"{args.file} has a log beside it: it is no copy that `smsc-gateway backup` has made"
        )
    remove(made)
    with args.file.open("rb") as source, open(made, "xb", opener=_private) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(args.file.stat().st_mtime))
    evidence = f"restored from a copy of {at} UTC: it may have been sent since"
    with contextlib.closing(open_copy(made)) as connection:
        held = make_ready(connection, evidence, time.time_ns() // 1_000_000, hold=args.queued == "hold")
    sync(made)
    return held


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _show_finished(args: argparse.Namespace, path: Path) -> None:
    """What a killed recover or restore had made is in its place now, and this copy is not."""
    if args.json:
        print(json.dumps({"finished": True}))
        return
    print(
        f"what an interrupted recover or restore had made is {path} now, and {args.file} was not looked at:"
    )
    print("if that is not what you want, say it again with --replace")


def _show(args: argparse.Namespace, held: int, kept: list[Path]) -> None:
    if args.json:
        print(json.dumps({"held": held, "kept": [str(path) for path in kept]}))
        return
    print(f"restored from {args.file}")
    if held:
        print(f"{held} may have been sent since and are held: smsc-gateway queue held")
    for path in kept:
        print(f"kept: {path}")
