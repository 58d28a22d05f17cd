"""A client and an SMSC in one process, as fast as Python allows: for loads that only the gateway slows down.

    FLOOD_PASSWORD=… python benchmarks/torture/flood.py --gateway PORT --smsc PORT [--messages N] …

It reads and writes octets by itself and shares no code with the gateway.  Each message goes to a number
that ends in its marker, so what arrives is counted by marker: what is missing and what came twice is known.
A line of JSON on standard output says at the end how it went.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import sys
import time
from dataclasses import dataclass, field

HOST = "127.0.0.1"
HEAD = struct.Struct(">4I")
SUBMIT, DELIVER, BIND_TRX, UNBIND, ENQUIRE, RESPONSE = 0x4, 0x5, 0x9, 0x6, 0x15, 0x80000000
TEXT = b"A message of a hundred letters, more or less, as most of them are; it says nothing that matters."
DELIVERED = 2
IDLE_S = 60.0
"""A load that stands still for so long is over."""


@dataclass
class Counts:
    """What happened until now."""

    messages: int
    first: int
    sent: int = 0
    acked: int = 0
    refused: int = 0
    arrived: int = 0
    twice: int = 0
    receipts: int = 0
    unwanted: int = 0
    """Receipts that the gateway did not take."""
    refusals: dict[int, int] = field(default_factory=dict)
    seen: bytearray = field(default_factory=bytearray)
    """By marker: it has arrived."""

    def arrives(self, marker: int) -> None:
        if marker >= len(self.seen):
            self.seen.extend(bytes(marker + 1 - len(self.seen) + 100_000))
        if self.seen[marker]:
            self.twice += 1
        else:
            self.seen[marker] = 1
            self.arrived += 1


class Peer(asyncio.Protocol):
    """Cuts what comes into PDUs, and writes once what a chunk has brought up."""

    transport: asyncio.Transport

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.out: list[bytes] = []
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        at = 0
        while len(data) - at >= 16:
            length, command, status, sequence = HEAD.unpack_from(data, at)
            if len(data) - at < length:
                break
            self.pdu(command, status, sequence, data[at + 16 : at + length])
            at += length
        self._rest = data[at:]
        self.flush()

    def flush(self) -> None:
        if self.out:
            self.transport.write(b"".join(self.out))
            self.out.clear()

    def pdu(self, command: int, status: int, sequence: int, body: bytes) -> None:
        """Each kind that has no other meaning is answered with a header."""
        if not command & RESPONSE:
            self.out.append(HEAD.pack(16, command | RESPONSE, 0, sequence))


class Client(Peer):
    """Sends what is left of the messages, `window` of them without an answer at the most."""

    def __init__(self, counts: Counts, options: argparse.Namespace) -> None:
        super().__init__(counts)
        self._room = options.window
        self._prefix = options.prefix.encode()
        self._before = b"\0\1\1" + b"12345\0" + b"\1\1"
        self._after = b"\0\0\0\0" + b"\0\0" + b"\1\0\0\0" + bytes([len(TEXT)]) + TEXT
        self._options = options
        self.bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        account, password = self._options.account.encode(), os.environ["FLOOD_PASSWORD"].encode()
        body = account + b"\0" + password + b"\0\0\x34\0\0\0"
        self.transport.write(HEAD.pack(16 + len(body), BIND_TRX, 0, 1) + body)

    def pdu(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command == SUBMIT | RESPONSE:
            self._room += 1
            if status:
                self.counts.refused += 1
                self.counts.refusals[status] = self.counts.refusals.get(status, 0) + 1
            else:
                self.counts.acked += 1
        elif command == DELIVER:
            self.counts.receipts += 1
            self.out.append(HEAD.pack(17, DELIVER | RESPONSE, 0, sequence) + b"\0")
        elif command == BIND_TRX | RESPONSE:
            if status:
                raise SystemExit(f"the gateway refuses the bind: {status:#x}")
            self.bound.set_result(None)
        else:
            super().pdu(command, status, sequence, body)

    def flush(self) -> None:
        if self.bound.done():
            self.send()
        super().flush()

    def send(self) -> None:
        counts = self.counts
        count = min(self._room, counts.messages - counts.sent)
        self._room -= count
        for number in range(counts.sent, counts.sent + count):
            body = b"%b%b%09d%b" % (self._before, self._prefix, counts.first + number, self._after)
            self.out.append(HEAD.pack(16 + len(body), SUBMIT, 0, number + 2) + body)
        counts.sent += count


class Smsc(Peer):
    """Takes everything and says at once that it was delivered."""

    ids = time.time_ns() // 1000

    def pdu(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command != SUBMIT:
            if command == DELIVER | RESPONSE:
                self.counts.unwanted += status != 0
            elif command == BIND_TRX:
                self.out.append(HEAD.pack(17, BIND_TRX | RESPONSE, 0, sequence) + b"\0")
            else:
                super().pdu(command, status, sequence, body)
            return
        at = body.index(b"\0") + 3
        source_end = body.index(b"\0", at)
        number = body[source_end + 3 : body.index(b"\0", source_end + 3)]
        self.counts.arrives(int(number[-9:]))
        Smsc.ids += 1
        upstream_id = b"%d" % Smsc.ids
        self.out.append(
            HEAD.pack(17 + len(upstream_id), SUBMIT | RESPONSE, 0, sequence) + upstream_id + b"\0"
        )
        report = b"\0\1\1" + number + b"\0\1\1" + body[at : source_end + 1] + b"\x04\0\0\0\0\0\0\0\0\0"
        report += b"\x04\x27\0\1%c\0\x1e" % DELIVERED
        report += struct.pack(">H", len(upstream_id) + 1) + upstream_id + b"\0"
        self.out.append(HEAD.pack(16 + len(report), DELIVER, 0, sequence) + report)


async def load(options: argparse.Namespace) -> dict[str, object]:
    """The whole load; what came of it."""
    loop = asyncio.get_running_loop()
    counts = Counts(options.messages, options.first)
    server = None
    if options.smsc is not None:
        server = await loop.create_server(lambda: Smsc(counts), HOST, options.smsc)
    clients = []
    for _ in range(options.binds if options.messages or options.receipts else 0):
        _, client = await loop.create_connection(lambda: Client(counts, options), HOST, options.gateway)
        await client.bound
        clients.append(client)
    began = time.monotonic()
    for client in clients:
        client.flush()
    moments = await until_over(counts, options)
    for client in clients:
        client.transport.close()
    if server is not None:
        server.close()
    return {
        "acked": counts.acked,
        "refused": counts.refused,
        "refusals": {f"{status:#x}": number for status, number in counts.refusals.items()},
        "arrived": counts.arrived,
        "twice": counts.twice,
        "receipts": counts.receipts,
        "unwanted": counts.unwanted,
        "seconds": {name: round(moment - began, 3) for name, moment in moments.items()},
    }


async def until_over(counts: Counts, options: argparse.Namespace) -> dict[str, float]:
    """Waits for everything that is waited for, and says when the last of each kind was there."""
    moments: dict[str, float] = {}
    wanted = {
        "acked": options.messages,
        "arrived": options.arrivals,
        "receipts": options.receipts,
    }
    began = still_since = time.monotonic()
    last = (-1, -1, -1)
    while True:
        now = time.monotonic()
        found = (counts.acked + counts.refused, counts.arrived, counts.receipts)
        for (name, number), have in zip(wanted.items(), found, strict=True):
            if have >= number and name not in moments:
                moments[name] = now
        if len(moments) == len(wanted):
            return moments
        if found != last:
            last, still_since = found, now
        elif now - still_since > IDLE_S or now - began > options.limit:
            return moments | {"ended": now}
        await asyncio.sleep(0.005)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gateway", type=int, metavar="PORT", help="where clients go to")
    parser.add_argument("--smsc", type=int, metavar="PORT", help="be an SMSC there")
    parser.add_argument("--account", default="flood")
    parser.add_argument("--messages", type=int, default=0, help="sent in all")
    parser.add_argument("--arrivals", type=int, default=0, help="waited for at the SMSC")
    parser.add_argument("--receipts", type=int, default=0, help="waited for at the clients")
    parser.add_argument("--first", type=int, default=0, help="the first marker")
    parser.add_argument("--prefix", default="4670", help="numbers begin with this; 9 digits follow")
    parser.add_argument("--binds", type=int, default=4)
    parser.add_argument("--window", type=int, default=250, help="of each bind")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds, at the most")
    print(json.dumps(asyncio.run(load(parser.parse_args()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
