"""systemd's journal: entries with fields of their own (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that
`journalctl SMSC_CONNECTOR=smsc` finds what is about one connector."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

SOCKET = "/run/systemd/journal/socket"
STDERR = 2


def is_stderr() -> bool:
    """Whether the journal reads our standard error: its device and inode are those that systemd has named."""
    with suppress(OSError):
        found = os.fstat(STDERR)
        return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
    return False


class Journald:
    """Sends entries; the socket is made with the first one."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self.is_stderr = is_stderr()

    def write(self, fields: Mapping[str, str]) -> bool:
        """Whether the journal has taken the entry; it never waits. Values have no line breaks."""
        entry = "".join(f"{name}={value}\n" for name, value in fields.items())
        try:
            if self._socket is None:
                self._socket = socket.socket(
                    socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
                )
            self._socket.sendto(entry.encode("utf-8", "replace"), self._path)
        except OSError:  # it is not there, or has no room just now
            return False
        return True

    def close(self) -> None:
        """Frees the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
