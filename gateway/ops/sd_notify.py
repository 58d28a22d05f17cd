"""Tells systemd how the daemon is (sd_notify(3)); nothing happens when it was not started by systemd."""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> None:
    """Sends lines such as READY=1 or WATCHDOG=1."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.connect(address)
            channel.sendall("\n".join(lines).encode())
        except OSError:
            pass  # systemd itself is restarting; the next one will reach it


def monotonic_usec(now: float) -> str:
    """MONOTONIC_USEC for RELOADING=1, of the monotonic clock in seconds."""
    return f"MONOTONIC_USEC={int(now * 1e6)}"
