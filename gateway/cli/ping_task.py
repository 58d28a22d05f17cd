"""`smsc-gateway ping-task`: whom an account's monitoring tells of an event by ping.php, and how."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table

HELP = "Say whom ping.php tells that a host is down or up again, and in which words."

ACTIONS = {
    "add": "makes a task called NAME; ping.php asks for it by the id that is printed",
    "list": "shows all tasks, or those of --account",
    "remove": "takes away the task with this ID",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("what", nargs="?", default="", metavar="NAME|ID", help="what the action is about")
    parser.add_argument("--account", default="", metavar="ACCOUNT", help="whose tasks")
    parser.add_argument(
        "--to", default="", metavar="NUMBERS", help="numbers and groups (G777), with commas between them"
    )
    parser.add_argument("--sender", default="", metavar="NAME", help="who the messages are from")
    parser.add_argument("--failure", default="", metavar="TEXT", help="text when it is down")
    parser.add_argument("--recovery", default="", metavar="TEXT", help="text when it is up again (ok=1)")
    add_state_dir(parser)
    add_json(parser)
    actions = "\n".join(f"  {name:<8} {text}" for name, text in ACTIONS.items())
    parser.epilog = (
        f"actions:\n{actions}\n\n"
        "{NAME}, {HOST} and {INFO} in a text are what the request says in name, host and info.\n\n"
        "examples:\n"
        "  smsc-gateway ping-task add web --account app --to 79990000001,G777 \\\n"
        "      --failure '{HOST} is down: {INFO}' --recovery '{HOST} is up'\n"
        "  smsc-gateway ping-task list\n"
        "  smsc-gateway ping-task remove 1 --account app"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        return _list(args)
    return _add(args) if args.action == "add" else _remove(args)


def _add(args: argparse.Namespace) -> int:
    if not (args.what and args.account and args.to):
        raise CommandError(
            "name all three: smsc-gateway ping-task add NAME --account ACCOUNT --to NUMBERS", EXIT_USAGE
        )
    texts = {"sender": args.sender, "failure": args.failure, "recovery": args.recovery}
    answer = ask(args.state_dir, "ping_task_add", account=args.account, name=args.what, to=args.to, **texts)
    print(
        json.dumps(answer)
        if args.json
        else f"{answer['name']} of {answer['account']} has the id {answer['id']}"
    )
    return EXIT_OK


def _remove(args: argparse.Namespace) -> int:
    if not (args.what.isdecimal() and args.account):
        raise CommandError("name both: smsc-gateway ping-task remove ID --account ACCOUNT", EXIT_USAGE)
    answer = ask(args.state_dir, "ping_task_remove", account=args.account, id=int(args.what))
    print(json.dumps(answer) if args.json else f"{answer['id']} of {answer['account']} is removed")
    return EXIT_OK


def _list(args: argparse.Namespace) -> int:
    if args.what:
        raise CommandError("list takes no NAME or ID", EXIT_USAGE)
    rows = ask(args.state_dir, "ping_task_list", account=args.account)["rows"]
    print(json.dumps(rows, indent=2) if args.json else table(rows))
    return EXIT_OK
