"""No statement of a batch looks at more rows than it has to, whatever PostgreSQL believes of the sizes.

One that begins with the queue, and not with the batch, is right, and slow only when others have filled the
queue: with a second node it had cost twenty times as much as all the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from postgres_programs import VERSIONS
from postgres_rows import fill, id_of

from gateway.store.postgres_database import PostgresDatabase, postgres_statements
from gateway.store.postgres_open import open_writer
from gateway.store.postgres_sql import Statement

ROWS = 3000
BATCH = 100
BOUND = 10 * BATCH
"""More rows of a table, or pairs of rows that do not belong together, no statement may look at."""
NEWEST = {"keep_deliveries"}
"""These look at all that is newer than what they are given."""
_BATCH_ROWS = f"""
INSERT INTO pg_temp.receipt
SELECT n, 'c1', 'Y' || n, 'Y' || n, 'Z' || n, 'W' || n, '7916', 2, 1, '', 1, '',
    CASE WHEN n % 2 = 0 THEN {{live}} + n * 4194304 END, 1, 0, 1 FROM generate_series(1::bigint, {BATCH}) n;
INSERT INTO pg_temp.ended SELECT {{live}} + n * 4194304, 2, '', 1 FROM generate_series(1::bigint, {BATCH}) n;
INSERT INTO pg_temp.touched
SELECT {{live}} + n * 4194304, 0, 1, '' FROM generate_series(1::bigint, {BATCH}) n;
INSERT INTO pg_temp.receiver SELECT 'a' || n FROM generate_series(1, {BATCH}) n;
"""


class Filled(NamedTuple):
    connection: psycopg.Connection[Any]
    calls: dict[str, str]
    """What is said to execute each statement."""


def is_of_a_batch(statement: Statement) -> bool:
    """Whether it is about rows of the batch: they come with it, or stand in tables of the connection."""
    own_tables = re.search(r"pg_temp\.(receipt|ended|touched|receiver)", statement.text)
    return bool(statement.rows or own_tables) and not statement.text.startswith(("VACUUM", "CREATE"))


BATCH_STATEMENTS = {
    name: statement for name, statement in postgres_statements().items() if is_of_a_batch(statement)
}


def names_of(text: str) -> dict[int, str]:
    """What the parameters that are unnested are called there."""
    found = re.search(r"unnest\(([^()]*)\)\s+r \(([^()]*)\)", text)
    if found is None:
        return {}
    marks = [int(number) for number in re.findall(r"\$(\d+)", found[1])]
    return dict(zip(marks, found[2].replace(" ", "").split(","), strict=True))


def value(kind: str, name: str, n: int) -> str:
    if kind.endswith("[]"):
        return f"ARRAY[{','.join(value(kind[:-2], name, one) for one in range(BATCH))}]::{kind}"
    if name == "message_id":
        return str(id_of(ROWS + 7 + n))
    if kind == "text":
        return "'c1'" if name == "connector" else f"'X{n}'"
    if name == "n":  # of more receipts than there are
        return str(BATCH + 1 + n)
    return {"bytea": "''::bytea", "smallint": "1", "boolean": "true"}.get(kind, str(BATCH + n))


def prepare(connection: psycopg.Connection[Any], name: str) -> str:
    """What is said to execute it, with values of a batch."""
    statement = BATCH_STATEMENTS[name]
    names = names_of(statement.text)
    connection.execute(f'PREPARE "{name}" AS {statement.text}'.encode())
    asked = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = $1"
    [[kinds]] = connection.execute(asked, (name,)).fetchall()
    given = [value(kind, names.get(n, ""), n) for n, kind in enumerate(kinds, 1)]
    values = str(ROWS) if name in NEWEST else ", ".join(given)
    return f'EXECUTE "{name}"' + (f"({values})" if values else "")


@pytest.fixture(
    scope="module",
    params=[(version, known) for version in VERSIONS for known in ("full", "of no size", "empty")],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def filled(postgres_databases: Any, request: pytest.FixtureRequest) -> Iterator[Filled]:
    """A writer's connection to full tables, with a batch in the connection's own.

    When statements are planned, as PostgreSQL does it once for many batches, tables are full, or empty, or
    their sizes are not known.
    """
    version, known = request.param
    connection = open_writer(postgres_databases(version).fresh())
    PostgresDatabase(connection)
    connection.prepare_threshold = (
        None  # psycopg forgets all that is prepared with each ROLLBACK, if it knows some
    )
    if known == "empty":
        connection.execute(b"VACUUM ANALYZE")
    else:
        fill(connection, ROWS)
    if known == "full":
        connection.execute(b"ANALYZE")
    calls = {name: prepare(connection, name) for name in BATCH_STATEMENTS}
    for call in calls.values():
        connection.execute(f"EXPLAIN {call}".encode())
    if known == "empty":
        fill(connection, ROWS)
    connection.execute(_BATCH_ROWS.format(live=id_of(ROWS + 7)).encode())
    yield Filled(connection, calls)
    connection.close()


def looks_of(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """What a plan has looked at: a table, or pairs, and how many rows of it."""
    loops = node["Actual Loops"]
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    if node["Node Type"].endswith("Scan") and "Relation Name" in node:
        yield node["Relation Name"], int(loops * (seen + node.get("Rows Removed by Index Recheck", 0)))
    yield f"pairs in a {node['Node Type']}", int(loops * node.get("Rows Removed by Join Filter", 0))
    for below in node.get("Plans", ()):
        yield from looks_of(below)


def explained(filled: Filled, name: str) -> list[tuple[str, int]]:
    execute = filled.connection.execute
    execute("BEGIN")
    try:
        asked = f"EXPLAIN (ANALYZE, FORMAT JSON) {filled.calls[name]}"
        [[[plan]]] = execute(asked.encode()).fetchall()
    finally:
        execute("ROLLBACK")
    return list(looks_of(plan["Plan"]))


@pytest.mark.parametrize("name", sorted(BATCH_STATEMENTS))
def test_a_statement_looks_at_what_its_batch_is_about(filled: Filled, name: str) -> None:
    for what, rows in explained(filled, name):
        assert rows <= BOUND, f"{rows} rows of {what}"
