"""`smsc-gateway message ID`: where a message is, and what happened to it."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, moment
from gateway.core.events import safe
from gateway.core.message_ids import parse_id

HELP = "Show the timeline of one message, by the id its sender was given."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the message_id, decimal, hex or UUID")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = "example:\n  smsc-gateway message 912345678901234567 --state-dir run"


def run(args: argparse.Namespace) -> int:
    try:
        message_id = parse_id(args.id)
    except ValueError:
        raise CommandError(f"{args.id!r} is no message id: decimal, 16 hex digits, or a UUID") from None
    found = ask(args.state_dir, "message", message_id=message_id)
    if args.json:
        print(json.dumps(found, indent=2))
        return EXIT_OK
    print(f"{found['message_id']}  {found['state']}  to {found['to']} by {found['connector']}")
    for event in found["timeline"]:
        print(f"  {moment(event['at_ms'])}  {safe(event['text'])}")
    return EXIT_OK
