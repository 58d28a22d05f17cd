"""`smsc-gateway message`: where messages are, what happened to them, and a person's decisions about them."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, ask_many, message_id_of, moment, table
from gateway.cli.moments import FORMS, moment_of
from gateway.core.events import safe
from gateway.core.model import MessageState, Progress

HELP = "Find messages, show the timeline of one, or decide about some that wait."

DECISIONS = {
    "cancel": "ends it; its sender gets a receipt that says DELETED",
    "hold": "keeps it from being sent; its validity goes on",
    "release": "lets it go on as if nothing had been",
    "retry": "lets it try at once, whenever it was due",
}
STATES = (*Progress.__members__, *(name for name in MessageState.__members__ if name != "SCHEDULED"))
DAY_S = 86_400


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="+",
        metavar="WHAT",
        help="a message_id (decimal, hex or UUID) or a mail's queue id; or find; or a decision and ids",
    )
    found = parser.add_argument_group("what find looks for (all of it has to hold)")
    found.add_argument("--id", metavar="ID", help="a message_id, or a mail's queue id")
    found.add_argument("--upstream-id", metavar="ID", help="the SMSC's id, in any form")
    found.add_argument(
        "--client-id", metavar="ID", help="what its sender calls it: user_message_reference, Message-ID"
    )
    found.add_argument("--number", metavar="NUMBER", help="whom it goes to; such numbers are shown in full")
    found.add_argument("--account", metavar="NAME", help="whose it is")
    found.add_argument("--connector", metavar="NAME", help="by which it goes, or went last")
    found.add_argument(
        "--since",
        metavar="TIME",
        help=f"accepted since: {FORMS} (else 1d, or all with an --id or --client-id)",
    )
    found.add_argument("--until", metavar="TIME", help="accepted until then")
    found.add_argument("--state", metavar="STATES", help=f"any of, by commas: {', '.join(STATES)}")
    found.add_argument("--limit", type=int, default=100, metavar="N", help="rows at the most (default: 100)")
    parser.add_argument("--full", action="store_true", help="show numbers in full")
    parser.add_argument("--text", action="store_true", help="show the text too, while it is kept")
    add_state_dir(parser)
    add_json(parser)
    words = "\n".join(f"  {word + ' ID …':<14} {text}" for word, text in DECISIONS.items())
    parser.epilog = (
        f"decisions, about messages of which nothing was sent:\n{words}\n\n"
        "examples:\n  smsc-gateway message find --number +79991234567 --since 2h\n"
        "  smsc-gateway message find --account shop --state UNDELIVERABLE,EXPIRED --since 10:30\n"
        "  smsc-gateway message 912345678901234567 --state-dir run\n"
        "  smsc-gateway message hold 912345678901234567"
    )


def run(args: argparse.Namespace) -> int:
    first, *rest = args.words
    if first == "find":
        if rest:
            raise CommandError("find takes options, as --id ID", EXIT_USAGE)
        return _find(args)
    if first in DECISIONS:
        return _decide(args, first, rest)
    ids = rest if first == "show" else args.words
    if len(ids) != 1:
        raise CommandError("name one message: smsc-gateway message show ID", EXIT_USAGE)
    return _show(args, ids[0])


# -- find ---------------------------------------------------------------------------------------------


def _find(args: argparse.Namespace) -> int:
    now_ms = time.time_ns() // 1_000_000
    request = _asked(args, now_ms)
    rows = _search(args, request, now_ms)
    if args.json:
        print(json.dumps(rows, indent=2))
        return EXIT_OK
    columns = ("message_id", "account", "to", "state", "connector", "route")
    print(table([{"time_ms": row["accepted_ms"], **{name: row[name] for name in columns}} for row in rows]))
    if len(rows) == args.limit:
        print(f"the newest {args.limit}; there may be more: --limit, --until")
    return EXIT_OK


def _asked(args: argparse.Namespace, now_ms: int) -> dict[str, Any]:
    """The request that the options make; CommandError when one makes no sense."""
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    since_ms = 0 if args.id or args.client_id else now_ms - DAY_S * 1000
    if args.since is not None:
        since_ms = moment_of(args.since, now_ms, "--since")
    until_ms = moment_of(args.until, now_ms, "--until") if args.until is not None else 0
    if until_ms and until_ms < since_ms:
        raise CommandError(f"--until is before --since, which is {moment(since_ms)}", EXIT_USAGE)
    states = [name.strip().upper() for name in (args.state or "").split(",") if name.strip()]
    for name in states:
        if name not in STATES:
            raise CommandError(f"--state: {name} is none of {', '.join(STATES)}", EXIT_USAGE)
    return {
        "message_id": message_id_of(args.id) if args.id else 0,
        "upstream_id": args.upstream_id,
        "client_id": args.client_id,
        "number": _digits(args.number) if args.number else "",
        "account": args.account,
        "connector": args.connector,
        "since_ms": since_ms,
        "until_ms": until_ms,
        "states": states,
        "limit": args.limit,
        "full": args.full or bool(args.number),
    }


def _digits(number: str) -> str:
    digits = "".join(sign for sign in number if sign not in "+ -()")
    if not (digits.isascii() and digits.isdecimal()):
        raise CommandError(f"--number: {number!r} is no number; write it as +79991234567", EXIT_USAGE)
    return digits


def _search(args: argparse.Namespace, request: dict[str, Any], now_ms: int) -> list[dict[str, Any]]:
    from gateway.cli.smsc.output import progress  # hardly any other command of this kind takes long

    rows: list[dict[str, Any]] = []
    begin_ms, end_ms = request["since_ms"], request["until_ms"] or now_ms
    with progress() as bar:
        for answer in ask_many(args.state_dir, "find", **request):
            if "row" in answer:
                rows.append(answer["row"])
            else:
                part = (end_ms - answer["reached_ms"]) / max(1, end_ms - begin_ms)
                bar.update(f"{len(rows)} found since {moment(answer['reached_ms'])[:16]}", part)
    return rows


# -- show and decide ----------------------------------------------------------------------------------


def _show(args: argparse.Namespace, text: str) -> int:
    found = ask(args.state_dir, "message", message_id=message_id_of(text), full=args.full, text=args.text)
    if args.json:
        print(json.dumps(found, indent=2))
        return EXIT_OK
    if "messages" in found:
        _print_mail(found)
        return EXIT_OK
    print(f"{found['message_id']}  {found['state']}  to {found['to']} by {found['connector']}")
    for event in found["timeline"]:
        print(f"  {moment(event['at_ms'])}  {safe(event['text'])}")
    if args.text:
        _print_text(found["text"])
    return EXIT_OK


def _print_text(text: str | None) -> None:
    if text is None:
        print("\nits text is not kept (queue.text_days)")
        return
    print()
    for line in text.split("\n"):
        print("  " + "".join(safe(line[at : at + 200]) for at in range(0, len(line), 200)))


def _print_mail(mail: dict[str, Any]) -> None:
    sender = safe(mail["sender"]) or "<>"
    print(f"{mail['mail_id']}  mail from {sender} for {mail['account']}, {moment(mail['received_ms'])}")
    for name in ("header_id", "envid", "client_id"):
        if mail[name]:
            print(f"  {name} {safe(mail[name])}")
    print(f"\nmessages\n{table(mail['messages'])}\n\nletters\n{table(mail['letters'])}")


def _decide(args: argparse.Namespace, word: str, ids: list[str]) -> int:
    if not ids:
        raise CommandError(f"name the messages: smsc-gateway message {word} ID …", EXIT_USAGE)
    message_ids = [message_id_of(text) for text in ids]
    results = ask(args.state_dir, "decide", word=word, message_ids=message_ids)["results"]
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            print(f"{result['message_id']}  {'done' if result['done'] else safe(result['why'])}")
    return EXIT_OK if all(result["done"] for result in results) else EXIT_FAILURE
