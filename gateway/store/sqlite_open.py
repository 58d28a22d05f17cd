"""Opens the queue's database: pragmas that are read back, migrations, named statements."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
from pathlib import Path
from typing import IO

from gateway.store.damage import RECOVERED, damage_of_files, damage_of_live_tables, damage_text, is_damage
from gateway.store.moved import moved_text

FILE_NAME = "queue.sqlite3"
LOCK_WAIT_S = 3.0
SQL = Path(__file__).parent / "sql"  # importlib.resources costs 1.5 MiB in each process
CACHE_KIB = 6 * 1024
CHECKPOINT_PAGES = 4000
"""A checkpoint copies this many pages (16 MiB) at the most while a batch waits for it."""
COPY_OCTETS = 1 << 20


class StoreError(Exception):
    """The database cannot be used; the text says what to do."""


class StoreUnready(StoreError):
    """Not now: it is not damaged, so another start may go better."""


class StoreBusy(StoreUnready):
    """Another gateway uses it."""


def _own_file(path: str, flags: int) -> int:
    """Opens a file that is nobody else's; OSError when the name is a link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def lock(folder: Path, wait_s: float | None = None) -> IO[str]:
    """Holds the folder while the file is open; StoreBusy when another process holds it for so long (else
    LOCK_WAIT_S), StoreError when that file cannot be written.

    The process that writes holds it, not the one that it works for: when the latter is killed, this one may
    still be committing its last batch, and the next run must wait for that.
    """
    try:
        handle = open(folder / "lock", "a+", opener=_own_file)  # noqa: SIM115 - it is held after this
    except OSError as error:
        raise StoreError(
            f"the state directory {folder} cannot be used: {error.strerror} – "
            "it must be this user's own (chown), or give another --state-dir"
        ) from error
    deadline = time.monotonic() + (LOCK_WAIT_S if wait_s is None else wait_s)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                handle.close()
                raise StoreBusy(
                    f"another gateway is running on {folder}; stop it or use another --state-dir"
                ) from None
            time.sleep(0.05)
        else:
            return handle


def statements(prefix: str = "") -> dict[str, str]:
    """The named statements of all files that are no migration and begin with this."""
    found: dict[str, str] = {}
    for file in sorted(SQL.glob(f"{prefix}*.sql" if prefix else "[a-z]*.sql")):
        found.update(read_statements(file))
    return found


def read_statements(file: Path) -> dict[str, str]:
    """The statements of a file, by name."""
    parts = re.split(r"^-- name: (\w+)\n", file.read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def migrations() -> list[tuple[int, str]]:
    """The schema's versions, in order: number and script."""
    found = [(int(m[1]), entry) for entry in SQL.iterdir() if (m := re.match(r"(\d{4})_", entry.name))]
    return [(number, entry.read_text("utf-8")) for number, entry in sorted(found, key=lambda pair: pair[0])]


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; the schema is brought up to date.

    Raises StoreError when the file is damaged, newer than this program, or not durable as promised;
    StoreUnready when the disk has no room or reports an error.
    """
    if path.with_name(path.name + RECOVERED).exists():
        raise StoreError(
            f"recover or restore was interrupted in {path.parent}: say it again, and it ends what it began"
        )
    if moved := moved_text(path):
        raise StoreError(moved)
    try:
        if damage := damage_of_files(path):
            raise StoreError(damage_text(path, damage))
        if not path.exists():
            _make_first(path)
        write_log_again(path.with_name(path.name + "-wal"))
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        _set_pragmas(connection)
        migrate(connection, path)
        if damage := damage_of_live_tables(connection):
            raise StoreError(damage_text(path, damage))
    except (sqlite3.Error, OSError) as error:
        if is_damage(error, at_start=True):
            raise StoreError(damage_text(path, error)) from error
        raise StoreUnready(f"cannot open {path}: {error} – look at the disk: room, rights, errors") from error
    path.chmod(0o600)
    return connection


def _make_first(path: Path) -> None:
    """A new store gets its name when it is whole, so a file without content is never one of ours."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    make_store(unfinished)
    unfinished.rename(path)
    sync(path.parent)


def make_store(path: Path, version: int | None = None) -> None:
    """An empty store of this version of the schema (else the newest), durable under this name.

    Raises sqlite3.Error or OSError when there is no room for it.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        migrate(connection, path, version)
    finally:
        connection.close()
    path.chmod(0o600)
    sync(path)


def write_log_again(log: Path) -> None:
    """Writes the log's octets in their places once more, and syncs them; OSError when that fails.

    After a failed fsync the kernel counts pages as written that are not.  The log of a run that ended so
    reads well as long as they are in memory, and no further fsync would write them: what is committed behind
    them would be gone with the power.  So all of them are made new.
    """
    if not log.exists():
        return
    with log.open("r+b", buffering=0) as file:
        at = 0
        while octets := os.pread(file.fileno(), COPY_OCTETS, at):
            at += os.pwrite(file.fileno(), octets, at)
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Returns when a file's content, or a folder's names, are on the disk; OSError when they are not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read, for the command line's questions."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _set_pragmas(connection: sqlite3.Connection) -> None:
    # secure_delete: texts are not to be found in what the file has no use for
    wanted: dict[str, object] = {"journal_mode": "wal", "synchronous": 2, "temp_store": 2, "secure_delete": 1}
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != value:
            raise StoreError(
                f"SQLite did not accept {name} = {value} (it says {found}): is this a network disk?"
            )
    connection.execute("PRAGMA locking_mode = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute("PRAGMA journal_size_limit = 67108864")


def migrate(connection: sqlite3.Connection, path: Path, version: int | None = None) -> None:
    """Brings the schema up to date, or to this version; StoreError when it is newer than this program."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    known = migrations()
    if found > known[-1][0]:
        raise StoreError(
            f"{path} was written by a newer smsc-gateway (schema {found}, this one knows {known[-1][0]}): "
            "install that version again"
        )
    for number, script in known:
        if found < number <= (version or known[-1][0]):
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
