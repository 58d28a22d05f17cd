"""`smsc-gateway route`: why a message would go which way, on live state, and the list of routes."""

from __future__ import annotations

import argparse
import json
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, moment, table
from gateway.cli.moments import FORMS, moment_of
from gateway.core.clock import SystemClock
from gateway.core.events import safe
from gateway.core.prices import amount_text

HELP = "Show which route a message would take and why, or list the routes."

ACTIONS = {
    "explain": "which route holds for a message, which do not and why, the connector and the price",
    "list": "all routes, in the order of the configuration",
}
_STATES = {
    "linked": "has a link",
    "paused": "is paused",
    "silent": "answers nothing",
    "down": "has no link",
}
_WIDTH = 12


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("--from", dest="source", default="", metavar="SENDER", help="a name or a number")
    parser.add_argument("--to", dest="destination", metavar="NUMBER", help="where the message goes")
    parser.add_argument("--text", default="", metavar="TEXT", help="what it says")
    parser.add_argument("--account", default="", metavar="NAME", help="whose it is (default: nobody's)")
    parser.add_argument(
        "--ingress", default="smpp", choices=("smpp", "mail", "http"), help="how it comes (default: smpp)"
    )
    parser.add_argument("--at", metavar="TIME", help=f"as if it came then: {FORMS} (default: now)")
    parser.add_argument(
        "--alphabet",
        choices=("gsm7", "latin1", "ucs2", "binary"),
        help="how it is written (default: GSM 7 bit if that has all of the text, else UCS-2)",
    )
    parser.add_argument("--class", dest="message_class", choices="0123", help="its class (default: none)")
    parser.add_argument(
        "--segments", type=int, default=0, metavar="N", help="how many it is (default: as the text needs)"
    )
    add_state_dir(parser)
    add_json(parser)
    parser.epilog = (
        "Nothing is sent or counted. Without --account it is nobody's message, so routes for accounts do not "
        "hold.\n\n"
        "examples:\n"
        "  smsc-gateway route explain --from Example --to 79991234567 --text 'Your code is 1234'\n"
        "  smsc-gateway route explain --to 79991234567 --account app --at 23:30\n"
        "  smsc-gateway route list --json\n\n"
        "exit codes: 0 it would be sent, 1 it would be refused"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        return _list(args)
    if not args.destination:
        raise CommandError("explain needs --to NUMBER", EXIT_USAGE)
    if not 0 <= args.segments <= 255:
        raise CommandError("--segments is 1 to 255", EXIT_USAGE)
    told = ask(
        args.state_dir,
        "route_explain",
        source=args.source,
        destination=args.destination,
        text=args.text,
        account=args.account,
        ingress=args.ingress,
        at_ms=None if args.at is None else moment_of(args.at, SystemClock().now_ms(), "--at"),
        alphabet=args.alphabet,
        segments=args.segments,
        **{"class": args.message_class},
    )
    print(json.dumps(told, indent=2, ensure_ascii=False) if args.json else "\n".join(_lines(told)))
    return EXIT_FAILURE if told["refused"] else EXIT_OK


def _list(args: argparse.Namespace) -> int:
    answer = ask(args.state_dir, "route_list")
    if args.json:
        print(json.dumps(answer["rows"], indent=2, ensure_ascii=False))
        return EXIT_OK
    rows = [
        {
            "no": row["number"],
            "name": row["name"],
            "priority": row["priority"],
            "prefix": _some(row["prefixes"]) or "every number",
            "connectors": "refuses" if row["refuse"] else _targets(row),
            "only": "; ".join(row["conditions"]) or None,
        }
        for row in answer["rows"]
    ]
    print(table(rows))
    if answer["count"] > len(rows):
        print(f"and {answer['count'] - len(rows)} more")
    return EXIT_OK


def _some(prefixes: list[str]) -> str:
    more = f" and {len(prefixes) - 3} more" if len(prefixes) > 3 else ""
    return ", ".join(prefixes[:3]) + more


def _targets(row: dict[str, Any]) -> str:
    if not row["weights"]:
        return ", ".join(row["connectors"])
    pairs = zip(row["connectors"], row["weights"], strict=True)
    return ", ".join(f"{name} {weight}" for name, weight in pairs)


# -- for people --------------------------------------------------------------------------------------


def _lines(told: dict[str, Any]) -> list[str]:
    message = told["message"]
    whose = f"account {message['account']}" if message["account"] else "no account"
    lines = [
        _line("from", message["from"] or "-"),
        _line("to", message["to"]),
        _line(
            "message", f"{_size(message)}, {whose}, by {message['ingress']}, {moment(message['at_ms'])[:16]}"
        ),
    ]
    for row in told["routes"]:
        lines += _compared(row)
    if told["left_out"]:
        lines.append(_line("", f"and {told['left_out']} more that do not hold"))
    lines.append(_line("route", told["route"] or "none holds"))
    lines += [_line("changes" if not n else "", text) for n, text in enumerate(_changes(told))]
    for number, row in enumerate(told.get("connectors", ())):
        lines.append(_line("" if number else "connector", _connector(row, first=not number)))
    if "sent" in told:
        lines.append(
            _line("sent", _size(told["sent"]) + ", and goes nowhere: test mode" * bool(told.get("test_mode")))
        )
        lines += _prices(told["prices"])
    if told["refused"]:
        lines.append(_line("refused", told["refused"]))
    return lines


def _line(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}} {safe(text)}"


def _size(shape: dict[str, Any]) -> str:
    segments = f"{shape['segments']} segment{'s' * (shape['segments'] != 1)}"
    message_class = "" if shape["class"] == "none" else f", class {shape['class']}"
    return f"{shape['alphabet']}, {segments}{message_class}"


def _compared(row: dict[str, Any]) -> list[str]:
    place = f"no. {row['number']}, priority {row['priority']}, "
    place += f"prefix {row['prefix']}" if row["prefix"] else "every number"
    lines = [_line("holds" if row["holds"] else "not", f"{row['name']} ({place})")]
    for condition in row["conditions"]:
        sign, but = ("+", "") if condition["holds"] else ("-", f": {condition['but']}")
        lines.append(_line("", f"{sign} {condition['option']}: {condition['asks']}{but}"))
    return lines


def _changes(told: dict[str, Any]) -> list[str]:
    found = []
    for change in told.get("changes", ()):
        if change["what"] == "expires_ms":
            found.append(f"expires: {moment(change['to'])[:16]}")
        else:
            found.append(f"{change['what']}: {change['from'] or '-'} -> {change['to'] or '-'}")
    return found


def _connector(row: dict[str, Any], *, first: bool) -> str:
    words = [_STATES[row["state"]]]
    if row["weight"] is not None:
        words.append(f"weight {row['weight']}")
    if row["price"] is not None:
        words.append(f"{amount_text(row['price'])} a segment")
    return f"{row['name']}: {', '.join(words)}" + (f" ({row['why']})" if first else "")


def _prices(prices: dict[str, Any]) -> list[str]:
    lines = []
    if "account" in prices:
        paid = "none" if prices["account"] is None else amount_text(prices["account"])
        lines.append(_line("price", f"{paid} {prices['currency']}".rstrip()))
    if "connector" in prices:
        lines.append(_line("cost", amount_text(prices["connector"])))
    return lines
