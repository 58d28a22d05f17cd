"""`smsc-gateway queue`: what waits, what is in doubt, and a person's decisions about it."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, message_id_of, table

HELP = "Show what waits in the queue, list it, or decide about a message that is held."

# the lists of gateway.store.reader, with what each is; named here so that --help needs no store
LISTS = {
    "waiting": "messages that wait for a connector or for their time",
    "held": "messages in doubt that wait for your decision",
    "ambiguous": "segments that may have been sent twice, with the evidence",
    "unmatched": "receipts that name no message of ours",
    "undelivered": "receipts and incoming SMS that wait for their account",
    "dead": "deliveries that the account refused or never fetched",
    "letters": "mails that wait to be sent, and those that could not be",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", choices=(*LISTS, "resend", "drop"), metavar="WHAT", help="a list, resend or drop"
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="the message, with resend or drop")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows at the most (default: 100)")
    add_state_dir(parser)
    add_json(parser)
    lists = "\n".join(f"  {name:<12} {text}" for name, text in LISTS.items())
    parser.epilog = (
        f"lists:\n{lists}\n\ndecisions:\n"
        "  resend ID    send a held message again\n"
        "  drop ID      give up a message that is held or waits; its sender gets a receipt\n\n"
        "examples:\n  smsc-gateway queue\n  smsc-gateway queue ambiguous --json\n"
        "  smsc-gateway queue resend ID"
    )


def run(args: argparse.Namespace) -> int:
    if args.what in ("resend", "drop"):
        return _decide(args)
    if args.id is not None:
        raise CommandError(f"{args.what} is a list and takes no ID", EXIT_USAGE)
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    if args.what is None:
        summary = ask(args.state_dir, "queue")["summary"]
        if args.json:
            print(json.dumps(summary, indent=2))
            return EXIT_OK
        for name in ("upstream", "downstream"):
            print(f"{name}\n{table(summary.pop(name))}\n")
        for name, count in summary.items():
            print(f"{name.replace('_', ' '):<20} {count}")
        return EXIT_OK
    rows = ask(args.state_dir, "list", kind=args.what, limit=args.limit)["rows"]
    print(json.dumps(rows, indent=2) if args.json else table(rows))
    return EXIT_OK


def _decide(args: argparse.Namespace) -> int:
    if not args.id:
        raise CommandError(f"name the message: smsc-gateway queue {args.what} ID", EXIT_USAGE)
    ask(args.state_dir, "decide", message_id=message_id_of(args.id), word=args.what)
    print(json.dumps({"done": True}) if args.json else "done")
    return EXIT_OK
