"""A gateway that does not wait for the disk, to show that P1 would see what is lost then.

    python unsynced.py smsc-gateway run …      (what kill.Gateway(before=…) makes)
    python unsynced.py writer FD DATABASE      (what that starts for the store)

SQLite gets `synchronous = NORMAL` after the gateway has set and read back `FULL`; the product has no such
option.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from gateway import __main__ as program
from gateway.store import journal, sqlite_open, sqlite_writer


def write() -> int:
    """The writing process."""
    open_writer = sqlite_open.open_writer

    def open_unsynced(path: Path) -> sqlite3.Connection:
        connection = open_writer(path)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    vars(sqlite_writer)["open_writer"] = open_unsynced
    return sqlite_writer.main()


def run(arguments: list[str]) -> int:
    """The gateway, with that process for its store."""

    def start(command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
        at = command.index("-m")
        changed = [*command[:at], __file__, "writer", *command[at + 2 :]]
        return subprocess.Popen(changed, pass_fds=[descriptor], stdin=subprocess.DEVNULL)

    vars(journal)["_start"] = start
    return program.main(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "writer":
        del sys.argv[1]
        sys.exit(write())
    sys.exit(run(sys.argv[2:]))
