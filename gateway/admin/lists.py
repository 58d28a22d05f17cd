"""Doubts and what nobody took, for pages: counted up to a bound, and listed a page at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader_pages import COUNT_MAX, counts, page

if TYPE_CHECKING:
    from gateway.daemon import Daemon

ROWS = 50
ROWS_MAX = 500


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What pages ask."""

    async def queue_counts(request: Request) -> Reply:
        found = await asyncio.to_thread(counts, daemon.reads)
        return {"counts": found, "counted_to": COUNT_MAX, "now_ms": daemon.clock.now_ms()}

    async def queue_page(request: Request) -> Reply:
        kind, account = str(request["kind"]), str(request.get("account") or "")
        after, limit = int(request.get("after") or 0), int(request.get("limit") or ROWS)
        if not (0 <= after < 1 << 63 and 0 < limit <= ROWS_MAX):
            raise ValueError(f"after is an id, limit is 1 to {ROWS_MAX}")
        found = await asyncio.to_thread(page, daemon.reads, kind, account, after, limit)
        # as a text: beyond what everybody's numbers hold
        return {
            "rows": found.rows,
            "next": str(found.after) if found.after else None,
            "now_ms": daemon.clock.now_ms(),
        }

    return {"queue_counts": queue_counts, "queue_page": queue_page}
