"""A trace of SMPP sessions: a line for each PDU, until its time is over or nobody reads it any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.ops.control import STILL_HERE, Handler, Reply, Request
from gateway.ops.trace import TraceError, Wanted

if TYPE_CHECKING:
    from gateway.daemon import Daemon

LONGEST_S = 86_400
BEAT_S = 1.0
"""A reader that has left is noticed by writing to it."""


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of traces."""

    async def trace(request: Request) -> AsyncIterator[Reply]:
        wanted = Wanted(*(str(request.get(name) or "") for name in ("account", "connector", "number")))
        if problem := _problem(daemon, wanted):
            yield {"error": problem}
            return
        seconds = min(LONGEST_S, max(1, int(request["seconds"])))
        try:
            found = daemon.tracing.begin(wanted, texts=bool(request.get("texts", True)))
        except TraceError as error:
            yield {"error": str(error)}
            return
        daemon.events.say("warning", "trace_began", whose=wanted.whose, seconds=seconds)
        until = daemon.clock.now() + seconds
        try:
            is_over = False
            while not is_over:
                is_over = daemon.clock.now() >= until
                rows = found.take()
                for row in rows:
                    yield row
                if not rows and not is_over:
                    yield STILL_HERE
                    await found.news(BEAT_S)
            yield {"over": True, "pdus": found.seen, "dropped": found.dropped}
        finally:
            daemon.tracing.end(found)
            daemon.events.say(
                "info", "trace_ended", whose=wanted.whose, pdus=found.seen, dropped=found.dropped
            )

    return {"trace": trace}


def _problem(daemon: Daemon, wanted: Wanted) -> str:
    """Why nothing would ever be seen; empty: something may be."""
    given = [value for value in (wanted.account, wanted.connector, wanted.number) if value]
    if len(given) != 1:
        return "give an account, a number or a connector"
    if wanted.account and wanted.account not in daemon.accounts:
        return f"there is no account {wanted.account}"
    if wanted.connector and wanted.connector not in daemon.upstreams:
        return f"there is no connector {wanted.connector}"
    return ""
