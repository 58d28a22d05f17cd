"""What ends a mail client's connection: rubbish, silence, limits, a stop, a peer that does not read."""

from __future__ import annotations

import asyncio
import smtplib

import pytest
from smtp_support import HOST, TO, listening, on_loops

from gateway.ingress import smtp
from gateway.ingress.smtp_listener import SmtpListener

MAIL = b"Subject: hi\r\n\r\nhello\r\n.\r\n"


@on_loops
async def test_unknown_commands_end_the_connection() -> None:
    async with listening() as server:
        client = await server.client()
        for _ in range(4):
            assert await client.code("FOO") == "500 5.5.1"
        # Nothing that came with the last one is obeyed.
        client.send(f"FOO\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<{TO}>\r\nDATA\r\n".encode() + MAIL)
        assert (await client.reply()).startswith("502 5.5.1")
        assert await client.is_closed()
        assert not server.intake.asked


@pytest.mark.parametrize("line", ["NOOP", "RSET", "VRFY x", "EHLO x", "HELP", "DATA", "RCPT", "\xff"])
def test_a_connection_that_brings_no_mail_is_ended(line: str) -> None:
    @on_loops
    async def run() -> None:
        async with listening() as server:
            client = await server.client()
            replies = [await client.code(line) for _ in range(100)]
            assert "421 4.7.0" not in replies[:99]
            assert replies[99] == "421 4.7.0"
            assert await client.is_closed()
            await server.until_connections(0)

    run(kind_of_loop="asyncio")


@on_loops
async def test_a_mail_earns_patience() -> None:
    async with listening() as server:
        client = await server.client()
        for _ in range(3):
            assert {await client.code("NOOP") for _ in range(98)} == {"250 2.0.0"}
            await client.envelope()
            assert (await client.data()).startswith("250")


@on_loops
async def test_a_silent_connection_is_closed() -> None:
    async with listening(timeout_s=0.1) as server:
        client = await server.client()
        assert await client.reply() == "421 4.4.2 timeout"
        assert await client.is_closed()
        await server.until_connections(0)


@on_loops
async def test_commands_keep_a_connection_and_rubbish_does_not() -> None:
    async with listening(timeout_s=0.3) as server:
        loop = asyncio.get_running_loop()
        client = await server.client()
        begun = loop.time()
        while loop.time() < begun + 0.5:
            assert (await client.say("NOOP")).startswith("250")
            await asyncio.sleep(0.02)
        client.send(b"NO")
        trickling = asyncio.create_task(_trickle(client.writer, b"O", 0.02))
        assert await client.reply() == "421 4.4.2 timeout"
        trickling.cancel()


async def _trickle(writer: asyncio.StreamWriter, piece: bytes, every_s: float) -> None:
    while True:
        writer.write(piece)
        await asyncio.sleep(every_s)


@on_loops
async def test_a_mail_that_trickles_in_has_its_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "LONGEST_MAIL", 1.5)
    async with listening(timeout_s=1) as server:  # much longer than any pause of the one who trickles
        loop = asyncio.get_running_loop()
        client = await server.client()
        await client.envelope()
        assert (await client.say("DATA")).startswith("354")
        begun = loop.time()
        trickling = asyncio.create_task(_trickle(client.writer, b"x\r\n", 0.02))
        assert await client.reply() == "421 4.4.2 timeout"
        trickling.cancel()
        assert loop.time() - begun > 1.4  # one and a half of the silence that is allowed
        assert not server.intake.mails


@on_loops
async def test_a_mail_that_stops_half_way_is_closed() -> None:
    async with listening(timeout_s=0.1) as server:
        client = await server.client()
        await client.envelope()
        assert await client.data(b"x\r\n") == "421 4.4.2 timeout"
        assert not server.intake.mails


@on_loops
async def test_the_time_of_the_gateway_does_not_count() -> None:
    async with listening(timeout_s=0.1) as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        client = await server.client()
        await client.envelope()
        assert (await client.say("DATA")).startswith("354")
        client.send(MAIL)
        asyncio.get_running_loop().call_later(0.35, go_on.set)
        assert await client.reply() == "250 2.0.0 queued late"


@on_loops
async def test_connections_over_the_limit_are_told_so() -> None:
    async with listening(max_connections=2) as server:
        clients = [await server.client() for _ in range(2)]
        for client in clients:
            await client.envelope()
            assert (await client.say("DATA")).startswith("354")
        for _ in range(5):
            extra = await server.connect()
            assert await extra.reply() == "421 4.3.2 too many connections"
            assert await extra.is_closed()
        assert len(server.said("connections_full")) == 1
        clients[0].send(MAIL)
        assert (await clients[0].reply()).startswith("250")
        await server.client()  # the first has nothing under way any more
        assert await clients[0].reply() == smtp.MAKES_ROOM
        assert await clients[0].is_closed()


