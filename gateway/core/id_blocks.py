"""Numbers that nobody else gives, where several nodes share the store: taken in blocks, ahead of time.

On a store of one node's own there are none: whoever gives numbers counts on by himself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gateway.core.batch import Journal, Row

BLOCK = 1000
"""The first block of a name; each time one is half used up another one is asked for, twice as large if that
took less than SOON_S."""
BLOCK_MAX = 64_000
SOON_S = 5.0


class Numbers:
    """The numbers of one name that are this node's."""

    def __init__(self) -> None:
        self.blocks: deque[range] = deque()
        self.left = 0
        self.block = BLOCK
        self.asked = False
        self.asked_at = 0.0

    def add(self, first: int, many: int) -> None:
        """A block that the store has given."""
        self.blocks.append(range(first, first + many))
        self.left += many
        self.asked = False

    def take(self) -> int | None:
        """The next one."""
        if not self.left:
            return None
        self.left -= 1
        block = self.blocks[0]
        if len(block) == 1:
            self.blocks.popleft()
        else:
            self.blocks[0] = block[1:]
        return block[0]


class IdBlocks:
    """The numbers of all names."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._numbers: dict[str, Numbers] = {}

    def ask(self, names: Iterable[str]) -> None:
        """Asks for the first blocks, with the gathering batch."""
        for name in names:
            self._ask(name, self._numbers.setdefault(name, Numbers()))

    def next(self, name: str, now: float) -> int | None:
        """A number that nobody has had; None: there is none yet, try again in a moment."""
        numbers = self._numbers.setdefault(name, Numbers())
        number = numbers.take()
        if numbers.left < numbers.block // 2 and not numbers.asked:
            if numbers.asked_at and now - numbers.asked_at < SOON_S:
                numbers.block = min(2 * numbers.block, BLOCK_MAX)
            numbers.asked_at = now
            self._ask(name, numbers)
        return number

    def _ask(self, name: str, numbers: Numbers) -> None:
        if not numbers.asked:
            numbers.asked = True
            self._journal.batch.id_blocks.append((name, numbers.block))
            self._journal.then(lambda ok: None if ok else self._again(numbers))

    @staticmethod
    def _again(numbers: Numbers) -> None:
        """Nothing could be stored; whoever wants a number asks anew."""
        numbers.asked = False

    def given(self, rows: Iterable[Row]) -> None:
        """What the store has given: Answer.id_blocks; some of it somebody else has asked for."""
        for name, first, many in rows:
            if name in self._numbers:
                self._numbers[name].add(first, many)
