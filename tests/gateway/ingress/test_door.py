"""Sockets that accept: a descriptor too few, addresses, and who is let in."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import socket
from typing import Any

import pytest
from gateway_fakes import ManualClock, recorded_events
from smtp_support import on_loops

from gateway.core.door import Door

HOST = "127.0.0.1"
PATIENCE_S = 30.0


class Talker(asyncio.Protocol):
    """Greets whoever comes."""

    is_idle = False

    def __init__(self) -> None:
        self.transport: Any = None
        self.door: Door
        self.over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.transport.write(b"hello")

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.left(self)
        self.over.set()

    def give_way(self) -> None:
        self.transport.abort()


class House:
    """A door, and all that came through it."""

    def __init__(self, places: int = 10, **options: Any) -> None:
        self.guests: list[Talker] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.events, self.lines = recorded_events()
        self.door = Door(self._make, places, self.events, ManualClock(), **options)

    def _make(self) -> Talker:
        guest = Talker()
        guest.door = self.door
        self.guests.append(guest)
        return guest

    async def empty(self) -> None:
        """Ends everything, or the loop would complain."""
        self.door.close()
        for writer in self.writers:
            writer.transport.abort()
        for guest in self.guests:
            guest.transport.abort()
        async with asyncio.timeout(PATIENCE_S):
            for guest in self.guests:
                await guest.over.wait()
            for writer in self.writers:
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def comes(self) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(HOST, self.door.port)
        self.writers.append(writer)
        return reader


async def read(reader: asyncio.StreamReader, octets: int = 5) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await reader.read(octets)
        except ConnectionError:
            return b""


@on_loops
async def test_a_system_without_descriptors_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.door.open(HOST, 0)
    accept, failures = socket.socket.accept, []

    def no_descriptor(bound: socket.socket) -> Any:
        if len(failures) < 3:
            failures.append(asyncio.get_running_loop().time())
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(bound)

    monkeypatch.setattr(socket.socket, "accept", no_descriptor)
    assert await read(await house.comes()) == b"hello"
    # each time a pause came between: the loop was not kept busy
    assert all(later - one > 0.05 for one, later in itertools.pairwise(failures))
    [line] = house.lines
    assert 'error accept_failed reason="Too many open files" fix=' in line
    await house.empty()


@on_loops
async def test_a_descriptor_is_had_from_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.door.open(HOST, 0)
    stranger = await house.comes()
    assert await read(stranger) == b"hello"
    accept = socket.socket.accept

    def no_descriptor(bound: socket.socket) -> Any:
        monkeypatch.setattr(socket.socket, "accept", accept)
        raise OSError(errno.ENFILE, "Too many open files in system")

    monkeypatch.setattr(socket.socket, "accept", no_descriptor)
    assert await read(await house.comes()) == b"hello"
    assert await read(stranger) == b""
    await house.empty()


@on_loops
async def test_last_words_are_said_when_nobody_gives_way() -> None:
    house = House(1, last_words=b"full")
    await house.door.open(HOST, 0)
    assert await read(await house.comes()) == b"hello"
    house.door.recognise(house.guests[0])
    assert await read(await house.comes()) == b"full"
    assert house.door.turned_away == 1
    assert len(house.guests) == 1  # nothing was made for it
    await house.empty()


@on_loops
async def test_answers_do_not_wait_for_more_to_come() -> None:
    house = House()
    await house.door.open(HOST, 0)
    await read(await house.comes())
    connected = house.guests[0].transport.get_extra_info("socket")
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await house.empty()


@on_loops
async def test_a_closed_door_lets_nobody_in_and_sends_nobody_away() -> None:
    house = House()
    await house.door.open("localhost", 0)
    port = house.door.port
    inside = await house.comes()
    assert await read(inside) == b"hello"
    house.door.close()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection(HOST, port)
    house.guests[0].transport.write(b"still")
    assert await read(inside) == b"still"
    await house.empty()


@on_loops
async def test_whoever_has_to_go_before_he_is_connected_is_told_so_all_the_same() -> None:
    house = House(1)
    await house.door.open(HOST, 0)
    at_once = []
    for _ in range(3):
        connected = socket.create_connection((HOST, house.door.port))  # before the loop has its next turn
        connected.setblocking(False)
        at_once.append(connected)
    assert await read(await house.comes()) == b"hello"
    async with asyncio.timeout(PATIENCE_S):
        for guest in house.guests[:3]:
            await guest.over.wait()
    assert len(house.guests) == 4
    for connected in at_once:
        connected.close()
    await house.empty()
