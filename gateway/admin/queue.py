"""The state of the gateway, its queue, one message, and a person's decisions about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.ops.control import Handler, Reply, Request
from gateway.ops.status import status_of
from gateway.store.reader import Reader
from gateway.store.sqlite_open import FILE_NAME

if TYPE_CHECKING:
    from gateway.daemon import Daemon

_UNKNOWN_MESSAGE = {"error": "no such message; history is kept for queue.history_days"}


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of the queue."""
    reader = Reader(daemon.state_dir / FILE_NAME)

    async def status(request: Request) -> Reply:
        return status_of(daemon)

    async def message(request: Request) -> Reply:
        number = int(request["message_id"])
        found = await asyncio.to_thread(reader.timeline, number)
        return found or await asyncio.to_thread(reader.mail, number) or _UNKNOWN_MESSAGE

    async def queue(request: Request) -> Reply:
        return {"summary": await asyncio.to_thread(reader.summary)}

    async def listing(request: Request) -> Reply:
        rows = await asyncio.to_thread(reader.listing, str(request["kind"]), int(request["limit"]))
        return {"rows": rows}

    async def decide(request: Request) -> Reply:
        return await _decide(daemon, reader, int(request["message_id"]), str(request["word"]))

    return {"status": status, "message": message, "queue": queue, "list": listing, "decide": decide}


async def _decide(daemon: Daemon, reader: Reader, message_id: int, word: str) -> Reply:
    """A person's word on a message that is held or waits: "resend" or "drop"."""
    if word not in ("resend", "drop"):
        return {"error": "decide resend or drop"}
    found = await asyncio.to_thread(reader.timeline, message_id)
    if found is None:
        return _UNKNOWN_MESSAGE
    state = found["state"]
    if state not in ("HELD", "QUEUED") or (word == "resend" and state == "QUEUED"):
        return {"error": f"the message is {state}, so there is nothing to {word}"}
    decisions = daemon.journal.batch.decisions
    place = len(decisions)
    decisions.append((message_id, word, daemon.clock.now_ms()))
    answer = await committed(daemon.journal)
    if answer is None:
        return CANNOT_WRITE
    if not answer.decided[place]:
        return {"error": "the message went on in the same moment; ask for it again"}
    daemon.events.say("info", "decided", message_id=message_id, word=word)
    return {"done": True}
