"""The inputs that fuzzing keeps: a file of text for each target, an input in each line.

What is printable ASCII stands as it is, but for a doubled backslash, all else as `\\xff` or `\\n`: a person
can read a line, and write one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "corpus"


def read(target: str) -> list[bytes]:
    """The inputs of a target; none when it has no file yet."""
    path = FOLDER / f"{target}.txt"
    return [octets_of(line) for line in path.read_text("ascii").splitlines()] if path.exists() else []


def write(target: str, inputs: Iterable[bytes]) -> None:
    """The inputs in the order of their size, each once."""
    kept = sorted(set(inputs), key=lambda octets: (len(octets), octets))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{target}.txt").write_text("".join(f"{line_of(octets)}\n" for octets in kept), "ascii")


def line_of(octets: bytes) -> str:
    return octets.decode("latin-1").encode("unicode_escape").decode("ascii")


def octets_of(line: str) -> bytes:
    """What a line stands for; ValueError for one that `line_of` cannot have written."""
    return line.encode("ascii").decode("unicode_escape").encode("latin-1")
