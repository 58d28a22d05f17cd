"""`smsc-gateway smsc …`: everything that the account of an smsc_connector can do, by hand.

`commands` is the table of them. Most are one request whose answer is shown; the others name a function of
`send`, `records`, `files` or `waiting`. HTTP and rich are loaded when a command runs, not for --help.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.cli import DEFAULT_CONFIG
from gateway.cli.smsc import options
from gateway.cli.smsc.commands import COMMANDS, GROUPS
from gateway.cli.smsc.table import Command

HELP = "Send, look up and change things in the account of an smsc_connector, directly at the service."

_LAYOUT = argparse.RawDescriptionHelpFormatter


def configure(parser: argparse.ArgumentParser) -> None:
    """A parser for every command of the table."""
    parser.epilog = (
        "They use the credentials of the configuration and work without the daemon. The service counts\n"
        "requests of one login together: where a command has to wait for its limits, it does.\n\n"
        "examples:\n"
        "  smsc-gateway smsc balance\n"
        "  smsc-gateway smsc send --to 79991234567 --text 'Hello' --op\n"
        "  smsc-gateway smsc history --start 2024-12-01 --end 2024-12-31 --output december.csv"
    )
    _add_shared(parser, DEFAULT_CONFIG, None, False)
    names = dict.fromkeys(name.partition(" ")[0] for name in COMMANDS)
    _add_commands(parser, {name: COMMANDS.get(name) or _group(name) for name in names})


def _group(name: str) -> dict[str, Command]:
    """The commands of a group, by their second words."""
    return {
        word: COMMANDS[f"{name} {word}"]
        for first, _, word in (c.partition(" ") for c in COMMANDS)
        if first == name
    }


def _add_commands(
    parser: argparse.ArgumentParser, entries: Mapping[str, Command | dict[str, Command]]
) -> None:
    parsers = parser.add_subparsers(metavar="COMMAND", title="commands", required=True, parser_class=_Parser)
    for name, entry in entries.items():
        words = entry.help if isinstance(entry, Command) else GROUPS[name]
        made = parsers.add_parser(
            name, help=words, description=words, formatter_class=_LAYOUT, allow_abbrev=False
        )
        made.entry = entry


class _Parser(argparse.ArgumentParser):
    """Gets its options, or the commands of its group, when it is used: one of sixty is."""

    entry: Command | dict[str, Command] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.unfold()
        return super().parse_known_args(args, namespace)

    def unfold(self) -> None:
        """Gets them now."""
        entry, self.entry = self.entry, None
        if isinstance(entry, Command):
            self._become(entry)
        elif entry is not None:
            _add_commands(self, entry)

    def _become(self, command: Command) -> None:
        self.epilog = f"example:\n  smsc-gateway smsc {command.example}"
        options.add(self, command.options)
        if command.mail:
            words = "of mail addresses, not numbers"
            self.add_argument("--mail", dest="mail_side", action="store_true", help=words)
        # also here, because they are typed behind the command as often as before it
        _add_shared(self, argparse.SUPPRESS, argparse.SUPPRESS, argparse.SUPPRESS)
        self.set_defaults(command=command)


def _add_shared(parser: argparse.ArgumentParser, config: object, connector: object, json: object) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=config,
        metavar="PATH",
        help=f"configuration file (default: {DEFAULT_CONFIG})",
    )
    parser.add_argument(
        "--connector",
        default=connector,
        metavar="NAME",
        help="which of several smsc_connectors to be",
    )
    parser.add_argument("--json", action="store_true", default=json, help="print JSON")


def run(args: argparse.Namespace) -> int:
    """0 when the service did it; CommandError says what else happened."""
    from gateway.cli.loop import run_loop
    from gateway.cli.smsc import ask, session

    command: Command = args.command
    connector = session.connector_of(args)
    module, _, function = command.work.partition(":")
    work = getattr(import_module(f"gateway.cli.smsc.{module}"), function) if module else ask.ask

    async def main() -> int:
        async with session.opened(connector) as opened:
            code: int = await work(opened, command, args)
            return code

    return run_loop(main)
