"""Programs that are no part of this project: where they are, how they get here, and what if they are not."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

# Daemons such as Kannel's are in sbin, which an ordinary user's PATH lacks.
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
INSTALL_TIMEOUT_S = 120


def missing(reason: str) -> NoReturn:
    """A peer is not there: skip, or fail where REQUIRE_PEERS=1 promises all of them."""
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and REQUIRE_PEERS=1")
    pytest.skip(reason)


def need(program: str, package: str) -> str:
    """The path of a program of a Debian package; without it the test ends (see `missing`)."""
    path = shutil.which(program, path=PATH)
    if path is None:
        missing(f"{program} is not installed (Debian package {package})")
    return path


def npm_packages(package: Path) -> Path:
    """The npm packages of a folder, installed as its lock file says unless that was done already."""
    modules = package / "node_modules"
    installed, lock = modules / ".package-lock.json", package / "package-lock.json"
    with alone(lock):
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            install([need("npm", "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], package)
    return modules


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """No other process of the tests is in a block with this file at the same time."""
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def install(command: list[str], cwd: Path | None = None) -> None:
    """Runs a package manager; what it cannot install is missing."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        missing(f"{command} failed: {done.stderr}")
