"""`smsc-gateway queue`: what waits, what is in doubt, and a person's decisions about it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, message_id_of, table
from gateway.cli.moments import age

HELP = "Show what waits in the queue, list it, or decide about a message that is held."

# the lists of gateway.store.reader, with what each is; named here so that --help needs no store
LISTS = {
    "waiting": "messages that wait for a connector or for their time",
    "paused": "messages that you hold back",
    "held": "messages in doubt that wait for your decision",
    "ambiguous": "segments that may have been sent twice, with the evidence",
    "unmatched": "receipts that name no message of ours",
    "undelivered": "receipts and incoming SMS that wait for their account",
    "dead": "deliveries that the account refused or never fetched",
    "letters": "mails that wait to be sent, and those that could not be",
    "calls": "what handlers and webhooks are still to be told",
}

AT_ONCE = 500
"""So many are decided about with one request,"""
HELD_MAX = 100_000
"""and so many are listed by one."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", choices=(*LISTS, "resend", "drop"), metavar="WHAT", help="a list, resend or drop"
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="the message, with resend or drop")
    parser.add_argument("--all", action="store_true", help="with resend or drop: all that are held")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows at the most (default: 100)")
    add_state_dir(parser)
    add_json(parser)
    lists = "\n".join(f"  {name:<12} {text}" for name, text in LISTS.items())
    parser.epilog = (
        f"lists:\n{lists}\n\ndecisions:\n"
        "  resend ID    send a held message again\n"
        "  drop ID      give up a message that is held or waits; its sender gets a receipt\n"
        "  resend --all, drop --all    the same of all that are held, after a restore for example\n\n"
        "examples:\n  smsc-gateway queue\n  smsc-gateway queue ambiguous --json\n"
        "  smsc-gateway queue resend ID"
    )


def run(args: argparse.Namespace) -> int:
    if args.what in ("resend", "drop"):
        return _decide(args)
    if args.all:
        raise CommandError("--all goes with resend or drop", EXIT_USAGE)
    if args.id is not None:
        raise CommandError(f"{args.what} is a list and takes no ID", EXIT_USAGE)
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    if args.what is None:
        return _show_sums(args)
    rows = ask(args.state_dir, "list", kind=args.what, limit=args.limit)["rows"]
    print(json.dumps(rows, indent=2) if args.json else table(rows))
    return EXIT_OK


def _show_sums(args: argparse.Namespace) -> int:
    answer = ask(args.state_dir, "queue")
    summary, now_ms = answer["summary"], answer["now_ms"]
    if args.json:
        print(json.dumps(summary, indent=2))
        return EXIT_OK
    del summary["upstream"]  # by_account says more
    for name, head in (("by_account", "upstream"), ("downstream", "downstream")):
        print(f"{head}\n{table([_with_ages(row, now_ms) for row in summary.pop(name)])}\n")
    for name, count in summary.items():
        print(f"{name.replace('_', ' '):<20} {count}")
    return EXIT_OK


def _with_ages(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """How long the oldest has waited and when the next one is due, as people count."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if name == "oldest_ms":
            shown["oldest"] = None if value is None else age(now_ms - value)
        elif name == "next_due_ms":
            late = value is not None and value <= now_ms
            shown["next_due"] = None if value is None else "now" if late else f"in {age(value - now_ms)}"
        else:
            shown[name] = value
    return shown


def _decide(args: argparse.Namespace) -> int:
    if args.all and args.id:
        raise CommandError(f"{args.what} takes an ID or --all, not both", EXIT_USAGE)
    if args.all:
        return _decide_all(args)
    if not args.id:
        raise CommandError(f"name the message: smsc-gateway queue {args.what} ID", EXIT_USAGE)
    message_ids = [message_id_of(args.id)]
    [result] = ask(args.state_dir, "decide", message_ids=message_ids, word=args.what)["results"]
    if not result["done"]:
        raise CommandError(result["why"])
    print(json.dumps({"done": True}) if args.json else "done")
    return EXIT_OK


def _decide_all(args: argparse.Namespace) -> int:
    """Decides about all that are held now; what is held again meanwhile is for another time."""
    rows = ask(args.state_dir, "list", kind="held", limit=HELD_MAX)["rows"]
    message_ids = [message_id_of(str(row["message_id"])) for row in rows]
    done = 0
    for start in range(0, len(message_ids), AT_ONCE):
        some = message_ids[start : start + AT_ONCE]
        results = ask(args.state_dir, "decide", message_ids=some, word=args.what)["results"]
        done += sum(result["done"] for result in results)
    print(json.dumps({"done": done}) if args.json else f"{done} done")
    if len(rows) == HELD_MAX:
        print("there may be more: say it again", file=sys.stderr)
    return EXIT_OK
