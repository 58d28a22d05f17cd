"""`smsc-gateway migrate-store`: moves the store from SQLite to PostgreSQL."""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
from pathlib import Path

from gateway.cli import EXIT_OK, CommandError, add_config, add_json, add_state_dir
from gateway.cli.daemon_client import table
from gateway.cli.smsc.output import progress
from gateway.config.load import load
from gateway.config.store_url import StoreUrl, UrlError
from gateway.crashes import leave_no_memory
from gateway.store.moved import moved_text
from gateway.store.sqlite_open import FILE_NAME, StoreBusy, StoreError, lock

HELP = "Move the store from SQLite to PostgreSQL: copied, compared, and the old one marked as moved."
SQLITE = "sqlite:"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="sqlite:DIR",
        help="the state directory that holds the store (default: --state-dir)",
    )
    parser.add_argument(
        "--to",
        metavar="URL",
        help="the address of an empty database (default: `store` of the configuration; a password in it is "
        "seen by `ps`)",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="throw away what an interrupted move has brought, and begin anew",
    )
    add_config(parser)
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "The gateway must not run, and no node may. An interrupted move goes on when it is said again;\n"
        "until it has ended no gateway starts on the new store, and afterwards none on the old one, which\n"
        "stays as it is. What was under way upstream is in doubt, as after a kill.\n\n"
        "examples:\n"
        "  smsc-gateway migrate-store\n"
        "  smsc-gateway migrate-store --from sqlite:/var/lib/smsc-gateway --to postgresql://gateway@db1/smsc\n\n"
        "exit codes: 0 moved, 1 not moved: the old store is what counts"
    )


def run(args: argparse.Namespace) -> int:
    leave_no_memory()
    folder = _folder(args)
    url = _url(args)
    path = folder / FILE_NAME
    try:
        with lock(folder):
            return _move(args, path, url)
    except StoreBusy as error:
        raise CommandError(f"{error}: it is moved while nothing runs") from error
    except StoreError as error:
        raise CommandError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"not moved: {error}; {path} is as it was") from error


def _folder(args: argparse.Namespace) -> Path:
    if args.source is None:
        return Path(args.state_dir)
    kind, found, folder = args.source.partition(":")
    if f"{kind}{found}" != SQLITE or not folder:
        raise CommandError("--from names no store of SQLite: write sqlite:DIR, the state directory")
    return Path(folder.removeprefix("//") if folder.startswith("///") else folder)


def _url(args: argparse.Namespace) -> StoreUrl:
    if args.to is not None:
        try:
            return StoreUrl(args.to)
        except UrlError as error:
            raise CommandError(f"--to {error.text}: {error.fix}") from error
    store = load(args.config).store
    if store is None:
        raise CommandError(
            f"{args.config} names no store: add store: postgresql://…, or say where to with --to"
        )
    return store


def _move(args: argparse.Namespace, path: Path, url: StoreUrl) -> int:
    import psycopg  # only who has PostgreSQL pays for it

    from gateway.store.moving import Move

    if not path.exists():
        raise CommandError(f"there is no store in {path.parent}; give its --from or --state-dir")
    began = time.monotonic()
    try:
        with progress() as bar:
            move = Move(path, url.reveal(), str(url), bar.update)
            if before := moved_text(path):
                if f" {url} " not in before:
                    raise CommandError(before)
                move.end()
                _show_moved_before(args, path)
                return EXIT_OK
            moved = move.run(time.time_ns() // 1_000_000, again=args.again)
    except psycopg.Error as error:
        raise CommandError(
            f"not moved: {str(error).strip()}; the old store is what counts, and the command goes on when it "
            "is said again"
        ) from error
    seconds = time.monotonic() - began
    rows = {name: {"rows": one.rows, "hash": one.hash} for name, one in moved.tables.items()}
    if args.json:
        said = {"to": str(url), "tables": rows, "in_doubt": moved.in_doubt, "texts_changed": moved.changed}
        print(json.dumps({**said, "resumed": moved.resumed, "seconds": round(seconds, 1)}))
        return EXIT_OK
    print(table([{"table": name, **one} for name, one in rows.items() if one["rows"]]))
    print(f"\nmoved to {url} in {seconds:.0f} s: both sides hold the same")
    if moved.in_doubt:
        print(f"{moved.in_doubt} segments were under way and are in doubt: smsc-gateway queue ambiguous")
    if moved.changed:
        print(f"{moved.changed} texts had U+0000, which PostgreSQL cannot hold, and have U+FFFD there now")
    first = f"write `store: {url}` in the configuration and " if args.to is not None else ""
    print(f"{first}start the gateway; {path} stays, and is not used")
    return EXIT_OK


def _show_moved_before(args: argparse.Namespace, path: Path) -> None:
    if args.json:
        print(json.dumps({"moved_before": True}))
    else:
        print(f"{path} was moved before, and nothing was copied")
