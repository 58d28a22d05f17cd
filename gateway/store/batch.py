"""What crosses between the gateway and the process that writes: one batch, and its answer.

A batch is one transaction.  Its lists hold plain tuples, because they are marshalled by the thousand; what
the tuples hold is said at each list.  The order of the lists is the order in which they are applied, which
matters: a receipt that came in the same batch as its response finds the response's id.

`marshal` is used and not a safer format because both ends are one program, of one version, joined by a
socket pair that no one else can reach, and because it is several times faster than anything else.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

Row = tuple[Any, ...]

_LENGTH = struct.Struct("!I")


@dataclass(slots=True)
class Batch:
    """Rows to become durable together, and questions about what follows from them."""

    accepted: list[Row] = field(default_factory=list)
    """Message's fields, and its Progress."""
    intents: list[Row] = field(default_factory=list)
    """message_id, segment, connector, intent_ms: of the accepted messages that go up at once."""
    submitted: list[Row] = field(default_factory=list)
    """submitted_ms, upstream_id, upstream_key, message_id, segment, connector."""
    late: list[Row] = field(default_factory=list)
    """The same, of responses that came after we gave up waiting."""
    handed_over: list[Row] = field(default_factory=list)
    """message_id, now_ms: no receipt is expected."""
    postponed: list[Row] = field(default_factory=list)
    """message_id, segment, connector, due_ms, 1 if the SMSC answered (else 0), now_ms, reason."""
    failed: list[Row] = field(default_factory=list)
    """message_id, state, error, done_ms: refused for good."""
    doubts: list[Row] = field(default_factory=list)
    """message_id, segment, now_ms, evidence."""
    receipts: list[Row] = field(default_factory=list)
    """connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms."""
    incoming: list[Row] = field(default_factory=list)
    """Delivery's fields without the id."""
    delivered: list[Row] = field(default_factory=list)
    """delivery_id."""
    refused: list[Row] = field(default_factory=list)
    """delivery_id, reason, now_ms: the account does not want it."""
    moves: list[Row] = field(default_factory=list)
    """connector, other connector: failover of what waits."""
    decisions: list[Row] = field(default_factory=list)
    """message_id, "resend" or "drop", now_ms: a person's word on a message that waits."""
    claims: list[Row] = field(default_factory=list)
    """connector, segments at the most, now_ms."""
    fetches: list[Row] = field(default_factory=list)
    """account, after this delivery_id, rows at the most."""
    sweeps: list[Row] = field(default_factory=list)
    """A Sweep's fields: look for what has expired or is too old."""

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in BATCH_FIELDS)


@dataclass(slots=True)
class Answer:
    """What the store says of a batch."""

    error: str = ""
    """Empty: committed.  Else nothing of the batch was applied, as far as is known."""
    fatal: bool = False
    """The store cannot go on: the gateway has to end."""
    results: list[Row] = field(default_factory=list)
    """For each receipt, in order: how it matched (None, 1, 2, 3: which key), message_id, replay."""
    unparked: list[Row] = field(default_factory=list)
    """message_id, state: receipts that had come before their response."""
    ended: list[Row] = field(default_factory=list)
    """account, how many of its messages ended."""
    expired: list[int] = field(default_factory=list)
    """message_ids that ended because their time was over."""
    queued: list[Row] = field(default_factory=list)
    """connector, due_ms of something that was put back into its queue."""
    deliveries: list[Row] = field(default_factory=list)
    """New rows for the accounts: Delivery's fields."""
    claimed: list[Row] = field(default_factory=list)
    """connector, [(Message's fields, segments to send)], due_ms of what comes next or None."""
    fetched: list[Row] = field(default_factory=list)
    """account, [Delivery's fields], whether there may be more."""
    decided: list[bool] = field(default_factory=list)
    """For each decision: whether such a message waited."""


@dataclass(slots=True, frozen=True)
class Sweep:
    """Bounds for the sweep over old rows; times in milliseconds since 1970."""

    now_ms: int
    receipt_before_ms: int  # messages whose validity ended before this get no receipt any more
    oldest_id: int  # and whose message_id is below this
    delivery_before_ms: int
    deliveries_max: int
    history_before_id: int
    history_before_ms: int
    parked_before_ms: int


BATCH_FIELDS = tuple(f.name for f in fields(Batch))
ANSWER_FIELDS = tuple(f.name for f in fields(Answer))


def encode(value: Batch | Answer | Row) -> bytes:
    """A frame: the length and the marshalled rows."""
    names = BATCH_FIELDS if isinstance(value, Batch) else ANSWER_FIELDS if isinstance(value, Answer) else None
    rows = tuple(getattr(value, name) for name in names) if names else value
    body = marshal.dumps(rows)
    return _LENGTH.pack(len(body)) + body


def decode_batch(body: bytes) -> Batch:
    return Batch(*marshal.loads(body))


def decode_answer(body: bytes) -> Answer:
    return Answer(*marshal.loads(body))


def take_frames(buffer: bytearray) -> Iterator[bytes]:
    """The bodies of the whole frames at the buffer's start, which are removed from it."""
    offset = 0
    while len(buffer) - offset >= 4:
        (length,) = _LENGTH.unpack_from(buffer, offset)
        end = offset + 4 + length
        if len(buffer) < end:
            break
        yield bytes(memoryview(buffer)[offset + 4 : end])
        offset = end
    del buffer[:offset]
