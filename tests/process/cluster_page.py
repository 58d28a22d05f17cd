"""What docs/cluster.md says is done, for the tests that do it."""

from __future__ import annotations

import re
from pathlib import Path

from example_blocks import blocks_of

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"


def blocks(heading: str, kind: str) -> list[str]:
    """The texts of a section's blocks of a kind."""
    section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [block.text for block in blocks_of(section) if block.kind == kind]


def commands(heading: str) -> list[str]:
    """The commands of a section."""
    return [line for text in blocks(heading, "shell") for line in text.splitlines()]


def address() -> str:
    """The first address of a store."""
    [found] = re.findall(r"^store: (postgresql://\S+@db1/\S+)$", PAGE.read_text("utf-8"), re.M)
    return str(found)
