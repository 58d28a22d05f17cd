"""`smsc-gateway deadletters`: what nobody took, and another chance for it."""

from __future__ import annotations

import argparse
import json
import re

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, ask_many, table

HELP = "List receipts, incoming SMS, mails and calls that nobody took, or let them wait again."
_ID = re.compile(r"[LC]?[0-9]{1,18}")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("list", "replay"), metavar="WHAT", help="list or replay")
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="with replay: which; a mail has an L, a call a C"
    )
    parser.add_argument("--account", metavar="NAME", help="deliveries and calls of this account alone")
    parser.add_argument("--all", action="store_true", help="with replay: of all accounts, and the mails")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows at the most (default: 100)")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "What is replayed goes to its account's sessions at once if one is bound, a mail to the smarthost,\n"
        "a call to its account's handler or webhook.\n"
        "What is refused once more is dead until it is replayed again.\n\n"
        "examples:\n  smsc-gateway deadletters list --account shop\n"
        "  smsc-gateway deadletters replay 17 L4 C9\n"
        "  smsc-gateway deadletters replay --account shop"
    )


def run(args: argparse.Namespace) -> int:
    if args.what == "list":
        return _list(args)
    if bool(args.ids) + bool(args.account) + args.all != 1:
        raise CommandError("replay what: ID …, --account NAME, or --all", EXIT_USAGE)
    return _replay(args) if args.ids else _replay_all(args)


def _list(args: argparse.Namespace) -> int:
    if args.ids or args.all:
        raise CommandError("list takes no ID and lists all, or --account NAME", EXIT_USAGE)
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    rows = ask(args.state_dir, "dead", account=args.account, limit=args.limit)["rows"]
    print(json.dumps(rows, indent=2) if args.json else table(rows))
    return EXIT_OK


def _replay(args: argparse.Namespace) -> int:
    for name in args.ids:
        if not _ID.fullmatch(name):
            raise CommandError(f"{name!r} is no id of `deadletters list`", EXIT_USAGE)
    answer = ask(args.state_dir, "replay", ids=args.ids)
    if args.json:
        print(json.dumps(answer, indent=2))
    else:
        for name in answer["unknown"]:
            print(f"{name}  is not among the dead letters")
        print(f"{answer['replayed']} replayed")
    return EXIT_FAILURE if answer["unknown"] else EXIT_OK


def _replay_all(args: argparse.Namespace) -> int:
    from gateway.cli.smsc.output import progress  # hardly ever needed

    answer = {"replayed": 0}
    with progress() as bar:
        for answer in ask_many(args.state_dir, "replay_all", account=args.account):
            bar.update(f"{answer['replayed']} replayed", answer["replayed"] / max(1, answer["of"]))
    print(json.dumps({"replayed": answer["replayed"]}) if args.json else f"{answer['replayed']} replayed")
    return EXIT_OK
