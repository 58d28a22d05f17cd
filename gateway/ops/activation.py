"""Sockets that systemd listens on for the daemon (sd_listen_fds(3)): a restart refuses nobody.

They are matched to what is configured by the address that they have. Nothing happens when none were passed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple

FIRST_FD = 3
"""SD_LISTEN_FDS_START."""
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Passed(NamedTuple):
    """A descriptor that came from systemd."""

    name: str
    """Its FileDescriptorName=."""
    socket: socket.socket | None
    """None when it is no socket."""

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        if self.socket is None:
            return "-"
        address = self.socket.getsockname()
        if not isinstance(address, tuple):
            return str(address)
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Inherited:
    """What was passed and nobody has taken yet."""

    def __init__(self, passed: Iterable[Passed] = ()) -> None:
        self._passed = list(passed)

    def take(self, family: int, address: Any) -> socket.socket | None:
        """The socket that listens at this address, which is as getsockname() has it, if there is one."""
        for one in self._passed:
            if one.socket is not None and _listens_at(one.socket, family, address):
                self._passed.remove(one)
                return one.socket
        return None

    def close_unused(self) -> list[tuple[str, str]]:
        """Lets go of what nobody has taken, which systemd keeps; names and addresses of these."""
        unused = [(one.name, one.address) for one in self._passed]
        for one in self._passed:
            if one.socket is not None:
                one.socket.close()
        self._passed.clear()
        return unused


def _listens_at(one: socket.socket, family: int, address: Any) -> bool:
    return (
        one.family == family
        and one.type == socket.SOCK_STREAM
        and one.getsockname() == address
        and bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    )


def inherited(environment: MutableMapping[str, str] = os.environ, first: int = FIRST_FD) -> Inherited:
    """Takes over what systemd has passed to this very process; its children see nothing of it."""
    pid, count, names = (environment.pop(name, "") for name in VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return Inherited()
    known = names.split(":") if names else []
    return Inherited(
        _passed(first + number, known[number] if number < len(known) else "unknown")
        for number in range(int(count))
    )


def _passed(descriptor: int, name: str) -> Passed:
    with suppress(OSError):  # it is none, a FIFO for example
        os.set_inheritable(descriptor, False)
        return Passed(name, socket.socket(fileno=descriptor))
    return Passed(name, None)
