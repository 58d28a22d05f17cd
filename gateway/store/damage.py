"""How a damaged store is known, at the start and while it runs, and what is said then.

At the start: both files as such, the structure of every table that live messages need, and whether each of
its indexes has as many entries as the table has rows for it.  Not the history, which may be large and is not
needed to go on: what is broken there is found when it is read or written.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from gateway.store.wal_file import read_log

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_HEADER = re.compile(
    rb"SQLite format 3\x00"
    rb"(?:[\x02\x04\x08\x10\x20\x40\x80]\x00|\x00\x01)"  # the page size
    rb"[\x01\x02][\x01\x02]\x00\x40\x20\x20"
    rb"[\s\S]{20}\x00\x00\x00[\x01-\x04]"  # the schema's format
    rb"[\s\S]{8}\x00\x00\x00\x01"  # UTF-8
)
_NO_TEXT = "Could not decode to UTF-8"
RECOVERED = ".recovered"
"""Ends the name of a store that `recover` or `restore` has made and not yet put into its place."""
LIVE_TABLES = (
    "message",
    "submission",
    "delivery",
    "parked_receipt",
    "mail_recipient",
    "letter",
    "incoming_part",
    "incoming_seen",
    "gathered_part",
    "balance",
    "call",
    "request_key",
)


def is_damage(error: BaseException, *, at_start: bool = False) -> bool:
    """Whether it says that the file's content is not what was written.

    `at_start`: so does a statement that makes no sense, for the schema is not what its version says.
    """
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _DAMAGED or _NO_TEXT in str(error) or (at_start and code == sqlite3.SQLITE_ERROR)


def damage_text(path: Path, what: object) -> str:
    """What an admin has to read: what is wrong, that nothing was overwritten, and what comes next."""
    return (
        f"{path} is damaged ({what}); it is left as it is. Look for the reason (disk, memory), then: "
        f"smsc-gateway recover --state-dir {path.parent}"
    )


def damage_of_files(path: Path) -> str:
    """What is wrong with the database's file and its log before SQLite looks at them; empty: nothing."""
    log_file = path.with_name(path.name + "-wal")
    log_octets = log_file.stat().st_size if log_file.exists() else 0
    if not path.exists():
        return f"it is not there, but its log {log_file.name} is" if log_octets else ""
    octets = path.stat().st_size
    if octets == 0:
        return "it is empty"
    with path.open("rb") as file:
        if not _HEADER.match(file.read(100)):
            return "its header is broken"
    log = read_log(log_file)
    if log.damage:
        return log.damage
    if log.size:
        there = octets // log.page_size
        missing = log.size - there - sum(there < page <= log.size for page in log.pages)
        return f"{missing} pages are missing at its end" if missing > 0 else ""
    return ""


def damage_of_live_tables(connection: sqlite3.Connection) -> str:
    """What is wrong with what live messages need; empty: nothing.  Raises sqlite3.Error, also for damage."""
    for table in LIVE_TABLES:
        found = connection.execute(f"PRAGMA quick_check({table})").fetchone()[0]
        if found != "ok":
            return str(found)
        if wrong := _index_that_disagrees(connection, table):
            return f"the index {wrong} disagrees with its table"
    return ""


def _index_that_disagrees(connection: sqlite3.Connection, table: str) -> str:
    sql = "SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?"
    wheres: dict[str, str] = {}
    for name, made_by in connection.execute(sql, (table,)).fetchall():
        partial = re.search(r"\bWHERE\b(.*)", made_by, re.DOTALL)
        wheres[name] = partial[1] if partial else "true"
    if not wheres:
        return ""
    # the table is read once for all of them
    sums = ", ".join(f"count(*) FILTER (WHERE {where})" for where in wheres.values())
    of_table = connection.execute(f"SELECT {sums} FROM {table} NOT INDEXED").fetchone()
    for (name, where), rows in zip(wheres.items(), of_table, strict=True):
        counted = f"SELECT count(*) FROM {table} INDEXED BY {name} WHERE {where}"
        if connection.execute(counted).fetchone()[0] != rows:
            return name
    return ""
