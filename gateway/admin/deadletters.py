"""Receipts and incoming SMS that no account took, mails and calls that nobody took: shown, and given another
chance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader import Reader
from gateway.store.reader_calls import DEAD_CALLS

if TYPE_CHECKING:
    from gateway.core.batch import Row
    from gateway.daemon import Daemon

LETTERS = "mail:"
"""Stands for the letters where an account is named (Batch.replays)."""
IDS_MAX = 1000
_WHOSE = {"L": LETTERS, "C": DEAD_CALLS}
"""By the letter before an id: what stands for the account."""


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of dead letters."""
    reader = Reader(daemon.reads)

    async def dead(request: Request) -> Reply:
        account, limit = str(request.get("account") or ""), int(request["limit"])
        return {"rows": await asyncio.to_thread(reader.dead, account, limit)}

    async def replay(request: Request) -> Reply:
        return await _replay(daemon, [str(name) for name in request["ids"]])

    def replay_all(request: Request) -> AsyncIterator[Reply]:
        return _replay_all(daemon, reader, str(request.get("account") or ""))

    return {"dead": dead, "replay": replay, "replay_all": replay_all}


async def _asked(daemon: Daemon, rows: list[Row]) -> list[int] | None:
    """How many wait again for each of the rows; None: it could not be written.

    They are rows of Batch.replays or, with DEAD_CALLS before the account, of Batch.call_replays.
    """
    batch = daemon.journal.batch
    first, first_call = len(batch.replays), len(batch.call_replays)
    for number, account, now_ms in rows:
        if account.startswith(DEAD_CALLS):
            batch.call_replays.append((number, account.removeprefix(DEAD_CALLS), now_ms))
        else:
            batch.replays.append((number, account, now_ms))
    answer = await committed(daemon.journal)
    if answer is None:
        return None
    counts, calls = iter(answer.replayed[first:]), iter(answer.calls_replayed[first_call:])
    return [next(calls if account.startswith(DEAD_CALLS) else counts) for _, account, _ in rows]


async def _replay(daemon: Daemon, ids: list[str]) -> Reply:
    """Those with these ids; an L before it says that it is a letter's, a C that it is a call's."""
    if not 0 < len(ids) <= IDS_MAX:
        return {"error": f"name 1 to {IDS_MAX} at a time, or an account"}
    now_ms = daemon.clock.now_ms()
    rows = [(int(name[1:] if name[:1] in _WHOSE else name), _WHOSE.get(name[:1], ""), now_ms) for name in ids]
    if not all(0 < row[0] < 1 << 63 for row in rows):
        raise ValueError("ids are above 0")
    counts = await _asked(daemon, rows)
    if counts is None:
        return CANNOT_WRITE
    return {
        "replayed": sum(counts),
        "unknown": [name for name, count in zip(ids, counts, strict=True) if not count],
    }


async def _replay_all(daemon: Daemon, reader: Reader, account: str) -> AsyncIterator[Reply]:
    """Those of an account, its calls too, or all ("") and the letters; lines tell how many wait again so far.

    As many as there were at the beginning: what is refused once more is dead until somebody asks again.
    """
    dead = await asyncio.to_thread(reader.dead_counts)
    names = (account, DEAD_CALLS + account) if account else dead
    wanted = {name: dead.get(name, 0) for name in names}
    done, total = 0, sum(wanted.values())
    for name, left in wanted.items():
        while left > 0:
            counts = await _asked(daemon, [(0, name, daemon.clock.now_ms())])
            if counts is None:
                yield CANNOT_WRITE
                return
            if not counts[0]:
                break
            left -= counts[0]
            done += counts[0]
            yield {"replayed": done, "of": total}
    yield {"replayed": done, "of": total}
