"""What the checks ask of the machine: in one place, so that tests can be another machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

UNIT = "smsc-gateway.service"
TOOL_S = 3.0


def _addresses(host: str) -> list[str]:
    rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def _tool(*command: str) -> str | None:
    """What a program of the machine prints; None: there is none, or it does not say."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - words of ours
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TOOL_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")


def _load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Machine:
    """The real one, unless a test gives something else."""

    addresses: Callable[[str], list[str]] = _addresses
    """IP addresses of a host name; OSError."""
    tool: Callable[..., str | None] = _tool
    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    now_s: Callable[[], float] = time.time
    """Seconds since 1970."""
    elapsed_s: Callable[[], float] = time.monotonic
    load: Callable[[], float] = _load
    """Processes that want to run, for each processor."""
    proc: Path = Path("/proc")

    def read(self, name: str) -> str:
        """A file of /proc; empty when it cannot be read."""
        try:
            return (self.proc / name).read_text(errors="replace")
        except OSError:
            return ""

    def unit(self) -> dict[str, str]:
        """What systemd says of the gateway's unit; empty without systemd or such a unit."""
        names = (
            "LoadState,ActiveState,SubState,Result,UnitFileState,ExecMainStatus,NRestarts,MainPID,User,"
            "LimitNOFILE,AmbientCapabilities"
        )
        text = self.tool("systemctl", "show", UNIT, f"--property={names}")
        found = dict(line.split("=", 1) for line in (text or "").splitlines() if "=" in line)
        return found if found.get("LoadState") == "loaded" else {}
