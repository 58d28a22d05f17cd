"""`smsc-gateway connector`: how connectors are; pauses them, lets them go on, binds them anew."""

from __future__ import annotations

import argparse
import json
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, moment, table, who
from gateway.cli.moments import age
from gateway.core.events import safe

HELP = "Show connectors, let nothing go up by one for now, or bind it anew."

ACTIONS = {
    "list": "all connectors in a line each",
    "show": "one connector, with its options as configured",
    "pause": "sends nothing new by it, until resume",
    "resume": "ends a pause",
    "rebind": "unbinds when what is under way is answered, and binds again",
}
_COLUMNS = (
    "connector",
    "state",
    "links",
    "in_flight",
    "window_now",
    "queued",
    "oldest",
    "submitted",
    "throttled",
    "balance",
    "last_error",
    "since_ms",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("name", nargs="?", metavar="NAME", help="the connector")
    add_state_dir(parser)
    add_json(parser)
    actions = "\n".join(f"  {name:<8} {text}" for name, text in ACTIONS.items())
    parser.epilog = (
        f"actions:\n{actions}\n\n"
        "A pause outlives restarts and reloads. Links stay bound, so receipts and incoming SMS keep coming;\n"
        "routes with another connector use that one, else messages wait, and their validity goes on.\n"
        "rebind also tries a login again that was refused; of an SMSC service it asks for the balance.\n\n"
        "exit codes: 1 also when a rebind has not bound it (yet)\n\n"
        "examples:\n  smsc-gateway connector list\n  smsc-gateway connector pause operator\n"
        "  smsc-gateway connector resume operator\n  smsc-gateway connector rebind operator --json"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        if args.name is not None:
            raise CommandError("list takes no NAME; show does", EXIT_USAGE)
        return _list(args)
    if args.name is None:
        raise CommandError(f"name the connector: smsc-gateway connector {args.action} NAME", EXIT_USAGE)
    return _show(args) if args.action == "show" else _say(args)


def _list(args: argparse.Namespace) -> int:
    rows = ask(args.state_dir, "connectors")["connectors"]
    print(json.dumps(rows, indent=2) if args.json else table([_line(row) for row in rows]))
    return EXIT_OK


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A connector as a line of the table."""
    money = " ".join(str(row[name]) for name in ("balance", "currency") if row[name])
    shown = {
        **row,
        "queued": f"{row['queued']}{'+' if row['queued_more'] else ''}",
        "oldest": None if row["oldest_s"] is None else age(int(1000 * row["oldest_s"])),
        "balance": money or None,
        "last_error": row["last_error"] or None,
        "since_ms": row["last_error_ms"],
    }
    return {name: shown[name] for name in _COLUMNS}


def _show(args: argparse.Namespace) -> int:
    answer = ask(args.state_dir, "connector", connector=args.name)
    if args.json:
        print(json.dumps(answer, indent=2))
        return EXIT_OK
    for name, value in answer["connector"].items():
        shown = moment(value) if name.endswith("_ms") else "-" if value in (None, "") else safe(str(value))
        print(f"{name.removesuffix('_ms').replace('_', ' '):<18} {shown}")
    print(f"\noptions\n{table(answer['options'])}")
    return EXIT_OK


def _say(args: argparse.Namespace) -> int:
    answer = ask(args.state_dir, f"connector_{args.action}", connector=args.name, who=who())
    done = answer.get("done", True)
    if args.json:
        print(json.dumps(answer, indent=2))
    else:
        print(_told(args.action, answer))
    return EXIT_OK if done else EXIT_FAILURE


def _told(action: str, answer: dict[str, Any]) -> str:
    name, state, in_flight = answer["connector"], answer["state"], answer["in_flight"]
    if action == "pause":
        rest = f"; {in_flight} segment(s) under way are finished" if in_flight else ""
        return f"{name} is paused{rest}. It goes on with: smsc-gateway connector resume {name}"
    if action == "resume":
        return f"{name} goes on: {state}"
    if answer["done"]:
        return f"{name} is bound anew, links: {answer['links']}"
    why = f": {safe(answer['last_error'])}" if answer["last_error"] else ""
    if in_flight:
        return f"{name} waits for answers to {in_flight} segment(s) before it unbinds, and goes on with that"
    return f"{name} is not bound: it is {state}{why}"
