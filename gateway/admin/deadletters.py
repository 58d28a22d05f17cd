"""Receipts and incoming SMS that no account took, mails that nobody took: shown, and given another chance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader import Reader
from gateway.store.sqlite_open import FILE_NAME

if TYPE_CHECKING:
    from gateway.core.batch import Row
    from gateway.daemon import Daemon

LETTERS = "mail:"
"""Stands for the letters where an account is named (Batch.replays)."""
IDS_MAX = 1000


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of dead letters."""
    reader = Reader(daemon.state_dir / FILE_NAME)

    async def dead(request: Request) -> Reply:
        account, limit = str(request.get("account") or ""), int(request["limit"])
        return {"rows": await asyncio.to_thread(reader.dead, account, limit)}

    async def replay(request: Request) -> Reply:
        return await _replay(daemon, [str(name) for name in request["ids"]])

    def replay_all(request: Request) -> AsyncIterator[Reply]:
        return _replay_all(daemon, reader, str(request.get("account") or ""))

    return {"dead": dead, "replay": replay, "replay_all": replay_all}


async def _asked(daemon: Daemon, rows: list[Row]) -> list[int] | None:
    """How many wait again for each of the rows of Batch.replays; None: it could not be written."""
    replays = daemon.journal.batch.replays
    place = len(replays)
    replays.extend(rows)
    answer = await committed(daemon.journal)
    return None if answer is None else answer.replayed[place : place + len(rows)]


async def _replay(daemon: Daemon, ids: list[str]) -> Reply:
    """Those with these ids; an L before it says that it is a letter's."""
    if not 0 < len(ids) <= IDS_MAX:
        return {"error": f"name 1 to {IDS_MAX} at a time, or an account"}
    now_ms = daemon.clock.now_ms()
    rows = [(int(name.removeprefix("L")), LETTERS if name.startswith("L") else "", now_ms) for name in ids]
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
    """Those of an account, or all ("") and the letters too; lines tell how many wait again so far.

    As many as there were at the beginning: what is refused once more is dead until somebody asks again.
    """
    dead = await asyncio.to_thread(reader.dead_counts)
    wanted = {account: dead.get(account, 0)} if account else dead
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
