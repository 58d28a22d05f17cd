"""What may have gone out although the store does not know of it: it waits for a person's word.

A store that was restored from an older copy, or of which records of sending are lost, may have messages
waiting that the SMSC has had for long.  Sent again without a word they would be duplicates that nobody
expects.  So they are held as any message in doubt is, each with its line among the ambiguous ones.
"""

from __future__ import annotations

import sqlite3

_LIST = """
INSERT INTO ambiguous (message_id, segment, connector, since_ms, evidence, action)
SELECT message_id, 1, connector, :now_ms, :evidence, 'hold' FROM message WHERE {which}
"""
_HOLD = "UPDATE message SET progress = 2, doubts = doubts + 1 WHERE {which}"
_UNANSWERED = """
INSERT INTO ambiguous (message_id, segment, connector, since_ms, evidence, action)
SELECT message_id, segment, connector, :now_ms, :evidence, 'hold' FROM submission s
WHERE attempt = 0 AND upstream_id IS NULL
AND EXISTS (SELECT 1 FROM message m WHERE m.message_id = s.message_id)
"""
WAITS = "progress IN (0, 3)"
"""QUEUED, or GATHERED: nothing says that it was sent."""
UNRECORDED = """progress = 1 AND segments > (SELECT count(*) FROM submission s
WHERE s.message_id = message.message_id)"""
"""SENT, but not all of its segments are known at an SMSC."""
UNCARRIED = """progress = 4 AND NOT EXISTS (SELECT 1 FROM gathered_part g
JOIN message c ON c.message_id = g.carrier WHERE g.message_id = message.message_id)"""
"""CARRIED by a message that is not there."""


def hold(connection: sqlite3.Connection, which: str, evidence: str, now_ms: int) -> int:
    """Holds the messages of one of the conditions above; how many there are."""
    words = {"now_ms": now_ms, "evidence": evidence}
    connection.execute(_LIST.format(which=which), words)
    count = connection.execute(_HOLD.format(which=which)).rowcount
    connection.execute(
        "DELETE FROM gathered_part WHERE carrier IS NULL AND message_id IN "
        "(SELECT message_id FROM message WHERE progress = 2)"
    )
    return count


def hold_unanswered(connection: sqlite3.Connection, evidence: str, now_ms: int) -> int:
    """Holds what was under way without an answer, whatever its route's policy says; how many segments.

    Not what has an id of ours: of that the service is asked before anything is sent again.
    """
    count = connection.execute(_UNANSWERED, {"now_ms": now_ms, "evidence": evidence}).rowcount
    connection.execute(
        "UPDATE message SET progress = 2, doubts = doubts + 1 WHERE progress <> 2 AND message_id IN "
        "(SELECT message_id FROM submission WHERE attempt = 0 AND upstream_id IS NULL)"
    )
    connection.execute("UPDATE submission SET attempt = 2 WHERE attempt = 0 AND upstream_id IS NULL")
    return count
