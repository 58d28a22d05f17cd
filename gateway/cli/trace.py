"""`smsc-gateway trace`: the PDUs of a running gateway, as they come, and a capture file of them."""

from __future__ import annotations

import argparse
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask_many, moment
from gateway.core.errors import system_reason
from gateway.core.events import safe
from gateway.ops.pcap import Conversation, file_header

HELP = "Show the SMPP PDUs of an account, a number or a connector while they come and go."

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_S = 86_400
_is_duration = re.compile("([0-9]{1,6})([smhd])", re.ASCII).fullmatch


def configure(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--account", metavar="NAME", help="all PDUs of this account's sessions")
    whose.add_argument("--connector", metavar="NAME", help="all PDUs of this connector's links")
    whose.add_argument(
        "--number",
        metavar="NUMBER",
        help="PDUs from or to this number and their answers, in all sessions and links",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        default="10m",
        metavar="TIME",
        help="how long: 30s, 10m, 2h; 24h at the most (default: 10m)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.pcap", help="also write a file that Wireshark opens"
    )
    parser.add_argument(
        "--text",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="show texts, and keep them in the file; --no-text puts asterisks there (default: --text)",
    )
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "Only SMPP is traced, not mail and not HTTP. It ends when its time is over, or with Ctrl-C.\n"
        "Passwords are neither shown nor written. Numbers are shown in full; the file is for you alone.\n\n"
        "examples:\n  smsc-gateway trace --account app --for 2m\n"
        "  smsc-gateway trace --number +79991234567 --out trace.pcap\n"
        "  smsc-gateway trace --connector operator --no-text --json\n\n"
        "exit codes: 0 its time is over, 1 no gateway answers or the file is full, 2 wrong arguments"
    )


def _seconds(text: str) -> int:
    found = _is_duration(text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r}: give a time as 30s, 10m or 2h, 24h at the most")
    return seconds


def run(args: argparse.Namespace) -> int:
    file = _open(args.out) if args.out is not None else None
    try:
        _follow(args, Capture(file) if file is not None else None)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        if file is not None:
            file.close()
    return EXIT_OK


def _open(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # /dev/null stays everybody's
            # what it will hold is for its owner alone, also where it was there before
            os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "wb")
    except OSError as error:
        raise CommandError(f"cannot write {path}: {system_reason(error)}", EXIT_USAGE) from None


def _follow(args: argparse.Namespace, capture: Capture | None) -> None:
    wanted = {"account": args.account, "connector": args.connector, "number": args.number}
    dropped = 0
    for row in ask_many(args.state_dir, "trace", **wanted, seconds=args.seconds, texts=args.text):
        if capture is not None and "frame" in row:
            capture.add(row)
        if args.json:
            print(json.dumps(row, ensure_ascii=False), flush=True)
            continue
        if row["dropped"] > dropped:
            print(f"… {row['dropped'] - dropped} PDUs were not shown: this is too slow for them", flush=True)
            dropped = row["dropped"]
        if "frame" in row:
            print(line_of(row), flush=True)
        else:
            print(f"{row['pdus']} PDUs in all, {row['dropped']} of them not shown", file=sys.stderr)


class Capture:
    """The capture file: one conversation for each session."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sessions: dict[int, Conversation] = {}
        file.write(file_header())
        file.flush()

    def add(self, row: dict[str, Any]) -> None:
        """A PDU of the daemon's answer."""
        session = self._sessions.get(row["session"])
        if session is None:
            ours, theirs = ((str(host), int(port)) for host, port in (row["ours"], row["theirs"]))
            session = self._sessions[row["session"]] = Conversation(ours, theirs)
        data = bytes.fromhex(row["frame"])
        try:
            self._file.write(session.records(row["at_ms"], data, ours=row["way"] == "sent"))
            self._file.flush()
        except OSError as error:
            raise CommandError(f"cannot write {self._file.name}: {system_reason(error)}") from None


def line_of(row: dict[str, Any]) -> str:
    """A PDU for people: time, session, direction, command, sequence number, fields."""
    host, port = row["theirs"]
    where = f"{host}:{port}" if host else "local"
    way = "->" if row["way"] == "sent" else "<-"
    words = [moment(row["at_ms"]), row["name"] or "-", where, way, row["command"], f"seq={row['sequence']}"]
    words.extend(f"{name}={value}" for name, value in _words(row))
    return safe_line(" ".join(str(word) for word in words))


def _words(row: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name in ("status", "error"):
        if name in row:
            yield name, row[name]
    found = {**row.get("fields", {}), **row.get("tlvs", {})}
    if "text" in found:  # and then its octets help nobody
        found.pop("short_message", None)
        found.pop("message_payload", None)
    for name, value in found.items():
        yield name, json.dumps(value, ensure_ascii=False) if isinstance(value, str | list) else value


def safe_line(text: str) -> str:
    """A peer's text on a terminal: control and direction characters made visible."""
    return "".join(safe(text[pos : pos + 200]) for pos in range(0, len(text), 200))
