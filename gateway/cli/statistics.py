"""`smsc-gateway statistics`: how many messages ended how, by day, account, connector and state."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask_many, table
from gateway.core.csv_cells import csv_cell
from gateway.core.model import MessageState
from gateway.core.prices import amount_text

HELP = "Show how many messages were accepted on which days, and how they ended."

GROUPS = ("day", "account", "connector", "state")
SUMS = ("messages", "segments", "amount")
DAYS = 7
_EPOCH = date(1970, 1, 1)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="first", metavar="DAY", help=f"first day (default: {DAYS - 1} days before)"
    )
    parser.add_argument("--to", dest="last", metavar="DAY", help="last day (default: today)")
    parser.add_argument(
        "--by",
        default=",".join(GROUPS),
        metavar="COLUMNS",
        help="what is told apart, by commas (default: %(default)s)",
    )
    add_state_dir(parser)
    add_json(parser)
    parser.add_argument("--csv", action="store_true", help="print CSV")
    parser.epilog = (
        "A message counts on the day on which it was accepted, in UTC, once, when it ends; until then it is\n"
        "ENROUTE. The amount is what it cost its payer, without what was given back.\n\n"
        "examples:\n  smsc-gateway statistics\n"
        "  smsc-gateway statistics --from 2026-11-01 --to 2026-11-30 --by account,state --csv"
    )


def run(args: argparse.Namespace) -> int:
    if args.json and args.csv:
        raise CommandError("give --json or --csv, not both", EXIT_USAGE)
    by = [name.strip() for name in args.by.split(",") if name.strip()]
    if unknown := [name for name in by if name not in GROUPS]:
        raise CommandError(f"--by {unknown[0]}: choose from {', '.join(GROUPS)}", EXIT_USAGE)
    last = _day(args.last, "--to", datetime.now(UTC).date())
    first = _day(args.first, "--from", last - timedelta(days=DAYS - 1))
    if first > last:
        raise CommandError(f"--from {first} is after --to {last}", EXIT_USAGE)
    pages = ask_many(
        args.state_dir,
        "statistics",
        from_day=(first - _EPOCH).days,
        to_day=(last - _EPOCH).days,
        by=by,
    )
    columns = [name for name in GROUPS if name in by]
    _show(args, [*columns, *SUMS], _records(columns, (row for page in pages for row in page["rows"])))
    return EXIT_OK


def _day(text: str | None, option: str, default: date) -> date:
    if text is None:
        return default
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} {text!r} is no day; write 2026-11-28", EXIT_USAGE) from None
    if found < _EPOCH:
        raise CommandError(f"{option} {text}: nothing was sent before 1970", EXIT_USAGE)
    return found


def _records(columns: list[str], rows: Iterable[list[Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        record = dict(zip((*columns, *SUMS), row, strict=True))
        if "day" in record:
            record["day"] = str(_EPOCH + timedelta(days=record["day"]))
        if "state" in record:
            record["state"] = MessageState(record["state"]).name
        record["amount"] = amount_text(record["amount"])
        yield record


def _show(args: argparse.Namespace, names: list[str], records: Iterator[dict[str, Any]]) -> None:
    if args.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows([csv_cell(value) for value in record.values()] for record in records)
    elif args.json:
        print(json.dumps(list(records), indent=2))
    else:
        print(table(list(records)))
