"""Man pages and shell completion, written from the parsers of the command line.

    python packaging/descriptions.py FOLDER

makes FOLDER/man/*.1 and FOLDER/completion/{bash,zsh}.  It needs shtab.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import shtab

from gateway.__main__ import PROG, subcommands, whole_parser

FILES = "/etc/smsc-gateway/config.yaml", "/var/lib/smsc-gateway"


def roff(text: str) -> str:
    """Text as roff prints it: hyphens that can be copied, nothing that is a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in escaped.split("\n"))


def page(name: str, parser: argparse.ArgumentParser, line: str, others: list[str]) -> str:
    """The man page of a command."""
    parts = [
        f'.TH "{roff(name).upper()}" 1 "" "{PROG} {version(PROG)}" "SMS gateway"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(line)}",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        roff(parser.description or line),
        *_options(parser),
    ]
    for words, child in _below(parser, ""):
        parts += [f".SH {roff(words).upper()}", *_synopsis(child), ".PP", roff(child.description or "")]
        parts += [*_options(child, heading=".PP"), *_epilog(child)]
    parts += [*_epilog(parser), ".SH FILES", *(f".TP\n{roff(file)}" for file in FILES)]
    parts += [".SH SEE ALSO", ", ".join(f"\\fB{roff(other)}\\fR(1)" for other in others)]
    return "\n".join(part for part in parts if part) + "\n"


def _below(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """What a command's own commands are, with theirs."""
    if parser.prog == PROG:  # they have pages of their own
        return
    for name, child in subcommands(parser).items():
        yield f"{words} {name}".strip(), child
        yield from _below(child, f"{words} {name}".strip())


def _synopsis(parser: argparse.ArgumentParser) -> list[str]:
    return [".nf", roff(parser.format_usage().removeprefix("usage: ").rstrip()), ".fi"]


def _options(parser: argparse.ArgumentParser, heading: str = ".SH OPTIONS") -> Iterator[str]:
    formatter = parser._get_formatter()
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    if shown:
        yield heading
    for action in shown:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield f".TP\n\\fB{roff(choice.dest)}\\fR\n{roff(choice.help or '')}"
            continue
        what = formatter._format_action_invocation(action)
        yield f".TP\n\\fB{roff(what)}\\fR\n{roff(formatter._expand_help(action) if action.help else '')}"


def _epilog(parser: argparse.ArgumentParser) -> list[str]:
    return [".PP\n.nf", roff(parser.epilog), ".fi"] if parser.epilog else []


def _plain_choices(parser: argparse.ArgumentParser) -> None:
    """shtab takes every dict of choices for commands."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction) and action.choices is not None:
            action.choices = list(action.choices)
    for child in subcommands(parser).values():
        _plain_choices(child)


def write(folder: Path) -> None:
    """All of it."""
    parser = whole_parser()
    man, completion = folder / "man", folder / "completion"
    man.mkdir(parents=True, exist_ok=True)
    completion.mkdir(exist_ok=True)
    lines = {
        choice.dest: choice.help or ""
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    commands = subcommands(parser)
    names = [f"{PROG}-{name}" for name in commands]
    (man / f"{PROG}.1").write_text(page(PROG, parser, parser.description or "", names), encoding="utf-8")
    for name, command in commands.items():
        text = page(f"{PROG}-{name}", command, lines[name], [PROG])
        (man / f"{PROG}-{name}.1").write_text(text, encoding="utf-8")
    _plain_choices(parser)
    for shell in ("bash", "zsh"):
        (completion / shell).write_text(shtab.complete(parser, shell=shell), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
