"""Who did what, page by page from the newest."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from gateway.store.sqlite_open import open_reader

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


_LOOK = """
SELECT audit_id, at_ms, who, origin, address, action, subject,
    CASE WHEN outcome <> '' THEN outcome WHEN boot = :boot THEN :under_way ELSE :unknown END AS outcome, why
FROM (SELECT * FROM audit WHERE audit_id < :before ORDER BY audit_id DESC LIMIT :look)
"""
_WHERE = """
SELECT * FROM ({look}) WHERE at_ms >= :since_ms AND (:until_ms = 0 OR at_ms <= :until_ms)
AND (:who = '' OR who = :who OR instr(address, :who)) AND (:action = '' OR action = :action)
AND (:outcome = '' OR outcome = :outcome)
ORDER BY audit_id DESC LIMIT :limit
"""


def audit_page(
    path: Path, wanted: Wanted, boot: int, before: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows below the id `before`, the newest first, and below which to go on (0: that was all).

    What an earlier start of the gateway (not this `boot`) has left without an outcome is UNKNOWN.
    """
    asked = {**wanted._asdict(), "boot": boot, "before": before, "limit": limit, "look": LOOK}
    asked |= {"under_way": UNDER_WAY, "unknown": UNKNOWN}
    with contextlib.closing(open_reader(path)) as connection:
        rows = [dict(row) for row in connection.execute(_WHERE.format(look=_LOOK), asked)]
        last = connection.execute(
            "SELECT min(audit_id), count(*), min(at_ms) FROM "
            "(SELECT audit_id, at_ms FROM audit WHERE audit_id < ? ORDER BY audit_id DESC LIMIT ?)",
            (before, LOOK),
        ).fetchone()
    if len(rows) == limit:
        return rows, rows[-1]["audit_id"]
    is_over = last[1] < LOOK or last[2] < wanted.since_ms
    return rows, 0 if is_over else last[0]
