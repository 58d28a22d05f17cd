"""A proxy between a gateway and its SMSC that breaks what both of them keep whole.

    python benchmarks/torture/proxy.py FAULT --upstream-port N [--seed N] [--times N] [--every N]
        [--late-ms MS]

A process of its own.  It prints a JSON line with its port when it listens, and then one for each fault, with
what it was.  After `--times` faults, or when its standard input is closed or says anything, it is a plain
proxy ("healed").  FAULT is one of:

    drop    cuts the connection at a response to a submit: before it, within it, or after it
    mute    answers no submit: by turns the SMSC gets it and its answer is kept back, or it does not get it
    late    keeps some responses to submits back for `--late-ms`; "all_sent": the last one has gone
    first   keeps every response to a submit back, so that receipts come first, and by another connection
    flap    takes connections and closes, ignores or forgets them, in rapid turns
    split   gives every octet, or a few, a segment of its own, and glues PDUs that came one by one
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from random import Random

HOST = "127.0.0.1"
SUBMIT_SM, SUBMIT_SM_RESP = 0x00000004, 0x80000004
DELIVER_SM, DELIVER_SM_RESP = 0x00000005, 0x80000005
BIND_RESPONSES = (0x80000001, 0x80000002, 0x80000009)
MOVED = 0x40000000
"""Sequence numbers from here on are those of deliveries that came by another connection."""
FIRST_MS = 60
"""How long `first` keeps a response back."""
LATE_SHARE = 0.1
CUTS = ("before", "within", "right after")
CHUNKS = (1, 1, 1, 1, 2, 3, 5, 17, 400)
"""Sizes of the pieces that `split` makes, by chance."""


class Frame:
    """One PDU, of which only the header is understood."""

    __slots__ = ("command_id", "octets", "sequence_number")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.command_id, _, self.sequence_number = struct.unpack_from(">III", octets, 4)

    def numbered(self, sequence_number: int) -> bytes:
        return self.octets[:12] + sequence_number.to_bytes(4, "big") + self.octets[16:]


class Pipe:
    """A connection of the gateway and the one to the SMSC that belongs to it."""

    def __init__(self, proxy: Proxy, down: asyncio.StreamWriter, up: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.down = down
        self.up = up
        self.moved: dict[int, tuple[Pipe, int]] = {}
        """Where the answers to deliveries belong that did not come by this connection."""

    def to_gateway(self, octets: bytes) -> None:
        if not self.down.is_closing():
            self.down.write(octets)

    def to_smsc(self, octets: bytes) -> None:
        if not self.up.is_closing():
            self.up.write(octets)

    def cut(self) -> None:
        """Closes both; what is written is still sent."""
        self.down.close()
        self.up.close()


class Proxy:
    """Listens, connects, and lets the fault have every PDU that passes."""

    def __init__(self, upstream_port: int, random: Random, times: int) -> None:
        self.upstream_port = upstream_port
        self.random = random
        self.left = times
        """Faults that are still to come."""
        self.pipes: list[Pipe] = []

    @property
    def healed(self) -> bool:
        return self.left <= 0

    def note(self, fault: str) -> None:
        """This fault has happened."""
        self.left -= 1
        print(json.dumps({"fault": fault}), flush=True)
        if self.healed:
            print(json.dumps({"healed": True}), flush=True)

    async def connected(self, fault: Fault, reader: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        """Serves one connection of the gateway until it ends."""
        try:
            if await fault.refused(down):
                return
            up_reader, up = await asyncio.open_connection(HOST, self.upstream_port)
        except OSError:
            down.close()
            return
        for writer in (down, up):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipe = Pipe(self, down, up)
        self.pipes.append(pipe)
        ways = (
            _each(reader, lambda frame: fault.upward(pipe, frame)),
            _each(up_reader, lambda frame: fault.downward(pipe, frame)),
        )
        tasks = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.pipes.remove(pipe)
        pipe.cut()
        await asyncio.wait(tasks)


async def _each(reader: asyncio.StreamReader, take: Callable[[Frame], Awaitable[None]]) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            length = await reader.readexactly(4)
            await take(Frame(length + await reader.readexactly(int.from_bytes(length, "big") - 4)))


class Fault:
    """What happens to a connection and its PDUs; this one harms nobody."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.random = proxy.random

    async def refused(self, down: asyncio.StreamWriter) -> bool:
        """Whether the connection has come to its end before it reached the SMSC."""
        return False

    async def upward(self, pipe: Pipe, frame: Frame) -> None:
        pipe.to_smsc(frame.octets)

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        pipe.to_gateway(frame.octets)


