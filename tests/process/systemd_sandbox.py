"""Runs a command under what a unit's SystemCallFilter, MemoryDenyWriteExecute and RestrictAddressFamilies do.

As a program: `python systemd_sandbox.py UNIT COMMAND [ARGUMENT…]`.  It loads seccomp filters by Debian's
libseccomp, as systemd does, and becomes the command; children inherit them.  No root is needed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_EQUAL, _AT_LEAST, _MASKED_EQUAL = 4, 5, 7
_FAMILIES = 64
_WRITE_AND_EXECUTE = 0x2 | 0x4
_EXECUTE = 0x4


class _Comparison(ctypes.Structure):
    """struct scmp_arg_cmp of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


class Filter:
    """One seccomp filter of this process; several add up, the strictest wins."""

    def __init__(self, otherwise: int) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(otherwise)))

    def rule(self, action: int, name: str, *comparisons: _Comparison) -> None:
        """Another action for a system call, where its arguments compare; unknown names are passed over."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        array = (_Comparison * len(comparisons))(*comparisons)
        result = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(comparisons), array
        )
        if result:
            raise OSError(-result, f"seccomp rule for {name}")

    def load(self) -> None:
        """From here on, for good; no_new_privs is set too."""
        if result := self._library.seccomp_load(self._context):
            raise OSError(-result, "seccomp_load")


def settings(unit: str) -> dict[str, list[str]]:
    """Every value of each option of a unit file."""
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found.setdefault(name, []).append(value)
    return found


def system_calls(groups: Iterable[str]) -> set[str]:
    """The system calls of groups such as @system-service, with those of the groups in them."""
    found = set()
    for group in groups:
        if not group.startswith("@"):
            found.add(group)
            continue
        listing = subprocess.run(
            ["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True
        ).stdout
        entries = [line.strip() for line in listing.splitlines()[1:]]
        found |= system_calls(entry for entry in entries if entry and not entry.startswith("#"))
    return found


def enter(unit: dict[str, list[str]]) -> None:
    """Takes on what the unit forbids."""
    allowed: set[str] = set()
    for value in unit["SystemCallFilter"]:
        if value.startswith("~"):
            allowed -= system_calls(value[1:].split())
        else:
            allowed |= system_calls(value.split())
    filters = [Filter(_REFUSE), Filter(_ALLOW)]
    for name in allowed:
        filters[0].rule(_ALLOW, name)
    if unit["MemoryDenyWriteExecute"] == ["yes"]:
        both = _Comparison(2, _MASKED_EQUAL, _WRITE_AND_EXECUTE, _WRITE_AND_EXECUTE)
        filters[1].rule(_REFUSE, "mmap", both)
        for name in ("mprotect", "pkey_mprotect"):
            filters[1].rule(_REFUSE, name, _Comparison(2, _MASKED_EQUAL, _EXECUTE, _EXECUTE))
    families = {getattr(socket, name) for name in unit["RestrictAddressFamilies"][0].split()}
    # A rule compares an argument once only, so each other family gets a rule of its own.
    filters[1].rule(_REFUSE, "socket", _Comparison(0, _AT_LEAST, _FAMILIES, 0))
    for family in set(range(_FAMILIES)) - families:
        filters[1].rule(_REFUSE, "socket", _Comparison(0, _EQUAL, family, 0))
    for one in reversed(filters):  # the list of what is allowed comes last: it may not allow seccomp itself
        one.load()


if __name__ == "__main__":
    enter(settings(Path(sys.argv[1]).read_text(encoding="utf-8")))
    os.execv(sys.argv[2], sys.argv[2:])
