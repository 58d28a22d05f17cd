"""Anything at all said to a mail listener: it answers by the rules or hangs up, and never has a fault."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from random import Random

import pytest
from smtp_support import TO, listening, on_loops

MAIL = f"MAIL FROM:<a@example.org>\r\nRCPT TO:<{TO}>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.".encode()
LINES = [
    *(b"EHLO x", b"HELO x", b"LHLO x", b"NOOP", b"RSET", b"VRFY x", b"EXPN x", b"HELP", b"QUIT", b"STARTTLS"),
    *(b"AUTH PLAIN AGFwcABwdw==", b"AUTH LOGIN", b"AUTH PLAIN", b"*", b"YXBw", b"AUTH FOO", b"BDAT 5 LAST"),
    *(b"MAIL FROM:<a@example.org>", b"MAIL FROM:<>", b"MAIL FROM:<a@example.org> SIZE=5 RET=FULL ENVID=a+20"),
    *(f"RCPT TO:<{TO}>".encode(), b"RCPT TO:<x@elsewhere.example> NOTIFY=NEVER", b"RCPT TO:<nobody@x>"),
    *(b"DATA", b"DATA", b"DATA", b".", b"..", b"", b"x" * 1500, b"\0\xff\r", b"GET / HTTP/1.1"),
    *(MAIL, MAIL, MAIL),
]
REPLY = re.compile(rb"[2-5]\d\d[ -][ -~]*")


def said(random: Random) -> bytes:
    """Some commands, here and there damaged."""
    lines = [b"EHLO x", b"LHLO x", *(random.choice(LINES) for _ in range(random.randrange(40)))]
    octets = bytearray(b"\r\n".join(lines) + b"\r\n")
    for _ in range(random.choice([0, 0, 1, 3, 20])):
        at = random.randrange(len(octets))
        octets[at : at + random.randrange(4)] = random.randbytes(random.randrange(4))
    return bytes(octets)


@pytest.mark.parametrize("over", ["smtp", "lmtp"])
def test_anything_at_all(over: str, tmp_path: Path) -> None:
    @on_loops
    async def run() -> None:
        path = tmp_path / "lmtp" if over == "lmtp" else None
        async with listening(path=path, timeout_s=5) as server:
            random = Random(11)
            for _ in range(150):
                client = await server.connect()
                octets = said(random)
                cut = random.randrange(len(octets))
                client.send(octets[:cut])
                await asyncio.sleep(0)
                client.send(octets[cut:])
                client.writer.write_eof()
                async with asyncio.timeout(4):  # sooner than the listener's timeout: it waits for nothing
                    answer = await client.reader.read()
                lines = answer.split(b"\r\n")
                assert lines.pop() == b""
                assert all(REPLY.fullmatch(line) for line in lines), octets
                client.close()
            await server.until_connections(0)
            assert not server.said("mail_fault")
            assert server.intake.mails

    run(kind_of_loop="asyncio")
