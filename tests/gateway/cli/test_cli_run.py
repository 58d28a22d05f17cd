"""smsc-gateway run: starts that cannot be, each told in one line with what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.passwords import hash_password

PATIENCE_S = 60.0
CONFIG = """\
listeners: {{smpp: [{{address: '127.0.0.1:1'}}]}}
accounts: [{{system_id: app, password_hash: {password_hash}}}]
connectors: [{{name: operator, address: '127.0.0.1:1', system_id: gateway, password: secret}}]
routes: [{{connectors: [operator]}}]
"""


def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "run", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.format(password_hash=hash_password("secret")))
    return file


def under_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file" / "state"


def too_long(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 100)


def without_a_lock(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "lock").mkdir()
    return tmp_path / "state"


@pytest.mark.parametrize(
    ("place", "code", "told"),
    [
        (under_a_file, 1, "cannot be made: Not a directory – give another --state-dir"),
        (too_long, 1, "give a shorter --state-dir"),
        (without_a_lock, 78, "cannot be used: Is a directory – it must be this user's own (chown)"),
    ],
)
def test_state_directory_that_cannot_be_used(
    tmp_path: Path, config: Path, place: Callable[[Path], Path], code: int, told: str
) -> None:
    state_dir = place(tmp_path)
    done = run("--config", config, "--state-dir", state_dir)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert line.startswith("smsc-gateway run: the ")
    assert str(state_dir) in line
    assert told in line


def test_without_a_configuration_it_says_how_to_begin(tmp_path: Path) -> None:
    done = run("--config", tmp_path / "none.yaml", "--state-dir", tmp_path)
    assert done.returncode == 78
    assert "smsc-gateway describe-config prints an example" in done.stderr


@pytest.mark.parametrize("option", ["--config", "--state-dir"])
def test_demo_takes_no_configuration_or_state_of_others(tmp_path: Path, option: str) -> None:
    done = run("--demo", option, tmp_path)
    assert done.returncode == 2
    assert "leave --config and --state-dir out" in done.stderr
