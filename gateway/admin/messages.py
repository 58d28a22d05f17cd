"""Where messages are, what happened to them, and what a person decides about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.core.message_ids import lowest_id_at, moment_of_id
from gateway.core.model import MessageState, Progress
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader import ROWS_MAX, Reader, Wanted
from gateway.translate.stored_text import readable
from protocols.sms.receipts import FORMS, convert

if TYPE_CHECKING:
    from gateway.daemon import Daemon

WORDS = ("cancel", "retry", "hold", "release", "resend", "drop")
DECISIONS_MAX = 1000
"""So many messages are decided about at once."""
PAGE_ROWS_MAX = 500
PAGE_S = 0.04
"""A page of messages looks for so long, then it says how far it came."""
PAGE_LOOK = 10_000
"""So many messages at a time, so that it is over soon after that."""
UNKNOWN = "no such message; history is kept for queue.history_days"
_NEWEST_ID = 1 << 62


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of messages."""
    reader = Reader(daemon.reads)

    async def message(request: Request) -> Reply:
        number = int(request["message_id"])
        full, text = bool(request.get("full")), bool(request.get("text"))
        found = await asyncio.to_thread(reader.timeline, number, full=full)
        if found is None:
            return await asyncio.to_thread(reader.mail, number) or {"error": UNKNOWN}
        found["can"] = possible(await asyncio.to_thread(reader.standing, number), daemon.clock.now_ms())
        found["now_ms"] = daemon.clock.now_ms()
        if text:
            row = await asyncio.to_thread(reader.text, number)
            found["text"] = None if row is None else readable(*row)
        return found

    def find(request: Request) -> AsyncIterator[Reply]:
        return _find(reader, request)

    async def find_page(request: Request) -> Reply:
        return await _find_page(daemon, reader, request)

    async def decide(request: Request) -> Reply:
        message_ids = [int(number) for number in request["message_ids"]]
        return await _decide(daemon, reader, message_ids, str(request["word"]))

    return {"message": message, "find": find, "find_page": find_page, "decide": decide}


# -- find and show ------------------------------------------------------------------------------------


async def _find(reader: Reader, request: Request) -> AsyncIterator[Reply]:
    """Lines {"row": …}, the newest message first, and in between {"reached_ms": how far it has looked}."""
    wanted = wanted_of(request)
    left = min(int(request["limit"]), ROWS_MAX)
    full = bool(request.get("full"))
    while left > 0 and wanted.high_id > wanted.low_id:
        rows, high_id = await asyncio.to_thread(reader.find, wanted, left, full=full)
        for row in rows:
            yield {"row": row}
        left -= len(rows)
        if high_id <= wanted.low_id or high_id >= wanted.high_id:
            return
        wanted = wanted._replace(high_id=high_id)
        yield {"reached_ms": moment_of_id(high_id)}


async def _find_page(daemon: Daemon, reader: Reader, request: Request) -> Reply:
    """The next `limit` rows below the message_id `before`, and the `before` of the page that follows.

    However many messages there are, it has an answer in about PAGE_S: it stops where it is then, and says so.
    `before` "" says that it has seen all, `reached_ms` since when it has looked.
    """
    wanted, limit = wanted_of(request), int(request["limit"])
    if not 0 < limit <= PAGE_ROWS_MAX:
        raise ValueError(f"limit is 1 to {PAGE_ROWS_MAX}")
    if request.get("before"):
        wanted = wanted._replace(high_id=min(wanted.high_id, int(request["before"])))
    full = bool(request.get("full"))
    rows: list[dict[str, Any]] = []
    until, is_over = daemon.clock.now() + PAGE_S, wanted.high_id <= wanted.low_id
    while not is_over and len(rows) <= limit and daemon.clock.now() < until:
        left = limit + 1 - len(rows)
        more, high_id = await asyncio.to_thread(reader.find, wanted, left, full=full, look=PAGE_LOOK)
        rows += more
        is_over = high_id <= wanted.low_id or high_id >= wanted.high_id
        wanted = wanted._replace(high_id=high_id)
    seen_to = "" if is_over else str(wanted.high_id)
    before = rows[limit - 1]["message_id"] if len(rows) > limit else seen_to
    reached_ms = moment_of_id(int(before)) if before else 0
    return {"rows": rows[:limit], "before": before, "reached_ms": reached_ms}


