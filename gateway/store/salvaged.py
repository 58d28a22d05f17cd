"""Makes a store of what could be read of a damaged one, and says what is missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store import second_thoughts
from gateway.store.btree_pages import Row
from gateway.store.salvage import Salvage
from gateway.store.shapes import Shape
from gateway.store.sqlite_open import StoreError, make_store, migrate, sync

NAMED = 10_000
"""More messages than so many are counted, and not named."""
SKIP = 1_000_000
"""Ids that are skipped where nobody knows any more how far they were given."""
LOST_RECORD = "the record of it was lost in a damaged store: it may have been sent"
OLD_LOG = "the end of the store's log was lost: it may have been sent since"

Progress = Callable[[str, float], None]
"""A table's name, and the part of the work that is done, 0 to 1."""


@dataclass(slots=True)
class Report:
    """What became of a damaged store."""

    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    """Table → rows, broken_pages, broken_rows, found_elsewhere (pages that no tree led to)."""
    ranges: dict[str, list[str]] = field(default_factory=dict)
    """Table → keys between which rows may be missing."""
    log: str = ""
    """What is wrong with the write-ahead log."""
    lost_messages: list[int] = field(default_factory=list)
    """message_ids that something names and that are in no table: they were accepted, and are gone."""
    lost_submissions: int = 0
    """Segments at an SMSC whose message is gone: their receipts will match nothing."""
    ended_twice: int = 0
    """Messages that were live and ended at once; they are ended."""
    held: int = 0
    """Messages that may have been sent, and wait for a person's word."""
    in_doubt: int = 0
    """Segments that were under way; the next start treats them as after a kill."""
    balances: list[str] = field(default_factory=list)
    """Accounts whose balance could not be read."""
    uncharged: int = 0
    """Messages whose price is not known any more: nothing is given back if they fail."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, as far as can be seen."""
        broken = any(
            counts["broken_pages"] or counts["broken_rows"] or counts["found_elsewhere"]
            for counts in self.tables.values()
        )
        return not (broken or self.log or self.lost_messages or self.lost_submissions)


def salvage(
    damaged: Path, new: Path, now_ms: int, on_progress: Progress, *, hold: bool | None = None
) -> Report:
    """Writes a new store; `hold`: whether what waits is held (None: where it may have been sent).

    Raises StoreError when what was made is no sound store; the damaged one is only read.
    """
    source = Salvage(damaged)
    if source.is_newer:
        source.close()
        raise StoreError(f"{damaged} was written by a newer smsc-gateway: recover it with that version")
    report = Report(log=source.log.damage)
    older = Salvage(damaged, before_break=True) if source.log.damage else None
    make_store(new, source.version)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN")
        named = _copy(source, connection, report, on_progress)
        if older is not None:  # newer rows are there already, and stay
            for name, counts in report.tables.items():
                counts["rows"] += _insert(connection, older.shapes[name], older.rows(name))
            older.close()
        connection.execute("COMMIT")
        migrate(connection, new)
        on_progress("consistency", 0.9)
        connection.execute("BEGIN")
        _name_lost(named, connection, report)
        _settle(connection, report, now_ms, hold)
        connection.execute("COMMIT")
        on_progress("check", 0.95)
        wrong = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if wrong != "ok":
            raise StoreError(f"the new store {new} is not sound ({wrong}): report this")
    finally:
        connection.close()
        source.close()
    sync(new)
    return report


# -- rows ----------------------------------------------------------------------------------------------


def _copy(source: Salvage, connection: sqlite3.Connection, report: Report, on_progress: Progress) -> set[int]:
    """The messages that indexes name, where something was lost."""
    named: set[int] = set()
    tables = [s for s in source.shapes.values() if s.is_table and s.name != "sqlite_sequence"]
    for number, shape in enumerate(tables):
        on_progress(shape.name, 0.8 * number / len(tables))
        connection.execute(f"DELETE FROM {shape.name}")
        count = _insert(connection, shape, source.rows(shape.name))
        report.tables[shape.name] = {"rows": count, "found_elsewhere": 0}
    if not source.is_whole:
        for index in [s for s in source.shapes.values() if not s.is_table]:
            keys = set(source.keys_in(index.name))  # all are walked: what they lead to is no stray
            if index.table == "message":
                named |= keys
        on_progress("stray pages", 0.8)
        _copy_strays(source, connection, report)
    _keep_sequences(source, connection)
    for shape in tables:
        loss = source.losses[shape.name]
        report.tables[shape.name] |= {"broken_pages": len(loss.pages), "broken_rows": loss.records}
        if loss.ranges:
            report.ranges[shape.name] = loss.ranges
    return named


