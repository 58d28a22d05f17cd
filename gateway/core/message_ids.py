"""Our message ids: 63 bits, growing with time, never given twice.

Layout: 41 bits of milliseconds since 2020 (enough until 2089), 6 bits of node, 16 bits that count within the
millisecond.  A clock that goes back does not matter: the next id is always above the last one.
"""

from __future__ import annotations

from uuid import UUID

EPOCH_MS = 1_577_836_800_000  # 2020-01-01 UTC
_STEP = 1 << 22  # one millisecond
_NODE_BITS = 16


def lowest_id_at(moment_ms: int) -> int:
    """The smallest id that could have been given at this time (milliseconds since 1970)."""
    return max(0, moment_ms - EPOCH_MS) * _STEP


def moment_of_id(message_id: int) -> int:
    """When an id was given, in milliseconds since 1970, or a little before."""
    return message_id // _STEP + EPOCH_MS


class MessageIds:
    """Gives ids; `newest` is the highest one that the store knows."""

    def __init__(self, newest: int = 0, node: int = 0) -> None:
        self._last = newest
        self._node = node << _NODE_BITS

    def next(self, now_ms: int) -> int:
        lowest = ((now_ms - EPOCH_MS) * _STEP) | self._node
        last = self._last + 1
        if last < lowest:
            last = lowest
        elif (last ^ self._node) & (_STEP - 1) >> _NODE_BITS << _NODE_BITS:
            # The count of this millisecond ran over into the node's bits: borrow the next millisecond.
            last = (last // _STEP + 1) * _STEP | self._node
        self._last = last
        return last

    def together(self, count: int, now_ms: int) -> None:
        """Lets the next `count` ids of this moment follow each other without a gap (65,536 at the most)."""
        first = max(self._last + 1, (now_ms - EPOCH_MS) * _STEP | self._node)
        if (first & (1 << _NODE_BITS) - 1) + count > 1 << _NODE_BITS:
            self._last = ((first // _STEP + 1) * _STEP | self._node) - 1


def format_id(message_id: int, form: str) -> str:
    """The id as an account wants to see it: decimal, hex (16 digits) or uuid."""
    if form == "decimal":
        return str(message_id)
    if form == "hex":
        return f"{message_id:016x}"
    return str(UUID(int=message_id))


def parse_id(text: str) -> int:
    """An id in any of the three forms; ValueError when it is none of them.

    Sixteen hex digits are hex even when they are all decimal digits: our decimal ids have 18 or 19.
    """
    text = text.strip()
    message_id = UUID(text).int if "-" in text else int(text, 16 if len(text) == 16 else 10)
    if "_" in text or not text.isascii() or not 0 <= message_id < 1 << 63:
        raise ValueError(f"not a message_id: {text}")
    return message_id
