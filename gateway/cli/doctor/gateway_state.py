"""Whether a gateway runs on the state directory, and what it says of itself."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from gateway.cli import CommandError
from gateway.cli.daemon_client import ask
from gateway.cli.doctor.running import within
from gateway.ops.control import SOCKET_NAME

ANSWER_S = 5.0


class Running(Enum):
    """What is known of it."""

    ANSWERS = "running"
    SILENT = "running without answering"
    FORBIDDEN = "not to be asked by you"
    NOT = "not running"


@dataclass(frozen=True, slots=True)
class GatewayState:
    """A gateway, or its absence; `why` says why it cannot be asked."""

    running: Running
    why: str = ""
    status: dict[str, Any] = field(default_factory=dict)
    pid: int = 0
    """0: not known."""
    uid: int = -1
    """Whose process it is; -1: not known."""

    @property
    def answers(self) -> bool:
        return self.running is Running.ANSWERS

    @property
    def may_run(self) -> bool:
        """Whether a login at an SMSC might get in its way."""
        return self.running is not Running.NOT


def look_at_gateway(state_dir: Path, seconds: float = ANSWER_S) -> GatewayState:
    """Asks it for its status, for so long."""
    try:
        status = within(seconds, lambda: ask(state_dir, "status"))
    except TimeoutError:
        return GatewayState(
            Running.SILENT, f"it has not answered within {seconds:g} s", {}, *_peer(state_dir)
        )
    except CommandError as error:
        why = str(error)
    else:
        return GatewayState(Running.ANSWERS, "", status, *_peer(state_dir))
    held = _is_locked(state_dir)
    if held is None:
        return GatewayState(Running.FORBIDDEN, why)
    if held:
        return GatewayState(Running.SILENT, why, {}, *_peer(state_dir))
    return GatewayState(Running.NOT, why)


def _peer(state_dir: Path) -> tuple[int, int]:
    """Process and user behind the local socket."""
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(1.0)
            channel.connect(str(state_dir / SOCKET_NAME))
            octets = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return 0, -1
    pid, uid, _ = struct.unpack("3i", octets)
    return pid, uid


def _is_locked(state_dir: Path) -> bool | None:
    """Whether a gateway holds the state directory; None: that cannot be seen. Nothing is made."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe there is not waited for
    try:
        descriptor = os.open(state_dir / "lock", flags)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
