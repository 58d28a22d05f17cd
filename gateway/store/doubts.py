"""Segments that may or may not have been taken, all of a batch at once, where the database is shared.

A node that takes over from a lost one has to be done with all that this had under way before its own beat is
answered; see `gateway.store.apply.Applier` for one store of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.batch import Row
from gateway.store.steps import Many


class Doubted(NamedTuple):
    """What followed from doubts."""

    segments: int
    """So many had no answer, and are in doubt now."""
    connectors: list[str]
    """Those that have some of it in their queues again."""


def doubt(many: Many, rows: Sequence[Row]) -> Doubted:
    """Marks and lists them, and does what their messages' policies say: rows of Batch.doubts."""
    many("lock_in_doubt", [row[:1] for row in rows])
    found = many("doubt", [(n, *row) for n, row in enumerate(rows)]).fetchall()
    return Doubted(sum(row[1] for row in found), [row[0] for row in found if row[0] is not None])
