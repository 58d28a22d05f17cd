"""TLS of the mail listeners: after STARTTLS and from the first octet."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from pathlib import Path

import pytest
from smtp_support import HOST, LOOPS, TO, listening, on_loops, served, trusting

from gateway.config.basics import TlsServer
from gateway.core import door


@on_loops
async def test_starttls(pki: Path) -> None:
    async with listening(tls=served(pki)) as server:
        client = await server.connect()
        assert "250-STARTTLS" in (await client.begin()).splitlines()
        await client.envelope()
        await client.starttls(trusting(pki))
        # All that was said before is forgotten (RFC 3207 §4.2).
        assert await client.code("MAIL FROM:<a@example.org>") == "503 5.5.1"
        assert "STARTTLS" not in await client.say("EHLO x")
        assert await client.code("STARTTLS") == "503 5.5.1"
        assert await client.code("DATA") == "503 5.5.1"
        for _ in range(3):
            await client.envelope()
            assert (await client.data(b"x\r\n" * 50_000 + b".\r\n")).startswith("552")
            await client.envelope()
            assert (await client.data(b"x\r\n" * 30_000 + b".\r\n")).startswith("250")
        assert await client.say("QUIT") == "221 2.0.0 goodbye"
        assert await client.is_closed()
        await server.until_connections(0)


@on_loops
async def test_security_40_what_came_before_the_handshake_is_discarded(pki: Path) -> None:
    async with listening(tls=served(pki)) as server:
        client = await server.client()
        injected = f"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<{TO}>\r\nNO"
        assert (await client.say(injected.removesuffix("\r\nNO"))).startswith("220 2.0.0")
        await client.handshake(trusting(pki))
        # Had the lines been kept, their replies would come now, and the sender would be set.
        assert await client.code("NOOP") == "250 2.0.0"
        assert await client.code("MAIL FROM:<a@example.org>") == "503 5.5.1"
        await client.say("EHLO x")
        await client.envelope()
        assert (await client.data()).startswith("250")
        assert [mail[2].address for mail in server.intake.mails] == ["a@example.org"]
        assert len(server.intake.asked) == 1


@on_loops
async def test_security_40_half_a_command_is_discarded_too(pki: Path) -> None:
    async with listening(tls=served(pki)) as server:
        client = await server.client()
        client.send(b"STARTTLS\r\nNOOP evil ")
        assert (await client.reply()).startswith("220 2.0.0")
        await client.handshake(trusting(pki))
        assert await client.code("VRFY x") == "252 2.1.5"


@on_loops
async def test_a_client_that_sends_with_its_handshake_is_heard(pki: Path) -> None:
    async with listening(tls=served(pki)) as server:
        for _ in range(5):
            client = await server.client()
            assert (await client.say("STARTTLS")).startswith("220")
            handshake = asyncio.ensure_future(client.handshake(trusting(pki)))
            await handshake
            client.send(b"EHLO x\r\nMAIL FROM:<a@example.org>\r\n")
            assert (await client.reply()).startswith("250-")
            assert (await client.reply()) == "250 2.1.0 sender ok"


@on_loops
async def test_security_41_tls_can_be_required(pki: Path) -> None:
    async with listening(tls=served(pki), require_tls=True) as server:
        client = await server.connect()
        await client.begin()
        assert await client.code("MAIL FROM:<a@example.org>") == "530 5.7.0"
        assert await client.code(f"RCPT TO:<{TO}>") == "530 5.7.0"
        assert await client.code("DATA") == "530 5.7.0"
        assert await client.code("NOOP") == "250 2.0.0"
        await client.starttls(trusting(pki))
        await client.say("EHLO x")
        await client.envelope()
        assert (await client.data()).startswith("250")


@on_loops
async def test_implicit_tls(pki: Path) -> None:
    async with listening(tls=served(pki), tls_mode="implicit", require_tls=True, trusted=False) as server:
        client = await server.connect(ssl=trusting(pki))
        offered = (await client.begin()).splitlines()
        assert "250-STARTTLS" not in offered
        assert "250-AUTH PLAIN LOGIN" in offered
        assert await client.code("STARTTLS") == "503 5.5.1"
        assert await client.code("AUTH PLAIN AGFwcABwdw==") == "235 2.7.0"
        await client.envelope()
        assert (await client.data()).startswith("250")
        client.close()
        plain = await server.connect()
        plain.send(b"EHLO x\r\n")
        assert b"250" not in await _rest(plain.reader)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@on_loops
async def test_too_many_connections_over_implicit_tls(pki: Path) -> None:
    async with listening(tls=served(pki), tls_mode="implicit", max_connections=1) as server:
        first = await server.connect(ssl=trusting(pki))
        await first.begin()
        await first.envelope()
        assert (await first.say("DATA")).startswith("354")
        with pytest.raises(OSError):  # before its handshake
            await server.connect(ssl=trusting(pki))
        assert server.said("connections_full")


@on_loops
async def test_handshakes_that_never_end_make_room(pki: Path) -> None:
    async with listening(tls=served(pki), tls_mode="implicit", max_connections=2) as server:
        begun = [await server.connect() for _ in range(3)]
        assert await begun[0].is_closed()
        client = await server.connect(ssl=trusting(pki))
        await client.begin()
        assert await begun[1].is_closed()
        assert server.said("connections_full")


@on_loops
async def test_only_so_many_handshakes_are_under_way(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HANDSHAKES_MOST", 2)
    async with listening(tls=served(pki), tls_mode="implicit", max_connections=100) as server:
        for _ in range(2):  # those that are over count no more
            begun = [await server.connect() for _ in range(3)]
            assert await begun[0].is_closed()
            clients = [await server.connect(ssl=trusting(pki)) for _ in range(4)]
            for client in clients:
                await client.begin()
            assert await begun[1].is_closed()
            begun[2].close()
            await server.until_connections(len(clients))
            for client in clients:
                client.close()
            await server.until_connections(0)
        assert not server.said("connections_full")


@on_loops
async def test_a_handshake_that_ends_before_it_has_begun_is_forgotten(
    pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HANDSHAKES_MOST", 1)
    async with listening(tls=served(pki), tls_mode="implicit", max_connections=100) as server:
        # before the loop has its next turn, so all are accepted in one
        at_once = [socket.create_connection((HOST, server.listener.port)) for _ in range(5)]
        client = await server.connect(ssl=trusting(pki))
        await client.begin()
        for one in at_once:
            one.close()
        await server.until_connections(1)
        assert not server.listener._door._connecting
        assert len(server.listener._door._places) == 1


@pytest.mark.parametrize("words", [b"", b"EHLO this is no TLS\r\n", b"\x16\x03\x01\x02"])
def test_handshakes_that_come_to_nothing(pki: Path, words: bytes) -> None:
    @on_loops
    async def run() -> None:
        async with listening(tls=served(pki), timeout_s=0.3) as server:
            for leaves in (True, False):
                client = await server.client()
                assert (await client.say("STARTTLS")).startswith("220")
                client.send(words)
                if leaves:
                    client.writer.write_eof()
                await _rest(client.reader)
                await server.until_connections(0)
            assert not server.said("mail_fault")
            await server.client()

    for loop in LOOPS:
        run(kind_of_loop=loop)


@on_loops
async def test_a_client_that_goes_away_after_the_handshake(pki: Path) -> None:
    async with listening(tls=served(pki)) as server:
        for said in (b"", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nNOO"):
            client = await server.client()
            await client.starttls(trusting(pki))
            client.send(said)
            if said:
                await client.reply()
            client.close()
            await server.until_connections(0)
        assert not server.said("mail_fault")


@on_loops
async def test_silence_under_tls(pki: Path) -> None:
    async with listening(tls=served(pki), timeout_s=0.2) as server:
        client = await server.client()
        await client.starttls(trusting(pki))
        assert await client.reply() == "421 4.4.2 timeout"
        assert await client.is_closed()
        await server.until_connections(0)


@on_loops
async def test_a_stop_while_under_tls(pki: Path) -> None:
    async with listening(tls=served(pki)) as server:
        client = await server.client()
        await client.starttls(trusting(pki))
        await client.say("EHLO x")
        server.listener.stop_listening()
        assert (await client.reply()).startswith("421 4.3.2")


@pytest.mark.parametrize(("version", "works"), [(ssl.TLSVersion.TLSv1_2, True), (0x0302, False)])
def test_security_39_old_versions_fail(pki: Path, version: int, works: bool) -> None:
    @on_loops
    async def run() -> None:
        async with listening(tls=served(pki)) as server:
            context = trusting(pki)
            context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the gateway that refuses old ones
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion(version)
            client = await server.client()
            if works:
                await client.starttls(context)
                assert (await client.say("EHLO x")).startswith("250")
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    await client.starttls(context)
                await server.until_connections(0)

    run(kind_of_loop="asyncio")


def test_a_certificate_that_is_not_there(tmp_path: Path, pki: Path) -> None:
    @on_loops
    async def run() -> None:
        with pytest.raises(OSError):
            async with listening(tls=TlsServer(certificate=tmp_path / "none.pem", key=pki / "good.key")):
                pass

    run(kind_of_loop="asyncio")
