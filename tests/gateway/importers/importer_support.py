"""Vectors of other gateways' configurations, and what they become."""

from __future__ import annotations

from pathlib import Path

from gateway.importers import jasmin, kannel
from gateway.importers.outcome import Imported, Password
from gateway.importers.writing import yaml_of

VECTORS = Path(__file__).parents[2] / "vectors" / "import"


def read(name: str, by: str) -> list[tuple[str, str]] | str:
    """What a vector includes."""
    try:
        return [(name, (VECTORS / "kannel" / name).read_text())]
    except (OSError, ValueError):
        return "cannot be read, so what it holds is missing"


def converted(path: Path) -> Imported:
    if path.parent.name == "kannel":
        return kannel.convert(path.read_text(), path.name, read)
    return jasmin.convert(path.read_text(), path.name)


def placeholder(password: Password) -> str:
    return f"<{password.kind} {password.text!r} of {password.name}>"


def shown(imported: Imported) -> str:
    """The tree, and the notes below it."""
    notes = "".join(f"# {note}\n" for note in imported.notes)
    return f"{yaml_of(imported.tree, placeholder)}\n{notes}"
