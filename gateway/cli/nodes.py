"""`smsc-gateway nodes`: the gateways that share a store; drains one, so that it can be stopped."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table, who

HELP = "Show the nodes that share the store; drain one, so that it can be stopped, or let it go on."

ACTIONS = {
    "list": "all nodes in a line each; also without ACTION",
    "drain": "it takes nothing new, finishes what is under way, and leaves the rest to the others",
    "resume": "ends a drain",
}
LOOK_EVERY_S = 1.0
_SHOWN = 4
"""So many connectors or leases are named in the table."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", default="list", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS)
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the node")
    parser.add_argument(
        "--timeout", type=float, default=180, metavar="SECONDS", help="how long drain waits (default: 180)"
    )
    parser.add_argument("--yes", action="store_true", help="drain the last node in service without asking")
    add_state_dir(parser)
    add_json(parser)
    actions = "\n".join(f"  {name:<8} {text}" for name, text in ACTIONS.items())
    parser.epilog = (
        f"actions:\n{actions}\n\n"
        "Ask any node: it need not be the one that is drained. A node that is drained closes its listeners,\n"
        "unbinds its clients when nothing of theirs is under way, and unbinds from the SMSCs. It stays so\n"
        "until resume, or until it is started anew. The last node in service is drained when that is\n"
        "confirmed: afterwards nobody takes anything, and nothing is sent.\n\n"
        "exit codes: 1 also when the node is not drained in time; it goes on with that\n\n"
        "examples:\n  smsc-gateway nodes\n  smsc-gateway nodes drain sms2\n"
        "  smsc-gateway nodes resume sms2\n  smsc-gateway nodes --json"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        if args.name is not None:
            raise CommandError("list takes no NAME", EXIT_USAGE)
        return _list(args)
    if args.name is None:
        raise CommandError(f"name the node: smsc-gateway nodes {args.action} NAME", EXIT_USAGE)
    if args.action == "drain" and not args.yes:
        _confirm_last(args)
    answer = ask(args.state_dir, f"node_{args.action}", node=args.name, who=who())
    if args.action == "drain":
        return _wait(args)
    print(json.dumps(answer, indent=2) if args.json else f"{args.name} goes on")
    return EXIT_OK


def _confirm_last(args: argparse.Namespace) -> None:
    """Asks before the node is drained that alone is in service."""
    answer = ask(args.state_dir, "nodes")
    in_service = [row["name"] for row in answer["nodes"] if row["state"] == "in service"]
    if not answer["shared"] or in_service != [args.name]:
        return
    warning = f"{args.name} is the last node in service: drained, nobody takes anything, and nothing is sent."
    if not sys.stdin.isatty():
        raise CommandError(f"{warning} Give --yes if that is meant.", EXIT_USAGE)
    sys.stderr.write(f"{warning}\nGo on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was drained")


def _list(args: argparse.Namespace) -> int:
    answer = ask(args.state_dir, "nodes")
    if args.json:
        print(json.dumps(answer["nodes"], indent=2))
        return EXIT_OK
    print(table([_line(row) for row in answer["nodes"]]))
    if not answer["shared"]:
        print("\nthis gateway keeps its store for itself (SQLite), so it is the only node")
    return EXIT_OK


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A node as a line of the table."""
    heartbeat = row["heartbeat_s"]
    return {
        "name": row["name"] + (" *" if row["here"] else ""),
        "node": row["node"],
        "boot": row["boot"],
        "since_ms": row["since_ms"],
        "heartbeat": None if heartbeat is None else f"{heartbeat:.0f} s ago",
        "connectors": _few(row["connectors"]),
        "sessions": row["sessions"],
        "leases": _few(row["leases"]),
        "state": row["state"],
        "version": row["version"],
    }


def _few(names: list[str]) -> str | None:
    rest = f" +{len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return ",".join(names[:_SHOWN]) + rest or None


def _wait(args: argparse.Namespace) -> int:
    """Until nothing is under way at the node, or it is gone."""
    deadline, told = time.monotonic() + args.timeout, ""
    while True:
        rows = ask(args.state_dir, "nodes")["nodes"]
        row = next((row for row in rows if row["name"] == args.name), None)
        if row is None or row["state"] == "drained":
            break
        told = _progress(told, row)
        if time.monotonic() >= deadline:
            raise CommandError(f"{args.name} is not drained yet, and goes on with that: ask again")
        time.sleep(LOOK_EVERY_S)
    if args.json:
        print(json.dumps({"node": args.name, "state": row["state"] if row else "gone"}, indent=2))
    else:
        print(f"{args.name} is {'drained: it can be stopped' if row else 'gone'}")
    return EXIT_OK


def _progress(told: str, row: dict[str, Any]) -> str:
    """Says what is left, when it is something else than was told before."""
    text = f"{row['name']}: {row['sessions']} session(s), {len(row['connectors'])} connector(s) are left"
    if text != told:
        print(text, file=sys.stderr)
    return text
