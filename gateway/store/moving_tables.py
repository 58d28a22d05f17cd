"""What a move carries: every table of SQLite's schema, its columns on both sides, and their order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

Row = tuple[Any, ...]

AS_NOTHING_CLAIMED = frozenset({("letter", "claimed_boot"), ("call", "claimed_boot")})
"""The gateway that had these in hand is gone, so nobody has them."""
OVER = "(stopped_ms IS NULL)"
"""Of runs (`boot`): one that never said that it ends was killed. None of them is a node of the new store."""
NEVER = frozenset({"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"})


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `columns` are those of the target, each with what the source is asked for."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    """PostgreSQL's, of the columns."""
    asked: tuple[str, ...]
    keys: tuple[str, ...]
    """By which the source is read in order: the primary key, or SQLite's rowid."""
    order: tuple[str, ...]
    """By which the target has the same order."""
    numbered: str
    """The column of the target that has a sequence; "": none."""
    key_places: tuple[int, ...] = field(default=())
    """Where the keys stand among the columns; empty where they are SQLite's rowid."""

    def source_sql(self, *, first: bool) -> str:
        """Rows behind the last key (unless it is the first time), keys first, so many."""
        keys = ", ".join(self.keys)
        marks = ", ".join("?" * len(self.keys))
        behind = "" if first else f"WHERE ({keys}) > ({marks})"
        asked = ", ".join(self.asked)
        return f"SELECT {keys}, {asked} FROM {self.name} {behind} ORDER BY {keys} LIMIT ?"

    def target_sql(self) -> str:
        """All rows in the order in which the source was read."""
        order = ", ".join(self.order)
        return f"SELECT {', '.join(self.columns)} FROM {self.name} ORDER BY {order}"

    def copy_sql(self) -> str:
        """What takes rows in binary form."""
        return f"COPY {self.name} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"


def tables_of(source: sqlite3.Connection, target: psycopg.Connection[Any]) -> list[Table]:
    """Every table of the source, as the target has it; the names of both schemas are the same."""
    names = [
        row[0] for row in source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    ]
    return [_table(name, source, target) for name in names if name not in NEVER]


def _table(name: str, source: sqlite3.Connection, target: psycopg.Connection[Any]) -> Table:
    info = source.execute(f"SELECT name, pk FROM pragma_table_info('{name}')").fetchall()
    types = dict(target.execute(_TYPES, (name,)).fetchall())
    columns = [column for column, _ in info]
    asked = ["0" if (name, column) in AS_NOTHING_CLAIMED else column for column in columns]
    primary = tuple(column for column, place in sorted(info, key=lambda pair: pair[1]) if place)
    if name == "boot":
        columns.append("fenced")
        asked.append(OVER)
    missing = [column for column in columns if column not in types]
    if missing:
        raise LookupError(f"the table {name} of PostgreSQL lacks {', '.join(missing)}")
    numbered = target.execute(_NUMBERED, (name,)).fetchone()
    return Table(
        name=name,
        columns=tuple(columns),
        types=tuple(types[column] for column in columns),
        asked=tuple(asked),
        keys=primary or ("rowid",),
        order=primary or ("rowid",),
        numbered=numbered[0] if numbered and numbered[0] in columns else "",
        key_places=tuple(columns.index(column) for column in primary),
    )


_TYPES = """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"""
_NUMBERED = """SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND attidentity <> '' AND NOT attisdropped"""


def clean(text: Any) -> Any:
    """A value as PostgreSQL can hold it: U+0000 has no place in its texts."""
    return text.replace("\0", "\ufffd") if isinstance(text, str) and "\0" in text else text


def text_of(octets: bytes) -> str:
    """A text of SQLite, which takes any octets for one; what is no UTF-8 becomes U+FFFD."""
    return octets.decode("utf-8", "replace")


class Source:
    """The store that is moved, read in chunks."""

    def __init__(self, connection: sqlite3.Connection, chunk: int) -> None:
        self._connection = connection
        self._chunk = chunk

    def chunks(self, table: Table, after: Row | None = None) -> Iterator[tuple[list[Row], Row]]:
        """The rows behind a key, in order, and the key of the last one of each chunk."""
        keys = len(table.keys)
        while rows := self._rows(table, after):
            after = rows[-1][:keys]
            yield [row[keys:] for row in rows], after

    def _rows(self, table: Table, after: Row | None) -> list[Row]:
        ask = (table.source_sql(first=after is None), (*(after or ()), self._chunk))
        try:
            return self._connection.execute(*ask).fetchall()
        except (sqlite3.OperationalError, UnicodeDecodeError) as error:
            if "decode" not in str(error):
                raise
        self._connection.text_factory = text_of
        try:
            return self._connection.execute(*ask).fetchall()
        finally:
            self._connection.text_factory = str