class Drop(Fault):
    """Every so many responses."""

    def __init__(self, proxy: Proxy, every: int) -> None:
        super().__init__(proxy)
        self._every = every
        self._passed = 0

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        self._passed += frame.command_id == SUBMIT_SM_RESP
        if frame.command_id != SUBMIT_SM_RESP or self._passed < self._every or self.proxy.healed:
            pipe.to_gateway(frame.octets)
            return
        if pipe.down.is_closing():
            return
        self._passed = 0
        told = self.random.randrange(3)
        pipe.to_gateway(frame.octets[: len(frame.octets) * told // 2])
        self.proxy.note(f"dropped {CUTS[told]} the response")
        pipe.cut()


class Mute(Fault):
    """For every submit of a connection, and for the next connection the other way."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._turn = 0
        self._kept: set[int] = set()

    async def upward(self, pipe: Pipe, frame: Frame) -> None:
        if frame.command_id != SUBMIT_SM or self.proxy.healed:
            pipe.to_smsc(frame.octets)
            return
        self._turn += 1
        passes = self._turn % 2 == 0
        self.proxy.note(f"mute, {'at' if passes else 'never at'} the SMSC")
        if passes:
            pipe.moved[frame.sequence_number] = (pipe, 0)
            pipe.to_smsc(frame.octets)

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        if frame.command_id == SUBMIT_SM_RESP and pipe.moved.pop(frame.sequence_number, None):
            return
        pipe.to_gateway(frame.octets)


class Late(Fault):
    """Some come so much later."""

    def __init__(self, proxy: Proxy, late_ms: float) -> None:
        super().__init__(proxy)
        self._late_s = late_ms / 1000
        self._on_their_way = 0

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        late = frame.command_id == SUBMIT_SM_RESP and self.random.random() < LATE_SHARE
        if not late or self.proxy.healed:
            pipe.to_gateway(frame.octets)
            return
        self.proxy.note("late")
        self._on_their_way += 1
        asyncio.get_running_loop().call_later(self._late_s, self._send, pipe, frame)

    def _send(self, pipe: Pipe, frame: Frame) -> None:
        pipe.to_gateway(frame.octets)
        self._on_their_way -= 1
        if self.proxy.healed and not self._on_their_way:
            print(json.dumps({"all_sent": True}), flush=True)


class First(Fault):
    """Responses wait, receipts do not, and change their connection."""

    async def upward(self, pipe: Pipe, frame: Frame) -> None:
        moved = pipe.moved.pop(frame.sequence_number, None) if frame.command_id == DELIVER_SM_RESP else None
        if moved is None:
            pipe.to_smsc(frame.octets)
        else:
            moved[0].to_smsc(frame.numbered(moved[1]))

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        if self.proxy.healed or frame.command_id not in (SUBMIT_SM_RESP, DELIVER_SM):
            pipe.to_gateway(frame.octets)
        elif frame.command_id == SUBMIT_SM_RESP:
            self.proxy.note("response after its receipt")
            asyncio.get_running_loop().call_later(FIRST_MS / 1000, pipe.to_gateway, frame.octets)
        else:
            others = [one for one in self.proxy.pipes if one is not pipe] or [pipe]
            other = self.random.choice(others)
            number = MOVED + self.random.getrandbits(29)
            other.moved[number] = (pipe, frame.sequence_number)
            other.to_gateway(frame.numbered(number))


class Flap(Fault):
    """Four ways to be no SMSC, and now and then one that works for a moment."""

    async def refused(self, down: asyncio.StreamWriter) -> bool:
        if self.proxy.healed:
            return False
        how = self.random.choice(("closed", "reset", "no bind response", "works"))
        self.proxy.note(how)
        if how == "works":
            return False
        if how == "no bind response":
            await asyncio.sleep(self.random.uniform(0, 0.3))
        elif how == "reset":
            linger = struct.pack("ii", 1, 0)
            down.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        down.close()
        return True

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        pipe.to_gateway(frame.octets)
        if not self.proxy.healed and frame.command_id == SUBMIT_SM_RESP and self.random.random() < 0.2:
            self.proxy.note("closed while it worked")
            pipe.cut()
        elif not self.proxy.healed and frame.command_id in BIND_RESPONSES and self.random.random() < 0.5:
            self.proxy.note("bound and closed")
            pipe.cut()


class Split(Fault):
    """Pieces go out one by one, in both directions; sometimes several PDUs are waited for first."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._glued: dict[asyncio.StreamWriter, bytearray] = {}

    async def upward(self, pipe: Pipe, frame: Frame) -> None:
        await self._pass(pipe.up, frame.octets)

    async def downward(self, pipe: Pipe, frame: Frame) -> None:
        await self._pass(pipe.down, frame.octets)

    async def _pass(self, writer: asyncio.StreamWriter, octets: bytes) -> None:
        if self.proxy.healed and not self._glued.get(writer):
            writer.write(octets)
            return
        waiting = self._glued.setdefault(writer, bytearray())
        waiting += octets
        if self.random.random() < 0.3:
            asyncio.get_running_loop().call_later(0.02, self._flush, writer)  # with what comes until then
            return
        self._flush(writer)
        await asyncio.sleep(0)

    def _flush(self, writer: asyncio.StreamWriter) -> None:
        data = bytes(self._glued[writer])
        self._glued[writer].clear()
        if data and not writer.is_closing():
            self.proxy.note("split")
            end = self.random.randrange(len(data))  # the last PDU may wait for the rest of it, too
            pos = 0
            while pos < end:
                size = self.random.choice(CHUNKS)
                writer.write(data[pos : min(end, pos + size)])
                pos += size
            self._glued[writer] += data[end:]
            asyncio.get_running_loop().call_later(0.002, self._rest, writer)

    def _rest(self, writer: asyncio.StreamWriter) -> None:
        data = bytes(self._glued[writer])
        self._glued[writer].clear()
        if data and not writer.is_closing():
            writer.write(data)


async def serve(args: argparse.Namespace) -> None:
    """Listens until the process is ended."""
    proxy = Proxy(args.upstream_port, Random(args.seed), args.times)
    faults: dict[str, Callable[[], Fault]] = {
        "drop": lambda: Drop(proxy, args.every),
        "mute": lambda: Mute(proxy),
        "late": lambda: Late(proxy, args.late_ms),
        "first": lambda: First(proxy),
        "flap": lambda: Flap(proxy),
        "split": lambda: Split(proxy),
    }
    fault = faults[args.fault]()
    server = await asyncio.start_server(lambda r, w: proxy.connected(fault, r, w), HOST, 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    loop = asyncio.get_running_loop()
    said = asyncio.Event()
    loop.add_reader(sys.stdin, said.set)
    await said.wait()
    loop.remove_reader(sys.stdin)
    proxy.left = 0
    await loop.create_future()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fault", choices=("drop", "mute", "late", "first", "flap", "split"))
    parser.add_argument("--upstream-port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=1_000_000)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--late-ms", type=float, default=1500)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
