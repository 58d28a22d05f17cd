"""`smsc-gateway audit`: who did what by the pages or the command line, and what came of it."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table
from gateway.cli.moments import FORMS, moment_of

HELP = "Show who changed something, or looked at whole numbers or texts, by the pages or the command line."

OUTCOMES = ("done", "refused", "stopped", "under way", "unknown")
AT_ONCE = 1000
_COLUMNS = ("at_ms", "who", "origin", "address", "action", "subject", "outcome", "why")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="TIME", help=f"not before: {FORMS}")
    parser.add_argument("--until", metavar="TIME", help="not after")
    parser.add_argument("--who", default="", metavar="NAME", help="a user, or a part of an address")
    parser.add_argument("--action", default="", metavar="NAME", help="one action, such as account_credit")
    parser.add_argument(
        "--outcome", choices=OUTCOMES, default="", metavar="WORD", help=f"one of: {', '.join(OUTCOMES)}"
    )
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows at the most (default: 100)")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "The newest comes first. Numbers are masked; texts, notes and passwords are never in it.\n"
        "A row is stored before what it tells of is done; `unknown` is what the gateway was doing when it\n"
        "was killed, `stopped` what whoever asked has left. Rows are kept for queue.audit_days.\n\n"
        "examples:\n  smsc-gateway audit --since 7d\n  smsc-gateway audit --who ann --action account_credit\n"
        "  smsc-gateway audit --outcome unknown --json"
    )


def run(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    now_ms = int(time.time() * 1000)
    wanted: dict[str, Any] = {"who": args.who, "action": args.action, "outcome": args.outcome}
    for name in ("since", "until"):
        text = getattr(args, name)
        if text is not None:
            wanted[f"{name}_ms"] = moment_of(text, now_ms, f"--{name}")
    rows = list(_rows(args, wanted))
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        print(table([{name: row[name] or None for name in _COLUMNS} for row in rows]))
    return EXIT_OK


def _rows(args: argparse.Namespace, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    left, before = args.limit, None
    while left > 0:
        answer = ask(args.state_dir, "audit", before=before, limit=min(left, AT_ONCE), **wanted)
        yield from answer["rows"]
        left -= len(answer["rows"])
        before = answer["next"]
        if before is None:
            return
