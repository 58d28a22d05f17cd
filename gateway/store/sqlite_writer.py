"""The process that owns the queue's database: batches in, answers out, one at a time.

It is a process because a thread would wait for the interpreter lock while the gateway's loop is busy, and
because commits on the loop would stall every session for the length of an fsync.  It ends when the gateway
closes its end of the socket pair, and the gateway ends when this process does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from operator import itemgetter
from pathlib import Path

from gateway.core.batch import Answer, Batch, Row
from gateway.core.frames import encode_frame, take_frames
from gateway.crashes import leave_no_memory
from gateway.store.apply import Applier
from gateway.store.damage import damage_text, is_damage
from gateway.store.frames import encode
from gateway.store.opening import hello_of
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import StoreError, StoreUnready, lock, open_writer

READ_SIZE = 1 << 20
NOT_STORED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
"""No room on the disk, in the quota, or in the file (EFBIG).  What makes a commit one is its last write: one
that could not be written whole is none, and the next one takes its place."""


def main() -> int:
    """Arguments: the socket's file descriptor, the database's path."""
    leave_no_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.setblocking(True)
    path = Path(sys.argv[2])
    try:
        held = lock(path.parent)
        applier, hello = _open(path)
    except (StoreError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            said = damage_text(path, error) if is_damage(error) else str(error)
            is_final = is_damage(error) or (
                isinstance(error, StoreError) and not isinstance(error, StoreUnready)
            )
            channel.sendall(encode_frame((said, is_final)))
        os._exit(1)  # a connection that is closed writes its log into the file, which is to stay as it is
    with contextlib.suppress(OSError):  # a gateway that is gone already is noticed below
        channel.sendall(encode_frame(hello))
    gc.freeze()
    _serve(channel, applier)
    with contextlib.suppress(sqlite3.Error):
        applier.recovery.stopped(_now_ms())
    applier.db.close()
    held.close()
    return 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _open(path: Path) -> tuple[Applier, Row]:
    """The open queue, and what the gateway is told of it: the fields of Opening."""
    db = SqliteDatabase(open_writer(path))
    applier = Applier(db, now_ms=_now_ms())
    in_doubt = applier.recovery.recover(_now_ms())
    messages = list(Counter(map(itemgetter(0), db.run("list_accounts"))).items())
    return applier, hello_of(applier, in_doubt, messages, _now_ms())


def _receive(channel: socket.socket, into: memoryview) -> int:
    """How many octets came; 0 when the gateway is gone, killed with an answer unread for example."""
    try:
        return channel.recv_into(into)
    except ConnectionResetError:
        return 0


def _serve(channel: socket.socket, applier: Applier) -> None:
    buffer = bytearray()
    room = memoryview(bytearray(READ_SIZE))  # one for good: a new one each time leaves the heap in pieces
    while count := _receive(channel, room):
        buffer += room[:count]
        for values in take_frames(buffer):
            answer = _answer(applier, Batch(*values))
            try:
                channel.sendall(encode(answer))
            except OSError:
                return  # the gateway is gone; what was committed stays committed
            if answer.fatal:
                # No goodbye and no checkpoint: after a failed fsync the kernel takes what it could not write
                # for written, so another fsync would succeed and mean nothing.
                os._exit(1)


def _answer(applier: Applier, batch: Batch) -> Answer:
    try:
        return applier.apply(batch)
    except sqlite3.Error as error:
        return _failure(error, applier.db.in_transaction)
    except UnicodeEncodeError as error:  # half of a surrogate pair, which no sender may get this far
        return Answer(error=f"a text that is none: {error}")
    except OverflowError as error:  # nor a number of more than 64 bits
        return Answer(error=f"a number that is too large: {error}")


def _failure(error: sqlite3.Error, in_transaction: bool) -> Answer:
    """What an error means: only of some is it known that nothing was stored and that others may be."""
    code = getattr(error, "sqlite_errorcode", 0)  # what Python itself refuses has none
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return Answer(
        error=f"{error} ({name})",
        fatal=code not in NOT_STORED or in_transaction,
        damaged=is_damage(error),
    )


if __name__ == "__main__":
    sys.exit(main())
