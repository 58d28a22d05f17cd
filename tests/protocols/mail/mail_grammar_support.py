"""The vectors of tests/vectors/mail_grammar: lines of `what is read => what it says`."""

from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[2] / "vectors" / "mail_grammar"


def rows(name: str) -> list[tuple[str, str]]:
    """Both sides of each line of `name`.txt; the left one with its blanks."""
    lines = (VECTORS / f"{name}.txt").read_text("utf-8").split("\n")
    found = [line.partition(" => ") for line in lines if line.strip() and not line.startswith("# ")]
    assert all(arrow for _, arrow, _ in found), name
    return [(left, right.strip()) for left, _, right in found]


def columns(text: str) -> list[str]:
    return [column.strip() for column in text.split("|")]


def parametrized(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("text", "expected"), rows(name))
