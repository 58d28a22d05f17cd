"""The state of the gateway, its queue, and receipts that match nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.ops.control import Handler, Reply, Request
from gateway.ops.status import status_of
from gateway.store.reader import Reader

if TYPE_CHECKING:
    from gateway.daemon import Daemon


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of the queue."""
    reader = Reader(daemon.reads)

    async def status(request: Request) -> Reply:
        return status_of(daemon)

    async def queue(request: Request) -> Reply:
        summary = await asyncio.to_thread(reader.summary)
        return {"summary": summary, "now_ms": daemon.clock.now_ms()}

    async def listing(request: Request) -> Reply:
        rows = await asyncio.to_thread(reader.listing, str(request["kind"]), int(request["limit"]))
        return {"rows": rows}

    async def unmatched(request: Request) -> Reply:
        rows = await asyncio.to_thread(reader.unmatched, int(request["limit"]))
        return {"rows": rows, "now_ms": daemon.clock.now_ms()}

    return {"status": status, "queue": queue, "list": listing, "unmatched": unmatched}
