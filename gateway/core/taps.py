"""Who listens in on SMPP sessions: nobody, until a person asks for a trace.

A session has a `tap` that is None as long as nobody listens; what listens is given in from outside, so that
neither end of SMPP knows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

End = tuple[str, int]
"""An IP address and a port; an empty address: it has none, as a Unix socket."""


class Tap(Protocol):
    """Gets what goes over one session."""

    def received(self, data: bytes) -> None:
        """A chunk as it came, before anything has looked at it."""
        ...

    def sent(self, data: bytes) -> None:
        """Whole PDUs, as they go out."""
        ...


class Tapped(Protocol):
    """An SMPP session that can be listened to."""

    tap: Tap | None

    @property
    def side(self) -> str:
        """Who is at the other end: "client" or "smsc"."""
        ...

    @property
    def traced_as(self) -> str:
        """The account that is bound (empty: none yet), or the connector."""
        ...

    @property
    def ends(self) -> tuple[End, End]:
        """Our end, and the other one."""
        ...

    @property
    def half_read(self) -> bytes:
        """The beginning of a PDU whose rest has not come yet."""
        ...


class Taps:
    """Gives a new session its tap."""

    def __init__(self) -> None:
        self.make: Callable[[Tapped], Tap] | None = None
        """None: nobody listens."""

    def of(self, session: Tapped) -> Tap | None:
        """What a session that begins now has to tell of itself to."""
        return None if self.make is None else self.make(session)


class Open:
    """What both ends of SMPP share of `Tapped`."""

    tap: Tap | None = None
    session: Any
    _transport: Any

    @property
    def ends(self) -> tuple[End, End]:
        """Our end, and the other one."""
        info = self._transport.get_extra_info
        return _end_of(info("sockname")), _end_of(info("peername"))

    @property
    def half_read(self) -> bytes:
        """The beginning of a PDU whose rest has not come yet."""
        return bytes(self.session.half_read)


NOBODY = Taps()
"""For sessions that nobody ever listens to."""


def _end_of(name: object) -> End:
    """A socket's name as asyncio gives it."""
    if isinstance(name, tuple) and len(name) >= 2:
        return str(name[0]), int(name[1])
    return "", 0
