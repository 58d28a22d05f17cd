"""Commands whose answers have many records: the history page by page, prices, statistics in detail."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections.abc import Mapping
from typing import Any

from gateway.cli import EXIT_OK, CommandError
from gateway.cli.smsc import ask, options, output
from gateway.cli.smsc.session import Refused, ServiceSession
from gateway.cli.smsc.table import Command

PAGE = 1000
"""Records that one request may ask for."""
_FOUND_NOTHING = 3


async def history(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """All pages of the history, newest first; what came before a failure is shown or saved all the same."""
    ask.check(args)
    params = options.parameters(command.options, args)
    most = int(args.count) if args.count is not None else None
    rows: list[dict[str, Any]] = []
    try:
        with output.progress() as shown:
            await _pages(session, params, most, rows, shown)
    except (CommandError, asyncio.CancelledError) as error:  # the latter: Ctrl-C
        if not rows:
            raise
        ask.show(rows, command, args)
        more = f"this is not all: go on with --before {rows[-1].get('int_id')}, and another --output"
        if isinstance(error, CommandError):
            raise CommandError(f"{error}\n{more}", error.code) from None
        print(more, file=sys.stderr)
        raise
    ask.show(rows, command, args)
    return EXIT_OK


async def _pages(
    session: ServiceSession,
    params: dict[str, str],
    most: int | None,
    rows: list[dict[str, Any]],
    shown: output.Progress,
) -> None:
    while most is None or len(rows) < most:
        size = PAGE if most is None else min(PAGE, most - len(rows))
        asked = {**params, "cnt": str(size)}
        pause_s = session.due_s("messages", asked)
        wait = f"; the service allows the next request in {math.ceil(pause_s)} s" if pause_s else ""
        shown.update(f"{len(rows)} messages{wait}", None if most is None else len(rows) / most)
        value = await _page(session, asked)
        rows += value
        if len(value) < size:
            return
        last = str(value[-1].get("int_id") or "")
        if not last or last == params.get("prev_id"):
            return  # a service that does not say where to go on has no more for us
        params = {**params, "prev_id": last}


async def _page(session: ServiceSession, params: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        value = await session.ask("messages", params)
    except Refused as refused:
        if refused.number == _FOUND_NOTHING:
            return []
        raise
    return [dict(row) for row in output.rows_of(value)]


async def prices(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Three tables for people: prices by zone, individual ones by operator, and of a mail."""
    ask.check(args)
    value = await session.ask(command.operation, {})
    if args.output is not None:
        ask.show([*value.get("zones", ()), *value.get("codes", ())], command, args)
    elif args.json:
        output.show_json(value)
    else:
        output.show_table(value.get("zones", ()))
        if value.get("codes"):
            print("\nby operator")
            output.show_table(value["codes"])
        if value.get("mail"):
            print(f"\na mail  {output.cell(value['mail'])}")
    return EXIT_OK


async def details(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """One row for each sub-client and item."""
    ask.check(args)
    value = await ask.answer(session, command, args)
    if args.json and args.output is None:
        output.show_json(value)
        return EXIT_OK
    rows = [{"login": user.get("login"), **item} for user in output.rows_of(value) for item in _items(user)]
    ask.show(rows, command, args)
    return EXIT_OK


def _items(user: output.Row) -> list[output.Row]:
    return output.rows_of(user.get("items") or [])


async def operator_templates(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """A row for each operator and type; the service writes its name as the member's name."""
    value = await session.ask(*ask.request(command, args))
    if args.json:
        output.show_json(value)
        return EXIT_OK
    rows = []
    for row in output.rows_of(value):
        if "name" in row and "status" in row:
            rows.append(dict(row))
            continue
        for name in row:
            if name != "id":
                rows.append({"operator": name, "status": row[name], "id": row.get("id")})
    output.show_table(rows, (), command.words)
    return EXIT_OK