@on_loops
async def test_strangers_do_not_take_all_connections() -> None:
    async with listening(trusted=False, max_connections=8) as server:
        strangers = [await server.client() for _ in range(8)]
        server.intake.trusted = server.accounts["app"]
        for stranger in strangers[:5]:
            client = await server.client()
            await client.envelope()
            assert (await client.data()).startswith("250")
            assert await stranger.reply() == smtp.MAKES_ROOM
            assert await stranger.is_closed()
        server.intake.trusted = None
        assert await strangers[5].say("NOOP") == "250 2.0.0 ok"


@on_loops
async def test_a_stop_waits_for_mails_under_way_only() -> None:
    async with listening() as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        idle, begun, taking = [await server.client() for _ in range(3)]
        await begun.envelope()
        await taking.envelope()
        await taking.say("DATA")
        taking.send(MAIL)
        await server.intake.taking.wait()
        assert server.listener.under_way == 1
        server.listener.stop_listening()
        for client in (idle, begun):
            assert await client.reply() == smtp.STOPPING
            assert await client.is_closed()
        go_on.set()
        assert await taking.reply() == "250 2.0.0 queued late"
        assert await taking.reply() == smtp.STOPPING
        await server.until_connections(0)


@on_loops
async def test_a_stop_ends_what_does_not_end() -> None:
    async with listening() as server:
        server.intake.answers = [asyncio.Event()]
        client = await server.client()
        await client.envelope()
        await client.say("DATA")
        client.send(MAIL)
        await server.intake.taking.wait()
        server.listener.stop_listening()
        assert server.listener.under_way == 1
        server.listener.close()
        assert await client.reply() == smtp.STOPPING
        assert await client.is_closed()


@on_loops
async def test_a_client_that_leaves_while_its_mail_is_taken_is_no_fault() -> None:
    async with listening() as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        client = await server.client()
        await client.envelope()
        await client.say("DATA")
        client.send(MAIL)
        await server.intake.taking.wait()
        client.close()
        go_on.set()
        await server.until_connections(0)
        assert len(server.intake.mails) == 1
        assert not server.said("mail_fault")


@on_loops
async def test_a_client_that_leaves_at_any_point_is_no_fault() -> None:
    async with listening() as server:
        for said in (b"", b"EHLO x\r\nMAIL", b"EHLO x\r\nMAIL FROM:<a@example.org>\r\n", b"\r\n" * 50):
            for half in (True, False):
                client = await server.connect()
                client.send(said)
                await client.reply()
                if half:
                    client.writer.write_eof()
                    await client.reader.read()
                client.close()
        await server.until_connections(0)
        assert not server.said("mail_fault")


@on_loops
async def test_a_peer_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "STUCK_AFTER_S", 0.05)
    monkeypatch.setattr(smtp, "USELESS", 10**9)
    async with listening(timeout_s=0.2) as server:
        client = await server.client()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            client.send(b"EHLO client.example.org\r\n" * 500)  # its answer is long
        await server.until_connections(0)


def test_the_standard_librarys_client_gets_through() -> None:
    @on_loops
    async def run() -> None:
        async with listening() as server:
            assert isinstance(server.listener, SmtpListener)
            port = server.listener.port

            def send() -> dict[str, tuple[int, bytes]]:
                with smtplib.SMTP(HOST, port, timeout=10) as client:
                    return client.sendmail(
                        "a@example.org",
                        [TO, "x@elsewhere.example"],
                        "Subject: hi\n\n.dots\n..two\n",
                        mail_options=["BODY=8BITMIME"],
                    )

            assert await asyncio.to_thread(send) == {
                "x@elsewhere.example": (554, b"5.7.1 relay access denied")
            }
            assert server.intake.mails[0][4] == b"Subject: hi\r\n\r\n.dots\r\n..two\r\n"

    run(kind_of_loop="asyncio")


def test_addresses_of_peers() -> None:
    class Transport:
        def __init__(self, name: object) -> None:
            self.name = name

        def get_extra_info(self, what: str) -> object:
            assert what == "peername"
            return self.name

    for name, address in (
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
        ("", ""),
        (None, ""),
    ):
        assert smtp.address_of(Transport(name)) == address  # type: ignore[arg-type]
