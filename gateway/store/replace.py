"""Puts a store into the place of one that is kept; a kill at any moment leaves one or the other."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path

from gateway.store.damage import RECOVERED
from gateway.store.sqlite_open import sync

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database, and what must not be beside another one."""


def remove(path: Path) -> None:
    """What is unfinished, with all that SQLite has beside it: a killed run's would go into the next one."""
    for suffix in ("", "-journal", *BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def put_in_place(made: Path, path: Path, why: str) -> list[Path]:
    """Gives `made` the name `path`; what was there is kept under a name with `why` and the time, its log too.

    Returns the kept files; OSError when it cannot be done, and then nothing has changed, or `finish` ends it.
    """
    name = f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    more = next(n for n in count(1) if not path.with_name(name + f"-{n}" * (n > 1)).exists())
    name += f"-{more}" * (more > 1)
    kept = []
    for suffix in ("", "-wal"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            kept.append(path.with_name(name + suffix))
            os.link(old, kept[-1])
    sync(path.parent)
    made.rename(path.with_name(path.name + RECOVERED))
    sync(path.parent)
    finish(path)
    return kept


def finish(path: Path) -> bool:
    """Ends what a killed `put_in_place` began, if there is something; no gateway starts before that."""
    ready = path.with_name(path.name + RECOVERED)
    if not ready.exists():
        return False
    for suffix in BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync(path.parent)
    ready.replace(path)
    sync(path.parent)
    return True


def give_to_owner(path: Path) -> None:
    """What root makes belongs to whom the folder belongs, or the gateway could not open it.

    Never what a link leads to: whoever owns the folder may have put it there.
    """
    if os.geteuid() == 0 and os.path.lexists(path):
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
