"""`smsc-gateway receipts`: receipts that name no message of ours, and why."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table
from gateway.cli.moments import age

HELP = "Show the receipts that match no message, how old they are, and why as far as it is known."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("unmatched",), metavar="unmatched", help="those that match nothing")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows at the most (default: 100)")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "They wait for 72 hours for the response that gives a message their id.\n\n"
        "example:\n  smsc-gateway receipts unmatched --limit 20"
    )


def run(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    answer = ask(args.state_dir, "unmatched", limit=args.limit)
    rows, now_ms = answer["rows"], answer["now_ms"]
    if args.json:
        print(json.dumps(rows, indent=2))
        return EXIT_OK
    shown = [{"age": age(now_ms - row.pop("received_ms")), **row} for row in rows]
    print(table(shown))
    return EXIT_OK
