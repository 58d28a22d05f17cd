"""security.md 38: what stands on a command line can be seen by everybody (`ps`), so no secret may."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator

import pytest

from gateway.cli import COMMANDS

SECRET = re.compile(r"passw|psw|secret|token|api.?key|credential", re.IGNORECASE)


def arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """All of a command and of the commands below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from arguments(below)
        else:
            yield parser.prog, action


@pytest.mark.parametrize("command", COMMANDS)
def test_security_38_no_command_takes_a_secret_as_an_argument(command: str) -> None:
    parser = argparse.ArgumentParser(prog=command)
    importlib.import_module(f"gateway.cli.{command.replace('-', '_')}").configure(parser)
    found = [
        f"{prog} {name}"
        for prog, action in arguments(parser)
        for name in (action.option_strings or [action.dest])
        # a flag has no value, and a file's name tells nothing
        if SECRET.search(name) and action.nargs != 0 and not name.endswith("-file")
    ]
    assert found == []


def test_security_38_the_check_would_see_one() -> None:
    parser = argparse.ArgumentParser(prog="x")
    below = parser.add_subparsers().add_parser("y")
    below.add_argument("--password")
    assert [
        name for _, action in arguments(parser) for name in action.option_strings if SECRET.search(name)
    ] == ["--password"]
