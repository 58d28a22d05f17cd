"""`smsc-gateway message ID`: where a message or a mail is, and what happened to it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from gateway.cli import EXIT_OK, add_json, add_state_dir
from gateway.cli.daemon_client import ask, message_id_of, moment, table
from gateway.core.events import safe

HELP = "Show the timeline of one message, or the messages of one mail, by the id its sender was given."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the message_id, decimal, hex or UUID, or a mail's queue id")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = "example:\n  smsc-gateway message 912345678901234567 --state-dir run"


def run(args: argparse.Namespace) -> int:
    found = ask(args.state_dir, "message", message_id=message_id_of(args.id))
    if args.json:
        print(json.dumps(found, indent=2))
        return EXIT_OK
    if "messages" in found:
        _print_mail(found)
        return EXIT_OK
    print(f"{found['message_id']}  {found['state']}  to {found['to']} by {found['connector']}")
    for event in found["timeline"]:
        print(f"  {moment(event['at_ms'])}  {safe(event['text'])}")
    return EXIT_OK


def _print_mail(mail: dict[str, Any]) -> None:
    sender = safe(mail["sender"]) or "<>"
    print(f"{mail['mail_id']}  mail from {sender} for {mail['account']}, {moment(mail['received_ms'])}")
    for name in ("header_id", "envid", "client_id"):
        if mail[name]:
            print(f"  {name} {safe(mail[name])}")
    print(f"\nmessages\n{table(mail['messages'])}\n\nletters\n{table(mail['letters'])}")
