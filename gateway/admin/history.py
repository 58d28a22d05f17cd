"""What has ended, for people: exports, statistics, and a number that is to be forgotten."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.core.message_ids import lowest_id_at
from gateway.core.model import MessageState
from gateway.ops.control import Handler, Reply, Request
from gateway.store import reader_history
from gateway.store.history_steps import KEPT, OVER
from protocols.sms.addresses import mask

if TYPE_CHECKING:
    from gateway.daemon import Daemon

DAY_MS = 24 * 3_600_000
LINES = 500
"""So many lines of statistics go into one answer."""
NUMBER_MAX = 40
EXPORTS = "downloads"  # gateway.front.exports has it too


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of the history."""

    def export(request: Request) -> AsyncIterator[Reply]:
        return _export(daemon, request)

    def statistics(request: Request) -> AsyncIterator[Reply]:
        return _statistics(daemon, request)

    def erase(request: Request) -> AsyncIterator[Reply]:
        return _erase(daemon, str(request["number"]))

    return {"export": export, "statistics": statistics, "erase": erase}


def _filter(request: Request) -> reader_history.Filter:
    states = tuple(MessageState[str(name)].value for name in request.get("states") or ())
    words = {name: str(request.get(name) or "") for name in ("account", "connector", "number")}
    return reader_history.Filter(**words, states=states)


async def _export(daemon: Daemon, request: Request) -> AsyncIterator[Reply]:
    """First the columns and the range of ids, then pages of rows, each with the id up to which it goes."""
    wanted, with_text = _filter(request), bool(request.get("text"))
    low_id = lowest_id_at(int(request.get("from_ms") or 0))
    high_id = lowest_id_at(int(request.get("to_ms") or daemon.clock.now_ms() + 1))
    first, last = await asyncio.to_thread(reader_history.bounds, daemon.reads, low_id, high_id)
    columns = reader_history.COLUMNS + (reader_history.TEXT_COLUMNS if with_text else ())
    yield {"columns": columns, "first": first, "last": last}
    after = first - 1
    while first:
        page = await asyncio.to_thread(
            reader_history.page, daemon.reads, after, high_id, wanted, with_text=with_text
        )
        if not page.upto:
            return
        after = page.upto
        yield {"rows": [_plain(row) for row in page.rows], "upto": page.upto}


def _plain(row: tuple[Any, ...]) -> list[Any]:
    """As JSON can carry it: ids are beyond what everybody's numbers hold, octets are hexadecimal."""
    values = [value.hex() if isinstance(value, bytes) else value for value in row]
    values[0] = str(values[0])
    return values


# -- statistics --------------------------------------------------------------------------------------


async def _statistics(daemon: Daemon, request: Request) -> AsyncIterator[Reply]:
    """Lines of what ended on these days and of what still lives, told apart by `by`."""
    from_day, to_day = int(request["from_day"]), int(request["to_day"])
    by = tuple(name for name in reader_history.GROUPS if name in request["by"])
    ended = await asyncio.to_thread(reader_history.counted, daemon.reads, from_day, to_day, by)
    if len(ended) > reader_history.GROUPS_MAX:
        yield {"error": "too many lines for one answer; ask for fewer days, or --by fewer columns"}
        return
    total = {tuple(row[: len(by)]): list(row[len(by) :]) for row in ended if row[len(by)]}
    after, high_id = lowest_id_at(from_day * DAY_MS) - 1, lowest_id_at((to_day + 1) * DAY_MS)
    while True:
        page = await asyncio.to_thread(reader_history.live_page, daemon.reads, after, high_id)
        if not page.upto:
            break
        after = page.upto
        for row in page.rows:
            if not from_day <= row[0] <= to_day:
                continue  # a clock that went back: the id is of another day
            _add(total, tuple(row[reader_history.GROUPS.index(name)] for name in by), row[4:])
    lines = [[*key, *sums] for key, sums in sorted(total.items())]
    for start in range(0, len(lines), LINES):
        yield {"rows": lines[start : start + LINES]}


def _add(total: dict[tuple[Any, ...], list[int]], key: tuple[Any, ...], sums: tuple[int, ...]) -> None:
    known = total.setdefault(key, [0, 0, 0])
    known[:] = [a + b for a, b in zip(known, sums, strict=True)]


# -- a number that is to be forgotten ----------------------------------------------------------------


async def _erase(daemon: Daemon, number: str) -> AsyncIterator[Reply]:
    """Rows of each table so far; the last line says that it is done."""
    if not (number.isascii() and number.isdigit() and len(number) <= NUMBER_MAX):
        raise ValueError("a number is digits")
    total: dict[str, int] = {}
    step = after = 0
    while step != OVER:
        erasures = daemon.journal.batch.erasures
        place = len(erasures)
        erasures.append((number, step, after))
        answer = await committed(daemon.journal)
        if answer is None:
            yield CANNOT_WRITE
            return
        counts, step, after = answer.erased[place]
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
        if step == OVER:
            daemon.incoming.forget(number)
            # read before, they would be handed out for days
            exported = await asyncio.to_thread(_erase_exports, daemon.state_dir / EXPORTS, number)
            if exported:
                total["exported file"] = exported
        yield {"rows": total, "done": step == OVER}
    erased = sum(count for name, count in total.items() if name not in KEPT)
    daemon.events.say("info", "erased", number=mask(number), rows=erased, live=total["live"])


def _erase_exports(folder: Path, number: str) -> int:
    """Deletes clients' exports in which it stands, also one that is being made; how many there were.

    Such a file can be ordered again.
    """
    found = 0
    has_it = re.compile(rb"(?<![0-9])" + number.encode() + rb"(?![0-9])").search
    for path in folder.glob("*"):
        with suppress(OSError):
            if has_it(path.read_bytes()):
                path.unlink()
                found += 1
    return found
