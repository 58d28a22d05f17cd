"""Documents that clients upload for a sender name: files in the state directory, each under its number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = "documents"


def path_of(folder: Path, number: int) -> Path:
    """Where a file is."""
    return folder / FOLDER / str(number)


def write(path: Path, octets: bytes) -> None:
    """Keeps it, readable by this user alone."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(octets)


def remove(paths: Sequence[Path]) -> None:
    """Takes them away, as far as they are there."""
    for path in paths:
        path.unlink(missing_ok=True)
