"""What the tests of the documentation share: the files, and the program as it describes itself."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

from gateway.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def text_of(name: str) -> str:
    """A page, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """A page's part under a heading, up to the next one of the same level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = text_of(name).partition(f"\n{heading}\n")
    assert found, f"{name} has no {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a part's tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head = {i for i, line in enumerate(lines) if re.fullmatch(r"[|\- :]+", line)}
    body = [line for i, line in enumerate(lines) if i not in head and i + 1 not in head]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def in_backticks(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def options_of(command: str) -> list[argparse.Action]:
    """The arguments of a command, as argparse knows them."""
    assert command in COMMANDS
    module = importlib.import_module(f"gateway.cli.{command.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=command)
    module.configure(parser)
    return [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
