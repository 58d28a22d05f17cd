"""The named statements in PostgreSQL's words.

`sql/*.sql` says what both engines understand, `sql/postgres/*.sql` under the same names what PostgreSQL
needs otherwise.  What is there once is translated here, in these few respects and no others: the marks of
parameters, the schema of temporary tables, octets that are none, INSERT OR IGNORE, CROSS JOIN, which says the
order of a join (`gateway.store.postgres_joins`), hints that name an index, and three functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.store.postgres_joins import in_order
from gateway.store.sqlite_open import SQL, read_statements, statements

OVERLAY = SQL / "postgres"
_ROWS = re.compile(r"-- rows: ([a-z ]+)$", re.M)
_COMMENT = re.compile(r"--.*$", re.M)
_HINT = re.compile(r" (NOT INDEXED|INDEXED BY \w+)\b")
_FUNCTIONS = (
    (re.compile(r"\binstr\("), "strpos("),
    (re.compile(r"\bgroup_concat\((\w+)\)"), r"string_agg(\1::text, ',')"),
    (re.compile(r"\bSELECT value FROM json_each\((\$\d+)\)"), r"SELECT jsonb_array_elements_text(\1::jsonb)"),
)
"""What SQLite calls otherwise; the last one for arrays of texts."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with $1 in the place of its parameters."""

    text: str
    rows: tuple[str, ...] = ()
    """The types of its columns, where it takes many rows at once as arrays; empty: one row at a time."""
    octets: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "octets", self.text.encode())


def postgres_statements(prefix: str = "") -> dict[str, Statement]:
    """All statements by name, or those of the files that begin so."""
    common = {name: Statement(translated(text)) for name, text in statements(prefix).items()}
    own: dict[str, Statement] = {}
    for file in sorted(OVERLAY.glob(f"{prefix}*.sql" if prefix else "[a-z]*.sql")):
        for name, text in read_statements(file).items():
            found = _ROWS.search(text)
            own[name] = Statement(_COMMENT.sub("", text).strip(), tuple(found[1].split()) if found else ())
    return {**common, **own}


def translated(sql: str) -> str:
    """A statement of SQLite's, if it is one that PostgreSQL understands."""
    sql = _COMMENT.sub("", sql).strip()
    last = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal last
        number = int(found[1] or last + 1)
        last = max(last, number)
        return f"${number}"

    sql = re.sub(r"\?(\d+)?", mark, sql)
    sql = _HINT.sub("", sql)
    for pattern, function in _FUNCTIONS:
        sql = pattern.sub(function, sql)
    sql = sql.replace("temp.", "pg_temp.").replace("x''", "''::bytea")
    sql = in_order(sql)
    if "INSERT OR IGNORE INTO" in sql:
        head, returning, tail = (
            sql.rstrip(";").replace("INSERT OR IGNORE INTO", "INSERT INTO").partition("RETURNING")
        )
        sql = f"{head} ON CONFLICT DO NOTHING {returning}{tail};"
    return sql
