"""The steps of a batch that are about segments that their senders made themselves: they go up as one message.

Such a segment is a message with Progress.GATHERED.  When its set is complete, one becomes the carrier: its
text is theirs joined, and the others end with it and as it does.  A set that is not completed in time goes
up in its parts, each as it came.  Where several nodes share the store, one at a time looks at a set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.core.batch import Answer, Row
from gateway.core.model import Wish
from gateway.store.steps import Many, Run, lock_name
from protocols.sms import reassembly
from protocols.sms.reassembly import MAX_SEGMENTS

SETS_MAX = 1000
"""So many sets of one account wait for parts; then the oldest goes up without the others."""
SWEEP_ROWS = 500
"""So many old segments are looked at in one sweep."""
NOT_ALL = "went up without the other parts"
NOT_ALIKE = "went up in its parts: one text cannot say what they do"


class PartSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many, *, shared: bool = False) -> None:
        self._run = run
        self._many = many
        self._shared = shared
        self.read_counts()

    def read_counts(self) -> None:
        self._sets: Counter[str] = Counter(dict(self._run("count_sets").fetchall()))

    def gather(self, rows: list[Row], answer: Answer) -> None:
        """See Batch.parts."""
        if self._shared:
            self._many("lock_sets", [(lock_name("gathered", row[1:6]),) for row in rows])
        for row in rows:
            message_id, account, source, destination, reference, total, part, received_ms = row
            key = (account, source, destination, reference, total)
            if not 1 <= part <= total or total < 2:
                self._send_alone([message_id], answer)
                continue
            there, again = self._run("look_at_set", (*key, part)).fetchone()
            if again:
                self._release(key, NOT_ALL, received_ms, answer)
                there = 0
            if not there:
                if self._sets[account] >= SETS_MAX:
                    self._release_oldest(account, received_ms, answer)
                self._sets[account] += 1
            self._run("gather_part", row)
            if there + 1 == total:
                self._join(key, received_ms, answer)

    def _release_oldest(self, account: str, now_ms: int, answer: Answer) -> None:
        if self._shared:
            self.read_counts()  # other nodes have opened some, and completed others
            if self._sets[account] < SETS_MAX:
                return
        oldest = self._run("oldest_set", (account,)).fetchone()
        if oldest is not None and self._may_look_at(oldest):
            self._release(oldest, NOT_ALL, now_ms, answer)

    def _may_look_at(self, key: Row) -> bool:
        """Whether no other node looks at an old set just now."""
        return not self._shared or bool(self._run("try_set", (lock_name("gathered", key),)).fetchone()[0])

    def _join(self, key: Row, now_ms: int, answer: Answer) -> None:
        found = self._run("list_set", key).fetchall()
        if len(found) < key[-1]:  # another node has just ended one
            return
        parts = [reassembly.Part(*row[:4]) for row in found]
        whole = reassembly.join(parts) if reassembly.can_join(parts) else None
        # which may be more or fewer than there are parts, for not every sender fills them
        segments = reassembly.count(whole) if whole is not None else 0
        if whole is None or segments > MAX_SEGMENTS:
            self._release(key, NOT_ALIKE, now_ms, answer)
            return
        # One that wants a receipt, or the SMSC would not be asked for any; else the first.
        chosen = next((row for row in found if row[-1] & 3), found[0])
        carrier, _, connector, due_ms, flags, _ = chosen[4:]
        tlvs = found[0][5]
        if flags & Wish.ONE_PDU.value:
            segments = 1
        text = (whole.user_data, whole.esm_class, reassembly.without_sar(tlvs), segments)
        self._run("make_carrier", (*text, carrier))
        others = [row[4] for row in found if row is not chosen]
        self._many("carry", [(message_id,) for message_id in others])
        self._many("insert_incident", [(n, now_ms, f"goes up with message {carrier}") for n in others])
        self._run("close_set", (carrier, *key))
        self._sets[key[0]] -= 1
        answer.queued.append((connector, due_ms))

    def _release(self, key: Row, why: str, now_ms: int, answer: Answer) -> None:
        """A set goes up in its parts."""
        message_ids = [row[4] for row in self._run("list_set", key)]
        self._send_alone(message_ids, answer)
        self._many("insert_incident", [(message_id, now_ms, why) for message_id in message_ids])
        self._run("drop_set", key)
        self._sets[key[0]] -= 1

    def _send_alone(self, message_ids: Iterable[int], answer: Answer) -> None:
        for message_id in message_ids:
            answer.queued.extend(self._run("send_alone", (message_id,)).fetchall())

    # -- ends --------------------------------------------------------------------------------------------

    def end_carried(self) -> int:
        """Adds what goes up with messages in temp.ended to them; how many that were."""
        return self._run("end_carried").rowcount

    def forget(self) -> None:
        """The segments in temp.ended are in the history now."""
        self._run("fill_carried_history")
        carriers = [row[0] for row in self._run("forget_gathered")]
        if None in carriers:
            self.read_counts()  # an open set lost one, perhaps its last: it takes a look at all of them

    # -- age ---------------------------------------------------------------------------------------------

    def sweep(self, before_ms: int, now_ms: int, answer: Answer) -> None:
        """Sets that have waited since then go up as they are; a piece of them, and whether more is left."""
        if not +self._sets and not self._shared:
            return
        old = self._run("list_old_sets", (before_ms, SWEEP_ROWS)).fetchall()
        for key in filter(self._may_look_at, old):
            self._release(key, NOT_ALL, now_ms, answer)
        answer.sweep_again |= bool(old)
