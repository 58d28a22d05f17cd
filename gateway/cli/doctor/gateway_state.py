"""Whether a gateway runs on the state directory, and what it says of itself."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from gateway.cli import CommandError
from gateway.cli.daemon_client import ask, is_held
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
    def is_drained(self) -> bool:
        """Whether it is a node that is out of service: it listens nowhere."""
        name, nodes = self.status.get("node"), self.status.get("nodes", ())
        return any(row["node"] == name and row["state"] != "in service" for row in nodes)

    @property
    def may_run(self) -> bool:
        """Whether a login at an SMSC might get in its way."""
        return self.running is not Running.NOT


def look_at_gateway(state_dir: Path, seconds: float = ANSWER_S) -> GatewayState:
    """Asks it for its status, for so long."""
    try:
        status = within(seconds, lambda: ask(state_dir, "status"))
    except TimeoutError:
        why = f"the gateway on {state_dir} has not answered within {seconds:g} s"
        return GatewayState(Running.SILENT, why, {}, *_peer(state_dir))
    except CommandError as error:
        why = str(error)
    else:
        return GatewayState(Running.ANSWERS, "", status, *_peer(state_dir))
    held = is_held(state_dir)
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
