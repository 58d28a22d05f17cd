"""What follows DATA: where it ends, and what is too long or too large."""

from __future__ import annotations

import asyncio
import tracemalloc
from random import Random
from typing import Any

import pytest
from smtp_support import listening, on_loops

from gateway.ingress import smtp_data
from gateway.ingress.smtp_data import Place, Room, has_long_line, read_data
from protocols.mail.errors import MailError

MAX_SIZE = 100_000
LIMIT = 1 << 16


def received(
    *pieces: bytes, max_size: int = MAX_SIZE, room: Room | None = None, limit: int = smtp_data.ROOM
) -> tuple[bytes, bytes]:
    """The mail, and what is left for the command loop; the octets come in these pieces."""
    room = room or Room()

    async def run() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader(limit=LIMIT)
        with Place(room, limit) as place:
            mail = await _read(reader, place)
        reader.feed_eof()
        return mail, await reader.read()

    async def _read(reader: asyncio.StreamReader, place: Place) -> bytes:
        reading = asyncio.ensure_future(read_data(reader, max_size, place))
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        async with asyncio.timeout(60):
            return await reading

    return asyncio.run(run())


def refused(*pieces: bytes, **how: Any) -> str:
    with pytest.raises(MailError) as caught:
        received(*pieces, **how)
    return caught.value.code


@pytest.mark.parametrize(
    ("sent", "mail"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"hello\r\n.\r\n", b"hello\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".hello\r\n.\r\n", b"hello\r\n"),
        (b"a\r\n..b\r\n...c\r\n.\r\n", b"a\r\n.b\r\n..c\r\n"),
        (b"a.\r\nb.\r\n.\r\n", b"a.\r\nb.\r\n"),
        (b"a\r\n.b.\r\n.\r\n", b"a\r\nb.\r\n"),
        (b"\0\xff\r\n.\r\n", b"\0\xff\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\r\n"),
    ],
)
def test_dots_and_the_end(sent: bytes, mail: bytes) -> None:
    assert received(sent + b"NEXT") == (mail, b"NEXT")
    assert received(*(sent[n : n + 1] for n in range(len(sent))), b"NEXT") == (mail, b"NEXT")


@pytest.mark.parametrize(
    "trick",
    [
        b"a\n.\nMAIL",
        b"a\n.\r\nMAIL",
        b"a\r.\rMAIL",
        b"a\r.\r\nMAIL",
        b"a\r\n.\nMAIL",
        b"a\r\n.\rMAIL",
        b"a\r\n.\r\r\nMAIL",
        b"a\r\n. \r\nMAIL",
        b"a\r\n\0.\r\nMAIL",
        b"a\n\r.\r\nMAIL",
        b"\n.\r\nMAIL",
    ],
)
def test_security_45_nothing_else_ends_it(trick: bytes) -> None:
    text = trick + b" FROM:<x@y>\r\n"
    mail, left = received(text + b".\r\n" + b"QUIT")
    assert left == b"QUIT"
    assert mail == text.replace(b"\r\n.", b"\r\n")
    assert received(*(text[n : n + 1] for n in range(len(text))), b".\r\nQUIT") == (mail, b"QUIT")


@on_loops
async def test_security_45_on_the_wire() -> None:
    async with listening() as server:
        client = await server.client()
        await client.envelope()
        trick = b"one\n.\r\nMAIL FROM:<x@y>\n.\nRCPT TO:<x@y>\r.\rDATA\r\n"
        assert (await client.data(trick + b".\r\n")).startswith("250")
        assert [mail[4] for mail in server.intake.mails] == [trick]
        assert await client.say("NOOP") == "250 2.0.0 ok"


