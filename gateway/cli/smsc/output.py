"""What the commands show: JSON, tables for people, files, and progress on a terminal.

A terminal gets rich's tables; anything else gets plain aligned text of full width, so that `grep` and
`less` see every character. What the service sends is shown with its control characters made visible.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gateway.cli import EXIT_USAGE, CommandError
from gateway.core.events import safe

Row = Mapping[str, object]
Words = Mapping[str, Mapping[str, str]]
NO_WORDS: Words = {}

EXPORTS = (".csv", ".json")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-\d+(\.\d+)?", re.ASCII)
_SHORT, _LEAST = 20, 16  # characters of a column that is kept whole, and that others need
_SAFE_CHUNK = 200  # what safe() looks at


def visible(text: str) -> str:
    """A text of the service on one line, its control and direction characters made visible."""
    text = text.replace("\n", "\\n")
    return "".join(safe(text[i : i + _SAFE_CHUNK]) for i in range(0, len(text), _SAFE_CHUNK))


def cell(value: object, name: str = "", words: Words = NO_WORDS) -> str:
    """One value of an answer for people; a number that has a meaning says it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ", ".join(_inner(item) for item in value) or "-"
    if isinstance(value, Mapping):
        return _inner(value)
    text = str(value)
    meaning = words.get(name, {}).get(text)
    return visible(text if meaning is None else f"{text} {meaning}")


def _inner(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {cell(item)}" for name, item in value.items())
    return cell(value)


def names_of(rows: Sequence[Row], columns: Sequence[str] = ()) -> list[str]:
    """The columns that a table has: those named, where a row has them, else all in the order they come."""
    found = dict.fromkeys(name for row in rows for name in row)
    return [name for name in columns if name in found] if columns else list(found)


def show_table(rows: Sequence[Row], columns: Sequence[str] = (), words: Words = NO_WORDS) -> None:
    """Rows for people, on standard output."""
    if not rows:
        print("none")
        return
    names = names_of(rows, columns)
    body = [[cell(row.get(name), name, words) for name in names] for row in rows]
    head = [_heading(name) for name in names]
    if sys.stdout.isatty():
        _show_rich(head, body)
    else:
        print(aligned([head, *body]))


def show_record(record: Row, words: Words = NO_WORDS) -> None:
    """One record for people: a line for each value."""
    print(aligned([[_heading(name), cell(value, name, words)] for name, value in record.items()]))


def _heading(name: str) -> str:
    return " ".join("count" if word == "cnt" else word for word in name.split("_"))


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, without tabs and of full width."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _show_rich(head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    # dates and numbers stay whole where the long texts still have room beside them
    room = sum(width + 2 if width <= _SHORT else _LEAST for width in widths) <= console.width
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, width in zip(head, widths, strict=True):
        table.add_column(Text(name), overflow="fold", no_wrap=room and width <= _SHORT)
    for line in body:
        table.add_row(*map(Text, line))  # a Text, because a message may look like markup
    console.print(table)


def show_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def show(value: object, columns: Sequence[str] = (), words: Words = NO_WORDS) -> None:
    """An answer for people: rows as a table, a record as lines, and that it was done as one word."""
    if value == {"result": "OK"}:
        print("done")
    elif isinstance(value, list):
        show_table([row for row in value if isinstance(row, Mapping)], columns, words)
    elif isinstance(value, Mapping):
        show_record(value, words)
    else:
        print(cell(value))


def csv_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula (a negative number is none)."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | Mapping) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def csv_text(rows: Sequence[Row]) -> str:
    """All columns of the rows as CSV, with a head."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = names_of(rows)
    writer.writerow(csv_cell(name) for name in names)
    writer.writerows([csv_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def export(path: Path, rows: Sequence[Row], *, force: bool) -> None:
    """Save rows as CSV or JSON, by the ending of the file's name."""
    check_output(path, force=force, endings=EXPORTS)
    if path.suffix.lower() == ".json":
        text = json.dumps(list(rows), ensure_ascii=False, indent=2) + "\n"
    else:
        text = "\N{ZERO WIDTH NO-BREAK SPACE}" + csv_text(rows)  # spreadsheets need the mark to see UTF-8
    save(path, text.encode(), force=force)


def check_output(path: Path, *, force: bool, endings: tuple[str, ...] = ()) -> None:
    """Say before the work begins that a file cannot be written."""
    if endings and path.suffix.lower() not in endings:
        raise CommandError(f"--output {path}: name a file that ends in {' or '.join(endings)}", EXIT_USAGE)
    if path.exists() and not force:
        raise CommandError(f"{path} is there already; give another --output, or --force", EXIT_USAGE)
    if not path.parent.is_dir():
        raise CommandError(f"{path.parent} is no folder; make it first", EXIT_USAGE)


def save(path: Path, octets: bytes, *, force: bool) -> None:
    """Write a file, whole or not at all; nobody else may read it."""
    check_output(path, force=force)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600, exist_ok=False)
        unfinished.write_bytes(octets)
        unfinished.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None


class Progress(Protocol):
    """What a long command says while it works."""

    def update(self, words: str, part: float | None = None) -> None:
        """`part` of the whole from 0 to 1, where that is known."""


class _Silent:
    def update(self, words: str, part: float | None = None) -> None:
        pass


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on standard error while something lasts; nothing unless that is a terminal."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bars.add_task("asking", total=None)

    class Shown:
        def update(self, words: str, part: float | None = None) -> None:
            bars.update(task, description=words, total=None if part is None else 1.0, completed=part or 0.0)

    with bars:
        yield Shown()


def rows_of(value: object) -> list[Row]:
    """The records of an answer; one record is a list of one."""
    found: Iterable[object] = value if isinstance(value, list) else [value]
    return [row for row in found if isinstance(row, Mapping)]
