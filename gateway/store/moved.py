"""The note beside a store of SQLite that has been moved: who starts a gateway on it learns where it went."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

MOVED = ".moved"
"""Behind the store's name: there is such a file, and nothing is taken from the store any more."""


def moved_text(path: Path) -> str:
    """What to say to who opens the store; "" as long as it has not been moved."""
    note = path.with_name(path.name + MOVED)
    try:
        found = json.loads(note.read_text("utf-8"))
        where, when = f"moved to {found['to']}", f" on {found['at']}"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError):
        where, when = "moved to PostgreSQL", ""
    return (
        f"{path} was {where}{when}: write its address as `store` in the configuration. What was accepted "
        f"there since is not here; who wants to begin here again all the same removes {note}"
    )


def mark_moved(path: Path, to: str) -> None:
    """Writes the note, durably; `to` has no password in it. OSError when that fails."""
    note = path.with_name(path.name + MOVED)
    unfinished = note.with_name(note.name + ".new")
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    with open(unfinished, "w", encoding="utf-8", opener=_private) as file:
        json.dump({"to": to, "at": at}, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(note)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
