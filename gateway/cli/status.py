"""`smsc-gateway status`: what the running gateway is doing."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta

from gateway.cli import EXIT_FAILURE, EXIT_OK, add_json, add_state_dir
from gateway.cli.daemon_client import ask, table

HELP = "Show accounts, connectors and counters of the running gateway, and what is wrong with it."


def configure(parser: argparse.ArgumentParser) -> None:
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = "exit codes: 0 healthy, 1 not healthy or not running"


def run(args: argparse.Namespace) -> int:
    status = ask(args.state_dir, "status")
    code = EXIT_OK if status["healthy"] else EXIT_FAILURE
    if args.json:
        print(json.dumps(status, indent=2))
        return code
    print("healthy" if status["healthy"] else "NOT HEALTHY")
    for problem in status["problems"]:
        print(f"  {problem}")
    print(
        f"up {timedelta(seconds=status['up_s'])}, accepted {status['accepted']}, "
        f"open {status['open_messages']}, commits {status['store']['commits']}"
    )
    if status["node"]:
        print(f"node {status['node']}, store {status['store']['address']}")
    if status["blacklist"]:
        print(f"numbers that nobody writes to {status['blacklist']}")
    if status["refused"]:
        print("refused " + ", ".join(f"{name} {count}" for name, count in status["refused"].items()))
    for name in ("nodes", "connectors", "services", "accounts", "listeners", "mail", "http"):
        if status[name]:
            print(f"\n{name}\n{table(status[name])}")
    return code
