"""The steps of a batch that are about what goes up: messages are claimed from the queues on disk.

A claim writes the intents of what it brings, so that it may be sent at once.  A connector that gives ids of
its own to what it sends (HTTP) claims without intents, and assigns the ids before anything goes out: those
sends are open until they are answered, across runs.
"""

from __future__ import annotations

from gateway.core.batch import Answer, Row
from gateway.store.database import Database

BEFORE_ALL = (-(1 << 62), 0)
"""Before any place in a queue: due_ms, message_id."""
UNFINISHED_LOOK = 20_000
"""So many segments are looked at for those of one connector that wait for a receipt."""


class ClaimSteps:
    """Part of the Applier."""

    def __init__(self, boot: int, db: Database) -> None:
        self._boot = boot
        self._run = db.run
        self._many = db.many
        self._shared = db.shared

    def claim(self, claim: Row, answer: Answer) -> bool:
        """See Batch.claims; whether messages were found whose time is over, which end."""
        connector, room, now_ms, with_intents = claim
        claimed: list[Row] = []
        intents: list[Row] = []
        sent: list[Row] = []
        expired: list[Row] = []
        last = BEFORE_ALL
        for row in self._run("claim_messages", (connector, now_ms, room)).fetchall():
            message_id, segments, due_ms, expires_ms = row[0], row[17], row[21], row[22]
            row, under_way = row[:-1], row[-1]
            if not with_intents and segments > 1 and self._run("make_whole", (message_id,)).rowcount:
                segments = 1
                row = (*row[:17], 1, *row[18:])
            if expires_ms <= now_ms:
                expired.append((message_id, 3, "", now_ms))
                last = due_ms, message_id
                continue
            wanted = list(range(1, segments + 1))
            if under_way is not None:
                taken = set(map(int, str(under_way).split(",")))
                wanted = [n for n in wanted if n not in taken]
            if claimed and len(wanted) > room:
                break
            last = due_ms, message_id
            room -= len(wanted)
            sent.append((message_id,))
            if wanted:
                claimed.append((row, wanted))
                intents.extend((message_id, n, connector, now_ms, self._boot) for n in wanted)
            if room <= 0:
                break
        if with_intents:
            self._many("insert_intent", intents)
        self._many("mark_sent_without" if self._shared and not with_intents else "mark_sent", sent)
        self._many("end_message", expired)
        answer.expired.extend(row[:2] for row in expired)
        found = self._run("next_due", (connector, *last)).fetchone()
        answer.claimed.append((connector, claimed, found[0] if found else None))
        return bool(expired)

    def open_sends(self, connector: str) -> Row:
        """A row of Answer.open_sends."""
        found = self._run("list_open_sends", (connector, self._boot)).fetchall()
        self._run("adopt_open_sends", (connector, self._boot))
        return connector, [(row[:-3], *row[-3:]) for row in found]

    def unfinished(self, connector: str, after: int, limit: int) -> Row:
        """A row of Answer.unfinished."""
        found = self._run("list_unfinished", (connector, after, limit, UNFINISHED_LOOK)).fetchall()
        if len(found) == limit:
            return connector, [row[1:] for row in found], found[-1][0]
        last = self._run("last_looked_at", (after, UNFINISHED_LOOK)).fetchone()[0]
        return connector, [row[1:] for row in found], last or 0
