"""The steps of a batch that senders ask for after they sent a message: what became of it, cancel, replace.

A message changes, or ends, only while nothing of it was sent or is about to be; whatever else an SMSC may
know of is said with its name there, so that the SMSC can be asked.  Notices are here too: what an SMSC says
of a message beside its end.
"""

from __future__ import annotations

from gateway.core.batch import Answer, Batch, Row
from gateway.core.model import MessageState, Progress
from gateway.store.part_steps import PartSteps
from gateway.store.steps import Many, Run

CANCEL_MAX = 1000
"""So many messages one request ends."""
ENDED = -1
"""Stands for the Progress of a message that has ended."""
INTERMEDIATE, BY_HANDSET, BY_USER = 0x20, 0x08, 0x10
"""Notices, as esm_class says them (SMPP v3.4 §5.2.12)."""
_FIRST_BIT = {INTERMEDIATE: 0, BY_HANDSET: 10, BY_USER: 20}
_SAYS = {INTERMEDIATE: "the SMSC says", BY_HANDSET: "the handset says", BY_USER: "its user says"}


class OperationSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many, parts: PartSteps) -> None:
        self._run = run
        self._many = many
        self._parts = parts

    def requests(self, batch: Batch, answer: Answer) -> None:
        """Queries, cancels and replacements."""
        for account, message_id in batch.queries:
            answer.queried.append(self._query(account, message_id))
        for row in batch.cancels:
            answer.cancelled.append(self._cancel(*row))
        for row in batch.replacements:
            answer.replaced.append(self._replace(row, answer))

    def replace(self, rows: list[Row]) -> None:
        """See Batch.replaced_by."""
        self._run("index_waiting")
        self._many("end_replaced", rows)

    # -- queries -----------------------------------------------------------------------------------------

    def _query(self, account: str, message_id: int) -> Row:
        live = self._run("find_live", (message_id, account)).fetchone()
        if live is not None:
            known_as, progress, connector, *numbers, segments, service_type, due_ms, sent_as = live
            ids = self._upstream_ids(known_as)
            state = MessageState.ENROUTE.value
            return (state, progress, due_ms, "", *numbers, connector, ids, segments, service_type, sent_as)
        ended = self._run("find_ended", (message_id, account)).fetchone()
        if ended is None:
            return ()
        state, done_ms, error, source, destination, connector, first_id, segments = ended
        ids = self._upstream_ids(message_id) or [first_id] * bool(first_id)
        return (state, ENDED, done_ms, error, source, destination, 0, 0, connector, ids, segments, "", "")

    def _upstream_ids(self, message_id: int) -> list[str]:
        return [row[0] for row in self._run("list_upstream_ids", (message_id,))]

    # -- cancels, replacements ---------------------------------------------------------------------------

    def _cancel(
        self, account: str, message_id: int, source: str, destination: str, service_type: str, now_ms: int
    ) -> Row:
        if message_id:
            live = self._run("find_live", (message_id, account)).fetchone()
            if live is None:
                ended = self._run("find_ended", (message_id, account)).fetchone()
                return 0, [], int(ended is not None)
            if self._is_ending(live[0]):
                return 0, [], 1
            meant = [live[0]]
        else:
            self._run("index_waiting")
            asked = (account, source, destination, service_type, CANCEL_MAX)
            meant = [row[0] for row in self._run("find_waiting_to", asked)]
        before = self._count_ending()
        at_smsc = []
        for known_as in meant:
            done = self._run("end_cancelled", (known_as, now_ms)).rowcount
            if not done and not self._is_ending(known_as):
                at_smsc.extend(self._known_at_smsc(known_as))
        self._parts.end_carried()
        count = self._count_ending() - before
        return count, at_smsc, int(bool(message_id) and not count and not at_smsc)

    def _count_ending(self) -> int:
        return int(self._run("count_ending").fetchone()[0])

    def _is_ending(self, message_id: int) -> bool:
        return self._run("is_ending", (message_id,)).fetchone() is not None

    def _known_at_smsc(self, message_id: int) -> list[Row]:
        """Whom to ask of a message, and as what; segments whose end is known are left out.

        Nobody, when another node has ended it meanwhile.
        """
        found = self._run("list_upstream_ids", (message_id,)).fetchall()
        ids = [upstream_id for upstream_id, is_done in found if not is_done]
        return [
            (message_id, connector, ids, sent_as)
            for connector, sent_as in self._run("connector_of", (message_id,)).fetchall()
        ]

    def _replace(self, row: Row, answer: Answer) -> int:
        if self._is_ending(row[1]):
            return 0
        found = self._run("replace_text", row).fetchall()
        for connector, due_ms, progress in found:
            self._run("insert_incident", (row[1], row[-1], "its sender replaced it"))
            if progress == Progress.QUEUED:
                answer.queued.append((connector, due_ms))
        return len(found)

    # -- notices -----------------------------------------------------------------------------------------

    def notices(self) -> bool:
        """What the receipts in temp.receipt say beside an end, to whoever asked; whether somebody did."""
        written = 0
        for row in self._run("list_notices").fetchall():
            message_id, segment, kind, state, error, received_ms, info, is_live, per_part = row
            bit = 1 << _FIRST_BIT.get(kind, 0) + min(state, MessageState.SKIPPED.value)
            if not self._run("mark_noticed", (message_id, segment, bit, per_part)).rowcount:
                continue
            name = MessageState(state).name if state in set(MessageState) else str(state)
            said = f"{_SAYS.get(kind, 'the SMSC says')} {name}{f' of segment {segment}' if per_part else ''}"
            self._run("insert_incident", (message_id, received_ms, said))
            tlvs, text = info.encode(), None
            if kind != INTERMEDIATE and not info.startswith("tlv:"):
                tlvs, text = b"", tlvs
            part = segment if per_part else 0
            written += self._run(
                "write_notice" if is_live else "write_late_notice",
                (message_id, kind, state, error, received_ms, tlvs, part, text),
            ).rowcount
        return written > 0
