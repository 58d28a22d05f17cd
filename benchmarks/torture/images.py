"""A small filesystem of its own on a loop device, and what a power failure would leave of it.

The image lies in memory (tmpfs).  What the filesystem has given to its device is in the image, what it still
keeps in its page cache is not: a copy of the image is the disk of a machine that lost power at that moment,
if its drive loses nothing that it was given.  Copying takes time, so a copy counts only when the image is
still the same after it: nothing was written meanwhile, and it is of one moment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from part import PartError

IMAGE_OCTETS = 192 << 20
"""With less than 100 MiB of free space the gateway would take nothing."""
TRIES = 50
PATIENCE_S = 10.0
TOOLS = ("mkfs.ext4", "mount", "umount")
PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def why_no_images() -> str:
    """What this machine lacks for it; empty: nothing."""
    if os.geteuid():
        return "only root may mount a loop device"
    if missing := [tool for tool in TOOLS if shutil.which(tool, path=PLACES) is None]:
        return f"{missing[0]} is not there"
    return "" if Path("/dev/loop-control").exists() else "there are no loop devices"


def make(image: Path) -> None:
    """An empty filesystem in a file; PartError: this machine cannot."""
    if reason := why_no_images():
        raise PartError(reason)
    with image.open("wb") as file:
        file.truncate(IMAGE_OCTETS)
    _run("mkfs.ext4", "-q", "-F", str(image))


@contextlib.contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """The folder at which the image is to be seen while this lasts; what needs it must have ended before."""
    at.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", str(image), str(at))
    try:
        yield at
    finally:
        _unmount(at)


@contextlib.contextmanager
def memory(at: Path, octets: int) -> Iterator[Path]:
    """A disk of this size in memory, at a folder, while this lasts."""
    if os.geteuid():
        raise PartError("only root may mount")
    at.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={octets},mode=0700", "tmpfs", str(at))
    try:
        yield at
    finally:
        _unmount(at)


def _unmount(at: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _run("umount", str(at))
        except PartError:  # a process that was killed may not be gone yet
            if time.monotonic() > deadline:
                _run("umount", "--lazy", str(at))
                raise
        time.sleep(0.1)


def cut_power(image: Path, copy: Path) -> None:
    """Copies the image as it is at one moment; the processes that write to it are stopped."""
    for _ in range(TRIES):
        _run("cp", "--sparse=always", str(image), str(copy))
        if subprocess.run(["cmp", "--silent", str(image), str(copy)], check=False).returncode == 0:
            return
    raise PartError("the image changes all the time")


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": PLACES}
    )
    if done.returncode:
        raise PartError(f"{' '.join(command)}: {done.stderr.strip()}")
