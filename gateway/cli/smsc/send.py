"""Messages by hand: send, cost, status, delete; and the mailing lists, which take the same texts."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError
from gateway.cli.smsc import ask, options, output
from gateway.cli.smsc.meanings import with_meanings
from gateway.cli.smsc.session import Refused, ServiceSession, Unanswered
from gateway.cli.smsc.table import Command
from protocols.smsc_http import sending

_MAX_ID = 0x7FFF_FFFF
_COST_ONLY = "1"
_COST_AND_BALANCE = "3"
_SHOWN_NUMBERS = 5


async def send(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Send and show id, count, cost and balance; with --cost only what it would cost."""
    params = message(command, args)
    files = ask.files(command, args)
    if args.cost:
        params.pop("id", None)
        _show_sent(await session.ask("cost", {**params, "cost": _COST_ONLY}, files), "", args)
        return EXIT_OK
    # an id of ours, so that its status can be asked for even if no answer comes
    params.setdefault("id", str(secrets.randbelow(_MAX_ID) + 1))
    status = _status_command(params, args)
    try:
        value = await session.ask("send", {**params, "cost": _COST_AND_BALANCE}, files)
    except Unanswered as error:
        raise Unanswered(
            f"{error}\nThe message may have been accepted. Before you send it again, see what became of it:\n"
            f"  {status}"
        ) from None
    except Refused as refused:
        if refused.id is None:
            raise
        raise CommandError(f"{refused}\nIt is registered; what became of it:\n  {status}") from None
    _show_sent(value, status, args)
    return EXIT_OK


def _show_sent(value: Any, status: str, args: argparse.Namespace) -> None:
    if args.json:
        output.show_json(value)
        return
    numbers = value.get("phones") or []
    output.show_record({name: item for name, item in value.items() if name != "phones"})
    if numbers:
        print()
        output.show(with_meanings(numbers))
    if status:
        print(f"\nwhat becomes of it: {status}")


def _status_command(params: dict[str, str], args: argparse.Namespace) -> str:
    """The command that shows the status of what is being sent."""
    if "list" in params:
        lines = sending.parse_list(params["list"], nl=params.get("nl") == "1")
        phones = [phone for line in lines for phone in line.phones]
    else:
        phones = list(sending.split_phones(params.get("phones", "")))
    which = f" --connector {args.connector}" if args.connector is not None else ""
    numbers = [phone.lstrip("+") for phone in phones if sending.group_number(phone) is None]
    if not numbers:  # a group's numbers are known to the service only
        return f"smsc-gateway smsc history{which}"
    more = ",…" if len(numbers) > _SHOWN_NUMBERS else ""
    return f"smsc-gateway smsc status{which} {params['id']}:{','.join(numbers[:_SHOWN_NUMBERS])}{more}"


async def add_job(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Make a mailing list."""
    ask.show(await session.ask(command.operation, message(command, args)), command, args)
    return EXIT_OK


def message(command: Command, args: argparse.Namespace) -> dict[str, str]:
    """The parameters of a message: those of the options, with text, list and binary put together."""
    params = options.parameters(command.options, args)
    try:
        if args.list is not None:
            params["list"] = _read(args.list)
            sending.parse_list(params["list"], nl=args.multiline)
        elif not args.to:
            raise CommandError("whom to? --to NUMBER, or --list FILE", EXIT_USAGE)
        if args.text_file is not None:
            params["mes"] = _read(args.text_file).removesuffix("\n")
        if args.binary is not None:
            params |= {"bin": "2", "mes": _binary(args)}
        if args.comment is not None:
            params["mes"] = sending.join_comment(params.get("mes", ""), args.comment)
    except sending.SendingError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    ask.require(command, params)
    return params


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    return options.read_text(path).replace("\r\n", "\n")


def _binary(args: argparse.Namespace) -> str:
    """`mes` of a binary message: it begins with its header, or with a zero octet."""
    try:
        octets = bytes.fromhex(args.binary)
        pid, dcs = (None if text is None else int(text, 0) for text in (args.pid, args.dcs))
    except ValueError:
        raise CommandError(
            "--binary takes hex digits, --pid and --dcs numbers up to 255", EXIT_USAGE
        ) from None
    return sending.format_binary(octets if args.udh else b"\0" + octets, pid, dcs)


def messages(words: Sequence[str]) -> list[tuple[str, str]]:
    """Id and number of each message in words such as `12:79991234567,79997654321`."""
    found = []
    for word in words:
        id_, _, numbers = word.partition(":")
        phones = sending.split_phones(numbers)
        if not sending.is_client_id(id_) or not phones:
            raise CommandError(f"{word!r} is no ID:NUMBER", EXIT_USAGE)
        found += [(id_, phone) for phone in phones]
    return found


async def status(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """One message as a record, several as a table."""
    ask.check(args)
    asked = messages(args.message)
    params = options.parameters(command.options, args)
    params |= {"id": ",".join(id_ for id_, _ in asked), "phone": ",".join(phone for _, phone in asked)}
    ask.show(await session.ask("status", params), command, args)
    return EXIT_OK


async def delete(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Each message in a request of its own; 1 when one of them was not deleted."""
    results = []
    for id_, phone in messages(args.message):
        try:
            await session.ask("status_delete", {"id": id_, "phone": phone, "del": "1"})
            outcome = "deleted"
        except Refused as refused:
            outcome = str(refused)
        results.append({"id": id_, "phone": phone, "result": outcome})
    if args.json:
        output.show_json(results)
    else:
        output.show_table(results)
    return EXIT_OK if all(row["result"] == "deleted" for row in results) else EXIT_FAILURE