def test_any_mail_comes_out_as_it_went_in() -> None:
    random = Random(7)
    for _ in range(300):
        mail = b"".join(random.choice([b".", b"\r\n", b"\n", b"\r", b"x"]) for _ in range(40)) + b"\r\n"
        stuffed = (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        cut = sorted(random.sample(range(len(stuffed)), 5))
        pieces = [stuffed[a:b] for a, b in zip([0, *cut], [*cut, len(stuffed)], strict=True)]
        assert received(*pieces, b"Q") == (mail, b"Q")


@pytest.mark.parametrize("size", [LIMIT - 3, LIMIT, LIMIT + 1, 2 * LIMIT + 7, 500_000])
def test_large_mails(size: int) -> None:
    mail = (b"x" * 70 + b".\r\n") * (size // 73) + b"y" * (size % 73) + b"\r\n"
    assert received(mail + b".\r\n", max_size=600_000) == (mail, b"")
    without_dots = mail.replace(b".", b",")
    assert received(without_dots + b".\r\n", max_size=600_000) == (without_dots, b"")


def test_the_size_is_exact() -> None:
    line = b"x" * 98 + b"\r\n"
    assert len(received(line * 1000 + b".\r\n")[0]) == MAX_SIZE
    assert refused(b"x" + line * 1000 + b".\r\n") == "552 5.3.4"
    # What SIZE announces has no doubled dots in it (RFC 1870 §3).
    dots = b"." * 8 + b"\r\n"
    assert len(received((b"." + dots) * 10_000 + b".\r\n")[0]) == MAX_SIZE
    assert refused((b"." + dots) * 10_000 + b"x\r\n.\r\n") == "552 5.3.4"


def test_what_there_is_no_room_for_comes_later() -> None:
    room = Room()
    mail = b"x" * 98 + b"\r\n"
    with Place(room, 1000) as other:
        assert other.take(600)
        assert len(received(mail * 3 + b".\r\n", room=room, limit=1000)[0]) == 300
        assert refused(mail * 5 + b".\r\n", room=room, limit=1000) == "452 4.3.1"
        assert refused(*[mail] * 5, b".\r\n", room=room, limit=1000) == "452 4.3.1"
        assert refused(mail * 20_000 + b".\r\n", room=room, limit=1000) == "552 5.3.4"
        assert room.taken == 600
    assert room.taken == 0
    assert len(received(mail * 5 + b".\r\n", room=room, limit=1000)[0]) == 500


@on_loops
async def test_mails_that_come_in_at_once_share_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ingress.smtp_listener.ROOM", 150_000)
    monkeypatch.setattr("gateway.ingress.smtp_listener.NOBODYS_SHARE", 60_000)
    half = (b"x" * 98 + b"\r\n") * 700
    async with listening() as server:
        first, second, third = [await server.client() for _ in range(3)]
        for client in (first, second, third):
            await client.envelope()
            assert (await client.say("DATA")).startswith("354")
        for client in (first, second):
            client.send(half)
        while server.listener.room.taken < 120_000:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        third.send(half + b".\r\n")
        assert (await third.reply()).startswith("452 4.3.1")
        server.intake.trusted = None
        stranger = await server.client()
        await stranger.envelope("a@example.org", "send@sms.example.org")
        first.close()
        while server.listener.room.taken > len(half):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert (await stranger.data(half + b".\r\n")).startswith("452 4.3.1")
        await third.envelope()
        assert (await third.data(half + b".\r\n")).startswith("250")
        second.send(b".\r\n")
        assert (await second.reply()).startswith("250")
        await stranger.envelope("a@example.org", "send@sms.example.org")
        assert (await stranger.data(half[:50_000] + b".\r\n")).startswith("250")
        assert server.listener.room.taken == 0


def test_lines() -> None:
    longest = b"x" * smtp_data.LINE_OCTETS + b"\r\n"
    assert received(longest * 3 + b".\r\n", max_size=10 * MAX_SIZE)[0] == longest * 3
    for sent in (b"x" + longest, longest * 9 + b"x" + longest + b"a\r\n", b"a\r\nx" + longest):
        assert refused(sent + b".\r\n", max_size=10 * MAX_SIZE) == "500 5.5.2"
    bare = b"x" * 60_000 + b"\n"
    assert received(bare * 5 + b"\r\n.\r\n", max_size=10 * MAX_SIZE)[0] == bare * 5 + b"\r\n"


def test_long_lines_are_found_wherever_they_are() -> None:
    random = Random(3)
    for _ in range(200):
        most = smtp_data.LINE_OCTETS
        lengths = [random.choice([0, 1, 500, most - 1, most]) for _ in range(8)]
        lines = [b"x" * length + b"\r\n" for length in lengths]
        assert not has_long_line(b"".join(lines))
        lines.insert(random.randrange(9), b"x" * (most + 1) + b"\r\n")
        assert has_long_line(b"".join(lines))


def test_security_50_a_line_of_a_megabyte() -> None:
    assert refused(b"x" * (1 << 20) + b"\r\n.\r\n") == "500 5.5.2"
    assert refused(b"x" * (1 << 20) + b"\r\n.\r\n", max_size=4 << 20) == "500 5.5.2"


@on_loops
async def test_security_50_memory_stays_flat() -> None:
    async with listening() as server:
        for line in (b"x" * 500_000, b"x" * 98 + b"\r\n"):
            client = await server.client()
            await client.envelope()
            assert (await client.say("DATA")).startswith("354")
            tracemalloc.start()
            for _ in range(20_000_000 // len(line)):
                client.send(line)
                await client.writer.drain()
            client.send(b"\r\n.\r\n")
            code = "500 5.5.2" if len(line) > 1000 else "552 5.3.4"
            assert (await client.reply()).startswith(code)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 3_000_000
            await client.envelope()  # and the connection goes on
            assert (await client.data()).startswith("250")


def test_what_goes_on_for_ever_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_data, "THROWN_AWAY", 1_000_000)

    @on_loops
    async def run() -> None:
        async with listening() as server:
            client = await server.client()
            await client.envelope()
            assert (await client.say("DATA")).startswith("354")
            client.send(b"x\r\n" * 1_000_000)
            assert (await client.reply()).startswith("552 5.3.4")
            await server.until_connections(0)

    run(kind_of_loop="asyncio")


def test_a_flood_of_tiny_lines_leaves_time_for_others() -> None:
    async def run() -> int:
        reader = asyncio.StreamReader(limit=LIMIT)
        reader.feed_data(b"..\r\n" * 100_000 + b".\r\n")
        reading = asyncio.ensure_future(read_data(reader, 1_000_000, Place(Room(), smtp_data.ROOM)))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert await reading == b".\r\n" * 100_000
        return turns

    assert asyncio.run(run()) > 50


def test_a_connection_that_ends_is_no_mail() -> None:
    async def run() -> None:
        reader = asyncio.StreamReader(limit=LIMIT)
        reader.feed_data(b"hello\r\n")
        reader.feed_eof()
        with pytest.raises(asyncio.IncompleteReadError):
            await read_data(reader, MAX_SIZE, Place(Room(), smtp_data.ROOM))

    asyncio.run(run())
