"""The list of `smsc-gateway send --file`: lines with a number, and whatever the text says of it.

A list is CSV with a header that names its columns, or numbers alone, one a line.  It is read as a stream, so
a million lines need no more memory than one.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from gateway.cli import EXIT_USAGE, CommandError
from protocols.sms import addresses, segments
from protocols.sms.alphabet import Alphabet, encode

TO, TEXT, FROM = "to", "text", "from"
PROBLEMS_MAX = 20
_DELIMITERS = (",", ";", "\t")
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_SPACES = str.maketrans("", "", " -()\u00a0")


class Line(NamedTuple):
    """One message of the list."""

    line: int
    """Where it stands in the file; the first of a row that takes several."""
    to: str
    """In digits."""
    sender: str
    text: str


class BadLine(ValueError):
    """What is wrong with a line, for people."""


class Wanted(NamedTuple):
    """How a list is to be read."""

    columns: Mapping[str, str]
    """`to`, `text`, `from` → the name of the column in the list, where that is another one."""
    template: str | None
    """The text, with {column} for what a line says; None: each line has its own."""
    sender: str
    """Where the list has no such column, or nothing in it."""


class Found(NamedTuple):
    """What a list holds."""

    lines: int
    segments: int
    longest: int
    """Segments of the longest text."""
    digest: str
    """Of the file, so that another list is not taken for it."""


class BulkList:
    """A list in a file; it is opened anew for each walk through it."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self.path = path
        self._wanted = wanted

    def check(self, on_line: Callable[[int], object] = lambda count: None) -> Found:
        """Looks at all of it, counting to `on_line`; CommandError names the first lines that are wrong."""
        problems: list[str] = []
        count = total = longest = wrong = 0
        for line, found in self._walk():
            if isinstance(found, BadLine):
                wrong += 1
                if len(problems) < PROBLEMS_MAX:
                    problems.append(f"  line {line}: {found}")
                continue
            parts = _segments(found.text)
            count, total, longest = count + 1, total + parts, max(longest, parts)
            on_line(count)
        if problems:
            more = f"\n  and {wrong - len(problems)} more" if wrong > len(problems) else ""
            text = "\n".join(problems)
            raise CommandError(
                f"{self.path}: nothing was sent, correct these lines:\n{text}{more}", EXIT_USAGE
            )
        if not count:
            raise CommandError(f"{self.path} has no lines", EXIT_USAGE)
        return Found(count, total, longest, self._digest())

    def lines(self) -> Iterator[Line]:
        """Its messages, in order; CommandError when it is not the list any more that was checked."""
        for line, found in self._walk():
            if isinstance(found, BadLine):
                raise CommandError(f"{self.path} was changed while it was sent: line {line}: {found}")
            yield found

    def _digest(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _walk(self) -> Iterator[tuple[int, Line | BadLine]]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield from _rows(file, self._wanted)
        except UnicodeDecodeError as error:
            raise CommandError(f"{self.path} is not UTF-8: {error.reason}", EXIT_USAGE) from None
        except csv.Error as error:
            raise CommandError(f"{self.path} is no CSV: {error}", EXIT_USAGE) from None
        except OSError as error:
            raise CommandError(f"{self.path} cannot be read: {error.strerror}", EXIT_USAGE) from None


def _rows(file: Iterable[str], wanted: Wanted) -> Iterator[tuple[int, Line | BadLine]]:
    lines = iter(file)
    first = next(lines, "")
    delimiter = next((sign for sign in _DELIMITERS if sign in first), ",")
    rows = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    at = 1
    for row in rows:
        line, at = at, rows.line_num + 1
        if not any(cell.strip() for cell in row):
            continue
        if names is None:
            names = [TO] if _is_number(row[0]) else [cell.strip() for cell in row]
            _check_names(names, wanted)
            if names != [TO] or not _is_number(row[0]):
                continue
        yield line, _line(line, dict(zip(names, row, strict=False)), len(row), len(names), wanted)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _check_names(names: list[str], wanted: Wanted) -> None:
    for meaning in (TO, *([TEXT] if wanted.template is None else [])):
        if (name := wanted.columns.get(meaning, meaning)) not in names:
            hint = "give --text" if meaning == TEXT else "name it with --column to=NAME"
            raise CommandError(f"the list has no column {name!r}, or {hint}", EXIT_USAGE)
    for meaning, name in wanted.columns.items():
        if name not in names:
            raise CommandError(f"--column {meaning}={name}: the list has no such column", EXIT_USAGE)
    if len(set(names)) < len(names):
        raise CommandError("two columns of the list have the same name", EXIT_USAGE)
    for name in fields_of(wanted.template or ""):
        if name not in names:
            raise CommandError(f"--text: the list has no column {name!r}; write {{{{ for a {{", EXIT_USAGE)


def _line(line: int, row: Mapping[str, str], cells: int, columns: int, wanted: Wanted) -> Line | BadLine:
    if cells != columns:
        return BadLine(f"it has {cells} cells, and the header {columns}")
    to = number_of(row[wanted.columns.get(TO, TO)])
    if to is None:
        return BadLine("there is no number: give international digits")
    sender = row.get(wanted.columns.get(FROM, FROM), "").strip() or wanted.sender
    text = row[wanted.columns.get(TEXT, TEXT)] if wanted.template is None else render(wanted.template, row)
    if not text:
        return BadLine("the text is empty")
    if not is_sender(sender):
        return BadLine(f"the sender {sender!r} is neither a number nor at most 11 ASCII characters")
    try:
        _segments(text)
    except segments.TooManySegments as error:
        return BadLine(f"the text is too long: {error}")
    except UnicodeEncodeError:
        return BadLine("the text has half a character")
    return Line(line, to, sender, text)


@lru_cache(1024)
def _segments(text: str) -> int:
    """How many; lists often say the same to everybody."""
    return len(segments.segment_text(text)[1])


def _is_number(text: str) -> bool:
    return number_of(text) is not None


def number_of(text: str) -> str | None:
    """The digits of a number as people write it; None: it is none."""
    digits = addresses.digits_of(text.strip().translate(_SPACES), addresses.TON_UNKNOWN)
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None


@lru_cache(1024)
def is_sender(text: str) -> bool:
    """Whether a message can be from this."""
    ton, _ = addresses.guess_source_ton_npi(text)
    if ton != addresses.TON_ALPHANUMERIC:
        return len(text) <= 21 and text.isascii()
    return text.isascii() and addresses.is_alphanumeric_sender(text)


# -- texts with columns in them ----------------------------------------------------------------------


def fields_of(template: str) -> list[str]:
    """The columns that it names; CommandError when a brace stands alone."""
    found = []
    for match in _FIELD.finditer(template):
        if match[0] in ("{", "}"):
            raise CommandError(f"--text: a {match[0]} stands alone; write {match[0] * 2} for one", EXIT_USAGE)
        if match[1] is not None:
            found.append(match[1].strip())
    return found


def render(template: str, row: Mapping[str, str]) -> str:
    """The text for one line: {column} is what its row says, {{ and }} are braces."""
    return _FIELD.sub(lambda m: m[0][0] if m[1] is None else row.get(m[1].strip(), ""), template)


@lru_cache(1024)
def octets_of(text: str) -> tuple[Alphabet, bytes, int]:
    """A text as a message carries it: alphabet, octets, segments."""
    alphabet, parts = segments.segment_text(text)
    return alphabet, encode(text, alphabet), len(parts)
