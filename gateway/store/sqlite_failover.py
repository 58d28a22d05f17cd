"""The steps of failover: a refused message goes on to another connector, a queue is moved."""

from __future__ import annotations

from gateway.core.batch import Answer, Row
from gateway.store.steps import Run

MOVE_ROWS = 10_000
"""So many queued messages change their connector in one batch."""
REROUTE_WAIT_MS = 1000
"""So long what was refused of a long message waits for the answers to its other segments: mostly all are
refused, and then it goes on as a whole."""


class FailoverSteps:
    """What a batch says of connectors that cannot take what they were given."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def reroute(self, rows: list[Row], answer: Answer) -> None:
        """Segments that an SMSC refused for good; see Batch.rerouted."""
        for message_id, segment, refuser, other, now_ms, status in rows:
            if not self._run("drop_refused", (message_id, segment, refuser)).rowcount:
                continue
            waits = self._run("others_under_way", (message_id, refuser)).fetchone()[0]
            due_ms = now_ms + REROUTE_WAIT_MS if waits else now_ms
            row = self._run("reroute_message", (message_id, refuser, other, due_ms)).fetchone()
            if row is None:
                continue
            connector, segments, due_ms = row
            what = "it" if segments == 1 else f"segment {segment}"
            text = f"{refuser} refused {what} ({status}): goes to {connector}"
            self._run("insert_incident", (message_id, now_ms, text))
            answer.queued.append((connector, due_ms))

    def move(self, rows: list[Row], answer: Answer) -> None:
        """Queues of connectors that do not work; see Batch.moves.

        The rest of a long queue waits for the same connector, and does not go to the one behind it.
        """
        unfinished: set[object] = set()
        for row in rows:
            if row[0] in unfinished:
                continue
            moved = self._run("move_queue", (*row, MOVE_ROWS)).rowcount
            answer.moved.append((row[0], moved >= MOVE_ROWS))
            if moved >= MOVE_ROWS:
                unfinished.add(row[0])
            if moved:
                answer.queued.append((row[1], 0))
