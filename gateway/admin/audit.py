"""What was written down of who did what; and what the pages themselves have to say for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.admin.actions import Outcome
from gateway.admin.recorder import NOTES, Recorder
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader_audit import Wanted, audit_page

if TYPE_CHECKING:
    from gateway.daemon import Daemon

ROWS_MAX = 1000
LOOKS = 10
"""So many steps (reader_audit.LOOK) one answer takes at the most; it says where to go on."""
NEWEST = 1 << 62


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of the audit."""
    recorder = Recorder(daemon)

    async def audit(request: Request) -> Reply:
        """Rows, the newest first, and `next`: what is `before` for those that follow (None: that was all)."""
        wanted = Wanted(
            since_ms=int(request.get("since_ms") or 0),
            until_ms=int(request.get("until_ms") or 0),
            who=str(request.get("who") or ""),
            action=str(request.get("action") or ""),
            outcome=str(request.get("outcome") or ""),
        )
        before = int(request.get("before") or NEWEST)
        limit = min(int(request["limit"]), ROWS_MAX)
        if limit < 1 or not 0 < before <= NEWEST:
            raise ValueError("limit and before are above 0")
        rows: list[dict[str, Any]] = []
        for _ in range(LOOKS):
            left = limit - len(rows)
            found, before = await asyncio.to_thread(
                audit_page, daemon.reads, wanted, daemon.boot, before, left
            )
            rows += found
            if len(rows) == limit or not before:
                break
        return {"rows": rows, "next": before or None}

    async def audit_note(request: Request) -> Reply:
        """A login or logout; only of the pages."""
        who = recorder.page_user(request)
        action, outcome = NOTES.get(str(request["what"]), ("", ""))
        if who is None or not action:
            return {"error": "only the pages say that, and only what they are asked for"}
        recorder.note(who, action, Outcome(outcome))
        return {}

    return {"audit": audit, "audit_note": audit_note}
