"""What Linux says of our processes; nothing (None, 0) where there is no /proc."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def resident_octets(pid: int) -> int | None:
    """Memory that a process has; None: there is none."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return None


def cpu_s(pid: int) -> float | None:
    """Seconds of CPU that a process has used; None: there is none."""
    with suppress(OSError, ValueError, IndexError):
        # the program's name is in brackets, and may have brackets and spaces in it
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return None


def descriptors() -> tuple[int | None, int]:
    """Files and sockets that this process has open (None: nobody knows), and may have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    with suppress(OSError):
        return len(os.listdir("/proc/self/fd")) - 1, most  # without the one that looks
    return None, most
