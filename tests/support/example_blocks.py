"""Examples of the manuals: the blocks of a page, and whether an output is the one that is shown.

tests/docs/test_docs_examples.py says how such blocks are written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_WORD = re.compile(r"<([a-z_]+)>")
_TOKEN = re.compile(r"(<[a-z_]+>|…|[ \t]+)")
PROMPT = "$ "


class Block(NamedTuple):
    """A fenced block of a page."""

    kind: str
    text: str
    line: int
    """Of its fence."""


class Command(NamedTuple):
    """A command of a console block, and what is shown under it."""

    words: str
    shown: str
    line: int


def blocks_of(page: str) -> list[Block]:
    """All fenced blocks of a page."""
    return [
        Block(found[1], found[2], page.count("\n", 0, found.start()) + 1) for found in _FENCE.finditer(page)
    ]


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a console block; a backslash at the end of a line continues it."""
    lines = block.text.splitlines()
    if not lines or not lines[0].startswith(PROMPT):
        raise ValueError(f"line {block.line}: a console block begins with a command")
    at = 0
    while at < len(lines):
        begin, words = at, lines[at].removeprefix(PROMPT)
        while words.endswith("\\"):
            at += 1
            words = words[:-1].rstrip() + " " + lines[at].strip()
        at += 1
        shown = []
        while at < len(lines) and not lines[at].startswith(PROMPT):
            shown.append(lines[at])
            at += 1
        yield Command(words, "\n".join(shown), block.line + 1 + begin)


def lines_said_in(block: Block) -> Iterator[Command]:
    """What is said in an SMTP dialogue (`> `), and the replies that are shown to it (`< `)."""
    said: list[Command] = []
    for place, line in enumerate(block.text.splitlines(), block.line + 1):
        mark, _, text = line.partition(" ")
        if mark == ">":
            said.append(Command(text, "", place))
        elif mark == "<" and said:
            said[-1] = said[-1]._replace(shown=f"{said[-1].shown}\n{text}".strip("\n"))
        else:
            raise ValueError(f"line {place}: an SMTP dialogue has lines with > and <, and begins with >")
    return iter(said)


def arguments_of(words: str, known: Mapping[str, str]) -> list[str]:
    """The arguments of a command; `<word>` is what an output before had in its place."""
    return shlex.split(_WORD.sub(lambda found: known[found[1]], words))


def matched(shown: str, output: str, known: Mapping[str, str]) -> dict[str, str] | None:
    """What stands in the places of the words of `shown`; None: the output is another one."""
    names: set[str] = set()
    pattern = "".join(_line(line, known, names) for line in shown.splitlines())
    text = "".join(line.rstrip() + "\n" for line in output.splitlines())
    found = re.fullmatch(pattern, text)
    return None if found is None else found.groupdict()


def _line(line: str, known: Mapping[str, str], names: set[str]) -> str:
    """A line of a block as a regular expression; `names` are the words that are caught before it."""
    if line.strip() == "…":
        return r"(?:.*\n)*?"
    parts = (_part(token, known, names) for token in _TOKEN.split(line.rstrip()))
    return "".join(parts) + r"\n"


def _part(token: str, known: Mapping[str, str], names: set[str]) -> str:
    if token == "…":
        return ".*?"
    word = _WORD.fullmatch(token)
    if word is None:
        return r"[ \t]+" if token and not token.strip() else re.escape(token)
    name = word[1]
    if name in known:
        return re.escape(known[name])
    if name in names:
        return f"(?P={name})"
    names.add(name)
    return rf"(?P<{name}>\S+)"
