"""What every importer gives, and what they share: names, numbers, patterns, limits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple

from gateway.core.patterns import PatternError, compile_anywhere, compile_whole

MAX_OCTETS = 4 << 20
MAX_LINES = 200_000
MAX_LINE = 50_000
"""Characters."""
MAX_NOTES = 5000
MAX_ENTRIES = 5000
"""Of connectors, accounts or routes."""
SYSTEM_ID_MAX = 15
PASSWORD_MAX = 8
"""Characters (SMPP v3.4 §5.2.2)."""
_SENDER = re.compile(r"\+?[0-9]{1,15}|[ -~]{1,11}", re.ASCII)
_SIMPLE = re.compile(r"\^\+?([0-9]{1,20})(?:\\d[+*]|\[0-9\][+*]|\.[*+])?", re.ASCII)
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63}){0,20}\.?", re.ASCII)
_PREFIX = re.compile(r"(?:\+|00)?([0-9]{1,20})", re.ASCII)


class ImportRefused(ValueError):
    """The text is no configuration of this kind, or too much of one; the error says why."""


class Note(NamedTuple):
    """Something that a person has to know of: what has no counterpart, or has another than it seems."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.text}"


@dataclass(frozen=True, slots=True)
class Password:
    """A password in the tree; whoever writes the tree makes of it what stands there."""

    text: str
    """Empty: nobody knows it."""
    kind: Literal["hash", "plain"]
    """Of an account, which is kept as its hash; of a connector, which has to be known."""
    name: str
    """Whose it is."""


@dataclass(slots=True)
class Imported:
    """A converted configuration."""

    tree: dict[str, Any] = field(default_factory=dict)
    """Options as in our YAML, with Passwords in it."""
    notes: list[Note] = field(default_factory=list)

    def note(self, file: str, line: int, key: str, text: str) -> None:
        """Keeps a note; beyond MAX_NOTES one says that there are more."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append(Note(file, line, key, text))
        elif len(self.notes) == MAX_NOTES:
            self.notes.append(Note(file, line, "…", "and more, which are not listed"))


def lines_of(text: str) -> list[str]:
    """The lines of a file; ImportRefused when they are too many."""
    if len(text) > MAX_OCTETS:
        raise ImportRefused(f"is larger than {MAX_OCTETS >> 20} MiB")
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ImportRefused(f"has more than {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise ImportRefused(f"has a line, {number}, of more than {MAX_LINE} characters")
    return lines


def plain_name(text: str, taken: Collection[str], otherwise: str, longest: int = 64) -> str:
    """A name that a connector can have, and that none has yet."""
    name = re.sub(r"[^\w.:-]+", "-", text, flags=re.ASCII).strip("-")[:longest] or otherwise
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name[: longest - 6]}-{number}"
    return made


def whole_number(text: str, low: int, high: int) -> int | None:
    """A number in these limits, a fraction made whole upwards; None: it is none."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip(), re.ASCII):
        return None
    number = float(text)
    whole = int(number) + (number > int(number))
    return whole if low <= whole <= high else None


def sender_of(text: str) -> str | None:
    """A sender as an account can have it; None: it is none."""
    sender = text.strip()
    if not _SENDER.fullmatch(sender):
        return None
    return sender.removeprefix("+") if sender.lstrip("+").isdigit() else sender


def prefix_of(text: str) -> str | None:
    """First digits in international form; None: they are none."""
    found = _PREFIX.fullmatch(text.strip())
    return found[1] if found is not None else None


def prefix_of_pattern(pattern: str) -> str | None:
    """The first digits that a pattern asks for, if it asks for nothing else."""
    found = _SIMPLE.fullmatch(pattern)
    return found[1] if found is not None else None


def words_of_pattern(pattern: str) -> list[str] | None:
    """The words of a pattern that is nothing but a choice of whole words: ^(ONE|TWO)$."""
    found = re.fullmatch(r"\^?\(?(?:\?:)?([\w +|-]{1,200}?)\)?\$", pattern, re.ASCII)
    if found is None or ("(" in pattern) != (")" in pattern):
        return None
    if "|" in found[1] and "(" not in pattern:
        return None
    words = found[1].split("|")
    return words if all(words) else None


def number_pattern(pattern: str) -> str | None:
    """A pattern that was looked for at a number's beginning, as one for all of it; None: it cannot be."""
    body = pattern.removeprefix("^")
    ends = body.endswith("$") and not body.endswith("\\$")
    body = body[:-1] if ends else body
    made = f"(?:{body})" if "|" in body else body
    return _checked(made if ends else f"{made}.*", whole=True)


def text_pattern(pattern: str) -> str | None:
    """A pattern that was looked for at the beginning of a text; None: it cannot be used here."""
    body = pattern.removeprefix("^")
    if re.fullmatch(r"\.\*.*", body):  # anything before it: then it is looked for anywhere
        return _checked(body.removeprefix(".*").removesuffix(".*"), whole=False)
    body = body.removesuffix(".*")
    return _checked(f"^(?:{body})" if "|" in body else f"^{body}", whole=False)


def _checked(pattern: str, *, whole: bool) -> str | None:
    if len(pattern) > 500:
        return None
    try:
        (compile_whole if whole else compile_anywhere)(pattern)
    except PatternError:
        return None
    return pattern


def is_host(text: str) -> bool:
    """Whether a connector can have it as its host: an address or a name."""
    try:
        ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None and not re.fullmatch(r"[0-9.]+", text, re.ASCII)
    return "%" not in text


def takes_all_of(rule: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether an incoming rule leaves nothing for another one behind it."""
    return all(
        str(rule.get(name, "")).casefold() in ("", str(other.get(name, "")).casefold())
        for name in ("number", "keyword", "connector")
    )


def sendable(text: str, longest: int) -> str:
    """What of a text can be in a field of SMPP."""
    return "".join(character for character in text if " " <= character <= "~")[:longest]


def limited(items: Iterable[Any], what: str) -> list[Any]:
    """The entries, if they are not too many; ImportRefused else."""
    found = list(items)
    if len(found) > MAX_ENTRIES:
        raise ImportRefused(f"has more than {MAX_ENTRIES} {what}")
    return found
