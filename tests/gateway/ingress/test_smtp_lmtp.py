"""LMTP on a Unix socket: an answer for each recipient, and the socket's file."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import pytest
from smtp_support import LOOPS, NAME, TO, listening, mail_account, on_loops

from gateway.ingress import smtp

LHLO = "LHLO mx.example.org"
SECOND = f"79997654321@{NAME}"


@on_loops
async def test_each_recipient_has_its_answer(tmp_path: Path) -> None:
    async with listening(path=tmp_path / "lmtp") as server:
        client = await server.client(LHLO)
        await client.envelope("a@example.org", TO, SECOND)
        assert await client.code(f"RCPT TO:<nobody@{NAME}>") == "550 5.1.1"
        server.intake.answers = [["250 2.0.0 queued as 1", "554 5.7.1 not to this one"]]
        assert await client.data() == "250 2.0.0 queued as 1"
        assert await client.reply() == "554 5.7.1 not to this one"
        assert await client.code("NOOP") == "250 2.0.0"
        account, peer, _, recipients, _ = server.intake.mails[0]
        assert account is server.accounts["app"]
        assert peer == ""
        assert recipients == [TO, SECOND]


@on_loops
async def test_a_mail_that_cannot_be_taken_is_refused_for_each(tmp_path: Path) -> None:
    async with listening(path=tmp_path / "lmtp") as server:
        client = await server.client(LHLO)
        for mail, answer, code in (
            (b"x" * 70_000 + b"\r\n.\r\n", None, "500 5.5.2"),
            (b"x\r\n" * 50_000 + b".\r\n", None, "552 5.3.4"),
            (b"x\r\n.\r\n", RuntimeError("a fault"), "451 4.3.0"),
        ):
            server.intake.answers = [answer] if answer else []
            await client.envelope("a@example.org", TO, SECOND)
            assert (await client.data(mail)).startswith(code)
            assert (await client.reply()).startswith(code)
        assert await client.code("NOOP") == "250 2.0.0"


@on_loops
async def test_what_lmtp_has_not(tmp_path: Path) -> None:
    async with listening(path=tmp_path / "lmtp") as server:
        client = await server.connect()
        assert await client.reply() == f"220 {NAME} LMTP"
        for line in ("EHLO x", "HELO x", "AUTH PLAIN AGFwcABwdw==", "STARTTLS"):
            assert await client.code(line) == "500 5.5.1"
        assert await client.say("MAIL FROM:<a@example.org>") == "503 5.5.1 say LHLO first"
        offered = (await client.say(LHLO)).splitlines()
        assert not {"250-STARTTLS", "250-AUTH PLAIN LOGIN"} & set(offered)
        assert {"250-PIPELINING", "250-DSN", "250-8BITMIME", "250-SMTPUTF8"} <= set(offered)
        await client.envelope()


@on_loops
async def test_without_its_account_nothing_is_accepted(tmp_path: Path) -> None:
    async with listening(path=tmp_path / "lmtp", accounts=[mail_account("other")]) as server:
        client = await server.client(LHLO)
        await client.say("MAIL FROM:<a@example.org>")
        assert await client.code(f"RCPT TO:<{TO}>") == "530 5.7.0"


@pytest.mark.parametrize("mode", ["0600", "0660", "0666"])
def test_the_sockets_mode(tmp_path: Path, mode: str) -> None:
    @on_loops
    async def run() -> None:
        path = tmp_path / "lmtp"
        async with listening(path=path, mode=mode) as server:
            assert stat.S_IMODE(path.stat().st_mode) == int(mode, 8)
            assert server.listener.address == str(path)
            await server.client(LHLO)
        assert not path.exists()

    for loop in LOOPS:
        run(kind_of_loop=loop)


@on_loops
async def test_a_socket_that_a_kill_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with listening(path=path) as server:
        await server.client(LHLO)


@on_loops
async def test_a_socket_that_somebody_listens_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    async with listening(path=path) as server:
        with pytest.raises(OSError):
            async with listening(path=path):
                pass
        await server.client(LHLO)


@on_loops
async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    path.write_text("something else")
    with pytest.raises(OSError):
        async with listening(path=path):
            pass
    assert path.read_text() == "something else"


@on_loops
async def test_a_stop_sends_lmtp_clients_away(tmp_path: Path) -> None:
    async with listening(path=tmp_path / "lmtp") as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        client = await server.client(LHLO)
        await client.envelope()
        await client.say("DATA")
        client.send(b"x\r\n.\r\n")
        await server.intake.taking.wait()
        server.listener.stop_listening()
        go_on.set()
        assert await client.reply() == "250 2.0.0 queued late"
        assert await client.reply() == smtp.STOPPING
