"""What a figure depends on besides the part: the machine, and the code."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("gateway", "protocols", "benchmarks")


def machine(folder: Path) -> dict[str, str]:
    """Of this machine, with the filesystem that a folder is on."""
    return {
        "cpu": f"{os.cpu_count()} × {_value('/proc/cpuinfo', 'model name') or platform.machine()}",
        "memory": f"{int(_value('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "kernel": platform.release(),
        "filesystem": filesystem(folder),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def filesystem(folder: Path) -> str:
    """The type of the filesystem that a folder is on, as ext4."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    held = [
        (len(place), kind) for _, place, kind, *_ in mounts if folder.resolve().is_relative_to(Path(place))
    ]
    return max(held)[1] if held else "unknown"


def commit() -> str:
    """The code's: "0123abc", or "0123abc with changes" if a file of it differs; empty: no repository."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", *CODE)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{head} with changes" if changed else head


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _value(path: str, key: str) -> str:
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""
