"""Copies of the store, made beside the running gateway by a process that only reads."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.ops.control import Handler, Reply, Request
from gateway.store.sqlite_open import FILE_NAME

if TYPE_CHECKING:
    from gateway.daemon import Daemon

FOLDER = "backups"
ELSEWHERE = (
    "the store is PostgreSQL's, which makes its own copies: pg_dump -Fc for one moment, base backups with an "
    "archive of the WAL (pgBackRest) for any moment; see `Backups` in the manual of the cluster"
)


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked about copies."""
    lock = asyncio.Lock()

    def backup(_: Request) -> AsyncIterator[Reply]:
        return _backup(daemon, lock)

    return {"backup": backup}


async def _backup(daemon: Daemon, lock: asyncio.Lock) -> AsyncIterator[Reply]:
    """How far it is, now and then; then the file, which is whoever asked's to move or to leave."""
    if daemon.store_url:
        yield {"error": ELSEWHERE}
        return
    if lock.locked():
        yield {"error": "a copy is being made already; wait for that one"}
        return
    async with lock:
        try:
            to = new_name(daemon.state_dir)
        except OSError as error:
            yield {"error": f"no copy was made: {error}"}
            return
        path = daemon.state_dir / FILE_NAME
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "gateway.store.copying", str(path), str(to)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None and child.stderr is not None
        try:
            while line := await child.stdout.readline():
                done, total = line.split()
                yield {"done": int(done), "total": int(total)}
            why = (await child.stderr.read()).decode(errors="replace").strip()
            if await child.wait() != 0:
                yield {"error": why or "the copying process was killed"}
                return
        finally:
            if child.returncode is None:
                child.kill()
        daemon.events.say("info", "backed_up", file=to, octets=to.stat().st_size)
        yield {"file": str(to.resolve())}


def new_name(state_dir: Path) -> Path:
    """Where a copy goes: a name with the time, in a folder that is there; OSError when it cannot be.

    What a killed run has left unfinished there is removed: one copy is made at a time.
    """
    folder = state_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.glob("queue-*.part*"):
        left.unlink(missing_ok=True)
    name = time.strftime("queue-%Y%m%dT%H%M%SZ", time.gmtime())
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(to for n in names if not (to := folder / f"{n}.sqlite3").exists())
