"""`smsc-gateway export`: messages as CSV or JSON lines, however many they are."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask_many
from gateway.cli.export_columns import COLUMNS, TEXT, record_of
from gateway.cli.moments import FORMS, moment_of
from gateway.core.csv_cells import csv_cell
from gateway.core.model import MessageState
from protocols.sms.addresses import TON_UNKNOWN, digits_of

HELP = "Write messages, ended and live ones, as CSV or JSON lines."

STATES = tuple(state.name for state in MessageState if state is not MessageState.SCHEDULED)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="since", metavar="TIME", help=f"accepted then or later: {FORMS}")
    parser.add_argument("--to", dest="until", metavar="TIME", help="accepted before that")
    parser.add_argument("--account", default="", metavar="NAME", help="only of this account")
    parser.add_argument("--connector", default="", metavar="NAME", help="only by this connector")
    parser.add_argument("--number", default="", metavar="NUMBER", help="only to this number")
    parser.add_argument(
        "--state", default="", metavar="STATES", help="only with these, by commas; ENROUTE: live"
    )
    parser.add_argument("--columns", default="", metavar="NAMES", help="these in this order, by commas")
    parser.add_argument(
        "--text", action="store_true", help="with the texts, as far as queue.text_days keeps them"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file (default: standard output)")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        f"columns:\n  {', '.join(COLUMNS)}\nstates:\n  {', '.join(STATES)}\n\n"
        "Times are in UTC. The file is there when it is whole; until then it is FILE.part. A text that a\n"
        "spreadsheet would take for a formula gets an apostrophe in front.\n\n"
        "examples:\n"
        "  smsc-gateway export --from 2026-11-01 --to 2026-12-01 --account shop --output november.csv\n"
        "  smsc-gateway export --from 1d --state UNDELIVERABLE,REJECTED --columns to,error,route"
    )


def run(args: argparse.Namespace) -> int:
    names = _names(args)
    request = _request(args, int(time.time() * 1000))
    if args.output is None:
        _write(args, request, names, sys.stdout)
        return EXIT_OK
    with _new_file(args.output, force=args.force) as file:
        count = _write(args, request, names, file)
    print(f"{count} messages in {args.output}", file=sys.stderr)
    return EXIT_OK


def _names(args: argparse.Namespace) -> list[str]:
    usual = [*COLUMNS, *([TEXT] if args.text else [])]
    names = [name.strip() for name in args.columns.split(",") if name.strip()] or usual
    for name in names:
        if name == TEXT and not args.text:
            raise CommandError("--columns text needs --text: texts are not exported by accident", EXIT_USAGE)
        if name not in usual:
            raise CommandError(f"--columns {name}: there is no such column; see --help", EXIT_USAGE)
    return names


def _request(args: argparse.Namespace, now_ms: int) -> dict[str, object]:
    states = [name.strip().upper() for name in args.state.split(",") if name.strip()]
    if unknown := [name for name in states if name not in STATES]:
        raise CommandError(f"--state {unknown[0]}: choose from {', '.join(STATES)}", EXIT_USAGE)
    since = moment_of(args.since, now_ms, "--from") if args.since else 0
    until = moment_of(args.until, now_ms, "--to") if args.until else 0
    if until and since >= until:
        raise CommandError("--from is not before --to", EXIT_USAGE)
    return {
        "from_ms": since,
        "to_ms": until,
        "account": args.account,
        "connector": args.connector,
        "number": digits_of(args.number, TON_UNKNOWN) if args.number else "",
        "states": states,
        "text": args.text,
    }


@contextlib.contextmanager
def _new_file(path: Path, *, force: bool) -> Iterator[TextIO]:
    """A file that has its name when it is whole, and that nobody else may read."""
    if path.exists() and not force:
        raise CommandError(f"{path} is there already; give another --output, or --force", EXIT_USAGE)
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None


def _write(args: argparse.Namespace, request: dict[str, object], names: list[str], file: TextIO) -> int:
    """Writes as the answers come; how many messages."""
    from gateway.cli.smsc.output import progress

    write_row = _json_lines(names, file) if args.json else _csv_lines(names, file)
    pages = ask_many(args.state_dir, "export", **request)
    head = next(pages)
    columns, first, last = head["columns"], head["first"], head["last"]
    count = 0
    with progress() as shown:
        for page in pages:
            for row in page["rows"]:
                write_row(record_of(dict(zip(columns, row, strict=True))))
            count += len(page["rows"])
            shown.update(f"{count} messages", (page["upto"] - first + 1) / (last - first + 1))
    return count


def _csv_lines(names: list[str], file: TextIO) -> Callable[[dict[str, Any]], object]:
    if file is not sys.stdout:
        file.write("\N{ZERO WIDTH NO-BREAK SPACE}")  # spreadsheets need the mark to see UTF-8
    writer = csv.writer(file)
    writer.writerow(names)
    return lambda record: writer.writerow([csv_cell(record[name]) for name in names])


def _json_lines(names: list[str], file: TextIO) -> Callable[[dict[str, Any]], object]:
    return lambda record: file.write(json.dumps({name: record[name] for name in names}) + "\n")
