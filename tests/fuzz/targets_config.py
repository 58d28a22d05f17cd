"""Text as a configuration: one that can be used, or every mistake with its place; nothing else, and soon."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from gateway.config.load import load
from gateway.config.problems import ConfigError

FILES = Path(__file__).parents[1] / "vectors" / "config" / "good" / "files"
"""What the configurations of the vectors name."""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="fuzz-config-")
    files = Path(folder.name) / "files"
    shutil.copytree(FILES, files)
    for path in files.iterdir():
        path.chmod(0o600)
    return folder


def configuration(data: bytes) -> None:
    """The octets of the file."""
    path = Path(_folder().name) / "gateway.yaml"
    path.write_bytes(data)
    try:
        load(path)
    except ConfigError as error:
        lines = data.count(b"\n") + data.count(b"\r") + data.decode("utf-8", "replace").count("\u0085") + 3
        assert error.problems
        for problem in error.problems:
            assert problem.file and problem.text and problem.fix
            assert 1 <= problem.line <= lines + data.count(b"\xe2\x80"), problem
            assert problem.column >= 1
            assert "\n" not in str(problem)
