"""`smsc-gateway reload`: the running gateway takes over its configuration, or says what that would change."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_CONFIG, EXIT_OK, add_json, add_state_dir
from gateway.cli.daemon_client import ask
from gateway.config.differences import Change
from gateway.config.problems import ConfigError, Problem

HELP = "Make the running gateway take over its configuration, or show what that would change."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--diff", action="store_true", help="change nothing, show what would change")
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "The whole configuration is checked first; with a mistake in it nothing changes. Sessions and links\n"
        "stay, except those that are named here.\n\n"
        "examples:\n  smsc-gateway reload --diff\n  smsc-gateway reload\n\n"
        "exit codes: 0 done, 1 no gateway answers, 78 the configuration has mistakes"
    )


def run(args: argparse.Namespace) -> int:
    answer = ask(args.state_dir, "reload", diff=args.diff)
    problems = answer.get("problems", [])
    if args.json:
        print(json.dumps({"ok": not problems, **answer}, indent=2, ensure_ascii=False))
        return EXIT_CONFIG if problems else EXIT_OK
    if problems:
        raise ConfigError(Problem(**{**each, "file": Path(each["file"])}) for each in problems)
    print("\n".join(lines_of(answer)))
    return EXIT_OK


def lines_of(plan: dict[str, Any]) -> Iterator[str]:
    """A plan for people."""
    done = plan["done"]
    changes = plan["changes"]
    if not changes:
        yield "nothing changed" if done else "nothing would change"
    else:
        yield "taken over" if done else "would change"
    for change in changes:
        yield f"  {Change(change['key'], change['old'], change['new'], change['what'])}"
    if plan["more_changes"]:
        yield f"  … and {plan['more_changes']} more"
    what = ("is", "are") if done else ("would be", "would be")
    for name, why in plan["rebuilt"].items():
        yield f"connector {name} {what[0]} bound anew: {why}"
    for word in ("added", "removed"):
        for name in plan[word]:
            yield f"connector {name} {what[0]} {word}"
    for name in plan["adjusted"]:
        yield f"connector {name} changes and keeps its links"
    for name, count in plan["ended_sessions"].items():
        yield f"sessions of {name} {what[1]} ended: {count}"
    for section in plan["restart_needed"]:
        yield f"{section} needs a restart"
