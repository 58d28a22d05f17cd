"""`smsc-gateway encode TEXT`: the segments that a text becomes, their octets, and what forced UCS-2."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json
from gateway.cli.preview import safe_line
from gateway.core import texts
from gateway.core.text_preview import POLICIES, shown_text
from protocols.sms.shift_tables import LANGUAGES

HELP = "Show the segments that a text becomes, their octets, and which characters forced UCS-2."

_MOST_CHARACTERS = 20
_STEPS = {
    texts.AS_GIVEN: "all of it is in GSM 7 bit",
    texts.TYPOGRAPHY: "quotes, dashes and the like are written plainly",
    texts.TABLES: "they save segments against UCS-2",
    texts.TRANSLITERATION: "written in letters that GSM 7 bit has",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="?", help="the text, or - for standard input")
    parser.add_argument("--file", type=Path, metavar="PATH", help="file with the text, in UTF-8")
    parser.add_argument(
        "--transliterate",
        choices=POLICIES,
        default="none",
        metavar="POLICY",
        help=f"as of a route: {', '.join(POLICIES)} (default: %(default)s)",
    )
    parser.add_argument(
        "--shift-tables",
        default="",
        metavar="LIST",
        help="national tables that the handsets know, by commas, or all: " + ", ".join(LANGUAGES),
    )
    parser.add_argument(
        "--reference-bits",
        type=int,
        choices=(8, 16),
        default=8,
        metavar="N",
        help="of the header that joins the segments: 8 or 16 (default: %(default)s)",
    )
    parser.add_argument(
        "--packed", action="store_true", help="show septets packed, as on the radio; else as SMPP has them"
    )
    add_json(parser)
    parser.epilog = (
        "Nothing is sent, and no running gateway is needed. A line end at the end of a file is left out.\n\n"
        "examples:\n"
        "  smsc-gateway encode 'Your code is 1234'\n"
        "  smsc-gateway encode 'Siparişiniz yola çıktı' --shift-tables turkish --packed\n"
        "  smsc-gateway encode --file text.txt --transliterate latin --json\n"
        "  echo 'Привет!' | smsc-gateway encode - --transliterate any"
    )


def run(args: argparse.Namespace) -> int:
    text = _read(args)
    tables = _languages(args.shift_tables)
    wide = args.reference_bits == 16
    try:
        shown = shown_text(text, args.transliterate, tables, wide=wide, packed=args.packed)
    except ValueError as error:
        raise CommandError(str(error), EXIT_FAILURE) from None
    print(json.dumps(shown, indent=2, ensure_ascii=False) if args.json else _as_text(shown))
    return EXIT_OK


def _read(args: argparse.Namespace) -> str:
    if (args.text is None) == (args.file is None):
        raise CommandError("give either TEXT (- for standard input) or --file PATH", EXIT_USAGE)
    if args.file is None and args.text != "-":
        return str(args.text)
    name = args.file or "standard input"
    try:
        raw = args.file.read_bytes() if args.file else sys.stdin.buffer.read()
        text: str = raw.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8: octet {error.start + 1}") from error
    return text.removesuffix("\n").removesuffix("\r")


def _languages(words: str) -> tuple[str, ...]:
    names = tuple(word.strip() for word in words.split(",") if word.strip())
    if names == ("all",):
        return tuple(LANGUAGES)
    unknown = [name for name in names if name not in LANGUAGES]
    if unknown:
        raise CommandError(
            f"--shift-tables: {', '.join(unknown)} is none of {', '.join(LANGUAGES)}, all", EXIT_USAGE
        )
    return names


# -- for people --------------------------------------------------------------------------------------


def _as_text(shown: dict[str, Any]) -> str:
    reason = _STEPS.get(shown["reason"])
    beyond = shown["beyond_gsm7"]
    if reason is None:
        first = beyond[0]
        reason = f"because of {_named(first)} at character {first['places'][0]}"
    lines = [f"{'alphabet':<12} {shown['named']}: {reason}"]
    for number, entry in enumerate(beyond[:_MOST_CHARACTERS]):
        lines.append(f"{'' if number else 'not in GSM 7':<12} {_named(entry)}{_places(entry)}")
    if len(beyond) > _MOST_CHARACTERS:
        lines.append(f"{'':<12} and {len(beyond) - _MOST_CHARACTERS} more")
    if beyond:
        lines += ["", "what each policy would do"]
        rows = [(entry["transliterate"], entry) for entry in shown["policies"]]
        if not (shown["locking_shift"] or shown["single_shift"]):
            rows.append(("all shift tables", shown["all_shift_tables"]))
        lines += [f"  {name:<17} {_segments(entry['segments'])}, {entry['alphabet']}" for name, entry in rows]
    count = shown["segments"]
    for part in shown["parts"]:
        lines += ["", _heading(part, count)]
        lines += [f"  | {safe_line(line)}" for line in part["text"].split("\n")]
        lines += [f"  {row}" for row in _hex(part)]
    return "\n".join(lines)


def _heading(part: dict[str, Any], count: int) -> str:
    characters = f"{part['characters']} characters"
    if part["signs"] != part["characters"]:
        characters += f" (a reader sees {part['signs']})"
    unit = "septets" if "septets" in part else "units"
    size = f"{part[unit]} {unit}, {part['octets']} octets of user data"
    return f"SMS {part['number']} of {count}: {characters}, {size}"


def _segments(count: int) -> str:
    return f"{count} segment" if count == 1 else f"{count} segments"


def _named(entry: dict[str, Any]) -> str:
    name = f" {entry['name']}" if entry["name"] else ""
    return f"“{safe_line(entry['character'])}” ({entry['code_point']}{name})"


def _places(entry: dict[str, Any]) -> str:
    places, count = entry["places"], entry["count"]
    more = f" and {count - len(places)} more" if count > len(places) else ""
    return f" at {', '.join(map(str, places))}{more}"


def _hex(part: dict[str, Any]) -> list[str]:
    rows = [f"udh {part['udh']}"] if part["udh"] else []
    octets = part["hex"]
    return rows + [octets[at : at + 64] for at in range(0, len(octets), 64)]
