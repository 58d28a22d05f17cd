"""The steps of a batch that are about calls: what handlers and webhooks of accounts are to be told.

A call is written in the transaction in which its reason happens, and its row goes when somebody has taken it.
A claimed call belongs to this run: after a crash the next one claims it again, so one may come twice, and
none is lost.  Where several nodes share the store, each of them claims what no other one has.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.api import ApiUse, Call, CallTarget
from gateway.core.batch import Answer, Batch, Row
from gateway.store.steps import Many, Run

REPLAY_MAX = 1000
"""So many dead calls wait again with one request."""
SWEEP_ROWS = 500
"""So many old calls are looked at in one sweep."""
WAIT_MS = 31 * 86_400_000
"""Longer than a webhook can be tried (`webhook_days`): what is older is called by nobody any more."""
PIECE_OCTETS = 4 << 20
"""So much of their texts is claimed in one batch."""
_TARGETS = (
    (CallTarget.HANDLER.value, ApiUse.HANDLER.value),
    (CallTarget.WEBHOOK.value, ApiUse.WEBHOOK.value),
)
_USER_DATA = Call._fields.index("user_data")


class CallSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, boot: int, run: Run, many: Many, *, shared: bool = False) -> None:
        self._boot = boot
        self._run = run
        self._many = many
        self._shared = shared
        if not shared:
            run("unclaim_calls")
        self.read_uses()

    @property
    def uses(self) -> dict[str, int]:
        """Account → ApiUse."""
        if self._stale:
            self.read_uses()
        return self._uses

    def begin(self) -> None:
        """A batch begins: other nodes may have changed how accounts want to hear of things."""
        self._stale = self._shared

    def read_uses(self) -> None:
        """How accounts want to hear of things; after a transaction that was undone as well."""
        self._uses: dict[str, int] = dict(self._run("list_uses").fetchall())
        self._stale = False
        self._find_targets()

    def _find_targets(self) -> None:
        everybody = 0
        for uses in self._uses.values():
            everybody |= uses
        self._targets = [one for one in _TARGETS if one[1] & everybody]

    def configure(self, rows: Iterable[Row]) -> None:
        """See Batch.api_accounts."""
        for account, uses in rows:
            if uses == self.uses.get(account, 0):
                continue  # at each start all are told
            if uses:
                self._run("set_use", (account, uses))
                self._uses[account] = uses
            else:
                self._run("drop_use", (account,))
                self._uses.pop(account, None)
        self._find_targets()

    # -- reasons to call -----------------------------------------------------------------------------------

    def write(self, rows: Iterable[Row], answer: Answer) -> None:
        """See Batch.calls."""
        uses = self.uses
        calls = [
            (target, *row, row[2])  # due at once: when it was created
            for row in rows
            for target, bit in self._targets
            if uses.get(row[0], 0) & bit
        ]
        if calls:
            self._many("insert_call", calls)
            answer.calls_waiting = True

    def of_ends(self, answer: Answer) -> None:
        """Calls of those in temp.ended whose accounts want them."""
        for target in _TARGETS if self._shared else self._targets:
            answer.calls_waiting |= self._run("insert_end_calls", target).rowcount > 0

    # -- what became of calls ------------------------------------------------------------------------------

    def apply(self, batch: Batch, answer: Answer) -> None:
        """New calls, what became of those that were claimed, and dead ones that wait again."""
        if batch.calls:
            self.write(batch.calls, answer)
        if batch.calls_done:
            self._many("delete_call", batch.calls_done)
        if batch.calls_put_off:
            self._many("put_off_call", batch.calls_put_off)
        if batch.calls_refused:
            self._bury(batch.calls_refused)
        for row in batch.call_replays:
            answer.calls_replayed.append(self._replay(*row))
            answer.calls_waiting |= answer.calls_replayed[-1] > 0

    def _bury(self, rows: list[Row]) -> None:
        self._many("bury_call", rows)
        self._many("delete_call", [row[:1] for row in rows])

    def _replay(self, call_id: int, account: str, now_ms: int) -> int:
        ids = [(call_id,)]
        if not call_id:
            ids = self._run("list_dead_calls", (account, REPLAY_MAX)).fetchall()
        done = [row for row in ids if self._run("replay_call", (*row, account, now_ms)).rowcount]
        self._many("drop_dead_call", done)
        return len(done)

    # -- claims --------------------------------------------------------------------------------------------

    def claim(self, now_ms: int, limit: int, left_out: Iterable[tuple[str, int]]) -> Row:
        """A row of Answer.calls: for all handlers and webhooks but those, what has been due the longest."""
        busy = set(left_out)
        lanes = sorted(
            (due_ms, account, target)
            for account, *first in self._run("list_lanes").fetchall()
            for target, due_ms in enumerate(first)  # by the numbers of CallTarget
            if due_ms is not None and (account, target) not in busy
        )
        # what has been due the longest is among so many lanes, whichever they are
        with_due = [lane[1:] for lane in lanes[:limit] if lane[0] <= now_ms]
        due: list[Row] = []
        for lane in with_due:
            due += self._run("list_due_calls", (*lane, now_ms, limit)).fetchall()
        claimed, octets = [], 0
        for _, call_id in sorted(due)[:limit]:
            claimed.append(self._run("claim_call", (self._boot, call_id)).fetchone())
            octets += len(claimed[-1][_USER_DATA])
            if octets >= PIECE_OCTETS:
                break
        following = [row for lane in with_due if (row := self._run("next_call", lane).fetchone())]
        following += lanes[len(with_due) : len(with_due) + 1]
        return claimed, min((row[0] for row in following), default=None)

    # -- age -----------------------------------------------------------------------------------------------

    def sweep(self, dead_before_ms: int, now_ms: int) -> bool:
        """Buries calls that nobody made, forgets those that died before; whether there is more."""
        old = self._run("list_old_calls", (now_ms - WAIT_MS, SWEEP_ROWS)).fetchall()
        self._bury([(call_id, "not taken in time", now_ms) for (call_id,) in old])
        gone = self._run("purge_dead_calls", (dead_before_ms,)).rowcount
        return len(old) >= SWEEP_ROWS or gone >= 2 * SWEEP_ROWS
