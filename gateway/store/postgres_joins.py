"""Joins whose order is known, in words that leave PostgreSQL no choice.

A batch's own tables have a few rows and those that they are joined with may have millions, or none when the
statement is planned and millions an hour later.  SQLite follows the order of CROSS JOIN; for PostgreSQL the
right side becomes a subquery that asks for one row of the left side at a time (LATERAL, and OFFSET 0, which
keeps it from being taken apart), and a list of what ends becomes an array to look up.
"""

from __future__ import annotations

import re

_RIGHT = re.compile(
    r"\s*(?P<table>[\w.]+) (?P<alias>\w+) (?:USING \((?P<column>\w+)\)|ON (?P<condition>.+?))"
    r"(?=\s+(?:LEFT JOIN|JOIN|WHERE|GROUP|ORDER|LIMIT)\b|\s*;?\s*$)",
    re.S,
)
_LAST_WORD = re.compile(r"(\w+)\s*$")
_ENDED = re.compile(r"\bIN \((SELECT message_id FROM pg_temp\.ended[^()]*)\)")


def in_order(sql: str) -> str:
    """The statement with each CROSS JOIN in its order, and with what ends as keys to look up."""
    first, *others = sql.split("CROSS JOIN")
    made, left = first, _word_before(first)
    for other in others:
        found = _RIGHT.match(other)
        if found is None or not _is_whole(found[0]):
            made, left = f"{made}JOIN{other}", _word_before(other)
            continue
        table, alias, column, condition = found.group("table", "alias", "column", "condition")
        condition = condition or f"{alias}.{column} = {left}.{column}"
        rest = other[found.end() :]
        made += f"CROSS JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0) {alias}{rest}"
        left = alias
    return _ENDED.sub(r"= ANY (ARRAY(\1))", made)


def _is_whole(condition: str) -> bool:
    """Whether no parenthesis ends in it that was open before."""
    depth = 0
    for character in condition:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return True


def _word_before(sql: str) -> str:
    found = _LAST_WORD.search(sql)
    return found[1] if found else ""
