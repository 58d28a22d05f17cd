"""Ports for programs that listen on them later, and again after a restart.

They lie below those that the kernel gives to connections and to whoever asks for any port: between the choice
and the start of a program, which may take seconds, another test would get it otherwise.
"""

from __future__ import annotations

import random
import socket
from contextlib import suppress

HOST = "127.0.0.1"
_PORTS = range(16_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on now, and that nobody in this process was given before."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            if port not in _given:
                _given.add(port)
                return port


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]
