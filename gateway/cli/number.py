"""`smsc-gateway number NUMBER…`: what the numbering plans say of numbers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json
from gateway.core.events import safe
from gateway.core.numbers import have_same_time, is_region

HELP = "Show what is known of numbers: their form, whether they exist, country, operator and time zone."

_MOST_ZONES = 3


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("numbers", metavar="NUMBER", nargs="+", help="with +, in digits, or as in --region")
    parser.add_argument(
        "--region",
        default="",
        metavar="COUNTRY",
        help="whose national numbers are meant (two letters), as by an account's default_region",
    )
    add_json(parser)
    parser.epilog = (
        "No running gateway is needed, and nobody is asked: all this follows from the number's digits. The\n"
        "operator is the one that the range was given to; a number that was ported has another one.\n\n"
        "examples:\n"
        "  smsc-gateway number +79991234567\n"
        "  smsc-gateway number '8 (999) 123-45-67' --region RU\n"
        "  smsc-gateway number --json 79991234567 442079460018\n\n"
        "exit codes: 0 all of them are valid, 1 at least one is not"
    )


def run(args: argparse.Namespace) -> int:
    region = args.region.upper()
    if region and not is_region(region):
        raise CommandError(f"--region {args.region}: no such country; write two letters, as RU", EXIT_USAGE)
    from gateway.core.number_facts import describe  # 100 MB of names

    found = [describe(text, region) for text in args.numbers]
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join("\n".join(_lines(facts)) for facts in found))
    return EXIT_OK if all(facts["valid"] for facts in found) else EXIT_FAILURE


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield facts["e164"] or safe(facts["number"])
    valid = f"yes, {facts['type']}" if facts["valid"] else f"no: {facts['problem']}"
    rows = [("valid", valid)]
    if facts["e164"]:
        rows += [
            ("in its country", facts["national"]),
            ("country", " ".join(filter(None, (facts["country"], _in_brackets(facts["region"])))) or "none"),
            ("operator", _operator(facts["operator"])),
            ("time zone", _zone(facts)),
        ]
    for what, text in rows:
        yield f"  {what:<15} {text}"


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def _operator(name: str) -> str:
    return f"{name} by its range; if it was ported, another one" if name else "not known by its range"


def _zone(facts: dict[str, Any]) -> str:
    zone, zones = facts["time_zone"], tuple(facts["time_zones"])
    if not zones or have_same_time(zones):
        return zone or "unknown"
    if zone:
        return f"{zone} most likely, of {len(zones)} that are possible"
    more = ", …" if len(zones) > _MOST_ZONES else ""
    return f"one of {len(zones)}: {', '.join(zones[:_MOST_ZONES])}{more}"
