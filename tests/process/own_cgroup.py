"""A cgroup of its own for each machine that is booted.

systemd-nspawn boots it in the cgroup of whoever starts it. Two managers there would have one cgroup for both
their services of a name, find processes in it that they cannot see, and end none ("Input/output error").
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
_numbers = count(1)


class OwnCgroup:
    """A new cgroup, in each hierarchy that systemd uses."""

    def __init__(self) -> None:
        name = f"smsc-tests-{os.getpid()}-{next(_numbers)}"
        self._folders = [parent / name for parent in _ours()]
        for folder in self._folders:
            folder.mkdir()

    @property
    def enter(self) -> list[str]:
        """What a command begins with to run in it."""
        joins = "".join(f"echo 0 > '{folder}/cgroup.procs'; " for folder in self._folders)
        return ["sh", "-ec", f'{joins}exec "$@"', "sh"]

    def remove(self) -> None:
        """With those that the machine has made in it; what has a process yet stays."""
        for folder in self._folders:
            with suppress(OSError):
                for inner in sorted(folder.rglob("*/"), reverse=True):
                    inner.rmdir()
                folder.rmdir()


def _ours() -> Iterator[Path]:
    """The cgroups that this process is in, of those that systemd uses."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, kind, path = line.split(":", 2)
        if kind == "name=systemd":
            yield CGROUPS / "systemd" / path.lstrip("/")
        elif not kind:
            unified = CGROUPS / "unified"
            yield (unified if unified.exists() else CGROUPS) / path.lstrip("/")
