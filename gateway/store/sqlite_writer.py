"""The process that owns the queue's database: batches in, answers out, one at a time.

It is a process because a thread would wait for the interpreter lock while the gateway's loop is busy, and
because commits on the loop would stall every session for the length of an fsync.  It ends when the gateway
closes its end of the socket pair, and the gateway ends when this process does.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path

from gateway.core.batch import Answer
from gateway.store.frames import decode_batch, encode, take_frames
from gateway.store.sqlite_apply import Applier
from gateway.store.sqlite_open import StoreError, open_writer

READ_SIZE = 1 << 20
SPACE_ERRORS = ("full", "too large")


def main() -> int:
    """Arguments: the socket's file descriptor, the database's path."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.setblocking(True)
    now_ms = int(time.time() * 1000)
    try:
        connection = open_writer(Path(sys.argv[2]))
        cursor = connection.execute("INSERT INTO boot (started_ms) VALUES (?)", (now_ms,))
        boot = cursor.lastrowid or 0
        applier = Applier(connection, boot)
        recovered = applier.recover(now_ms)
    except (StoreError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            channel.sendall(encode((str(error), 0, 0, [], [], 0)))
        return 1
    messages = connection.execute(applier.sql["count_messages"]).fetchall()
    queued = connection.execute(applier.sql["count_queued"]).fetchall()
    newest = connection.execute(
        "SELECT max((SELECT max(message_id) FROM message), (SELECT max(message_id) FROM history))"
    )
    newest_id = (
        newest.fetchone()[0]
        or applier.connection.execute(
            "SELECT coalesce((SELECT max(message_id) FROM message), (SELECT max(message_id) FROM history), 0)"
        ).fetchone()[0]
    )
    in_doubt = sum(1 for _ in recovered.queued)
    channel.sendall(encode(("", boot, newest_id, messages, queued, in_doubt)))
    gc.freeze()
    _serve(channel, applier)
    with contextlib.suppress(sqlite3.Error):
        connection.execute(
            "UPDATE boot SET stopped_ms = ? WHERE boot_id = ?", (int(time.time() * 1000), boot)
        )
    connection.close()
    return 0


def _serve(channel: socket.socket, applier: Applier) -> None:
    buffer = bytearray()
    while data := channel.recv(READ_SIZE):
        buffer += data
        for body in take_frames(buffer):
            try:
                answer = applier.apply(decode_batch(body))
            except sqlite3.Error as error:
                text = str(error)
                answer = Answer(error=text, fatal=not any(word in text for word in SPACE_ERRORS))
            try:
                channel.sendall(encode(answer))
            except OSError:
                return  # the gateway is gone; what was committed stays committed


if __name__ == "__main__":
    sys.exit(main())
