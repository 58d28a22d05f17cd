"""`smsc-gateway encode TEXT`: the segments that a text becomes, their octets, and what forced UCS-2."""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_json
from gateway.cli.preview import safe_line
from gateway.config.connector_model import Transliteration
from gateway.core import texts
from gateway.core.texts import Rewritten, rewrite
from protocols.sms import alphabet, national, segments
from protocols.sms.alphabet import Alphabet, as_gsm7
from protocols.sms.encoding import Written
from protocols.sms.graphemes import is_border
from protocols.sms.shift_tables import LANGUAGES
from protocols.sms.transliteration import composed

HELP = "Show the segments that a text becomes, their octets, and which characters forced UCS-2."

POLICIES: tuple[str, ...] = get_args(Transliteration)
REFERENCE = 1
"""In the headers shown; the gateway counts up."""
_UDHI = 0x40
_NAMES = {number: name for name, number in LANGUAGES.items()}
_MOST_PLACES = 5
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
    found = rewrite(text, args.transliterate, tables, wide)
    written = found.written
    if written.segments > segments.MAX_SEGMENTS:
        raise CommandError(
            f"the text takes {written.segments} segments, {segments.MAX_SEGMENTS} is the most", EXIT_FAILURE
        )
    shown = {
        "text": found.text,
        "characters": len(found.text),
        "alphabet": written.alphabet.value,
        "locking_shift": _NAMES.get(written.tables[0]),
        "single_shift": _NAMES.get(written.tables[1]),
        "reason": found.step,
        "data_coding": 8 if written.alphabet is Alphabet.UCS2 else 0,
        "esm_class": _UDHI if written.segments > 1 or written.elements else 0,
        "segments": written.segments,
        "beyond_gsm7": _beyond(composed(text)),
        "policies": [_policy(text, name, tables, wide) for name in POLICIES],
        "all_shift_tables": _policy(text, "none", tuple(LANGUAGES), wide),
        "parts": _parts(written, wide, packed=args.packed),
    }
    print(json.dumps(shown, indent=2, ensure_ascii=False) if args.json else _as_text(shown, found))
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


def _beyond(text: str) -> list[dict[str, Any]]:
    """The characters that the default alphabet lacks, with their first places, counted from 1."""
    places: dict[str, list[int]] = {}
    for place, character in enumerate(text, 1):
        if not character.isascii() or as_gsm7(character) is None:
            places.setdefault(character, []).append(place)
    return [
        {
            "character": character,
            "code_point": f"U+{ord(character):04X}",
            "name": unicodedata.name(character, ""),
            "count": len(where),
            "places": where[:_MOST_PLACES],
        }
        for character, where in places.items()
        if as_gsm7(character) is None
    ]


def _policy(text: str, name: str, tables: Sequence[str], wide: bool) -> dict[str, Any]:
    found = rewrite(text, name, tables, wide)
    return {
        "transliterate": name,
        "alphabet": _alphabet_of(found.written),
        "segments": found.written.segments,
        "text": found.text,
    }


def _alphabet_of(written: Written) -> str:
    locking, single = written.tables
    words = [f"{_NAMES[locking]} locking" if locking else "", f"{_NAMES[single]} single" if single else ""]
    named = " and ".join(filter(None, words))
    return written.alphabet.value + (f" with the {named} shift table" if named else "")


def _parts(written: Written, wide: bool, *, packed: bool) -> list[dict[str, Any]]:
    parts = segments.split(written.data, written.alphabet, wide_reference=wide, header=written.elements)
    framed = segments.with_udh(parts, REFERENCE, wide, written.elements)
    is_gsm7 = written.alphabet is Alphabet.GSM7
    found = []
    for number, (part, user_data) in enumerate(zip(parts, framed, strict=True), 1):
        header = user_data[: len(user_data) - len(part)]
        text = national.decode(part, *written.tables) if is_gsm7 else alphabet.decode(part, Alphabet.UCS2)
        fill = alphabet.fill_bits(len(header))
        body = alphabet.pack(part, fill) if packed and is_gsm7 else part
        length = (len(header) * 8 + fill) // 7 + len(part) if is_gsm7 else len(user_data)
        found.append(
            {
                "number": number,
                "text": text,
                "characters": len(text),
                "signs": sum(is_border(text, at) for at in range(1, len(text) + 1)),
                "septets" if is_gsm7 else "units": len(part) if is_gsm7 else len(part) // 2,
                "octets": len(header) + len(body),
                "user_data_length": length,  # TP-UDL, 3GPP TS 23.040 §9.2.3.16
                "udh": header.hex().upper(),
                "hex": body.hex().upper(),
            }
        )
    return found


# -- for people --------------------------------------------------------------------------------------


def _as_text(shown: dict[str, Any], found: Rewritten) -> str:
    reason = _STEPS.get(found.step)
    beyond = shown["beyond_gsm7"]
    if reason is None:
        first = beyond[0]
        reason = f"because of {_named(first)} at character {first['places'][0]}"
    lines = [f"{'alphabet':<12} {_alphabet_of(found.written)}: {reason}"]
    for number, entry in enumerate(beyond[:_MOST_CHARACTERS]):
        lines.append(f"{'' if number else 'not in GSM 7':<12} {_named(entry)}{_places(entry)}")
    if len(beyond) > _MOST_CHARACTERS:
        lines.append(f"{'':<12} and {len(beyond) - _MOST_CHARACTERS} more")
    if beyond:
        lines += ["", "what each policy would do"]
        rows = [(entry["transliterate"], entry) for entry in shown["policies"]]
        if not found.written.elements:
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
