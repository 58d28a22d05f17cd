"""PostgreSQL servers of the tests' own: made, killed, restarted and removed, on a port and a socket each.

A server listens on loopback and on a socket in its folder, lets everybody in, and is gone, folder and all,
when the tests are, however they end: a shell waits for the end of a pipe that only this process holds.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from free_ports import free_port
from postgres_programs import Programs

HOST = "127.0.0.1"
ROLE = "gateway"
"""Owner of the databases, without any rights over the server."""
PATIENCE_S = 60.0
_TRIES = 5
_SETTINGS = {
    "max_connections": "60",
    "shared_buffers": "64MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # in the data folder, so that a killed server leaves none elsewhere
    "dynamic_shared_memory_type": "mmap",
    # what a new standby has to fetch
    "wal_keep_size": "256MB",
}
_AFTERWARDS = """
cat >/dev/null
for data in "$1"/data "$1"/*/data; do
    [ -e "$data/postmaster.pid" ] || continue
    { read -r pid; } <"$data/postmaster.pid"
    segment=$(sed -n '7s/.* //p' "$data/postmaster.pid")
    ours() { tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-D $data"; }
    if ours; then
        kill -CONT "$pid"
        kill -QUIT "$pid"
        for turn in $(seq 100); do ours || break; sleep 0.05; done
        if ours; then kill -KILL "$pid"; sleep 0.2; fi
    fi
    [ -z "$segment" ] || ipcrm -m "$segment" 2>/dev/null
done
rm -rf "$1"
"""


class StartError(Exception):
    """The server ended or does not come up; what it logged."""


class PostgresServer:
    """One server.  `fsync=False` where it is not to survive the machine, which is twice as fast; it
    listens on `addresses` too, and lets their neighbours in (/30)."""

    def __init__(self, programs: Programs, *, fsync: bool = True, addresses: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smsc-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self._watchman = subprocess.Popen(
            ["sh", "-c", _AFTERWARDS, "sh", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.programs = programs.within_reach(self.folder)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.addresses = (HOST, *addresses)
        self.port = free_port()
        self.settings = _SETTINGS | {"fsync": "on" if fsync else "off"}
        if not fsync:
            self.settings |= {"full_page_writes": "off"}
        self._process: subprocess.Popen[bytes] | None = None
        if self.programs.user is not None:
            shutil.chown(self.folder, self.programs.user)

    # ── Its life ─────────────────────────────────────────────────────────────────────────────────────────

    def create(self) -> PostgresServer:
        """A new cluster, started, with the role that owns the databases."""
        self.initialise()
        for _ in range(_TRIES):
            try:
                self.start()
                break
            except StartError:  # somebody else was faster at this port
                self.port = free_port()
        with self.admin() as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN")
        return self

    def initialise(self) -> None:
        """The data folder, with initdb."""
        options = ["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "--username=postgres"]
        done = subprocess.run(
            [self.programs.initdb(), *options, "-D", str(self.data)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        with (self.data / "pg_hba.conf").open("a", encoding="ascii") as lines:
            lines.writelines(f"host all all {one}/30 trust\n" for one in self.addresses)

    def own(self) -> None:
        """Files that were put into the data folder are those of the server's user."""
        self.data.chmod(0o700)
        if self.programs.user is not None:
            for file in (self.data, *self.data.rglob("*")):
                shutil.chown(file, self.programs.user)

    def start(self) -> None:
        """Starts it, also after a kill, and waits until it answers."""
        options = {
            "listen_addresses": ",".join(self.addresses),
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        given = [
            word for name, value in (options | self.settings).items() for word in ("-c", f"{name}={value}")
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs.postgres(), "-D", str(self.data), *given],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user(),
            )
        self._wait_until_up()

    def stop(self) -> None:
        """Ends it in an orderly way; connections are cut."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """kill -9, of the server and all processes that serve connections."""
        if self._process is not None and self._process.poll() is None:
            serving = _children(self._process.pid)
            self._process.kill()
            for pid in serving:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(PATIENCE_S)
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Ends it and removes all that it was."""
        if self._watchman.stdin is not None and not self._watchman.stdin.closed:
            self._watchman.stdin.close()
        self._watchman.wait(PATIENCE_S)
        if self._process is not None:
            self._process.wait(PATIENCE_S)
            self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process that all others of the server are children of."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    # ── Ways to it ───────────────────────────────────────────────────────────────────────────────────────

    def url(self, database: str) -> str:
        """For the gateway, by TCP."""
        return f"postgresql://{ROLE}@{HOST}:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """The same by the socket, which is the faster way."""
        return f"postgresql://{ROLE}@/{database}?host={self.folder}&port={self.port}"

    def admin(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A superuser's connection, by the socket, each statement a transaction."""
        return psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname=database, autocommit=True
        )

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Runs one statement as superuser."""
        with self.admin(database) as connection:
            connection.execute(statement.encode())

    def create_database(self, name: str, template: str = "template0") -> str:
        """A new database of the gateway's role; its URL."""
        self.execute(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes it, with the connections that it has."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    # ── Inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _as_user(self) -> dict[str, Any]:
        who = {"cwd": self.folder, "env": {"PATH": os.defpath, "LC_ALL": "C"}}
        if self.programs.user is None:
            return who
        return who | {
            "user": self.programs.user,
            "group": pwd.getpwnam(self.programs.user).pw_gid,
            "extra_groups": [],
        }

    def _wait_until_up(self) -> None:
        """Its own word for it is the last line of its pid file."""
        process, pid_file = self._process, self.data / "postmaster.pid"
        assert process is not None
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                lines = pid_file.read_text("utf-8").split("\n")
                if lines[0] == str(process.pid) and lines[7:8] and lines[7].strip() in ("ready", "standby"):
                    return
            time.sleep(0.02)
        raise StartError(f"PostgreSQL does not come up:\n{self.log.read_text('utf-8')[-4000:]}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)
        self._process = None


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in found.split()]
