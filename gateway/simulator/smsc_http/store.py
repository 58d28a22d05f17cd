"""What the simulated service remembers of messages, and the count of what it accepted; all bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.simulator.smsc_http.model import IncomingMessage, SentMessage

DELETED = -3
"""The status of a message that was deleted."""
_KEEP_INCOMING = 10_000

K = TypeVar("K")


class Counts(Generic[K]):
    """How often each key came; the oldest keys are forgotten beyond a number of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[K, int] = {}
        self._repeated: dict[K, None] = {}
        self.forgotten = 0
        """Keys that were given up: a repetition of theirs is no longer seen."""

    def add(self, key: K) -> None:
        """The key came once more."""
        counts = self._counts
        before = counts.get(key, 0)
        counts[key] = before + 1
        if before:
            self._repeated[key] = None
        elif len(counts) > self._most:
            oldest = next(iter(counts))
            del counts[oldest]
            self._repeated.pop(oldest, None)
            self.forgotten += 1

    def __getitem__(self, key: K) -> int:
        return self._counts.get(key, 0)

    def __len__(self) -> int:
        return len(self._counts)

    def repeated(self) -> list[tuple[K, int]]:
        """The keys that came more than once, and how often."""
        return [(key, self._counts[key]) for key in self._repeated]


class Store:
    """The newest messages, sent and incoming, and the ledger of all that was accepted."""

    def __init__(self, keep: int, keep_counted: int) -> None:
        self.messages: deque[SentMessage] = deque()
        self.incoming: deque[IncomingMessage] = deque(maxlen=_KEEP_INCOMING)
        self.accepted = 0
        """Messages accepted since the start: one for each recipient."""
        self.by_id: Counts[tuple[str, str]] = Counts(keep_counted)
        """How often each (id, phone) was accepted."""
        self.by_text: Counts[str] = Counts(keep_counted)
        """How often each text was accepted."""
        self.on_added: Callable[[SentMessage], None] | None = None
        self._keep = keep
        self._latest: dict[tuple[str, str], SentMessage] = {}
        self._by_phone: dict[str, SentMessage] = {}

    def add(self, message: SentMessage) -> None:
        """Remember a message that was accepted (or registered, with an error)."""
        key = str(message.id), message.phone
        self.messages.append(message)
        self._latest[key] = message
        self._by_phone[message.phone] = message
        self.accepted += 1
        self.by_id.add(key)
        self.by_text.add(message.text)
        if self.on_added is not None:
            self.on_added(message)
        if len(self.messages) > self._keep:
            self._forget(self.messages.popleft())

    def find(self, id: str, phone: str) -> SentMessage | None:
        """The newest message with this id to this recipient."""
        return self._latest.get((id, phone))

    def last_to(self, phone: str) -> SentMessage | None:
        """The newest message to this recipient."""
        return self._by_phone.get(phone)

    def remove(self, message: SentMessage) -> None:
        """Forget a deleted message; the ledger keeps its count."""
        self.messages.remove(message)
        self._forget(message)
        message.status = DELETED

    def _forget(self, message: SentMessage) -> None:
        key = str(message.id), message.phone
        if self._latest.get(key) is message:
            del self._latest[key]
        if self._by_phone.get(message.phone) is message:
            del self._by_phone[message.phone]
