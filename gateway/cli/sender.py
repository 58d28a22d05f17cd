"""`smsc-gateway sender`: names that accounts have added over HTTP, and whether they may be used."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table

HELP = "Say which of the sender names that accounts have added may be used."

ACTIONS = {
    "list": "shows all names, or those of --account",
    "allow": "lets an account send with NAME",
    "refuse": "keeps it from that",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="the name, as list shows it")
    parser.add_argument("--account", default="", metavar="ACCOUNT", help="whose names")
    add_state_dir(parser)
    add_json(parser)
    actions = "\n".join(f"  {name:<8} {text}" for name, text in ACTIONS.items())
    parser.epilog = (
        f"actions:\n{actions}\n\n"
        "An account with allowed_sources adds names by senders.php, and may use them when they are allowed\n"
        "here; one without may use any name. Names of allowed_sources themselves are always allowed.\n\n"
        "examples:\n  smsc-gateway sender list\n  smsc-gateway sender allow Example --account app"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        if args.name:
            raise CommandError("list takes no NAME", EXIT_USAGE)
        rows = ask(args.state_dir, "sender_list", account=args.account)["rows"]
        print(json.dumps(rows, indent=2) if args.json else table(rows))
        return EXIT_OK
    if not args.name or not args.account:
        raise CommandError(f"name both: smsc-gateway sender {args.action} NAME --account ACCOUNT", EXIT_USAGE)
    answer = ask(
        args.state_dir,
        "sender_decide",
        account=args.account,
        name=args.name,
        allowed=args.action == "allow",
    )
    print(json.dumps(answer) if args.json else f"{answer['name']} of {answer['account']}: {answer['state']}")
    return EXIT_OK
