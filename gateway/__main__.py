"""The command `smsc-gateway`: finds the command's module, imports only that one, and runs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from gateway.cli import COMMANDS, EXIT_CONFIG, EXIT_FAILURE, CommandError

PROG = "smsc-gateway"
_EXAMPLES = """\
examples:
  smsc-gateway describe-config > config.yaml    begin a configuration
  smsc-gateway hash-password                    make an account's password_hash
  smsc-gateway check-config --config config.yaml
  smsc-gateway run --config config.yaml --state-dir state

exit codes: 0 done, 1 failed, 2 wrong usage, 78 the configuration has mistakes
"""


class Command(Protocol):
    """A module in gateway.cli."""

    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Wrong usage and --help leave by SystemExit, as in argparse."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    parser, parsers = _frame()
    # the frame's own options end the program, so a command can only come first
    name = arguments[0] if arguments else ""
    if name not in parsers:
        parser.parse_args(arguments)
        parser.error("name a command; --help lists them")
    try:
        command = _find(name)
        parsers[name].description = command.HELP
        command.configure(parsers[name])
        return _run(command, parsers[name].parse_args(arguments[1:]))
    except CommandError as error:
        sys.stderr.write(f"{PROG} {name}: {error}\n")
        return error.code


def _frame() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole command, and the still empty ones of the commands."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="SMS gateway between local systems and an SMSC.",
        epilog=_EXAMPLES,
        formatter_class=layout,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    return parser, {
        name: commands.add_parser(name, help=line, formatter_class=layout, allow_abbrev=False)
        for name, line in COMMANDS.items()
    }


def whole_parser() -> argparse.ArgumentParser:
    """Every command with all its options, for what describes them: man pages, completion."""
    parser, parsers = _frame()
    for name, one in parsers.items():
        command = _find(name)
        one.description = command.HELP
        command.configure(one)
        _unfold(one)
    return parser


def _unfold(parser: argparse.ArgumentParser) -> None:
    """Those of commands that get their options only when they are used (see gateway.cli.smsc)."""
    unfold: Callable[[], None] | None = getattr(parser, "unfold", None)
    if unfold is not None:
        unfold()
    for child in subcommands(parser).values():
        _unfold(child)


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers below a parser, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


class _Version(argparse.Action):
    """Reads the version from the installed package only when it is asked for: that import is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        # parser.exit would write to standard error
        sys.stdout.write(f"{PROG} {version(PROG)}\n")
        parser.exit()


def _find(name: str) -> Command:
    return cast(Command, import_module(f"gateway.cli.{name.replace('-', '_')}"))


def _run(command: Command, args: argparse.Namespace) -> int:
    from gateway.config.problems import ConfigError

    try:
        code = command.run(args)
        sys.stdout.flush()
        return code
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader (head, less) has left; nothing more may be flushed to it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
