"""Options of `smsc-gateway smsc …` as data: which parameter of a request each one gives.

An Option says its flag, the parameter, and how what was typed becomes the parameter's text. `add()` puts
it on a parser; `parameters()` and `uploads()` read what was given. What the service checks itself is not
checked here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from gateway.cli import EXIT_USAGE, CommandError

NO_CHOICES: Mapping[str, str] = {}


class Option(NamedTuple):
    flag: str
    """`--name`, or the metavar of a positional argument."""
    parameter: str
    """Name in the request; "" for an option of the command itself."""
    help: str
    kind: str = "text"
    """text · many (several, joined by commas) · flag (`value` or nothing) · switch (1, 0 or nothing) ·
    date · moment · count · secret (a file that holds it) · file (sent along) · path (read or written by the
    command itself)"""
    metavar: str = ""
    required: bool = False
    choices: Mapping[str, str] = NO_CHOICES
    """Words to type, and what each is in the request."""
    value: str = "1"
    """What a flag gives."""
    exclusive: str = ""
    """Options of a command with the same word here exclude each other."""

    @property
    def dest(self) -> str:
        return self.flag.strip("-").lower().replace("-", "_")

    @property
    def positional(self) -> bool:
        return not self.flag.startswith("-")


def add(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    """Put options on a parser."""
    groups: dict[str, argparse._ActionsContainer] = {}
    for option in options:
        target: argparse._ActionsContainer = parser
        if option.exclusive:
            if option.exclusive not in groups:
                groups[option.exclusive] = parser.add_mutually_exclusive_group()
            target = groups[option.exclusive]
        _add(target, option)


def _add(parser: argparse._ActionsContainer, option: Option) -> None:
    words = option.help.replace("%", "%%")
    if option.positional:
        nargs = (
            ("+" if option.required else "*") if option.kind == "many" else None if option.required else "?"
        )
        parser.add_argument(
            option.dest,
            metavar=option.metavar or option.flag,
            nargs=nargs,
            help=words,
            type=_TYPES[option.kind],
        )
    elif option.kind == "flag":
        parser.add_argument(option.flag, action="store_true", help=words)
    elif option.kind == "switch":
        parser.add_argument(option.flag, action=argparse.BooleanOptionalAction, help=words)
    elif option.choices:
        parser.add_argument(option.flag, choices=tuple(option.choices), required=option.required, help=words)
    else:
        parser.add_argument(
            option.flag,
            dest=option.dest,
            metavar=option.metavar or option.flag.rpartition("-")[2].upper(),
            action="append" if option.kind in ("many", "file") else "store",
            required=option.required,
            type=_TYPES[option.kind],
            help=words,
        )


def parameters(options: Iterable[Option], args: argparse.Namespace) -> dict[str, str]:
    """The parameters that were given, as texts."""
    found = {}
    for option in options:
        text = _text(option, getattr(args, option.dest)) if option.parameter else None
        if text is not None:
            found[option.parameter] = text
    return found


def _text(option: Option, given: object) -> str | None:
    """What was given, as the service wants it; None for nothing."""
    match option.kind, given:
        case ("file" | "path", _) | (_, None):
            return None
        case "flag", _:
            return option.value if given else None
        case "switch", _:
            return "1" if given else "0"
        case "many", list():
            return ",".join(given) if given else None
        case "secret", Path():
            return _secret(given)
    return option.choices.get(str(given), str(given))


def uploads(options: Iterable[Option], args: argparse.Namespace) -> list[tuple[str, bytes]]:
    """Name and content of the files to send along."""
    return [
        (path.name, read_octets(path))
        for option in options
        if option.kind == "file"
        for path in getattr(args, option.dest) or ()
    ]


def read_octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", EXIT_USAGE) from None


def read_text(path: Path) -> str:
    """A file of UTF-8 text, without the byte order mark that some editors write."""
    try:
        return read_octets(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8 text; save it as UTF-8", EXIT_USAGE) from None


def _secret(path: Path) -> str:
    secret = read_text(path).rstrip("\r\n")
    if not secret or "\n" in secret:
        raise CommandError(f"{path} must hold one line: the password", EXIT_USAGE)
    return secret


def _date(text: str) -> str:
    """`2024-12-31` or `31.12.2024`, as the service writes it."""
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            found: date = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return f"{found.day:02}.{found.month:02}.{found.year:04}"
    raise argparse.ArgumentTypeError(f"{text!r} is no day: write 2024-12-31")


def _moment(text: str) -> str:
    """An ISO time becomes the service's timestamp; its own forms stay as they are."""
    if len(text) < len("2024-12-31") or text[4:5] != "-":
        return text
    try:
        found = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2024-12-31T18:00") from None
    return f"0{int(found.timestamp())}"


def _count(text: str) -> str:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return str(int(text))


_TYPES: Mapping[str, Callable[[str], object]] = {
    "text": str,
    "many": str,
    "date": _date,
    "moment": _moment,
    "count": _count,
    "file": Path,
    "secret": Path,
    "path": Path,
}
