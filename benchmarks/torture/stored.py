"""What is in a state directory that nobody writes to just now, seen from outside."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gateway.store.sqlite_open import FILE_NAME


class Stored(NamedTuple):
    """The messages of a store."""

    live: frozenset[int]
    """message_id of those that have not ended."""
    past: frozenset[int]
    deliveries: frozenset[int]
    """message_id of those whose receipt waits for its account."""
    integrity: str
    """What SQLite's own check says; "ok"."""

    @property
    def known(self) -> frozenset[int]:
        return self.live | self.past


NOTHING = Stored(frozenset(), frozenset(), frozenset(), "ok")
"""Of a store that was not made yet."""


def stored(state_dir: Path, scratch: Path) -> Stored:
    """Looks at a copy, made in a folder of `scratch`: only the gateway may open the file itself for writing,
    and what follows from a log that a kill has left is written."""
    source = state_dir / FILE_NAME
    if not source.exists():
        return NOTHING
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for suffix in ("", "-wal", "-journal"):
            part = source.with_name(FILE_NAME + suffix)
            if part.exists():
                shutil.copyfile(part, Path(folder) / part.name)
        with closing(sqlite3.connect(Path(folder) / FILE_NAME)) as connection:
            return _read(connection)


def _read(connection: sqlite3.Connection) -> Stored:
    def ids(table: str) -> frozenset[int]:
        return frozenset(row[0] for row in connection.execute(f"SELECT message_id FROM {table}"))

    found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        return NOTHING._replace(integrity=found)
    return Stored(ids("message"), ids("history"), ids("delivery"), found)


def acknowledged_ids(ledger: Path) -> frozenset[int]:
    """message_id of each message that a sender has been promised so far; it may go on writing."""
    whole_lines = ledger.read_text().rpartition("\n")[0].splitlines()
    entries = (json.loads(line) for line in whole_lines if '"acked"' in line)
    return frozenset(int(entry["acked"]) for entry in entries)
