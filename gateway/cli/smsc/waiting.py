"""Commands that wait for something at the service: a call, an export."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, CommandError
from gateway.cli.smsc import ask, files, output
from gateway.cli.smsc.session import ServiceSession
from gateway.cli.smsc.table import Command

POLL_S = 21.0
"""Three identical requests a minute are allowed."""
PATIENCE_S = 900.0
"""How long the service expects a call; and how long an export is waited for, unless --timeout says more."""
CALL = "[waitcall]"
"""Text of the incoming message that stands for the call."""
_READY, _CANCELLED, _FAILED = "2", "3", "4"


async def wait_call(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Say which number is to be called; with --wait, 0 only when the call came."""
    newest = max((_id(row) for row in await _incoming(session, {})), default=0) if args.wait else 0
    value = await session.ask(*ask.request(command, args))
    if not args.wait:
        if args.json:
            output.show_json(value)
        else:
            print(f"call {output.cell(value.get('phone'))} from {args.number} within 15 minutes")
        return EXIT_OK
    if not args.json:
        print(f"call {output.cell(value.get('phone'))} from {args.number} within 15 minutes", flush=True)
    call = await _call_from(session, args.number.lstrip("+"), newest, _patience(args))
    if args.json:
        output.show_json({**value, "confirmed": call is not None, "call": call})
    else:
        print("confirmed: the call came" if call is not None else "no call came")
    return EXIT_OK if call is not None else EXIT_FAILURE


async def _call_from(
    session: ServiceSession, number: str, newest: int, patience_s: float
) -> dict[str, Any] | None:
    until = session.now() + patience_s
    with output.progress() as shown:
        while True:
            left = until - session.now()
            shown.update(f"waiting for a call from {number}", 1 - max(left, 0) / patience_s)
            for row in await _incoming(session, {"after_id": str(newest)} if newest else {}):
                newest = max(newest, _id(row))
                if str(row.get("phone")).lstrip("+") == number and row.get("message") == CALL:
                    return row
            if left <= 0:
                return None
            await session.sleep(min(POLL_S, max(left, 0.0)))


async def _incoming(session: ServiceSession, params: dict[str, str]) -> list[dict[str, Any]]:
    return [dict(row) for row in output.rows_of(await session.ask("answers", {"hour": "1", **params}))]


def _id(row: output.Row) -> int:
    text = str(row.get("id") or 0)
    return int(text) if text.isdecimal() else 0


def _patience(args: argparse.Namespace) -> float:
    return float(args.timeout) if args.timeout is not None else PATIENCE_S


async def fetch(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Wait until the task is done, then save its file."""
    operation, params = ask.request(command, args)
    output.check_output(args.output, force=args.force)
    until = session.now() + _patience(args)
    with output.progress() as shown:
        while (state := await _state(session, args)) != _READY:
            if state in (_CANCELLED, _FAILED):
                raise CommandError(
                    f"the export {'failed' if state == _FAILED else 'was cancelled'} at the service"
                )
            left = until - session.now()
            if left <= 0:
                raise CommandError("the export is not ready yet; try again later, or with a longer --timeout")
            shown.update("waiting for the export")
            await session.sleep(min(POLL_S, left))
        shown.update("fetching the file")
        value = await session.ask(operation, params)
    files.save(value, args)
    return EXIT_OK


async def _state(session: ServiceSession, args: argparse.Namespace) -> str:
    after = {"after_id": str(int(args.id) - 1)} if args.id is not None and args.id.isdecimal() else {}
    for task in output.rows_of(await session.ask("dl_list", after)):
        if str(task.get("id")) == args.id or (args.name is not None and task.get("name") == args.name):
            return str(task.get("status"))
    raise CommandError("there is no such task; smsc-gateway smsc downloads list shows those there are")
