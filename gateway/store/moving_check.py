"""Whether both stores hold the same: every table is read on both sides in the order of its keys.

Rows are compared as they are, chunk by chunk; the hash of a table is over the canonical text of its rows
(Python's `repr` of the values: numbers, texts, octets, None), so it can be compared with another time's.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import psycopg

from gateway.store.moving_tables import Row, Source, Table, clean
from gateway.store.sqlite_open import StoreError


class Checked(NamedTuple):
    """What a table was found to hold, on both sides."""

    rows: int
    hash: str


class Differs(StoreError):
    """The two do not hold the same; the text says where."""


def check(table: Table, source: Source, target: psycopg.Connection[Any], chunk: int) -> Checked:
    """Differs, with the table and the range, when a row is missing, is more, or is another one."""
    digest = hashlib.blake2b(digest_size=16)
    theirs = hashlib.blake2b(digest_size=16)
    count = 0
    before = "the beginning"
    with target.transaction(), target.cursor(name="moving_check", binary=True) as cursor:
        cursor.itersize = chunk
        cursor.execute(table.target_sql())
        for rows, last in source.chunks(table):
            found = cursor.fetchmany(len(rows))
            if found != rows:
                rows = [tuple(map(clean, row)) for row in rows]
            if found != rows:
                raise _differs(table, rows, found, f"after {before} up to {last!r}")
            digest.update(_canonical(rows))
            theirs.update(_canonical(found))
            count += len(rows)
            before = repr(last)
        more = cursor.fetchmany(1)
        if more:
            raise _differs(table, [], more, f"after {before}")
    if digest.digest() != theirs.digest():
        raise Differs(f"{table.name}: the hashes of both sides differ")
    return Checked(count, digest.hexdigest())


def _canonical(rows: list[Row]) -> bytes:
    return "\n".join(map(repr, rows)).encode("utf-8") + b"\n"


def _differs(table: Table, rows: list[Row], found: list[Row], span: str) -> Differs:
    first = next((n for n, (a, b) in enumerate(zip(rows, found, strict=False)) if a != b), len(found))
    place = ""
    if first < len(rows) and table.key_places:
        place = f", first at {tuple(rows[first][key] for key in table.key_places)!r}"
    return Differs(
        f"{table.name}: the rows {span} are not the same on both sides ({len(rows)} here, {len(found)} "
        f"there{place}): nothing has been switched over; say the command again with --again"
    )
