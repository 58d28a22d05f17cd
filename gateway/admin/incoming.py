"""Incoming SMS: what came last and where it went, and what of it is still there."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

from gateway.core.incoming import RECENT, Came
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader import Reader
from protocols.sms.addresses import mask

if TYPE_CHECKING:
    from gateway.daemon import Daemon

LIMIT_MAX = 500


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of incoming SMS."""
    reader = Reader(daemon.reads)

    async def incoming(request: Request) -> Reply:
        """`recent`: what came last since the start, as far as it is remembered; the other lists: see
        `gateway.store.reader_incoming`."""
        limit = min(int(request["limit"]), LIMIT_MAX)
        if limit < 1:
            raise ValueError("limit is above 0")
        full = bool(request.get("full"))
        found = await asyncio.to_thread(reader.incoming, limit, full=full)
        recent = daemon.incoming.recent
        found["recent"] = [_told(it, full=full) for it in islice(reversed(recent), limit)]
        found["remembered"] = RECENT
        found["now_ms"] = daemon.clock.now_ms()
        return found

    return {"incoming": incoming}


def _told(came: Came, *, full: bool) -> dict[str, Any]:
    way = came.way
    return {
        "at_ms": came.at_ms,
        "connector": came.connector,
        "number": came.number if full else mask(came.number),
        "own_number": came.own_number if full else mask(came.own_number),
        "total": came.total,
        "part": came.part,
        "account": way.account,
        "mail": list(way.mail),
        "rule": way.rule,
        "may_answer": way.answers_since_ms > 0,
        "taken": way.is_taken,
    }