def wanted_of(request: Request) -> Wanted:
    """What a request looks for; ValueError when it says so in no way that makes sense."""
    until_ms = int(request.get("until_ms") or 0)
    upstream_id = str(request.get("upstream_id") or "")
    keys = {key for form in FORMS if (key := convert(form, upstream_id)) is not None}
    progress, states = states_of(request.get("states") or ())
    return Wanted(
        low_id=lowest_id_at(int(request.get("since_ms") or 0)),
        high_id=lowest_id_at(until_ms + 1) if until_ms else _NEWEST_ID,
        message_id=int(request.get("message_id") or 0),
        client_id=str(request.get("client_id") or ""),
        upstream_id=upstream_id,
        upstream_keys=tuple(sorted(keys)),
        number=str(request.get("number") or ""),
        account=str(request.get("account") or ""),
        connector=str(request.get("connector") or ""),
        progress=progress,
        states=states,
    )


def states_of(names: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of states by name: those of messages that live, and those of ended ones; ValueError: it is none."""
    progress = tuple(Progress[name].value for name in names if name in Progress.__members__)
    states = tuple(MessageState[name].value for name in names if name in MessageState.__members__)
    if len(progress) + len(states) != len(names):
        raise ValueError("no such state")
    return progress, states


# -- decisions ----------------------------------------------------------------------------------------


async def _decide(daemon: Daemon, reader: Reader, message_ids: list[int], word: str) -> Reply:
    """What became of a person's word on each message: {"message_id", "done", "why"}."""
    if word not in WORDS:
        return {"error": f"decide one of: {', '.join(WORDS)}"}
    if not 0 < len(message_ids) <= DECISIONS_MAX:
        return {"error": f"name 1 to {DECISIONS_MAX} messages at a time"}
    if not all(0 <= message_id < 1 << 63 for message_id in message_ids):
        raise ValueError("no id is so large")  # the store would not outlive it
    decisions = daemon.journal.batch.decisions
    place = len(decisions)
    now_ms = daemon.clock.now_ms()
    decisions.extend((message_id, word, now_ms) for message_id in message_ids)
    answer = await committed(daemon.journal)
    if answer is None:
        return CANNOT_WRITE
    results = []
    for number, message_id in enumerate(message_ids, place):
        why = ""
        if answer.decided[number]:
            daemon.events.say("info", "decided", message_id=message_id, word=word)
        else:
            why = why_not(word, await asyncio.to_thread(reader.standing, message_id), now_ms)
        results.append({"message_id": str(message_id), "done": not why, "why": why})
    return {"results": results}


def possible(standing: dict[str, Any] | None, now_ms: int) -> list[str]:
    """The decisions that mean something for a message that stands so (Reader.standing)."""
    if standing is None or standing["ended"]:
        return []
    state = standing["state"]
    if state == "HELD":
        return ["resend", "drop"]
    if state in ("SENT", "CARRIED"):
        return []
    if standing["taken"] or standing["under_way"] or standing["doubt"]:
        # some of it may be at its SMSC: it can be hurried or given up, and not taken back
        words = ["drop"]
    elif state == "QUEUED":
        words = ["hold", "cancel"]
    else:
        words = ["release", "cancel"] if state == "PAUSED" else ["cancel"]
    return ["retry", *words] if state == "QUEUED" and standing["due_ms"] > now_ms else words


def why_not(word: str, standing: dict[str, Any] | None, now_ms: int) -> str:
    """Why a decision came to nothing, for a message that stands so (Reader.standing)."""
    if standing is None:
        return UNKNOWN
    state, connector = standing["state"], standing.get("connector")
    if standing["ended"]:
        return f"it has ended: {state}"
    if state == "CARRIED":
        return f"it goes up with message {standing['carrier']}: decide about that one"
    sent = standing["taken"] + standing["under_way"]
    if word == "resend" and state != "HELD":
        return f"it is {state}, so there is nothing to resend"
    if state == "HELD":
        return (
            f"it is in doubt whether {connector} has it: "
            'only "queue resend" and "queue drop" can say what to do'
        )
    if standing["doubt"] and word in ("hold", "cancel"):
        return (
            f'it may be at {connector} already (see "queue ambiguous"); "queue drop" gives it up all the same'
        )
    if state == "SENT" or (sent and word in ("hold", "cancel")):
        return f"{_segments(sent, standing['segments'])} under way at {connector}; wait for its receipt"
    if word == "release":
        return "nobody holds it back"
    if state == "PAUSED":
        return "it is held back: release it"
    if state == "GATHERED":
        return "it waits for the other parts of its text"
    if word == "retry" and standing["due_ms"] <= now_ms:
        return f"it is due, and waits for room at {connector}: look at status"
    return "it went on in the same moment; ask for it again"


def _segments(sent: int, segments: int) -> str:
    if segments == 1 or not sent:
        return "it is"
    return f"{sent} of its {segments} segments {'is' if sent == 1 else 'are'}"
