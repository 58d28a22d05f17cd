"""How values cross between the gateway and its own processes, that of the store and that which reads mails.

A frame is a length of 4 octets and a marshalled tuple.  `marshal` is used and not a safer format because both
ends are one program, of one version, joined by a socket pair that no one else can reach, and because it is
several times faster than anything else.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct("!I")


def encode_frame(values: tuple[Any, ...]) -> bytes:
    """The frame of one tuple."""
    body = marshal.dumps(values)
    return _LENGTH.pack(len(body)) + body


def take_frames(buffer: bytearray) -> Iterator[tuple[Any, ...]]:
    """The tuples of the whole frames at the buffer's start, which are removed from it."""
    offset = 0
    while len(buffer) - offset >= 4:
        (length,) = _LENGTH.unpack_from(buffer, offset)
        end = offset + 4 + length
        if len(buffer) < end:
            break
        yield marshal.loads(bytes(memoryview(buffer)[offset + 4 : end]))  # noqa: S302 - see above
        offset = end
    del buffer[:offset]
