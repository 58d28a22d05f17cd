"""How batches and answers cross between the gateway and the process that writes.

`marshal` is used and not a safer format because both ends are one program, of one version, joined by a
socket pair that no one else can reach, and because it is several times faster than anything else.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from gateway.core.batch import BATCH_FIELDS, Answer, Batch, Row

_LENGTH = struct.Struct("!I")
ANSWER_FIELDS = tuple(f.name for f in fields(Answer))


def encode(value: Batch | Answer | Row) -> bytes:
    """A frame: the length and the marshalled rows."""
    rows: Row
    if isinstance(value, tuple):
        rows = value
    else:
        names = BATCH_FIELDS if isinstance(value, Batch) else ANSWER_FIELDS
        rows = tuple(getattr(value, name) for name in names)
    body = marshal.dumps(rows)
    return _LENGTH.pack(len(body)) + body


def decode_row(body: bytes) -> tuple[Any, ...]:
    return tuple(marshal.loads(body))


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
