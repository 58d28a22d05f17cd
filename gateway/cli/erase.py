"""`smsc-gateway erase`: forgets a number, for who asks for that."""

from __future__ import annotations

import argparse
import json
import sys

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask_many
from protocols.sms.addresses import TON_UNKNOWN, digits_of

HELP = "Erase a number, and what was said to it and by it, from everything that has ended."

KEPT = {
    "live": "messages that have not ended: cancel them (smsc-gateway message cancel), then erase again",
    "blacklist": "entries of blacklists, or it would be written to again (smsc-gateway blacklist)",
    "contact": "entries of address books, which are their accounts' to delete",
    "record": "templates, jobs and the like of accounts, which are theirs to delete",
}
_NUMBER_MAX = 20
_SPACES = str.maketrans("", "", " -()")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--number", required=True, metavar="NUMBER", help="international digits, with + or not"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        'Ended messages stay for what they are counted for, with the number "erased". Their kept texts,\n'
        "mails to write, dead letters and waiting incoming SMS are deleted. It cannot be taken back. Copies\n"
        "of the state directory and exports are not touched; the log has numbers masked only.\n\n"
        "example:\n  smsc-gateway erase --number +79991234567"
    )


def run(args: argparse.Namespace) -> int:
    number = digits_of(args.number.translate(_SPACES), TON_UNKNOWN)
    if not (number.isascii() and number.isdigit()) or len(number) > _NUMBER_MAX:
        raise CommandError(f"--number {args.number!r} is no number: give international digits", EXIT_USAGE)
    if not args.yes:
        _confirm(number)
    last: dict[str, object] = {}
    for answer in ask_many(args.state_dir, "erase", number=number):
        last = answer
    rows = last.get("rows")
    if not last.get("done") or not isinstance(rows, dict):
        raise CommandError("the gateway stopped before all was erased; ask for it again")
    _show(rows, as_json=args.json)
    return EXIT_OK


def _confirm(number: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("this cannot be taken back; add --yes where nobody can be asked", EXIT_USAGE)
    print(
        f"Erase {number} from everything that has ended? It cannot be taken back. [y/N] ", end="", flush=True
    )
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was erased")


def _show(rows: dict[str, int], *, as_json: bool) -> None:
    erased = {name: count for name, count in rows.items() if name not in KEPT}
    kept = {name: rows.get(name, 0) for name in KEPT}
    if as_json:
        print(json.dumps({"erased": erased, "kept": kept}, indent=2))
        return
    for name, count in erased.items():
        if count:
            print(f"{name.replace('_', ' '):<16} {count}")
    print(f"erased: {sum(erased.values())} rows")
    for name, why in KEPT.items():
        if kept[name]:
            print(f"kept: {kept[name]} {why}")
