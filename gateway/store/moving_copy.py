"""Copies a table in chunks: rows and the place up to which they are there are one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from gateway.store.moving_tables import Row, Source, Table, clean
from gateway.store.sqlite_open import StoreError

_HEX = "hex"
"""Keys that are octets stand in JSON as {"hex": …}."""


def place_text(key: Row) -> str:
    """A key as it is kept between runs of the move."""
    return json.dumps([{_HEX: it.hex()} if isinstance(it, bytes) else it for it in key])


def place_of(text: str) -> Row:
    """The key again."""
    return tuple(bytes.fromhex(it[_HEX]) if isinstance(it, dict) else it for it in json.loads(text))


class Copier:
    """Brings rows to PostgreSQL; `counted` hears how many came with each chunk."""

    def __init__(
        self, source: Source, target: psycopg.Connection[Any], counted: Callable[[Table, int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._counted = counted
        self.changed = 0
        """Rows of which a text was changed, because PostgreSQL cannot hold it as it was."""

    def copy(self, table: Table) -> None:
        """All of a table that is not there yet; StoreError when a row cannot be moved."""
        found = self._target.execute(
            "SELECT place FROM moving_table WHERE name = %s", (table.name,)
        ).fetchone()
        after = place_of(found[0]) if found else None
        for rows, last in self._source.chunks(table, after):
            with self._target.transaction():
                self._put(table, rows)
                self._target.execute(
                    "INSERT INTO moving_table AS m (name, place, rows) VALUES (%s, %s, %s) "
                    "ON CONFLICT (name) DO UPDATE SET place = excluded.place, rows = m.rows + excluded.rows",
                    (table.name, place_text(last), len(rows)),
                )
            self._counted(table, len(rows))

    def _put(self, table: Table, rows: list[Row]) -> None:
        try:
            with self._target.transaction():  # a savepoint: if it fails it is tried once more
                _copy(self._target, table, rows)
                return
        except (psycopg.DataError, UnicodeEncodeError) as error:
            cleaned = [tuple(map(clean, row)) for row in rows]
            if cleaned == rows:
                raise _refused(table, rows, error) from error
        _refuse_keys(table, rows, cleaned)
        try:
            _copy(self._target, table, cleaned)
        except (psycopg.DataError, UnicodeEncodeError) as error:
            raise _refused(table, rows, error) from error
        self.changed += sum(one is not two and one != two for one, two in zip(rows, cleaned, strict=True))


def _copy(target: psycopg.Connection[Any], table: Table, rows: Sequence[Row]) -> None:
    with target.cursor() as cursor, cursor.copy(table.copy_sql()) as copy:
        copy.set_types(table.types)
        write = copy.write_row
        for row in rows:
            write(row)


def _refuse_keys(table: Table, rows: list[Row], cleaned: list[Row]) -> None:
    """A key that changes could be another row's, or stand elsewhere in the order."""
    for one, two in zip(rows, cleaned, strict=True):
        if any(one[place] != two[place] for place in table.key_places):
            key = [one[place] for place in table.key_places]
            raise StoreError(
                f"{table.name}: the row {key!r} has U+0000 in its key, which PostgreSQL cannot hold: remove "
                "it from the SQLite store"
            )


def _refused(table: Table, rows: list[Row], error: Exception) -> StoreError:
    keys = [tuple(row[place] for place in table.key_places) for row in (rows[0], rows[-1])]
    span = f" from {keys[0]!r} to {keys[1]!r}" if table.key_places else ""
    return StoreError(f"{table.name}: PostgreSQL does not take a row{span}: {str(error).strip()}")
