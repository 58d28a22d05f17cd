"""`smsc-gateway smsc …`: everything that the account of an smsc_connector can do, by hand.

`commands` is the table of them. Most are one request whose answer is shown; the others name a function of
`send`, `records`, `files` or `waiting`. HTTP and rich are loaded when a command runs, not for --help.
"""

from __future__ import annotations

import argparse
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
    tops = parser.add_subparsers(metavar="COMMAND", title="commands", required=True, parser_class=_Parser)
    groups: dict[str, argparse._SubParsersAction[_Parser]] = {}
    for name, command in COMMANDS.items():
        group, _, rest = name.rpartition(" ")
        if not group:
            _add_command(tops, name, command)
            continue
        if group not in groups:
            words = GROUPS[group]
            made = tops.add_parser(group, help=words, description=words, allow_abbrev=False)
            groups[group] = made.add_subparsers(metavar="COMMAND", title="commands", required=True)
        _add_command(groups[group], rest, command)


def _add_command(parsers: argparse._SubParsersAction[_Parser], name: str, command: Command) -> None:
    parser = parsers.add_parser(
        name,
        help=command.help,
        description=command.help,
        formatter_class=_LAYOUT,
        allow_abbrev=False,
        epilog=f"example:\n  smsc-gateway smsc {command.example}",
    )
    parser.command = command
    parser.set_defaults(command=command)


class _Parser(argparse.ArgumentParser):
    """A command's parser gets its options when it is used: one of sixty is."""

    command: Command | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        command, self.command = self.command, None
        if command is not None:
            options.add(self, command.options)
            if command.mail:
                words = "of mail addresses, not numbers"
                self.add_argument("--mail", dest="mail_side", action="store_true", help=words)
            # also here, because they are typed behind the command as often as before it
            _add_shared(self, argparse.SUPPRESS, argparse.SUPPRESS, argparse.SUPPRESS)
        return super().parse_known_args(args, namespace)


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
