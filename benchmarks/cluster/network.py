"""A network namespace with two cables to this machine: to the database, which is cut, and to all others."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from part import PartError

_READY_S = 10.0


class Cable(NamedTuple):
    """Two addresses that see each other."""

    here: str
    there: str


class Namespace:
    """Lives as long as the process that holds it, which ends when its input does; then its cables go."""

    def __init__(self, holder: int, store: Cable, world: Cable) -> None:
        self.enter = ("nsenter", f"--net=/proc/{holder}/ns/net")
        """What a command is started with to run in it."""
        self.store = store
        self.world = world

    def cut(self) -> None:
        """Nothing gets to the database any more, and nobody is told."""
        _ip("link", "set", _name("s"), "down")

    def mend(self) -> None:
        _ip("link", "set", _name("s"), "up")


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Needs root.  The addresses are of the range for measurements (RFC 2544), which nobody else uses."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        raise PartError("a network namespace needs root and the program ip (Debian package iproute2)")
    net = f"198.18.{random.randrange(256)}"
    store, world = Cable(f"{net}.1", f"{net}.2"), Cable(f"{net}.5", f"{net}.6")
    holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        _until_apart(holder.pid)
        inside = Namespace(holder.pid, store, world)
        _ip("link", "set", "lo", "up", inside=inside)
        for letter, cable in (("s", store), ("w", world)):
            here, there = _name(letter), _name(letter.upper())
            _ip("link", "add", here, "type", "veth", "peer", "name", there)
            _ip("link", "set", there, "netns", str(holder.pid))
            _ip("address", "add", f"{cable.here}/30", "dev", here)
            _ip("link", "set", here, "up")
            _ip("address", "add", f"{cable.there}/30", "dev", there, inside=inside)
            _ip("link", "set", there, "up", inside=inside)
        yield inside
    finally:
        for letter in "sw":  # at once: the kernel takes its time over a namespace
            subprocess.run(["ip", "link", "delete", _name(letter)], capture_output=True, check=False)
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait()


def _name(letter: str) -> str:
    return f"smsc{letter}{os.getpid()}"


def _ip(*words: str, inside: Namespace | None = None) -> None:
    before = inside.enter if inside else ()
    done = subprocess.run([*before, "ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PartError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _until_apart(pid: int) -> None:
    """Waits until the process is in a namespace of its own."""
    ours, until = Path("/proc/self/ns/net").readlink(), time.monotonic() + _READY_S
    while Path(f"/proc/{pid}/ns/net").readlink() == ours:
        if time.monotonic() > until:
            raise PartError("there is no network namespace to be had")
        time.sleep(0.01)
