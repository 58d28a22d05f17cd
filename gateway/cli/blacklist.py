"""`smsc-gateway blacklist`: numbers that nobody writes to, or that one account does not write to."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json, add_state_dir
from gateway.cli.daemon_client import ask, ask_many, table
from protocols.sms.addresses import TON_UNKNOWN, digits_of

HELP = "Keep numbers from getting SMS: of one account and its parts, or of all."

ACTIONS = {
    "add": "puts NUMBERs on the list",
    "remove": "takes NUMBERs off the list",
    "list": "shows all lists, or those that a NUMBER is on",
    "import": "puts the numbers of a FILE on the list: one a line, # begins a comment",
    "export": "prints the list as a FILE to import",
}
REQUEST = 1000
"""So many numbers go in one request."""
SHOWN = 10
"""So many bad lines of a file are told."""
_SEPARATORS = re.compile(r"[\s().-]")
_NUMBER = re.compile("[0-9]{3,15}", re.ASCII)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("what", nargs="*", metavar="NUMBER|FILE", help="international numbers, or a file")
    parser.add_argument(
        "--account", metavar="NAME", help="its list, which is that of its parts too; without it everybody's"
    )
    parser.add_argument("--why", default="", metavar="TEXT", help="is kept with what is added")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows of list (default: 100)")
    add_state_dir(parser)
    add_json(parser)
    actions = "\n".join(f"  {name:<8} {text}" for name, text in ACTIONS.items())
    parser.epilog = (
        f"actions:\n{actions}\n\n"
        "A message to a number on the list is refused; what was accepted before still goes out.\n\n"
        "examples:\n  smsc-gateway blacklist add 79990000001 --account app --why 'called us'\n"
        "  smsc-gateway blacklist list 79990000001\n"
        "  smsc-gateway blacklist import stop.txt\n"
        "  smsc-gateway blacklist export --account app > app.txt"
    )


def run(args: argparse.Namespace) -> int:
    if args.action in ("add", "remove"):
        if not args.what:
            raise CommandError(f"name the numbers: smsc-gateway blacklist {args.action} NUMBER", EXIT_USAGE)
        return _change(args, [_number(text) for text in args.what])
    if args.action == "list":
        return _list(args)
    if args.action == "export":
        if args.what:
            raise CommandError("export takes no NUMBER or FILE; it prints the list", EXIT_USAGE)
        return _export(args)
    if len(args.what) != 1:
        raise CommandError("name one file: smsc-gateway blacklist import FILE", EXIT_USAGE)
    return _change(args, _read(Path(args.what[0])))


def _number(text: str) -> str:
    found = _digits(text)
    if found is None:
        raise CommandError(f"{text!r} is no number: 3 to 15 digits, with or without + or 00", EXIT_USAGE)
    return found


def _digits(text: str) -> str | None:
    """A number in digits, as messages have it; None: it is none."""
    digits = digits_of(_SEPARATORS.sub("", text), TON_UNKNOWN)
    return digits if _NUMBER.fullmatch(digits) else None


def _read(path: Path) -> list[str]:
    """The numbers of a file; CommandError with its first bad lines, so that all or nothing is imported."""
    numbers: dict[str, None] = {}
    bad: list[str] = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for count, line in enumerate(lines, 1):
                text = re.split("[#,;\t]", line, maxsplit=1)[0].strip()
                found = _digits(text)
                if found is not None:
                    numbers[found] = None
                elif text and len(bad) < SHOWN:
                    bad.append(f"{path}:{count}: {text[:40]!r} is no number")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{path} is no text in UTF-8") from error
    if bad:
        fix = "nothing was imported; correct these lines or put # before them"
        raise CommandError("\n".join((*bad, fix)))
    return list(numbers)


def _change(args: argparse.Namespace, numbers: list[str]) -> int:
    from gateway.cli.smsc.output import progress  # hardly any other command of this kind takes long

    command = "blacklist_remove" if args.action == "remove" else "blacklist_add"
    total: dict[str, int] = {}
    with progress() as bar:
        for done, some in enumerate(_pieces(numbers)):
            bar.update(f"{done * REQUEST} of {len(numbers)}", done * REQUEST / len(numbers))
            answer = ask(args.state_dir, command, account=args.account or "", numbers=some, why=args.why)
            for name, count in answer.items():
                total[name] = total.get(name, 0) + count
    if args.json:
        print(json.dumps(total))
    else:
        said = ", ".join(f"{count} {_WORDS[name]}" for name, count in total.items())
        print(said or "the file has no numbers")
    return EXIT_OK


_WORDS = {
    "added": "added",
    "known": "on the list before",
    "removed": "removed",
    "unknown": "not on the list",
}


def _pieces(numbers: list[str]) -> Iterator[list[str]]:
    rest = iter(numbers)
    while some := list(islice(rest, REQUEST)):
        yield some


def _list(args: argparse.Namespace) -> int:
    if len(args.what) > 1:
        raise CommandError("list takes one NUMBER", EXIT_USAGE)
    if args.limit < 1:
        raise CommandError("--limit must be above 0", EXIT_USAGE)
    number = _number(args.what[0]) if args.what else ""
    pages = ask_many(args.state_dir, "blacklist_list", account=args.account, number=number, limit=args.limit)
    rows = [row for page in pages for row in page["rows"]]
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        print(table([{**row, "account": row["account"] or "everybody"} for row in rows]))
    return EXIT_OK


def _export(args: argparse.Namespace) -> int:
    pages = ask_many(args.state_dir, "blacklist_list", account=args.account or "")
    if args.json:
        print(json.dumps([row for page in pages for row in page["rows"]], indent=2))
        return EXIT_OK
    for page in pages:
        for row in page["rows"]:
            print(row["number"])
    return EXIT_OK
