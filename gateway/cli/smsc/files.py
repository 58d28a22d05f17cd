"""Commands whose answer is a file: documents and the captcha's picture."""

from __future__ import annotations

import argparse
import json
import re

from gateway.cli import EXIT_OK, CommandError
from gateway.cli.smsc import ask, output
from gateway.cli.smsc.session import ServiceSession
from gateway.cli.smsc.table import Command

_boundary = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE | re.ASCII).search


async def save_answer(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Save the file that the service answers with."""
    output.check_output(args.output, force=args.force)
    save(await session.ask(*ask.request(command, args)), args)
    return EXIT_OK


async def new_invoice(session: ServiceSession, command: Command, args: argparse.Namespace) -> int:
    """Save the invoice that was made, and show its id and sum."""
    output.check_output(args.output, force=args.force)
    octets, content_type = await session.fetch(*ask.request(command, args))
    told: dict[str, object] = {}
    document = None
    for part in parts(octets, content_type):
        if part.lstrip().startswith(b"{"):
            told = _record(part)
        else:
            document = part
    save(document, args, **told)
    return EXIT_OK


def parts(octets: bytes, content_type: str) -> list[bytes]:
    """The contents of a multipart answer; an answer that is none is its own only part."""
    named = _boundary(content_type)
    # the delimiter is also the first line, and the service may have forgotten to name it
    first = octets.lstrip().split(b"\n", 1)[0].rstrip()
    delimiter = b"--" + (named[1] or named[2]).encode() if named else first
    if not delimiter.startswith(b"--") or not octets.lstrip().startswith(delimiter):
        return [octets]
    found = []
    for part in (b"\r\n" + octets.lstrip()).split(b"\r\n" + delimiter)[1:]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if blank and not head.startswith(b"--"):
            found.append(content)
    return found


def _record(part: bytes) -> dict[str, object]:
    try:
        value = json.loads(part)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def save(value: object, args: argparse.Namespace, **more: object) -> None:
    """Save octets and say so, with what else is to be said."""
    if not isinstance(value, bytes):
        raise CommandError("the service answered with no file")
    output.save(args.output, value, force=args.force)
    told = {**more, "file": str(args.output), "octets": len(value)}
    if args.json:
        output.show_json(told)
    else:
        output.show_record(told)
