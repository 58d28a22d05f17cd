"""`smsc-gateway message ID`: where a message is, and what happened to it."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, add_json, add_state_dir
from gateway.cli.daemon_client import ask, message_id_of, moment
from gateway.core.events import safe

HELP = "Show the timeline of one message, by the id its sender was given."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the message_id, decimal, hex or UUID")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = "example:\n  smsc-gateway message 912345678901234567 --state-dir run"


def run(args: argparse.Namespace) -> int:
    found = ask(args.state_dir, "message", message_id=message_id_of(args.id))
    if args.json:
        print(json.dumps(found, indent=2))
        return EXIT_OK
    print(f"{found['message_id']}  {found['state']}  to {found['to']} by {found['connector']}")
    for event in found["timeline"]:
        print(f"  {moment(event['at_ms'])}  {safe(event['text'])}")
    return EXIT_OK
