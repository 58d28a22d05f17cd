"""The process of a node that writes into a database on PostgreSQL: batches in, answers out, one at a time.

The same frames as `gateway.store.sqlite_writer`, which says why it is a process, and three more, which are
pairs: ("lost", why), ("back", "") and ("hint", words of other nodes).  Only the first may come before the
hello: the start goes on as soon as the server is there.

When the connection is lost, the batch that was under way is stored or it is not; the run's row says so
(`batch_no`), and only then is it answered, or applied again.  A run that another node has ended changes
nothing any more, and its gateway ends.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from gateway.core.batch import Answer, Batch, Row
from gateway.core.frames import encode_frame, take_frames
from gateway.crashes import leave_no_memory
from gateway.store.apply import Applier
from gateway.store.cluster_steps import FencedError, StoredError
from gateway.store.frames import encode
from gateway.store.opening import hello_of
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_link import (
    LONGEST_AGAIN_S,
    hear_rest,
    is_lost,
    listen,
    listening,
    open_first,
    pauses,
    reason_of,
    say,
    text_of,
)
from gateway.store.postgres_open import open_writer
from gateway.store.sqlite_open import StoreError, StoreUnready, lock

READ_SIZE = 1 << 20
HINT_S = 0.1
"""Hints go out, and up, so often at the most."""
AGAIN_MAX = 20
"""So often a batch is applied again that met another node's."""
_MET = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, a lock that was waited for too long."""
_REFUSED = ("22", "53", "54", "58")
"""Values that have no room; no room, memory or file.  The server has undone the batch, and others may fit."""
FENCED = "another node has taken this one's work over: its lease was over, or its name was given twice"

UNKNOWN = "a batch is stored of which this process does not know what became of it"


class GoneError(Exception):
    """The gateway has ended."""


def main() -> int:
    """Argument: the socket's file descriptor.  The first frame: state directory, URL, the node's name."""
    leave_no_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    writer = Writer(socket.socket(fileno=int(sys.argv[1])))
    try:
        folder, url, name = writer.first_frame()
        with lock(Path(folder)):
            return _serve(writer, url, name)
    except GoneError:
        return 0
    except (StoreError, psycopg.Error) as error:
        is_final = isinstance(error, StoreError) and not isinstance(error, StoreUnready)
        with contextlib.suppress(OSError):
            writer.send(encode_frame((text_of(error), is_final)))
        return 1


def _serve(writer: Writer, url: str, name: str) -> int:
    hello = writer.open(url, name)
    with contextlib.suppress(OSError):  # a gateway that is gone already is noticed below
        writer.send(encode_frame(hello))
    gc.freeze()
    with contextlib.suppress(GoneError):
        writer.serve()
    with contextlib.suppress(psycopg.Error, FencedError, StoredError):
        writer.applier.recovery.stopped(_now_ms())
    writer.db.close()
    return 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Writer:
    """The gateway at one end, the server at the other."""

    def __init__(self, channel: socket.socket) -> None:
        self.applier: Applier
        self.db: PostgresDatabase
        self._channel = channel
        channel.setblocking(True)
        self._buffer = bytearray()
        self._room = memoryview(bytearray(READ_SIZE))  # one for good: new ones leave the heap in pieces
        self._url = ""
        self._dirty = False  # the Applier holds what was undone
        self._heard: dict[str, None] = {}
        self._to_say: dict[str, None] = {}
        self._hints_at = 0.0

    # -- the gateway -------------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        self._channel.sendall(octets)

    def _tell(self, what: str, value: object) -> None:
        try:
            self.send(encode_frame((what, value)))
        except OSError:
            raise GoneError from None

    def _read(self) -> None:
        try:
            count = self._channel.recv_into(self._room)
        except ConnectionResetError:  # it was killed, with an answer unread for example
            count = 0
        if not count:
            raise GoneError
        self._buffer += self._room[:count]

    def _wait(self, seconds: float) -> None:
        """Waits, and reads meanwhile what the gateway sends, which is not much without answers."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._channel], [], [], left)[0]:
                self._read()

    def first_frame(self) -> Row:
        while True:
            self._read()
            if frames := list(take_frames(self._buffer)):
                return frames[0]  # the gateway says nothing more before it is answered

    # -- the server --------------------------------------------------------------------------------------

    def open(self, url: str, name: str) -> Row:
        """The open store, and what the gateway is told of it."""
        self._url = url
        return open_first(url, partial(self._open, name), self._wait, partial(self._tell, "lost"))

    def _open(self, name: str) -> Row:
        connection = open_writer(self._url)
        try:
            self.db = PostgresDatabase(listening(connection, self._hear))
            self.applier = Applier(self.db, _now_ms(), name)
            in_doubt = self.applier.recovery.recover(_now_ms())
            hello = hello_of(self.applier, in_doubt, self.applier.takeover.open_messages, _now_ms())
            self.applier.cluster.opened()
        except BaseException:
            connection.close()
            raise
        return hello

    def _reconnect(self, error: psycopg.Error) -> None:
        """Tells the gateway why there is none, and returns with a connection that works."""
        told = text_of(error)
        self._tell("lost", told)
        self.db.close()
        for pause_s in pauses(LONGEST_AGAIN_S):
            self._wait(pause_s)
            try:
                self.db.use(listening(open_writer(self._url), self._hear))
                self.applier.cluster.restore()
                break
            except (StoreError, psycopg.Error) as later:
                self.db.close()
                if text_of(later) != told:
                    told = text_of(later)
                    self._tell("lost", told)
        self._tell("back", "")

    # -- batches -----------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Until the gateway is gone."""
        while True:
            for values in take_frames(self._buffer):
                answer = self.answer(Batch(*values))
                try:
                    self.send(encode(answer))
                except OSError:
                    raise GoneError from None  # what was committed stays committed
                if answer.fatal:
                    os._exit(1)
            self._exchange_hints()
            self._listen()

    def _listen(self) -> None:
        """Waits for a batch, or for words of other nodes."""
        timeout = max(0.0, self._hints_at - time.monotonic()) if self._heard or self._to_say else None
        ends: list[Any] = [self._channel, self.db.connection]
        ready, _, _ = select.select(ends, [], [], timeout)
        if self.db.connection in ready:
            try:
                listen(self.db.connection)
            except psycopg.Error as error:
                self._dirty = True
                self._reconnect(error)
        if self._channel in ready:
            self._read()

    def _hear(self, words: Iterable[str]) -> None:
        self._heard.update(dict.fromkeys(words))

    def _exchange_hints(self) -> None:
        hear_rest(self.db.connection)
        cluster = self.applier.cluster
        self._to_say.update(dict.fromkeys(cluster.words))
        cluster.words = []
        now = time.monotonic()
        if now < self._hints_at or not (self._heard or self._to_say):
            return
        self._hints_at = now + HINT_S
        if self._heard:
            self._tell("hint", list(self._heard))
            self._heard.clear()
        if self._to_say:
            with contextlib.suppress(psycopg.Error):  # the next batch finds out what is wrong
                say(self.db.connection, self._to_say)
            self._to_say.clear()

    def answer(self, batch: Batch) -> Answer:
        """Applies the batch, as often as it takes."""
        uncertain: Answer | None = None  # what is to be said if a commit that was not answered came through
        for attempt in itertools.count():
            try:
                if uncertain is not None and self.applier.cluster.was_committed():
                    return self.applier.committed(uncertain)
                if self._dirty:
                    self.applier.read_again()
                    self._dirty = False
                return self.applier.apply(batch)
            except FencedError:
                return Answer(error=FENCED, fatal=True)
            except StoredError:
                self._give_up()
                if uncertain is None:
                    return Answer(error=UNKNOWN, fatal=True)
                return self.applier.committed(uncertain)
            except psycopg.Error as error:
                uncertain = self.applier.uncertain or uncertain
                if not self._undone(error):
                    continue
                if error.sqlstate not in _MET or attempt >= AGAIN_MAX:
                    return _failure(error)
            except UnicodeEncodeError as error:  # half of a surrogate pair, which no sender may get this far
                self._give_up()
                return Answer(error=f"a text that is none: {error}")
            except (OverflowError, struct.error) as error:  # nor a number of more than 64 bits
                self._give_up()
                return Answer(error=f"a number that is too large: {error}")
        raise AssertionError("attempts never end")

    def _undone(self, error: psycopg.Error) -> bool:
        """Whether nothing of the batch is stored; else there is a new connection, and a row to ask."""
        self._dirty = True
        try:
            if not is_lost(self.db.connection, error):
                if self.db.in_transaction:
                    self.db.rollback()
                return True
        except psycopg.Error as later:
            error = later
        self._reconnect(error)
        return False

    def _give_up(self) -> None:
        self._dirty = True
        try:
            self.db.rollback()
        except psycopg.Error as error:
            self._reconnect(error)


def _failure(error: psycopg.Error) -> Answer:
    """What an error means that the server has answered with: the batch is undone.

    It is fatal where another batch would fail as well, or where it is our own mistake.
    """
    state = error.sqlstate or ""
    is_refused = state.startswith(_REFUSED) or isinstance(error, psycopg.DataError) or state in _MET
    return Answer(error=reason_of(error), fatal=not is_refused)


if __name__ == "__main__":
    sys.exit(main())
