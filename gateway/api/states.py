"""Words for where a message stands, the same in answers, lists and events."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.core.model import Progress
from gateway.translate.calls import STATES

SCHEDULED, ACCEPTED = "scheduled", "accepted"

LIVE: dict[int, str] = {
    Progress.QUEUED.value: ACCEPTED,
    Progress.SENT.value: "sent",
    Progress.HELD.value: "held",
    Progress.GATHERED.value: ACCEPTED,
    Progress.CARRIED.value: ACCEPTED,
    Progress.PAUSED.value: "held",
}
ENDED = STATES
"""By MessageState."""
WORDS = (SCHEDULED, ACCEPTED, "sent", "held", *ENDED.values())


def state_of(progress: int | None, state: int | None, due_ms: int, retries: int, now_ms: int) -> str:
    """Of a message that lives (`progress`) or has ended (`state`)."""
    if state is not None:
        return ENDED.get(state, "unknown")
    if progress is None:
        return "unknown"
    if progress == Progress.QUEUED.value and not retries and due_ms > now_ms:
        return SCHEDULED
    return LIVE[progress]


def time_text(moment_ms: int | None) -> str | None:
    """A time as RFC 3339 has it, in UTC; None: there is none."""
    if not moment_ms or moment_ms < 0:
        return None
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
