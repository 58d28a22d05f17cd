"""The state directory is for the gateway's user alone: it holds texts, numbers and the control socket."""

from __future__ import annotations

import stat
from pathlib import Path

OURS = ("queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm", "lock", "exports", "documents")
"""What the gateway makes there; other files are none of its business."""
_GROUP_OR_OTHERS, _EVERYBODY_WRITES = 0o077, 0o002


class EverybodyWritesError(Exception):
    """The text says what to do."""


def make(folder: Path) -> str:
    """Makes it, or looks at the one that is there; OSError.

    What is open in it, after a copy was put back with `cp`, is closed.  The answer is its mode where others
    have to do with it, or nothing.  EverybodyWritesError where all may write: another queue, or a link.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & _EVERYBODY_WRITES:
        raise EverybodyWritesError(
            f"everybody may write to the state directory {folder} (mode {mode:04o}): run chmod 0700 {folder}"
        )
    for name in OURS:
        path = folder / name
        try:
            mode_there = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        if mode_there & _GROUP_OR_OTHERS:
            path.chmod(mode_there & 0o700)
    return f"{mode:04o}" if mode & _GROUP_OR_OTHERS else ""
