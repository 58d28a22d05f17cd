"""strace, which kills a process at the system call that is asked for, or lets that call fail."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness import PATIENCE_S, processes
from part import PartError

CALLS = "pwrite64,fdatasync,fsync,ftruncate"
"""All by which SQLite changes a file on the disk."""


class Fault(NamedTuple):
    """What happens to which calls of a process."""

    call: str
    """One of CALLS."""
    what: str
    """In strace's words: signal=SIGKILL, error=EIO."""
    when: str
    """The how manieth such call: 5; 5+: and all after it."""
    path: Path | None = None
    """Only calls on this file count."""

    def options(self, trace: Path) -> list[str]:
        """For strace; the calls are written to `trace`, the last one last."""
        of_path = ["-P", str(self.path)] if self.path else []
        # Without --seccomp-bpf: a signal is not delivered at its stops.
        inject = f"inject={self.call}:{self.what}:when={self.when}"
        return ["-f", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={CALLS}", *of_path, "-e", inject]


def strace() -> str:
    """Its path; PartError: it is not there."""
    if found := shutil.which("strace"):
        return found
    raise PartError("strace is not there (Debian's package strace)")


@contextlib.contextmanager
def attached(pid: int, fault: Fault, trace: Path) -> Iterator[None]:
    """While this lasts, the fault happens to a process that runs already."""
    process = subprocess.Popen(
        [strace(), *fault.options(trace), "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _is_traced(pid):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise PartError(f"strace does not get hold of process {pid}: {process.stderr.read()}")
            time.sleep(0.005)
        yield
    finally:
        process.terminate()  # the process that it holds goes on
        process.wait()
        process.stderr.close()


def _is_traced(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "TracerPid:\t0\n" not in status


def writer_of(pid: int) -> int:
    """The writing process of a gateway that is ready."""
    for child in processes(pid):
        with contextlib.suppress(OSError):
            if b"sqlite_writer" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    raise PartError(f"process {pid} has no writing process")


def place_of(trace: Path) -> str:
    """Where a process was killed: the last call of its trace, as `fdatasync of queue.sqlite3-wal`."""
    calls = [line for line in trace.read_text(errors="replace").splitlines() if "(" in line and "<" in line]
    if not calls:
        return "nowhere"
    words = calls[-1].split(maxsplit=1)[1]
    return f"{words.partition('(')[0]} of {Path(words.partition('<')[2].partition('>')[0]).name}"
