"""What rows of each table and index look like, so that a page can be known by what is on it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.store.btree_pages import Row, Value
from gateway.store.sqlite_open import migrations


class Column(NamedTuple):
    """A column, as its table declares it."""

    name: str
    types: tuple[type, ...]
    """Of its values; empty: any."""
    may_be_null: bool
    default: Value
    is_rowid: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A table or an index, with its columns in the order in which a record has them."""

    name: str
    table: str
    """Whose index it is; of a table its own name."""
    root: int
    """Its first page in a file that was made by this schema in one go."""
    has_rowid: bool
    """A table by rowids; else the records are its keys: an index, or a table WITHOUT ROWID."""
    columns: tuple[Column, ...]
    least: int
    """So many values the shortest record has: those of columns that came later may be missing."""
    _known: dict[tuple[type, ...], bool] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_table(self) -> bool:
        return self.name == self.table

    def fits(self, values: Row) -> bool:
        """Whether this can be one of its records."""
        types = tuple(map(type, values))
        known = self._known.get(types)  # millions of rows have a few combinations
        if known is None:
            enough = self.least <= len(types) <= len(self.columns)
            known = self._known[types] = enough and all(map(_fits, types, self.columns))
        return known

    def row(self, rowid: int, values: Row) -> Row:
        """The record of a table with all its columns, the rowid where it stands for one."""
        missing = tuple(column.default for column in self.columns[len(values) :])
        place = self.rowid_at
        if place is None:
            return values + missing
        return (*values[:place], rowid, *values[place + 1 :], *missing)

    @property
    def rowid_at(self) -> int | None:
        """Which column is the rowid itself."""
        return next((n for n, column in enumerate(self.columns) if column.is_rowid), None)


def _fits(kind: type, column: Column) -> bool:
    if column.is_rowid:
        return kind is type(None)
    if kind is type(None):
        return column.may_be_null
    return not column.types or kind in column.types


def shapes_of(version: int) -> dict[str, Shape]:
    """All tables and indexes of a version of the schema, by name."""
    connection = sqlite3.connect(":memory:")
    for number, script in migrations():
        if number <= version:
            connection.executescript(script)
    rows = connection.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema").fetchall()
    made = {}
    for kind, name, _, root, sql in rows:
        if kind == "table":
            made[name] = _table(connection, name, root, sql)
    for kind, name, table, root, _ in rows:
        if kind == "index":
            made[name] = _index(connection, name, made[table], root)
    connection.close()
    return made


def _columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    made = []
    info = connection.execute(f"PRAGMA table_info({table})").fetchall()
    by_key = (
        "WITHOUT ROWID"
        in connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0].upper()
    )
    for _, name, declared, not_null, default, key in info:
        value = connection.execute(f"SELECT {default}").fetchone()[0] if default is not None else None
        is_rowid = (
            bool(key) and declared == "INTEGER" and not by_key and sum(bool(row[5]) for row in info) == 1
        )
        types = {"INTEGER": (int,), "INT": (int,), "TEXT": (str,), "BLOB": (bytes, str)}.get(declared, ())
        made.append(Column(name, types, not (not_null or (by_key and key)), value, is_rowid))
    return made


def _table(connection: sqlite3.Connection, name: str, root: int, sql: str) -> Shape:
    columns = _columns(connection, name)
    has_rowid = "WITHOUT ROWID" not in sql.upper()
    if not has_rowid:
        (key,) = (row[1] for row in connection.execute(f"PRAGMA index_list({name})") if row[3] == "pk")
        order = [row[1] for row in connection.execute(f"PRAGMA index_xinfo({key})")]
        columns = [columns[place] for place in order]
    least = len(columns)
    while least and (columns[least - 1].may_be_null or columns[least - 1].default is not None):
        least -= 1
    return Shape(name, name, root, has_rowid, tuple(columns), max(least, 1))


def _index(connection: sqlite3.Connection, name: str, table: Shape, root: int) -> Shape:
    by_name = {column.name: column for column in table.columns}
    columns = []
    for _, place, column, *_ in connection.execute(f"PRAGMA index_xinfo({name})"):
        if place == -1 or by_name[column].is_rowid:
            columns.append(Column("rowid", (int,), may_be_null=False, default=None))
        else:
            columns.append(by_name[column])
    return Shape(name, table.name, root, has_rowid=False, columns=tuple(columns), least=len(columns))
