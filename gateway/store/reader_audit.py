"""Who did what, page by page from the newest."""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.store.reading import Reads

LOOK = 20_000
"""So many rows are looked at with one open database, for some milliseconds."""
UNDER_WAY, UNKNOWN = "under way", "unknown"


class Wanted(NamedTuple):
    """Which rows; empty and 0: all."""

    since_ms: int = 0
    until_ms: int = 0
    who: str = ""
    """The user, or a part of where they came from."""
    action: str = ""
    outcome: str = ""


_LOOK = f"""
SELECT audit_id, at_ms, who, origin, address, action, subject,
    CASE WHEN outcome <> '' THEN outcome WHEN boot = ?1 THEN '{UNDER_WAY}' ELSE '{UNKNOWN}' END AS outcome,
    why
FROM (SELECT * FROM audit WHERE audit_id < ?2 ORDER BY audit_id DESC LIMIT ?3) newest
"""
_WHERE = f"""
SELECT * FROM ({_LOOK}) looked_at WHERE at_ms >= ?4 AND (?5 = 0 OR at_ms <= ?5)
AND (?6 = '' OR who = ?6 OR instr(address, ?6) > 0) AND ?7 IN ('', action)
AND ?8 IN ('', outcome)
ORDER BY audit_id DESC LIMIT ?9
"""


def audit_page(
    reads: Reads, wanted: Wanted, boot: int, before: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows below the id `before`, the newest first, and below which to go on (0: that was all).

    What an earlier start of the gateway (not this `boot`) has left without an outcome is UNKNOWN.
    """
    asked = (boot, before, LOOK, *wanted, limit)
    with reads.question() as connection:
        rows = [dict(row) for row in connection.execute(_WHERE, asked)]
        last = connection.execute(
            "SELECT min(audit_id), count(*), min(at_ms) FROM "
            "(SELECT audit_id, at_ms FROM audit WHERE audit_id < ? ORDER BY audit_id DESC LIMIT ?) looked_at",
            (before, LOOK),
        ).fetchone()
    if len(rows) == limit:
        return rows, rows[-1]["audit_id"]
    is_over = last[1] < LOOK or last[2] < wanted.since_ms
    return rows, 0 if is_over else last[0]
