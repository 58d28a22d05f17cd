"""Which sockets listen on this machine, and whose they are, as /proc tells it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.cli.doctor.machine import Machine

_LISTENS = "0A"


@dataclass(frozen=True, slots=True)
class Listening:
    """A TCP socket that listens."""

    address: IPv4Address | IPv6Address
    port: int
    inode: str


def listening(machine: Machine) -> Iterator[Listening]:
    """All of this network namespace."""
    for name in ("net/tcp", "net/tcp6"):
        for line in machine.read(name).splitlines()[1:]:
            words = line.split()
            if len(words) > 9 and words[3] == _LISTENS:
                host, _, port = words[1].partition(":")
                yield Listening(_address(host), int(port, 16), words[9])


def _address(text: str) -> IPv4Address | IPv6Address:
    """Words of four octets, each in this machine's order."""
    octets = bytes.fromhex(text)
    words = [octets[start : start + 4][::-1] for start in range(0, len(octets), 4)]
    return IPv4Address(words[0]) if len(words) == 1 else IPv6Address(b"".join(words))


def covers(one: Listening, host: str, port: int) -> bool:
    """Whether a socket takes what a listener on this address would take."""
    if one.port != port:
        return False
    wanted = ip_address(host)
    same_kind = one.address.version == wanted.version
    return same_kind and (one.address == wanted or one.address.is_unspecified or wanted.is_unspecified)


def owners(machine: Machine, inode: str) -> list[int]:
    """Processes that have this socket, as far as we may see them."""
    found = []
    for name in sorted(filter(str.isdecimal, os.listdir(machine.proc)), key=int):
        try:
            files = os.scandir(machine.proc / name / "fd")
        except OSError:
            continue
        with files:
            if any(_leads_to(file.path, inode) for file in files):
                found.append(int(name))
    return found


def _leads_to(path: str, inode: str) -> bool:
    try:
        return os.readlink(path) == f"socket:[{inode}]"
    except OSError:
        return False


def ancestors(machine: Machine, pid: int) -> Iterator[int]:
    """The process and its parents."""
    while pid > 1:
        yield pid
        found = re.search(r"^PPid:\s+(\d+)", machine.read(f"{pid}/status"), re.M)
        pid = int(found[1]) if found else 0


def name_of(machine: Machine, pid: int) -> str:
    return f"{machine.read(f'{pid}/comm').strip() or 'a process'} (process {pid})"
