"""Waits for a commit, for those who ask the store to change something."""

from __future__ import annotations

import asyncio

from gateway.core.batch import Answer, Journal

CANNOT_WRITE = {"error": "the store cannot write just now; the log says why"}


async def committed(journal: Journal) -> Answer | None:
    """What the store says of the gathering batch when it is committed; None: it could not be written.

    Whoever appended a row to one of the batch's lists finds what became of it at the same place of the
    answer's list, so the place has to be noted with the append, before this is awaited.
    """
    done: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def settle(ok: bool) -> None:
        if not done.done():  # whoever asked may have left meanwhile
            done.set_result(journal.answer if ok else None)

    journal.then(settle)
    return await done
