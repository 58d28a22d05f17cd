"""The steps of a batch that are about what accounts may send: counts of the day, and blacklists."""

from __future__ import annotations

from collections import Counter

from gateway.core.batch import Batch, Row
from gateway.store.steps import Many, Run

DAY_MS = 86_400_000
PURGE_ROWS = 1000
"""So many old counts go in one sweep."""


class AccountSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many) -> None:
        self._run = run
        self._many = many

    def apply(self, batch: Batch) -> None:
        """See Batch.counted, Batch.blacklisted and Batch.unblacklisted."""
        if batch.counted:
            # the messages of a batch are mostly those of a few accounts
            times: Counter[Row] = Counter()
            for row in batch.counted:
                times[row[:-1]] += row[-1]
            self._many("count_times", [(*row, count) for row, count in times.items() if count])
        if batch.unblacklisted:
            self._many("delete_blacklisted", batch.unblacklisted)
        if batch.blacklisted:
            self._many("insert_blacklisted", batch.blacklisted)

    def sweep(self, now_ms: int) -> bool:
        """Forgets days that are over in every time zone; whether more of them are there."""
        return self._run("purge_day_counts", (now_ms // DAY_MS - 1, PURGE_ROWS)).rowcount >= PURGE_ROWS

    def day_counts(self, now_ms: int) -> list[Row]:
        """account, day, key, times: of the days that it is today somewhere."""
        return self._run("list_day_counts", (now_ms // DAY_MS - 1,)).fetchall()

    def blacklist(self) -> list[Row]:
        """account, number with a 1 before it: as gateway.core.blacklist holds it in memory."""
        return self._run("list_blacklist").fetchall()
