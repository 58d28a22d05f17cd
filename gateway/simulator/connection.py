"""The socket side of one session: feed the core, dispatch its events, write its bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from protocols.smpp.events import Closed, Event
from protocols.smpp.session import Session


class Centre(Protocol):
    """What a connection tells the SMSC behind it."""

    def opened(self, connection: Connection) -> None: ...
    def handle(self, connection: Connection, event: Event, now: float) -> None: ...
    def touch(self, connection: Connection) -> None: ...
    def lost(self, connection: Connection) -> None: ...
    def flush(self) -> None: ...


class Connection(asyncio.Protocol):
    """One accepted TCP connection."""

    transport: asyncio.Transport

    def __init__(self, centre: Centre, session: Session, clock: Callable[[], float]) -> None:
        self.session = session
        self.submits = 0
        self.alive = False
        self.dropped = False
        self._centre = centre
        self._clock = clock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.alive = True
        self._centre.opened(self)

    def data_received(self, data: bytes) -> None:
        now = self._clock()
        self.dispatch(self.session.receive_data(data, now), now)
        self._centre.flush()

    def dispatch(self, events: list[Event], now: float) -> None:
        """Hand events on until one of them ends the connection."""
        self._centre.touch(self)  # the session may have answered something by itself, without an event
        handle = self._centre.handle
        for event in events:
            handle(self, event, now)
            if type(event) is Closed:
                return

    def write(self) -> None:
        """Write all that the session has queued, at once."""
        data = self.session.data_to_send()
        if data and self.alive and not self.dropped:
            self.transport.write(data)

    def write_raw(self, frame: bytes) -> None:
        """Write what is queued, then octets that the session knows nothing of."""
        self.write()
        if self.alive and not self.dropped:
            self.transport.write(frame)

    def drop(self) -> None:
        """Send what is answered already and end our direction; the peer's is read but no more answered.

        Closing at once would make the kernel send a reset when input is unread, and the peer would lose
        the answers before the fault as well.
        """
        self.write()
        self.dropped = True
        self.transport.write_eof()

    def close(self) -> None:
        """Write what is queued, then close."""
        self.write()
        self.transport.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        self._centre.lost(self)
        self._centre.flush()

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()
