"""Kannel's configuration files: groups of `name = value` lines, with files that others include.

A group begins with `group = NAME` and ends with an empty line. Values may be in quotes, with backslashes in
them; # begins a comment at the beginning of a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.importers.outcome import MAX_ENTRIES, Imported, ImportRefused, lines_of

MAX_FILES = 200
MAX_DEPTH = 8
_LINE = re.compile(r"([\w.-]{1,100})\s*=\s*(.*)", re.ASCII | re.DOTALL)

Read = Callable[[str, str], "list[tuple[str, str]] | str"]
"""Names and texts of what a file includes, given both names; a text says why it cannot be read."""


class Value(NamedTuple):
    """What a line says, and where it stands."""

    text: str
    file: str
    line: int


@dataclass(slots=True)
class Group:
    """A group of the file."""

    name: str
    file: str
    line: int
    values: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def get(self, key: str, default: str = "") -> str:
        """What an option says; it counts as converted then."""
        self.used.add(key)
        found = self.values.get(key)
        return found.text if found is not None else default

    def has(self, key: str) -> bool:
        """Whether the option is written and says something."""
        return bool(self.values.get(key, Value("", "", 0)).text)

    def is_true(self, key: str) -> bool:
        """Whether an option says yes."""
        return self.get(key).lower() in ("yes", "true", "on", "1")

    def place(self, key: str) -> tuple[str, int]:
        """Where an option stands, or the group."""
        found = self.values.get(key)
        return (found.file, found.line) if found is not None else (self.file, self.line)

    def unused(self) -> Iterator[tuple[str, Value]]:
        """What has not been asked for."""
        for key, value in self.values.items():
            if key not in self.used and key != "group":
                yield key, value


class _Parser:
    """The files of one configuration."""

    def __init__(self, read: Read, imported: Imported) -> None:
        self.groups: list[Group] = []
        self._read = read
        self._imported = imported
        self._files = 0
        self._open: Group | None = None

    def parse(self, text: str, file: str, depth: int = 0) -> None:
        self._files += 1
        if self._files > MAX_FILES:
            raise ImportRefused(f"includes more than {MAX_FILES} files")
        for number, raw in enumerate(lines_of(text), 1):
            line = raw.strip()
            if not line:
                self._open = None
            elif not line.startswith("#"):
                self._line(line, file, number, depth)
        self._open = None

    def _line(self, line: str, file: str, number: int, depth: int) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            self._imported.note(file, number, line[:40], "is no line of Kannel's, and was left out")
            return
        key, text = found[1].lower(), _unquoted(found[2])
        if key == "include":
            self._open = None
            self._include(text, file, number, depth)
        elif key == "group":
            if len(self.groups) >= MAX_ENTRIES:
                raise ImportRefused(f"has more than {MAX_ENTRIES} groups")
            self._open = Group(text, file, number)
            self.groups.append(self._open)
        elif self._open is None:
            self._imported.note(file, number, key, "stands in no group, and was left out")
        else:
            self._open.values.setdefault(key, Value(text, file, number))

    def _include(self, name: str, file: str, number: int, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise ImportRefused(f"includes files deeper than {MAX_DEPTH} levels")
        found = self._read(name, file)
        if isinstance(found, str):
            self._imported.note(file, number, "include", found)
            return
        for path, text in found:
            self.parse(text, path, depth + 1)


def parse(text: str, file: str, read: Read, imported: Imported) -> list[Group]:
    """The groups of a file and of those that it includes; ImportRefused when there is too much of them."""
    parser = _Parser(read, imported)
    parser.parse(text, file)
    return parser.groups


def _unquoted(text: str) -> str:
    """A value without its quotes; a backslash in them stands before what is meant as it is."""
    text = text.strip()
    if not text.startswith('"'):
        return text
    made = []
    characters = iter(text[1:])
    for character in characters:
        if character == '"':
            break
        made.append(next(characters, "") if character == "\\" else character)
    return "".join(made)
