"""Who listens to an account's events, and what has just happened to it.

Theory of operation.  A channel of an account exists while somebody listens, and LINGER_S after the last one
has left; without one nothing is kept, and an event costs one look into a dictionary.  A channel keeps its
last RING events, so that whoever comes again with the number of the last event he saw gets what he missed;
when that is not there any more, or is of an earlier run, he is told that there is a gap.  Numbers grow over
restarts too, because the first one of a run is made of the time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

RING = 2000
"""Events of an account that are kept for those who come again: some 600 KB."""
WAITING = 10_000
"""Events that wait for one listener; with one more he is left behind, and dropped. A commit may bring
thousands at once."""
AT_ONCE = 100
"""So many of them are given out together."""
STREAMS = 20
"""Listeners of one account."""
LINGER_S = 600.0
HEARTBEAT_S = 15.0
STUCK_S = 60.0
"""Who does not take what waits for so long is dropped."""
_NUMBERS_OF_A_MS = 1000


class Event(NamedTuple):
    """Something that happened to an account."""

    number: int
    """Grows; of all accounts together, so one account's have holes. 0: a heartbeat."""
    name: str
    message_id: int
    """0: of none."""
    data: bytes
    """In JSON, one line."""


HEARTBEAT = Event(0, "", 0, b"")


class TooManyStreams(Exception):
    """The account has STREAMS listeners."""


class Stream:
    """One listener; an asynchronous iterator of what has come meanwhile, which ends when he is dropped."""

    def __init__(self, channel: Channel, message_id: int, now: float) -> None:
        self._channel = channel
        self._message_id = message_id
        self._waiting: deque[Event] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._taken_at = now
        self._quiet_since = now
        self.is_closed = False

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> list[Event]:
        waiting = self._waiting
        while not waiting:
            if self.is_closed:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        self._taken_at = self._channel.now
        return [waiting.popleft() for _ in range(min(AT_ONCE, len(waiting)))]

    def put(self, event: Event) -> None:
        """For him, unless he listens to one message, and it is about something else."""
        is_other = self._message_id and event.number and event.message_id != self._message_id
        if self.is_closed or is_other:
            return
        if len(self._waiting) >= WAITING:
            self._waiting.clear()
            self.close()
            return
        if not self._waiting:
            self._taken_at = self._channel.now
        self._waiting.append(event)
        self._quiet_since = self._channel.now
        self._rouse()

    def tick(self, now: float) -> None:
        """A heartbeat when nothing was said for a while; the end for who takes nothing."""
        if self._waiting:
            if now - self._taken_at >= STUCK_S:
                self._waiting.clear()
                self.close()
        elif now - self._quiet_since >= HEARTBEAT_S:
            self._quiet_since = now
            self.put(HEARTBEAT)

    def close(self) -> None:
        """What waits is still given out."""
        if not self.is_closed:
            self.is_closed = True
            self._channel.leave(self)
            self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
        self._wake = None


class Channel:
    """The events of one account."""

    def __init__(self, first: int, now: float) -> None:
        self.now = now
        self._gone = first
        """Up to this number nothing is kept."""
        self._ring: deque[Event] = deque()
        self._streams: list[Stream] = []
        self._empty_since = now

    def open(self, message_id: int) -> Stream:
        """Another listener, of one message or (0) of all."""
        if len(self._streams) >= STREAMS:
            raise TooManyStreams
        stream = Stream(self, message_id, self.now)
        self._streams.append(stream)
        return stream

    def leave(self, stream: Stream) -> None:
        """A listener has gone."""
        self._streams.remove(stream)
        self._empty_since = self.now

    def publish(self, event: Event) -> None:
        """Keeps an event and hands it to all."""
        self._ring.append(event)
        if len(self._ring) > RING:
            self._gone = self._ring.popleft().number
        for stream in tuple(self._streams):
            stream.put(event)

    def since(self, number: int) -> list[Event] | None:
        """What came after this number; None: that is not known any more."""
        if number < self._gone:
            return None
        return [event for event in self._ring if event.number > number]

    def tick(self, now: float) -> bool:
        """Whether the channel is still of use."""
        self.now = now
        for stream in tuple(self._streams):
            stream.tick(now)
        return bool(self._streams) or now - self._empty_since < LINGER_S

    def close(self) -> None:
        """All listeners go."""
        for stream in tuple(self._streams):
            stream.close()


class Hub:
    """The channels of all accounts."""

    def __init__(self, now_ms: int) -> None:
        self._number = now_ms * _NUMBERS_OF_A_MS
        self._channels: dict[str, Channel] = {}

    def __bool__(self) -> bool:
        """Whether anybody listens at all, or has a moment ago."""
        return bool(self._channels)

    def wants(self, account: str) -> bool:
        """Whether the account's events are of use to anybody."""
        return account in self._channels

    @property
    def newest(self) -> int:
        """The number of the last event."""
        return self._number

    def open(self, account: str, now: float, message_id: int = 0) -> Stream:
        """A listener of an account's events, or of those of one of its messages; raises TooManyStreams."""
        channel = self._channels.get(account)
        if channel is None:
            channel = self._channels[account] = Channel(self._number, now)
        return channel.open(message_id)

    def since(self, account: str, number: int) -> list[Event] | None:
        """What the account's listeners got after this number; None: it is none of ours, or too old."""
        channel = self._channels.get(account)
        return None if channel is None or number > self._number else channel.since(number)

    def publish(self, account: str, name: str, message_id: int, data: bytes) -> None:
        """Something has happened; only where `wants` says so."""
        channel = self._channels.get(account)
        if channel is not None:
            self._number += 1
            channel.publish(Event(self._number, name, message_id, data))

    def tick(self, now: float) -> None:
        """Heartbeats, and the end of what nobody listens to any more; about once a second."""
        for account, channel in tuple(self._channels.items()):
            if not channel.tick(now):
                del self._channels[account]

    def drop(self, account: str) -> None:
        """The account may not listen any more: its listeners go, and what is kept of it."""
        channel = self._channels.pop(account, None)
        if channel is not None:
            channel.close()

    def close(self) -> None:
        """The gateway stops."""
        for account in tuple(self._channels):
            self.drop(account)

    def accounts(self) -> tuple[str, ...]:
        """Those with a channel."""
        return tuple(self._channels)
