"""`smsc-gateway backup`: a copy of the store, while the gateway runs and when it does not."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
from pathlib import Path

from gateway.cli import EXIT_OK, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask_many
from gateway.cli.smsc.output import progress
from gateway.crashes import leave_no_memory
from gateway.store.copying import copy
from gateway.store.damage import RECOVERED, damage_of_files, damage_text
from gateway.store.replace import BESIDE, give_to_owner
from gateway.store.sqlite_open import FILE_NAME, StoreBusy, StoreError, lock, sync

HELP = "Copy the store, also while the gateway runs; the copy is checked, and nobody else may read it."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FILE",
        help="a new file (default: backups/queue-TIME.sqlite3 beside the store)",
    )
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "The copy is one file with all that the gateway knows but its configuration: texts of messages that\n"
        "wait, numbers, balances. It is old as soon as the gateway goes on: see `restore --help`.\n\n"
        "examples:\n"
        "  smsc-gateway backup\n"
        "  smsc-gateway backup --to /backup/smsc-gateway.sqlite3"
    )


def run(args: argparse.Namespace) -> int:
    leave_no_memory()
    if args.to is not None and args.to.exists():
        raise CommandError(f"{args.to} exists, and is not overwritten")
    try:
        made = _ask_gateway(args) or _copy_alone(args)
        if args.to is not None:
            made = _move(made, args.to)
    except StoreError as error:
        raise CommandError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"no copy was made: {error}") from error
    octets = made.stat().st_size
    if args.json:
        print(json.dumps({"file": str(made), "octets": octets}))
    else:
        print(f"{made}  {octets:,} octets")
    return EXIT_OK


def _ask_gateway(args: argparse.Namespace) -> Path | None:
    """The copy that the running gateway has made; None: there is no gateway."""
    try:
        lock(args.state_dir, wait_s=0.0).close()
    except StoreBusy:
        pass
    else:
        return None
    with progress() as bar:
        for answer in ask_many(args.state_dir, "backup"):
            if "file" in answer:
                return Path(answer["file"])
            bar.update("copying", answer["done"] / max(answer["total"], 1))
    raise CommandError("the gateway made no copy, and did not say why; look at its log")


def _copy_alone(args: argparse.Namespace) -> Path:
    path: Path = args.state_dir / FILE_NAME
    with lock(args.state_dir):
        if path.with_name(path.name + RECOVERED).exists():
            raise CommandError(f"recover or restore was interrupted in {args.state_dir}: say it again first")
        if not path.exists():
            raise CommandError(
                f"there is no store in {args.state_dir}; give its --state-dir. One on PostgreSQL is copied "
                "by pg_dump, see `Backups` in the manual of the cluster"
            )
        if damage := damage_of_files(path):
            raise CommandError(damage_text(path, damage))
        from gateway.admin.backup import new_name

        to = new_name(args.state_dir)
        give_to_owner(to.parent)
        with progress() as bar:
            copy(path, to, lambda done, total: bar.update("copying", done / max(total, 1)))
        for made in (to, *(path.with_name(path.name + suffix) for suffix in BESIDE)):
            give_to_owner(made)
        return to


def _move(made: Path, to: Path) -> Path:
    """To where it was wanted, perhaps another disk; a file that is there is not overwritten."""
    try:
        try:
            os.link(made, to)
        except FileExistsError:
            raise
        except OSError:
            _copy_to(made, to)
        sync(to.parent)
    except OSError as error:
        why = (
            "it exists now, and is not overwritten" if isinstance(error, FileExistsError) else error.strerror
        )
        raise CommandError(f"no copy is at {to}: {why}; it is {made}, move it where there is room") from None
    made.unlink()
    return to


def _copy_to(made: Path, to: Path) -> None:
    """Across disks; OSError, and no file there, when it fails."""
    part = to.with_name(to.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with made.open("rb") as source, open(part, "xb", opener=_private) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        sync(part)
        part.rename(to)
    finally:
        part.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
