"""Commands that are one request: what was typed becomes its parameters, its answer a table."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError
from gateway.cli.smsc import options, output
from gateway.cli.smsc.meanings import with_meanings
from gateway.cli.smsc.session import Refused, ServiceSession
from gateway.cli.smsc.table import Command
from protocols.smsc_http.operations import OPERATIONS, missing
from protocols.smsc_http.requests import File

_MAIL_NAMES = {"phone": "mail", "new_phone": "new_mail"}
_MAIL_GROUP = {"type": "1"}
_NONE_FOUND = 3
_LISTS = ("_get", "_list", "_stat", "_stat_all")
"""How the names of those operations end for which _NONE_FOUND means that there is nothing."""


async def ask(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Ask and show."""
    check(args)
    show(await answer(session, command, args), command, args)
    return EXIT_OK


async def answer(session: ServiceSession, command: Command, args: argparse.Namespace) -> Any:
    """What the service answers; a list of nothing is one too."""
    operation, params = request(command, args)
    try:
        return await session.ask(operation, params, files(command, args))
    except Refused as refused:
        if refused.number == _NONE_FOUND and operation.endswith(_LISTS) and not command.single:
            return []
        raise


def request(command: Command, args: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """The operation and its parameters; with --mail those of mails.php."""
    params = {**command.fixed, **options.parameters(command.options, args)}
    require(command, params)
    if not (command.mail and args.mail_side):
        return command.operation, params
    operation = "mail_" + command.operation.removeprefix("phone_")
    params = {_MAIL_NAMES.get(name, name): value for name, value in params.items()}
    if "type" in OPERATIONS[operation].parameters and operation.startswith("mail_group_"):
        params |= _MAIL_GROUP
    return operation, params


def require(command: Command, params: Mapping[str, str]) -> None:
    """Say which options are still needed, by their names on the command line."""
    operation = OPERATIONS[command.operation]
    if missing(operation, params):
        # of the alternatives the one that most is there of
        names = min(operation.required, key=lambda names: sum(-bool(params.get(name)) for name in names))
        lacking = [name for name in names if not params.get(name)]
        flags = {option.parameter: option.flag for option in command.options}
        raise CommandError(f"give {' and '.join(flags.get(name, name) for name in lacking)}", EXIT_USAGE)


def files(command: Command, args: argparse.Namespace) -> list[File]:
    """What goes along with the request."""
    return [File(name, octets) for name, octets in options.uploads(command.options, args)]


def check(args: argparse.Namespace) -> None:
    """Say before anything is asked that --output cannot be written."""
    if getattr(args, "output", None) is not None:
        output.check_output(args.output, force=args.force, endings=output.EXPORTS)


def show(value: object, command: Command, args: argparse.Namespace) -> None:
    """An answer as JSON, as a file or for people."""
    rows = output.rows_of(value)
    saved: Mapping[str, object] | None = None
    if getattr(args, "output", None) is not None:
        output.export(args.output, rows, force=args.force)
        saved = {"file": str(args.output), "records": len(rows)}
    if args.json:
        output.show_json(saved or value)
    elif saved:
        print(f"{len(rows)} saved in {args.output}")
    elif command.of_messages:
        output.show(with_meanings(value), command.columns)
    elif command.single and rows:
        output.show_record(rows[0], command.words)
    else:
        output.show(value, command.columns, command.words)
