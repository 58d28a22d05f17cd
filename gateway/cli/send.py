"""`smsc-gateway send`: submit a text over SMPP and show what becomes of it."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from getpass import getpass
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json, send_file
from gateway.cli.send_session import Segment, SendError, SendSession
from protocols.smpp import constants
from protocols.sms import addresses, segments
from protocols.sms.alphabet import Alphabet
from protocols.sms.receipts import STATE_WORDS

HELP = "Send a text, or a list of them, as an application would over SMPP, and show what became of it."

PASSWORD_ENV = "SMSC_GATEWAY_PASSWORD"  # noqa: S105 - its name
_MAX_SYSTEM_ID = 15  # SMPP v3.4 §5.2.1
_MAX_PASSWORD = 8  # SMPP v3.4 §5.2.2
_UCS2 = 0x08  # data_coding, SMPP v3.4 §5.2.19
_REFUSAL_HINTS = {
    constants.ESME_RINVDSTADR: "the number is malformed, none that the account may write to, or has no route",
    constants.ESME_RSUBMITFAIL: "a limit, the hours or the balance of the account; status counts which",
    constants.ESME_RINVSRCADR: "the account may not use this sender; give another --from",
    constants.ESME_RINVMSGLEN: "the text is longer than the account may send",
    constants.ESME_RTHROTTLED: "faster than the account may send",
    constants.ESME_RMSGQFUL: "too much is waiting; smsc-gateway status says what is wrong",
    constants.ESME_RSYSERR: "it cannot be kept just now; smsc-gateway status says what is wrong",
}
_BAR_WIDTH = 30
_REDRAW_S = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        f"The password comes from --password-file, else from the environment ({PASSWORD_ENV}), else it is\n"
        "asked for; it is never an argument, because those are seen in `ps`.\n"
        "Exit code 0: every segment was accepted and, unless --no-receipt, its receipt says DELIVRD.\n\n"
        "A list is CSV with a header (to, text, from, and what the text names), or numbers with --text. It\n"
        "is checked whole before anything is sent. LIST.sent gets a row for each line as its answer comes;\n"
        "after any end --resume goes on and sends no line twice. Exit code 0: every line was accepted.\n\n"
        "examples:\n"
        "  smsc-gateway send --system-id demo --to 15550100 --text 'Hello'\n"
        "  smsc-gateway send --system-id demo --file list.csv --text 'Dear {name}, …' --rate 50\n"
        "  smsc-gateway send --system-id demo --file list.csv --text 'Dear {name}, …' --rate 50 --resume"
    )
    parser.add_argument("--to", metavar="NUMBER", help="destination, international digits")
    parser.add_argument(
        "--text", help="as long as it needs to be; with --file, {column} is what the line says there"
    )
    parser.add_argument(
        "--from", dest="sender", default="gateway", metavar="SENDER", help="default %(default)s"
    )
    parser.add_argument(
        "--connect", default="127.0.0.1:2775", metavar="HOST:PORT", help="default %(default)s"
    )
    parser.add_argument("--system-id", default="", metavar="ID", help="account to bind as")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="file that holds its password")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="send the text N times")
    parser.add_argument("--no-receipt", action="store_true", help="ask for no receipts and wait for none")
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="S",
        help="give up after S seconds without an answer or receipt",
    )
    add_json(parser)
    send_file.configure(parser)


def run(args: argparse.Namespace) -> int:
    """0 when all went well, 1 when something was refused, lost or not delivered."""
    if args.count < 1 or args.timeout <= 0:
        raise CommandError("--count and --timeout must be above 0", EXIT_USAGE)
    host, port = _host_port(args.connect)
    send_file.check_options(args)
    dry = args.file is not None and args.dry_run
    needed = {
        "--system-id": args.system_id or dry,
        "--to": args.to or args.file,
        "--text": args.text or args.file,
    }
    if missing := [name for name, given in needed.items() if not given]:
        raise CommandError(f"{', '.join(missing)} missing", EXIT_USAGE)
    if not args.system_id.isascii() or len(args.system_id) > _MAX_SYSTEM_ID:
        raise CommandError(f"a system_id has at most {_MAX_SYSTEM_ID} ASCII characters", EXIT_USAGE)
    if args.file is not None:
        return send_file.run(args, host, port, "" if dry else _password(args.password_file))
    outgoing = _segments(args)
    password = _password(args.password_file)
    want_receipts = not args.no_receipt
    report = _Report(outgoing, want_receipts=want_receipts, as_json=args.json)
    session = SendSession(host, port, args.timeout, report.changed)
    try:
        session.bind(args.system_id, password)
        try:
            session.send(outgoing, want_receipts=want_receipts)
        finally:
            all_well = report.finish()
    except SendError as error:
        raise CommandError(str(error)) from None
    finally:
        session.close()
    return EXIT_OK if all_well else EXIT_FAILURE


def _segments(args: argparse.Namespace) -> list[Segment]:
    """One Segment for each submit_sm, with its fields."""
    fields = _addressing(args.sender, args.to)
    try:
        alphabet, parts = segments.segment_text(args.text)
    except segments.TooManySegments as error:
        raise CommandError(f"the text is too long: {error}", EXIT_USAGE) from None
    fields["data_coding"] = _UCS2 if alphabet is Alphabet.UCS2 else 0
    fields["registered_delivery"] = 0 if args.no_receipt else constants.REGISTERED_DELIVERY_RECEIPT_FINAL
    if len(parts) > 1:
        fields["esm_class"] = constants.ESM_CLASS_UDHI
    reference = random.randrange(256)  # noqa: S311 - no secret
    return [
        Segment(message, number, {**fields, "short_message": octets})
        for message in range(1, args.count + 1)
        for number, octets in enumerate(segments.with_udh(parts, reference + message), 1)
    ]


def _addressing(sender: str, to: str) -> dict[str, Any]:
    source_ton, source_npi = addresses.guess_source_ton_npi(sender)
    if source_ton == addresses.TON_ALPHANUMERIC and not (
        sender.isascii() and addresses.is_alphanumeric_sender(sender)
    ):
        raise CommandError(
            f"--from {sender!r} is neither a number nor at most 11 ASCII characters", EXIT_USAGE
        )
    destination = addresses.digits_of(to, addresses.TON_UNKNOWN)
    if not (destination.isascii() and destination.isdigit()) or len(destination) > 20:
        raise CommandError(f"--to {to!r} is not a number: give international digits", EXIT_USAGE)
    international = addresses.is_e164(destination)
    return {
        "source_addr_ton": source_ton,
        "source_addr_npi": source_npi,
        "source_addr": addresses.digits_of(sender, source_ton),
        "dest_addr_ton": addresses.TON_INTERNATIONAL if international else addresses.TON_UNKNOWN,
        "dest_addr_npi": addresses.NPI_ISDN,
        "destination_addr": destination,
    }


def _password(path: Path | None) -> str:
    try:
        if path is not None:
            password = path.read_text().rstrip("\r\n")
        elif PASSWORD_ENV in os.environ:
            password = os.environ[PASSWORD_ENV]
        elif sys.stdin.isatty():
            password = getpass("Password: ")
        else:
            raise CommandError(f"no password: give --password-file or set {PASSWORD_ENV}", EXIT_USAGE)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CommandError(f"{path} cannot be read: {reason}", EXIT_USAGE) from None
    if not password.isascii() or len(password) > _MAX_PASSWORD:
        raise CommandError(f"an SMPP password has at most {_MAX_PASSWORD} ASCII characters", EXIT_USAGE)
    return password


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 0xFFFF:
        raise CommandError(f"--connect {text} is no HOST:PORT", EXIT_USAGE)
    if ":" in host:
        raise CommandError("--connect takes IPv4 only, because smpplib does", EXIT_USAGE)
    return host, int(port)


class _Report:
    """Tells what happens: a line for each event, a bar for many messages, or JSON at the end."""

    def __init__(self, outgoing: list[Segment], *, want_receipts: bool, as_json: bool) -> None:
        self._started_at = time.monotonic()
        self._segments = outgoing
        self._want_receipts = want_receipts
        self._as_json = as_json
        self._many = outgoing[-1].message > 1
        self._bar = self._many and sys.stderr.isatty()
        self._drawn_at = 0.0
        self._answered = 0
        self._settled = 0

    def changed(self, segment: Segment) -> None:
        """A segment was answered, or its receipt came."""
        if segment.state is not None:
            line = f"receipt: message_id {segment.message_id} {_word(segment.state)}"
            if segment.state != constants.DELIVERED and segment.error:
                line += f" (err {segment.error})"
            self._settled += 1
        elif segment.status == constants.ESME_ROK:
            line = f"accepted: message_id {segment.message_id}"
            self._answered += 1
        else:
            status = segment.status or constants.ESME_ROK
            line = f"refused: {constants.status_name(status)}"
            if status in _REFUSAL_HINTS:
                line += f" – {_REFUSAL_HINTS[status]}"
            self._answered += 1
        if self._bar:
            sys.stderr.write("\r\x1b[K")
        if not self._as_json:
            print(line, flush=True)
        self._draw()

    def finish(self) -> bool:
        """The closing lines; whether all went well."""
        if self._bar:
            sys.stderr.write("\r\x1b[K")
        accepted = sum(segment.status == constants.ESME_ROK for segment in self._segments)
        delivered = sum(segment.state == constants.DELIVERED for segment in self._segments)
        unanswered = sum(segment.status is None for segment in self._segments)
        missing = sum(
            self._want_receipts and segment.status == constants.ESME_ROK and segment.state is None
            for segment in self._segments
        )
        seconds = time.monotonic() - self._started_at
        total = len(self._segments)
        if self._as_json:
            for segment in self._segments:
                print(json.dumps(_record(segment)))
        elif total > 1:
            last = f", {delivered} delivered" if self._want_receipts else ""
            print(f"{total} segments: {accepted} accepted{last}, in {seconds:.1f} s")
        if unanswered:
            print(f"smsc-gateway send: no answer to {unanswered} of {total} segments", file=sys.stderr)
        if missing:
            print(
                f"smsc-gateway send: no receipt for {missing} of {accepted} accepted segments "
                "within --timeout; smsc-gateway message ID says where one is",
                file=sys.stderr,
            )
        return accepted == total and (not self._want_receipts or delivered == total)

    def _draw(self) -> None:
        now = time.monotonic()
        if not self._bar or now - self._drawn_at < _REDRAW_S:
            return
        self._drawn_at = now
        total = len(self._segments)
        done = self._settled if self._want_receipts else self._answered
        bar = "#" * (_BAR_WIDTH * done // total)
        sys.stderr.write(f"[{bar:<{_BAR_WIDTH}}] {self._answered}/{total} answered, {self._settled} receipts")
        sys.stderr.flush()


def _record(segment: Segment) -> dict[str, Any]:
    return {
        "message": segment.message,
        "segment": segment.number,
        "status": None if segment.status is None else constants.status_name(segment.status),
        "message_id": segment.message_id or None,
        "state": None if segment.state is None else _word(segment.state),
        "error": segment.error or None,
    }


def _word(state: int) -> str:
    return STATE_WORDS.get(state, str(state))
