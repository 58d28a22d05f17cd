"""A copy of the configuration vectors with known permissions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[2] / "vectors" / "config"


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The vectors; files named world-readable… can be read by everybody, the others cannot."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    copy = tmp_path / "config"
    shutil.copytree(VECTORS, copy)
    for file in copy.rglob("*.*"):
        if file.is_file():
            file.chmod(0o644 if file.name.startswith("world-readable") else 0o640)
    return copy
