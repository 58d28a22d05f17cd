"""Numbers that nobody writes to, or that one account does not write to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.core.blacklist import EVERYBODY, number_of
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader_blacklist import blacklist_page

if TYPE_CHECKING:
    from gateway.daemon import Daemon

PAGE = 1000
"""So many numbers are in one request, or in one line of an answer."""
WHY_MAX = 200
"""Characters."""
_NUMBER = re.compile("[0-9]{3,15}", re.ASCII)


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of blacklists."""
    # One change after the other, or the lists in memory would not have the order of the store's. STOP words
    # wait for nobody: a number that is taken off goes from memory at once, so that a STOP behind it counts.
    turn = asyncio.Lock()
    lists = daemon.admission.blacklists

    async def blacklist_add(request: Request) -> Reply:
        account, numbers = str(request["account"]), _numbers(request)
        if account != EVERYBODY and account not in daemon.accounts:
            return {"error": f"there is no account {account!r}; there are: {', '.join(daemon.accounts)}"}
        why, now_ms = str(request.get("why", ""))[:WHY_MAX], daemon.clock.now_ms()
        async with turn:
            daemon.journal.batch.blacklisted.extend((account, number, now_ms, why) for number in numbers)
            if await committed(daemon.journal) is None:
                return CANNOT_WRITE
            added = lists.add(account, numbers)
        _say(daemon, account, "added", added)
        return {"added": added, "known": len(numbers) - added}

    async def blacklist_remove(request: Request) -> Reply:
        account, numbers = str(request["account"]), _numbers(request)
        async with turn:
            batch, gone = daemon.journal.batch, {(account, number) for number in numbers}
            batch.blacklisted[:] = (row for row in batch.blacklisted if row[:2] not in gone)
            batch.unblacklisted.extend(gone)
            known = [number for number in numbers if number_of(number) in lists.of(account)]
            removed = lists.remove(account, known)
            if await committed(daemon.journal) is None:
                lists.add(account, known)
                return CANNOT_WRITE
        _say(daemon, account, "removed", removed)
        return {"removed": removed, "unknown": len(numbers) - removed}

    async def blacklist_list(request: Request) -> AsyncIterator[Reply]:
        account = request.get("account")
        wanted = (None if account is None else str(account), str(request.get("number", "")))
        left = int(request.get("limit", 0)) or -1
        after = ("", "")
        while left:
            limit = PAGE if left < 0 else min(left, PAGE)
            rows = await asyncio.to_thread(blacklist_page, daemon.reads, *wanted, after, limit)
            yield {"rows": rows}
            if len(rows) < limit:
                return
            after = (rows[-1]["account"], rows[-1]["number"])
            left -= len(rows) if left > 0 else 0

    return {
        "blacklist_add": blacklist_add,
        "blacklist_remove": blacklist_remove,
        "blacklist_list": blacklist_list,
    }


def _numbers(request: Request) -> list[str]:
    """The numbers of a request, each once; ValueError when one is none, or there are too many."""
    numbers = list(dict.fromkeys(map(str, request["numbers"])))
    if not 0 < len(numbers) <= PAGE:
        raise ValueError(f"1 to {PAGE} numbers")
    if not all(map(_NUMBER.fullmatch, numbers)):
        raise ValueError("numbers are 3 to 15 digits")
    return numbers


def _say(daemon: Daemon, account: str, what: str, numbers: int) -> None:
    daemon.events.say("info", "blacklist_changed", account=account or "everybody", what=what, numbers=numbers)
