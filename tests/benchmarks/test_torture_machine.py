"""benchmarks/torture/machine.py: what the page says of the machine and the code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import machine
import pytest


def test_a_filesystem_is_that_of_the_nearest_mount() -> None:
    assert machine.filesystem(Path("/proc/self")) == "proc"
    assert machine.filesystem(Path("/dev/shm")) == "tmpfs"


def test_nothing_of_the_machine_is_left_out(tmp_path: Path) -> None:
    found = machine.machine(tmp_path)
    assert set(found) == {"cpu", "memory", "kernel", "filesystem", "python", "sqlite"}
    assert all(found.values())


def test_a_change_in_the_code_is_told_and_one_in_the_docs_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    assert machine.commit() == ""
    author = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    clean = machine.commit()
    assert clean.isalnum()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("new")
    assert machine.commit() == clean
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "new.py").write_text("new")
    assert machine.commit() == f"{clean} with changes"
