"""The socket that a listener's clients come to: accepts, counts, and makes room.

asyncio's own servers tell of a connection only when its TLS handshake is over, so that nobody could count or
end those that never finish it.  Here each is counted from the moment it is accepted (see `places`), and a
handshake ends when its time is over or its place is needed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from gateway.core.clock import Clock
from gateway.core.errors import system_reason
from gateway.core.events import Events
from gateway.core.places import Guest, Places

BACKLOG = 4096
"""Connections that wait in the kernel; it allows what net.core.somaxconn says at the most."""
AT_ONCE = 64
"""Connections that are accepted in one turn of the loop."""
HANDSHAKES_MOST = 100
"""TLS handshakes of one listener at a time: each costs 55 KiB, twelve times what another stranger does."""
PAUSE_S = 0.1
"""So long nothing is accepted when the system has no descriptor, or no memory, for one more."""

Take = Callable[[int, Any], socket.socket | None]
"""Gives the socket of this family that listens at this address already, if somebody has opened one for us."""


def take_none(family: int, address: Any) -> None:
    """Every socket is to be made."""


async def sockets_at(host: str, port: int, take: Take = take_none) -> list[socket.socket]:
    """Listening sockets at all addresses of a name; OSError when one of them cannot be had."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    bound = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = take(family, address)
            if one is not None:
                bound.append(one)
                continue
            one = socket.socket(family, kind, protocol)
            bound.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
        for one in bound:
            one.listen(BACKLOG)
    except OSError:
        for one in bound:
            one.close()
        raise
    return bound


class Door:
    """The listening sockets of one listener, and the places behind them.

    `make` makes the protocol of a connection, which has to say `left` when its connection is lost;
    `last_words` are for whoever is turned away, if there is no TLS.
    """

    def __init__(
        self,
        make: Callable[[], Guest],
        places: int,
        events: Events,
        clock: Clock,
        *,
        handshake_s: float = 0.0,
        last_words: bytes = b"",
    ) -> None:
        self._make = make
        self._places = Places(places)
        self._events = events
        self._clock = clock
        self._handshake_s = handshake_s
        self._handshakes = Places(HANDSHAKES_MOST)
        self._last_words = last_words
        self._loop = asyncio.get_running_loop()
        self._tls: ssl.SSLContext | None = None
        self._sockets: list[socket.socket] = []
        self._connecting: dict[Guest, asyncio.Task[None]] = {}
        self._unwanted: set[Guest] = set()
        """Those whose place was needed before they were connected."""
        self._pause: asyncio.TimerHandle | None = None
        self.turned_away = 0
        """Connections that were too many."""

    # -- the listening sockets -------------------------------------------------------------------------

    async def open(
        self, host: str, port: int, tls: ssl.SSLContext | None = None, *, take: Take = take_none
    ) -> None:
        """Listens at all addresses of a name, with TLS from the first octet if a context is given; OSError
        when one of them cannot be had."""
        bound = await sockets_at(host, port, take)
        self._tls = tls
        for one in bound:
            self._attend(one)

    def open_at(self, bound: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Listens on a socket that is bound; as `open`."""
        self._tls = tls
        bound.listen(BACKLOG)
        self._attend(bound)

    def close(self) -> None:
        """Accepts no more, and ends handshakes; who is in stays."""
        if self._pause is not None:
            self._pause.cancel()
        if self._tls is not None:
            for task in self._connecting.values():
                self._end(task)
        for one in self._sockets:
            self._loop.remove_reader(one.fileno())
            one.close()
        self._sockets.clear()

    @property
    def port(self) -> int:
        """The port it listens on (the kernel's choice when 0 is configured)."""
        return int(self._sockets[0].getsockname()[1])

    def _attend(self, bound: socket.socket) -> None:
        bound.setblocking(False)
        self._sockets.append(bound)
        self._loop.add_reader(bound.fileno(), self._accept, bound)

    # -- those who come --------------------------------------------------------------------------------

    def recognise(self, guest: Guest) -> None:
        """It has shown that it is somebody, and need no longer give way to everybody who comes."""
        self._places.recognise(guest)

    def left(self, guest: Guest) -> None:
        """It is over."""
        self._places.leave(guest)

    def _accept(self, bound: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                connected, name = bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            self._let_in(connected, str(name[0]) if isinstance(name, tuple) else "")

    def _rest(self, error: OSError) -> None:
        """There is no descriptor for one more: the loop must not ask again and again."""
        self._events.seldom(
            "error",
            "accept_failed",
            self._clock.now(),
            reason=system_reason(error),
            fix="raise LimitNOFILE, or lower max_connections of the listeners",
        )
        self._free_one()
        for one in self._sockets:
            self._loop.remove_reader(one.fileno())
        self._pause = self._loop.call_later(PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        for one in self._sockets:
            self._loop.add_reader(one.fileno(), self._accept, one)

    def _let_in(self, connected: socket.socket, peer: str) -> None:
        if self._places.is_full:
            freed = self._free_one()
            self._events.seldom(
                "warning",
                "connections_full",
                self._clock.now(),
                limit=self._places.most,
                peer=peer or "local",
                instead_of=freed or "-",
            )
            if not freed:
                self._turn_away(connected)
                return
        connected.setblocking(False)
        if peer:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        guest = self._make()
        self._places.enter(guest, peer)
        if self._tls is not None:
            self._begin_handshake(guest, peer)
        self._connecting[guest] = self._loop.create_task(self._connect(guest, connected))

    def _begin_handshake(self, guest: Guest, peer: str) -> None:
        """One more; if it is too many, the oldest of whoever has the most ends for it."""
        if self._handshakes.is_full and (found := self._handshakes.to_free()) is not None:
            self._handshakes.leave(found[0])
            self._end(self._connecting[found[0]])
        self._handshakes.enter(guest, peer)

    def _turn_away(self, connected: socket.socket) -> None:
        self.turned_away += 1
        with suppress(OSError):
            if self._last_words and self._tls is None:
                connected.setblocking(False)
                connected.send(self._last_words)
        connected.close()

    def _free_one(self) -> str:
        """Sends away who has to give way; whose connection that was, "" if nobody has to."""
        found = self._places.to_free()
        if found is None:
            return ""
        guest, sender = found
        self._places.leave(guest)
        task = self._connecting.get(guest)
        if task is None:
            guest.give_way()
        elif self._tls is not None:
            self._end(task)
        else:  # it has its transport in a moment; ended now, its protocol might never hear of its end
            self._unwanted.add(guest)
        return sender or "local"

    def _end(self, connecting: asyncio.Task[None]) -> None:
        """In the loop's next turn: a task that is cancelled before it has begun ends without a word."""
        self._loop.call_soon(connecting.cancel)

    async def _connect(self, guest: Guest, connected: socket.socket) -> None:
        """Brings a connection and its protocol together, after the handshake if there is one."""
        try:
            await self._loop.connect_accepted_socket(
                lambda: cast(asyncio.Protocol, guest),
                connected,
                ssl=self._tls,
                ssl_handshake_timeout=self._handshake_s if self._tls is not None else None,
            )
        except (OSError, asyncio.CancelledError):  # its handshake came to nothing, or its place was needed
            self.left(guest)
        else:
            if guest in self._unwanted:
                guest.give_way()
        finally:
            self._unwanted.discard(guest)
            self._handshakes.leave(guest)
            del self._connecting[guest]
