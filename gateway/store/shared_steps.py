"""What a batch tells its node of a store that others use too: balances, open messages, numbers to give, what
they have changed.  Only where the database is shared."""

from __future__ import annotations

import json
from collections import Counter

from gateway.core.batch import Answer, Batch, Row, not_kept
from gateway.store.admission_steps import ABOUT_MONEY
from gateway.store.steps import Many, Run

HELD = frozenset({"black", "job", "sender", "user", "wait_call"})
"""Kinds of records that gateways hold in memory; others are read whenever they are wanted."""


TOLD = ("pauses", "blacklisted", "unblacklisted", "credits", "records", "records_changed", "records_gone")
"""Lists of a batch that others may have to hear of."""


def told(batch: Batch, answer: Answer) -> dict[str, list[Row]]:
    """What the other nodes hear of a batch (Answer.changes)."""
    stopped = [tuple(row) for row in answer.stopped]
    records = {row[:2] for name in ("records", "records_gone") for row in getattr(batch, name)}
    records.update(row[2:4] for row in batch.records_changed)
    return {
        "pauses": batch.pauses,
        "unblacklisted": batch.unblacklisted,
        "blacklisted": [*(row[:2] for row in batch.blacklisted), *stopped],
        "credits": [(account,) for account in {row[0] for row in batch.credits}],
        "records": [row for row in records if row[0] in HELD],
    }


class SharedSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, boot: int, run: Run, many: Many) -> None:
        self._boot = boot
        self._run = run
        self._many = many
        self._since = 0
        """The oldest transaction that may have changed what this node has not seen (its xid)."""
        self._heard: dict[int, int] = {}
        """The changes since then that were told: their numbers and transactions."""
        self._after_commit = self._since, self._heard

    def opened(self) -> list[Row]:
        """At the start, before anything is read: account, how many of its messages have not ended."""
        self._since = self._oldest_open()
        self._after_commit = self._since, self._heard
        self._run("lock_open")
        self._run("recount_open")
        return self._run("list_open").fetchall()

    def committed(self) -> None:
        """The batch of the last `tell` is durable: what it told need not be told again."""
        self._since, self._heard = self._after_commit

    def run_is_over(self, boot: int) -> None:
        """A run has ended, or was ended."""
        self._run("fold_open", (boot,))

    def tell(self, batch: Batch, answer: Answer) -> None:
        """What this batch has done that the others need to know; at its end.

        On a beat also what they have done: Answer.balances, open_counts, changes.
        """
        for name, many in batch.id_blocks:
            last = self._run("reserve_ids", (name, many)).fetchone()[0]
            answer.id_blocks.append((name, last - many + 1, many))
        self._count_open(batch, answer)
        self._write_changes(batch, answer)
        payers = {row[1] for row in batch.charges} | {row[0] for row in batch.credits}
        payers.update(row[2] for row in batch.recharges)
        payers.update(row[3] for row in batch.conditions if row[0] in ABOUT_MONEY)
        payers.update(row[0] for row in answer.refunds)
        balances = dict[str, int]()
        self._after_commit = self._since, self._heard  # what a batch that was undone has heard is told again
        if batch.beats:
            self._look(batch, answer, balances)
        if payers:
            balances.update(self._many("balances_of", [(payer,) for payer in payers]).fetchall())
        answer.balances = list(balances.items())

    def _look(self, batch: Batch, answer: Answer, balances: dict[str, int]) -> None:
        oldest = self._oldest_open()
        self._run("fold_free_refunds")
        balances.update(self._run("balances_since", (self._since,)).fetchall())
        heard = {n: xid for n, xid in self._heard.items() if xid >= oldest}
        for n, xid, kind, row in self._run("changes_since", (self._boot, self._since)).fetchall():
            if n not in self._heard:
                heard[n] = xid
                answer.changes.append((kind, [tuple(one) for one in json.loads(row)]))
        self._after_commit = oldest, heard
        if any(renew for _, renew in batch.beats):
            answer.open_counts = self._run("list_open").fetchall()

    def _oldest_open(self) -> int:
        return int(self._run("oldest_open").fetchone()[0])

    def _count_open(self, batch: Batch, answer: Answer) -> None:
        gone = not_kept(batch, answer) if answer.repeated or answer.keys_known else frozenset()
        times = Counter(row[1] for row in batch.accepted if row[0] not in gone)
        for account, count in answer.ended:
            times[account] -= count
        rows = [(account, self._boot, count) for account, count in times.items() if count]
        self._many("add_open", rows)

    def _write_changes(self, batch: Batch, answer: Answer) -> None:
        rows = [
            (self._boot, name, json.dumps(rows).encode())
            for name, rows in told(batch, answer).items()
            if rows
        ]
        self._many("insert_change", rows)

    def sweep(self, now_ms: int) -> None:
        """Forgets what may be sent again, and what everybody has heard."""
        self._run("purge_recent", (now_ms,))
        self._run("purge_changes")
