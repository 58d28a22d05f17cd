"""The store's writing process without a gateway: batches like a gateway's, and what it promises is kept.

A kill costs a start, and this process starts in a third of a second: most points of K2 are tried here.
"""

from __future__ import annotations

import itertools
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from part import PartError
from stored import Stored

from gateway.core.batch import Answer, Batch, Row, Sweep
from gateway.core.frames import take_frames
from gateway.core.model import Message, Progress
from gateway.store.frames import encode
from gateway.store.history_steps import SCRUB_MS
from gateway.store.sqlite_open import FILE_NAME
from protocols.sms.receipts import FORMS, convert, response_key

START_S = 60.0
UNDER_WAY = 2
"""Batches that a gateway sends without an answer."""
LARGE_EVERY = 6
LARGE_MESSAGES = 150
LARGE_OCTETS = 2_500
SWEEP_EVERY = 8
DAY_MS = 86_400_000


class Ledger:
    """What was promised: the answers that came."""

    def __init__(self) -> None:
        self.accepted: set[int] = set()
        self.newest_id = 0
        """Of all messages that were sent to the store, answered or not."""
        self.ended: set[int] = set()
        """Messages whose receipt was taken: its SMSC does not bring it again."""
        self.brought: set[int] = set()
        """Of these, those that may have left the store: the account was said to have its receipt."""

    def missing(self, found: Stored) -> int:
        """Promises of which nothing is to be seen."""
        lost = self.accepted - found.known
        not_ended = self.ended - found.past
        not_to_bring = self.ended - found.deliveries - self.brought
        return len(lost) + len(not_ended) + len(not_to_bring)


class Load:
    """The batches of a gateway through which messages go up, and receipts come down."""

    def __init__(
        self, ledger: Ledger, chance: random.Random, *, sweeps: bool = False, large_every: int = LARGE_EVERY
    ) -> None:
        self._ledger = ledger
        self._chance = chance
        self._sweeps = sweeps
        self._large_every = large_every
        self._now_ms = time.time_ns() // 1_000_000
        self._ids = itertools.count(ledger.newest_id + 1)
        self._up: list[int] = []
        self._awaited: list[int] = []
        self._deliveries: list[tuple[int, int]] = []

    def batches(self) -> Iterator[Batch]:
        """One after the other, without end."""
        for turn in itertools.count(1):
            is_large = turn % self._large_every == 0
            ids = list(
                itertools.islice(self._ids, LARGE_MESSAGES if is_large else self._chance.randint(1, 12))
            )
            self._ledger.newest_id = ids[-1]
            text = self._chance.randbytes(LARGE_OCTETS if is_large else 100)
            batch = Batch(
                accepted=[(*_message(n, text, self._now_ms), Progress.SENT.value) for n in ids],
                intents=[(n, 1, "one", self._now_ms) for n in ids],
                submitted=[(self._now_ms, str(n), response_key(str(n)), n, 1, "one") for n in self._up],
                receipts=[_receipt(n, self._now_ms) for n in self._awaited],
                delivered=[(delivery_id,) for delivery_id, _ in self._deliveries],
            )
            if self._sweeps and turn % SWEEP_EVERY == 0:
                self._now_ms += SCRUB_MS
                batch.sweeps.append(_sweep(self._now_ms))
            self._ledger.brought.update(message_id for _, message_id in self._deliveries)
            self._up, self._awaited, self._deliveries = [], [], []
            yield batch

    def answered(self, batch: Batch, answer: Answer) -> None:
        """A batch is durable, or so it says."""
        self._ledger.accepted.update(row[0] for row in batch.accepted)
        self._ledger.ended.update(int(row[1]) for row in batch.receipts)
        self._up += (row[0] for row in batch.accepted)
        self._awaited += (row[3] for row in batch.submitted)
        self._deliveries += ((row[0], row[2]) for row in answer.deliveries)


def _message(message_id: int, text: bytes, now_ms: int) -> Message:
    return Message(
        message_id=message_id,
        account="app",
        accepted_ms=now_ms,
        service_type="",
        source_ton=5,
        source_npi=0,
        source="Example",
        destination_ton=1,
        destination_npi=1,
        destination=str(79_000_000_000 + message_id),
        esm_class=0,
        protocol_id=0,
        priority=0,
        registered_delivery=1,
        data_coding=0,
        user_data=text,
        tlvs=b"",
        segments=1,
        connector="one",
        alternatives="one",
        on_ambiguous=0,
        due_ms=0,
        expires_ms=now_ms + 30 * DAY_MS,
        validity_period="",
        retries=0,
    )


def _receipt(message_id: int, now_ms: int) -> Row:
    upstream_id = str(message_id)
    keys = [convert(form, upstream_id) for form in FORMS] + [None, None]
    peer = str(79_000_000_000 + message_id)
    return ("one", upstream_id, keys[0], keys[1], keys[2], peer, 2, 1, "000", now_ms, "")


def _sweep(now_ms: int) -> Row:
    """Nothing is too old, but the log is emptied of what was deleted."""
    bounds = dict.fromkeys(Sweep.__slots__, 0) | {
        "now_ms": now_ms,
        "deliveries_max": 1 << 30,
        "with_counts": False,
    }
    return tuple(bounds.values())


class Alone:
    """A writing process.  `before` is what starts it, as `("strace", …)`."""

    def __init__(self, state_dir: Path, before: Sequence[str] = ()) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(START_S)
        self._buffer = bytearray()
        self._frames: list[Row] = []
        writer = [sys.executable, "-P", "-m", "gateway.store.sqlite_writer", str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                [*before, *writer, str(state_dir / FILE_NAME)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )

    def ready(self) -> bool:
        """Whether it has opened the store; else it has ended.  PartError: it has refused to."""
        hello = self._receive()
        if hello is None:
            return False
        if hello[0]:
            raise PartError(f"the store does not open: {hello[0]}")
        return True

    def _receive(self) -> Row | None:
        while not self._frames:
            try:
                octets = self._ours.recv(1 << 20)
            except ConnectionResetError:
                return None
            if not octets:
                return None
            self._buffer += octets
            self._frames += take_frames(self._buffer)
        return self._frames.pop(0)

    def feed(self, load: Load, most: int) -> int:
        """Sends so many batches, or until it ends; how many were answered."""
        under_way: list[Batch] = []
        answers = 0
        for batch in itertools.islice(load.batches(), most):
            under_way.append(batch)
            try:
                self._ours.sendall(encode(batch))
            except OSError:
                return answers
            if len(under_way) < UNDER_WAY:
                continue
            values = self._receive()
            if values is None:
                return answers
            answer = Answer(*values)
            if answer.error:
                raise PartError(f"a batch is refused: {answer.error}")
            load.answered(under_way.pop(0), answer)
            answers += 1
        return answers

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> int:
        """Waits for its end, which a process that lives on comes to in good order; its exit code."""
        self._ours.close()
        assert self.process.stderr is not None
        with self.process.stderr:
            self.process.stderr.read()
        return self.process.wait()
