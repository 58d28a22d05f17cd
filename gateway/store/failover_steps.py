"""The steps of failover: a refused message goes on to another connector, a queue is moved."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.batch import Answer, Row
from gateway.store.steps import Many, Run

MOVE_ROWS = 10_000
"""So many messages of a queue are looked at in one batch."""
REROUTE_WAIT_MS = 1000
"""So long what was refused of a long message waits for the answers to its other segments: mostly all are
refused, and then it goes on as a whole."""

_HEAD: tuple[tuple[Row, ...], int, int] = ((), -(1 << 63), 0)


class FailoverSteps:
    """What a batch says of connectors that cannot take what they were given."""

    def __init__(self, run: Run, many: Many) -> None:
        self._run = run
        self._many = many
        # connector → what it was asked for, and due_ms and message_id of what was looked at last
        self._places: dict[str, tuple[tuple[Row, ...], int, int]] = {}

    def forget_places(self) -> None:
        """What was looked at last is not known any more: queues are looked at from their heads."""
        self._places.clear()

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

    def move(self, rows: Iterable[Row], answer: Answer) -> None:
        """Queues of connectors that do not work; see Batch.moves.

        A message goes to the first connector that may take it.  Of a long queue only some are looked at,
        whether they go or not, and the next batch goes on behind them.
        """
        asked: dict[str, dict[Row, None]] = {}
        for idle, other, flags in rows:
            asked.setdefault(idle, {})[other, flags] = None
        for idle, others in asked.items():
            answer.moved.append((idle, self._move_some(idle, tuple(others), answer)))

    def _move_some(self, idle: str, others: tuple[Row, ...], answer: Answer) -> bool:
        """Whether some were not looked at yet."""
        before, due_ms, message_id = self._places.pop(idle, _HEAD)
        if before != others:
            _, due_ms, message_id = _HEAD
        moved: list[Row] = []
        looked, place = 0, _HEAD
        found = self._run("look_at_queue", (idle, due_ms, message_id, MOVE_ROWS))
        for due_ms, message_id, alternatives, flags in found:
            looked += 1
            place = (others, due_ms, message_id)
            ways = alternatives.split(" ")
            other = next((other for other, stays in others if other in ways and not flags & stays), None)
            if other is not None:
                moved.append((other, message_id))
        self._many("move_message", moved)
        answer.queued.extend((other, 0) for other in dict.fromkeys(row[0] for row in moved))
        if looked < MOVE_ROWS:
            return False
        self._places[idle] = place
        return True