def _insert(connection: sqlite3.Connection, shape: Shape, rows: Iterable[Row]) -> int:
    """How many were new; what is there already stays."""
    names = [column.name for column in shape.columns]
    if shape.has_rowid:
        names = ["rowid", *names]
    places = ", ".join("?" * len(names))
    sql = f"INSERT OR IGNORE INTO {shape.name} ({', '.join(names)}) VALUES ({places})"
    before = connection.total_changes
    connection.executemany(sql, rows)
    return connection.total_changes - before


def _copy_strays(source: Salvage, connection: sqlite3.Connection, report: Report) -> None:
    for name, row in source.strays():
        if name in report.tables and _insert(connection, source.shapes[name], [row]):
            report.tables[name]["rows"] += 1
            report.tables[name]["found_elsewhere"] += 1


def _keep_sequences(source: Salvage, connection: sqlite3.Connection) -> None:
    """No id is given a second time."""
    known = {str(row[1]): row[2] for row in source.rows("sqlite_sequence") if isinstance(row[2], int)}
    is_whole = source.is_whole
    for name in [s.name for s in source.shapes.values() if s.is_table]:
        sql = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
        if "AUTOINCREMENT" not in sql:
            continue
        highest = connection.execute(f"SELECT coalesce(max(rowid), 0) FROM {name}").fetchone()[0]
        number = max(known.get(name, 0), highest) + (0 if is_whole else SKIP)
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, number))


# -- what follows --------------------------------------------------------------------------------------


def _name_lost(named: set[int], connection: sqlite3.Connection, report: Report) -> None:
    """The messages that indexes or records of sending name, and that are neither live nor ended."""
    if report.is_whole:
        return
    sql = "SELECT DISTINCT message_id FROM submission WHERE attempt < 3"
    named.update(row[0] for row in connection.execute(sql))
    have = {row[0] for row in connection.execute("SELECT message_id FROM message")}
    for message_id in sorted(named - have):
        ended = connection.execute("SELECT 1 FROM history WHERE message_id = ?", (message_id,)).fetchone()
        if ended is None:
            report.lost_messages.append(message_id)


def _settle(connection: sqlite3.Connection, report: Report, now_ms: int, hold: bool | None) -> None:
    """What the tables say of each other is made true again."""

    def execute(sql: str) -> int:
        return connection.execute(sql).rowcount

    report.ended_twice = execute("DELETE FROM message WHERE message_id IN (SELECT message_id FROM history)")
    gone = "message_id NOT IN (SELECT message_id FROM message)"
    report.lost_submissions = execute(f"DELETE FROM submission WHERE attempt < 3 AND {gone}")
    execute(f"DELETE FROM gathered_part WHERE {gone}")
    whole = report.is_whole and not report.ended_twice
    if not whole:
        for which in (second_thoughts.UNRECORDED, second_thoughts.UNCARRIED):
            report.held += second_thoughts.hold(connection, which, LOST_RECORD, now_ms)
    sent_unseen = bool(report.log) or report.ended_twice > 0 or _is_broken(report, "submission")
    if hold or (hold is None and sent_unseen):
        evidence = OLD_LOG if report.log else LOST_RECORD
        report.held += second_thoughts.hold(connection, second_thoughts.WAITS, evidence, now_ms)
    count = "SELECT count(*) FROM submission WHERE attempt = 0"
    report.in_doubt = connection.execute(count).fetchone()[0]
    if "charge" in report.tables and not whole:
        _look_at_money(connection, report)


def _is_broken(report: Report, table: str) -> bool:
    counts = report.tables[table]
    return bool(counts["broken_pages"] or counts["broken_rows"])


def _look_at_money(connection: sqlite3.Connection, report: Report) -> None:
    missing = (
        "SELECT payer FROM charge UNION SELECT account FROM balance_change EXCEPT SELECT account FROM balance"
    )
    report.balances = [row[0] for row in connection.execute(missing)]
    uncharged = (
        "SELECT count(*) FROM message WHERE flags & 16 AND message_id NOT IN (SELECT message_id FROM charge)"
    )
    report.uncharged = connection.execute(uncharged).fetchone()[0]
