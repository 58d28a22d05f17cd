"""`smsc-gateway account`: accounts with their money, and changes of balances."""

from __future__ import annotations

import argparse
import json
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table, who
from gateway.core.events import safe
from gateway.core.prices import amount_text, parse_amount

HELP = "List accounts with their money, show one, or put money into a balance."

ACTIONS = {
    "list": "all accounts in a line each",
    "show": "one account, and who has changed its balance when",
    "credit": "puts money in",
    "debit": "takes money out; below zero too",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("name", nargs="?", metavar="NAME", help="the account")
    parser.add_argument(
        "amount", nargs="?", metavar="AMOUNT", help="in the currency of its prices, for example 12.50"
    )
    parser.add_argument("--from", dest="source", metavar="NAME", help="credit: out of this account's balance")
    parser.add_argument("--note", default="", metavar="TEXT", help="why; it is kept with the change")
    parser.add_argument(
        "--changes", type=int, default=20, metavar="N", help="changes to show at the most (default: 20)"
    )
    add_state_dir(parser)
    add_json(parser)
    actions = "\n".join(f"  {name:<8} {text}" for name, text in ACTIONS.items())
    parser.epilog = (
        f"actions:\n{actions}\n\nA change counts when it is stored: after the command has said so.\n\n"
        "examples:\n  smsc-gateway account list\n  smsc-gateway account show app --json\n"
        "  smsc-gateway account credit app 100 --note 'invoice 17'\n"
        "  smsc-gateway account debit app 2.50 --note 'a correction'\n"
        "  smsc-gateway account credit app-part 10 --from app"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        if args.name is not None:
            raise CommandError("list takes no NAME; show does", EXIT_USAGE)
        return _list(args)
    if args.name is None:
        raise CommandError(f"name the account: smsc-gateway account {args.action} NAME", EXIT_USAGE)
    if args.action == "show":
        if args.amount is not None:
            raise CommandError("show takes no AMOUNT; credit and debit do", EXIT_USAGE)
        return _show(args)
    return _change(args)


def _list(args: argparse.Namespace) -> int:
    rows = ask(args.state_dir, "accounts")["accounts"]
    print(json.dumps(rows, indent=2) if args.json else table(rows))
    return EXIT_OK


def _show(args: argparse.Namespace) -> int:
    if args.changes < 0:
        raise CommandError("--changes must not be below 0", EXIT_USAGE)
    answer = ask(args.state_dir, "account", account=args.name, limit=args.changes)
    if args.json:
        print(json.dumps(answer, indent=2))
        return EXIT_OK
    for name, value in answer["account"].items():
        print(f"{name.replace('_', ' '):<14} {_text(value)}")
    if answer["account"]["balance"] is not None:
        print(f"\nchanges of its balance\n{table(answer['changes'])}")
    return EXIT_OK


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "-" if value in (None, "") else safe(str(value))


def _change(args: argparse.Namespace) -> int:
    if args.source is not None and args.action != "credit":
        raise CommandError("--from is for credit", EXIT_USAGE)
    if args.amount is None:
        usage = f"smsc-gateway account {args.action} {args.name} AMOUNT"
        raise CommandError(f"name the amount: {usage}", EXIT_USAGE)
    try:
        amount = parse_amount(args.amount)
    except ValueError as error:
        raise CommandError(f"{args.amount!r} is no amount: {error}", EXIT_USAGE) from None
    if amount <= 0:
        raise CommandError("the amount must be above 0; debit takes money out", EXIT_USAGE)
    answer = ask(
        args.state_dir,
        "account_credit",
        account=args.name,
        amount=amount_text(amount if args.action == "credit" else -amount),
        who=who(),
        note=args.note,
        **{"from": args.source or ""},
    )
    if args.json:
        print(json.dumps(answer, indent=2))
    else:
        currency = f" {answer['currency']}" if answer["currency"] else ""
        print(f"{answer['account']}: {answer['amount']}, the balance is {answer['balance']}{currency}")
    return EXIT_OK
