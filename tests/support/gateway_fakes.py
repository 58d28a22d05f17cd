"""Stand-ins for what surrounds the core, and values with defaults, for the tests of `gateway`.

The fakes hold no logic of the gateway: a journal commits when the test says so, a clock moves when the
test says so, a link and a receiver only remember what they were given.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from typing import Any

from gateway.config.model import Account as AccountConfig
from gateway.config.secret import Secret
from gateway.core.accounts import Account
from gateway.core.batch import BATCH_FIELDS, Answer, Batch
from gateway.core.events import Events
from gateway.core.message_ids import EPOCH_MS
from gateway.core.model import Delivery, Draft, Message

NOW = 1_000.0
NOW_MS = 1_750_000_000_000
DAY_MS = 24 * 3_600_000
ID_STEP = 1 << 22
"""Ids of one millisecond; see gateway.core.message_ids."""


def id_at(moment_ms: int, count: int = 0) -> int:
    """A message_id as it is given at this time."""
    return (moment_ms - EPOCH_MS) * ID_STEP + count


class ManualClock:
    """Both clocks; they move together and only by `advance`."""

    def __init__(self) -> None:
        self._now, self._now_ms = NOW, NOW_MS

    def now(self) -> float:
        return self._now

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._now_ms += round(seconds * 1000)


class FakeJournal:
    """A journal whose commits are made by the test, one batch at a time, in order."""

    def __init__(self, on_answer: Callable[[Batch, Answer], object] | None = None) -> None:
        self.batch = Batch()
        self.error = ""
        self.answer = Answer()
        self.woken = 0
        self.on_answer = on_answer
        self._callbacks: list[Callable[[bool], object]] = []

    def then(self, callback: Callable[[bool], object]) -> None:
        self._callbacks.append(callback)

    def wake(self) -> None:
        self.woken += 1

    @property
    def is_due(self) -> bool:
        """Whether anything waits for a commit."""
        return bool(self._callbacks or len(self.batch))

    def take(self) -> tuple[Batch, Callable[[bool, Answer | None], None]]:
        """The gathering batch, as if it were under way, and what ends it."""
        batch, self.batch = self.batch, Batch()
        callbacks, self._callbacks = self._callbacks, []
        # What cannot cross to the store's process (an enum, for one) has to fail here and not there.
        marshal.dumps([getattr(batch, name) for name in BATCH_FIELDS])

        def end(ok: bool, answer: Answer | None = None) -> None:
            self.answer = answer or Answer()
            if ok and self.on_answer is not None:
                self.on_answer(batch, self.answer)
            for callback in callbacks:
                callback(ok)

        return batch, end

    def commit(self, ok: bool = True, answer: Answer | None = None) -> Batch:
        """Ends the gathering batch and returns it."""
        batch, end = self.take()
        end(ok, answer)
        return batch


class FakeLink:
    """A link with room for so many segments; remembers (message_id, segment)."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.stuck = False
        self.sent: list[tuple[int, int]] = []

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        assert len(segments) <= self.room, "more than the link has room for"
        self.room -= len(segments)
        self.sent.extend((message.message_id, segment) for segment in segments)


class FakeReceiver:
    """A receiving session with room for so many deliveries."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.got: list[Delivery] = []
        self.alerts: list[object] = []

    def alert(self, notification: object) -> None:
        self.alerts.append(notification)

    def deliver(self, delivery: Delivery) -> None:
        assert self.room > 0, "more than the session has room for"
        self.room -= 1
        self.got.append(delivery)

    @property
    def ids(self) -> list[int]:
        return [delivery.delivery_id for delivery in self.got]


def recorded_events(form: str = "text", level: str = "info") -> tuple[Events, list[str]]:
    """Events, and the list that gets what they write."""
    written: list[str] = []
    return Events(form, level, written.append, ManualClock()), written


def quiet_events() -> Events:
    return recorded_events(level="error")[0]


def account_config(**fields: Any) -> AccountConfig:
    return AccountConfig(**{"system_id": "app", "password_hash": Secret("hash-of-the-password"), **fields})


def account(open_messages: int = 0, **fields: Any) -> Account:
    return Account(account_config(**fields), NOW, open_messages)


def draft(**fields: Any) -> Draft:
    """A plain text to a mobile number, with a receipt asked for."""
    values: dict[str, Any] = {
        "service_type": "",
        "source_ton": 5,
        "source_npi": 0,
        "source": "Example",
        "destination_ton": 1,
        "destination_npi": 1,
        "destination": "79161234567",
        "esm_class": 0,
        "protocol_id": 0,
        "priority": 0,
        "registered_delivery": 1,
        "data_coding": 0,
        "user_data": b"hello",
        "tlvs": b"",
        "segments": 1,
        "due_ms": 0,
        "expires_ms": 0,
        "validity_period": "",
    }
    return Draft(**{**values, **fields})


def message(message_id: int = 1, **fields: Any) -> Message:
    values: dict[str, Any] = {
        **{name: value for name, value in draft()._asdict().items() if name in Message._fields},
        "message_id": message_id,
        "account": "app",
        "accepted_ms": NOW_MS,
        "connector": "one",
        "alternatives": "one",
        "on_ambiguous": 0,
        "expires_ms": NOW_MS + 2 * DAY_MS,
        "retries": 0,
    }
    return Message(**{**values, **fields})


def delivery(delivery_id: int = 1, **fields: Any) -> Delivery:
    """A receipt: what was sent to 79161234567 was delivered."""
    values: dict[str, Any] = {
        "delivery_id": delivery_id,
        "account": "app",
        "message_id": 1000 + delivery_id,
        "created_ms": NOW_MS,
        "source_ton": 1,
        "source_npi": 1,
        "source": "79161234567",
        "destination_ton": 5,
        "destination_npi": 0,
        "destination": "Example",
        "esm_class": 4,
        "protocol_id": 0,
        "data_coding": 0,
        "user_data": b"hello",
        "tlvs": b"",
        "state": 2,
        "error": "000",
        "accepted_ms": NOW_MS,
        "done_ms": NOW_MS + 5000,
        "segments": 1,
    }
    return Delivery(**{**values, **fields})
