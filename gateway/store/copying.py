"""Copies the store while its writer goes on, and makes a copy a store again.

The copy is made by SQLite's backup, from a connection that can only read and that holds one read
transaction from the first page to the last: so what the writer commits meanwhile does not begin the copy
anew, and the copy is the store at one moment.  While that transaction lasts the log cannot begin from its
start again; a copy of pages is the shortest there is.  It runs in a process of its own, and lets others go
first.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.crashes import leave_no_memory
from gateway.store import second_thoughts
from gateway.store.damage import damage_of_live_tables, is_damage
from gateway.store.replace import remove
from gateway.store.sqlite_open import StoreError, migrate, migrations, open_reader, sync

STEP_PAGES = 500
SKIP = 1_000_000
"""Ids that are skipped after a restore: some of them were given after the copy was made."""

Progress = Callable[[int, int], None]
"""Pages that are copied, of so many."""


def copy(path: Path, to: Path, on_progress: Progress) -> None:
    """Makes a copy of one file that nobody else may read; StoreError or OSError, and no file, if it fails."""
    if to.exists():
        raise StoreError(f"{to} exists, and is not overwritten")
    unfinished = to.with_name(to.name + ".part")
    try:
        _copy(path, unfinished, on_progress)
        sync(unfinished)
        os.link(unfinished, to)  # unlike a rename it overwrites nothing
        sync(to.parent)
    except sqlite3.Error as error:
        what = f"{path} is damaged" if is_damage(error) else f"no copy of {path} was made"
        raise StoreError(f"{what}: {error}") from error
    finally:
        remove(unfinished)


def _copy(path: Path, unfinished: Path, on_progress: Progress) -> None:
    remove(unfinished)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        contextlib.closing(open_reader(path)) as source,
        contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as made,
    ):
        made.execute("PRAGMA synchronous = OFF")  # it is synced as a whole
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM boot").fetchone()  # from here on it sees one moment
        source.backup(
            made, pages=STEP_PAGES, progress=lambda _, left, total: on_progress(total - left, total), sleep=0
        )
        source.execute("ROLLBACK")
        made.execute("PRAGMA journal_mode = DELETE")
        check(made, "quick_check")


def check(connection: sqlite3.Connection, how: str) -> None:
    """StoreError when a copy is not whole; `how` is quick_check or integrity_check."""
    found = connection.execute(f"PRAGMA {how}(1)").fetchone()[0]
    damage = "" if found == "ok" else str(found)
    damage = damage or damage_of_live_tables(connection)
    if damage:
        raise StoreError(f"the copy is damaged ({damage}), and so is what it was made of")


def make_ready(connection: sqlite3.Connection, evidence: str, now_ms: int, *, hold: bool) -> int:
    """Makes a copy a store that may go on: nothing that was sent since goes out again without a word.

    `hold`: what waits is held too, for it may have been sent since.  Returns how many are held.
    """
    connection.execute("BEGIN")
    held = second_thoughts.hold_unanswered(connection, evidence, now_ms)
    held += second_thoughts.hold(connection, second_thoughts.UNRECORDED, evidence, now_ms)
    if hold:
        held += second_thoughts.hold(connection, second_thoughts.WAITS, evidence, now_ms)
    connection.execute("UPDATE sqlite_sequence SET seq = seq + ?", (SKIP,))
    connection.execute("COMMIT")
    return held


def open_copy(path: Path) -> sqlite3.Connection:
    """A copy that `copy` has made, with the newest schema; StoreError when it is none, or damaged."""
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        made = connection.execute("SELECT type, name FROM sqlite_schema").fetchall()
        has_code = any(kind not in ("table", "index") for kind, _ in made)  # no schema of ours has a trigger
        if has_code or not (version > 0 and {"message", "submission", "boot"} <= {name for _, name in made}):
            raise StoreError(f"{path} is no store of smsc-gateway")
        if version <= migrations()[-1][0]:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise StoreError(
                    f"{path} is damaged ({found}); `smsc-gateway recover` reads what is readable"
                )
        migrate(connection, path)
    except sqlite3.Error as error:
        raise StoreError(f"{path} is no store of smsc-gateway, or damaged: {error}") from error
    return connection


def main() -> int:
    """Arguments: the store, the copy.  Prints how far it is, a line for each step: pages, of so many."""
    leave_no_memory()
    with contextlib.suppress(OSError):  # the unit's SystemCallFilter does not let it
        os.nice(10)

    def say(done: int, total: int) -> None:
        sys.stdout.write(f"{done} {total}\n")
        sys.stdout.flush()

    try:
        copy(Path(sys.argv[1]), Path(sys.argv[2]), say)
    except (StoreError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
