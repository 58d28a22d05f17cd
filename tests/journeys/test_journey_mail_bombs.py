"""Mails made to cost, over real sockets and read by the real reader: nobody else is held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import thread_time

from journey_support import DESTINATION, journey
from mail_journey_support import MailClient, Post, mail, post_office, to

SIZE = 2_000_000
MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
HTML = b"Content-Type: text/html\r\n\r\n"
LONGEST_STALL_S = 1.0
"""Generous: what is seen is a tenth of it."""


def repeated(piece: bytes) -> bytes:
    """Lines of a piece."""
    line = piece * (900 // len(piece)) + b"\r\n"
    return line * (SIZE // len(line))


BOMBS = {
    "security_52 depth": (
        b"".join(MIXED.replace(b"=b", b"=b%d" % n) + b"--b%d\r\n" % n for n in range(10_000)),
        "554 5.6.0",
    ),
    "security_52 parts": (MIXED + b"--b\r\nContent-Type: a/b\r\n\r\nx\r\n" * 50_000, "554 5.6.0"),
    "security_50 header": (b"A: x\r\n" * 50_000, "552 5.3.4"),
    "security_54 base64": (
        PLAIN + b"Content-Transfer-Encoding: base64\r\n\r\n" + repeated(b"QUFB"),
        "250 2.0.0",
    ),
    "security_54 quoted-printable": (
        PLAIN + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + repeated(b"=D0=BF"),
        "250 2.0.0",
    ),
    "security_56 html": (HTML + b"<p>seen" + repeated(b"<table><tr><td>x"), "250 2.0.0"),
    "boundaries": (MIXED + b"--bx\r\n" * (SIZE // 6), "250 2.0.0"),
    "blank": (PLAIN + b"\r\n" + b" \r\n" * (SIZE // 3), "554 5.6.0"),
}


@asynccontextmanager
async def stalls() -> AsyncIterator[list[float]]:
    """How much CPU time (s) the loop took between two looks of somebody who looks all the time.

    That is how long others wait for it, on a machine that does nothing else.
    """
    found = [0.0]

    async def tick() -> None:
        while True:
            before = thread_time()
            await asyncio.sleep(0.01)
            found.append(thread_time() - before)

    ticking = asyncio.create_task(tick())
    try:
        yield found
    finally:
        ticking.cancel()


async def envelope(post: Post) -> MailClient:
    client = await post.client()
    await client.envelope(*to(DESTINATION))
    return client


@journey
async def test_security_50_52_54_56_bombs_hold_up_nobody(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_size": 10_000_000}) as post, stalls() as found:
        clients = [await envelope(post) for _ in BOMBS]
        replies = asyncio.gather(
            *(
                client.data(octets + b"\r\n")
                for client, (octets, _) in zip(clients, BOMBS.values(), strict=True)
            )
        )
        good = await post.client()
        sent = 0
        while not (replies.done() and sent):
            assert (await good.send(mail("good"))).startswith("250 ")
            sent += 1
        codes = [reply[0][:9] for reply in await replies]
        assert dict(zip(BOMBS, codes, strict=True)) == {name: code for name, (_, code) in BOMBS.items()}
        assert max(found) < LONGEST_STALL_S
        assert post.side.listeners[0].room.taken == 0
        assert not [line for line in post.gateway.lines if "mail_reader_died" in line or "mail_fault" in line]


@journey
async def test_a_burst_of_large_mails_is_taken_or_told_to_come_later(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_per_pair_h": 1000}) as post, stalls() as found:
        line = b"a" * 70 + b".\r\n"
        octets = mail("", "Subject: large") + line * (900_000 // len(line))
        clients = [await envelope(post) for _ in range(40)]
        replies = await asyncio.gather(*(client.data(octets) for client in clients))
        codes = {reply[0][:9] for reply in replies}
        assert "250 2.0.0" in codes and codes <= {"250 2.0.0", "451 4.3.2", "452 4.3.1"}
        assert max(found) < LONGEST_STALL_S
        assert post.side.reader._octets_waiting == post.side.listeners[0].room.taken == 0
