"""Why a socket cannot listen, in words that say what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from gateway.core.errors import system_reason

LOCAL_PATH_OCTETS = 107
"""The longest path of a Unix socket: sun_path of unix(7), without its closing zero."""

_FIXES = {
    errno.EADDRINUSE: "another process has it (ss -ltnp says which): stop that one, or choose another port",
    errno.EACCES: "ports below 1024 are reserved: choose a higher one",
    errno.EADDRNOTAVAIL: "this machine has no such address (ip address lists its own)",
}


def why_not_listening(error: OSError) -> str:
    """The reason and the fix."""
    if error.errno is None:  # our own, which says all
        return system_reason(error)
    return f"{system_reason(error)} – {_FIXES.get(error.errno, 'check the address')}"


def path_too_long(socket_path: Path) -> str:
    """What is wrong with the path of a Unix socket; empty when it fits."""
    excess = len(os.fsencode(socket_path)) - LOCAL_PATH_OCTETS
    if excess <= 0:
        return ""
    return (
        f"the path of the state directory is {excess} octets too long for the local socket in it "
        f"({socket_path}): give a shorter --state-dir"
    )
