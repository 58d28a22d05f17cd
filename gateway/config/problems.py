"""What is wrong with a configuration, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it is (line and column from 1), what it is, and what to write instead.

    `key` is the path of the option, such as `accounts[1].window`; empty when the whole file is meant.
    """

    file: Path
    line: int
    column: int
    key: str
    text: str
    fix: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.text} – {self.fix}"

    def as_dict(self) -> dict[str, str | int]:
        """The same in plain values."""
        return {
            "file": str(self.file),
            "line": self.line,
            "column": self.column,
            "key": self.key,
            "text": self.text,
            "fix": self.fix,
        }


class ConfigError(Exception):
    """The configuration cannot be used; `problems` lists every mistake, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))
