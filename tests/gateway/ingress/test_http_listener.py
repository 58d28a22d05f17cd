"""The listener for HTTP over real sockets: what it takes, how long it waits, and how it ends."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from http_server import BODY_MAX, GET, HOST, answer_of, plainly, serving, statuses
from smtp_support import on_loops, served, trusting

from gateway.config.basics import Address
from gateway.config.model import HttpListener as ListenerConfig
from gateway.core.http import HttpCall, HttpReply, HttpStream
from gateway.ingress import http_listener
from gateway.ingress.http_connection import IN_LINE, LINGER_S, UNSENT_MAX
from gateway.ingress.http_listener import ROOM, HttpListener
from gateway.ingress.http_requests import FIELDS_MAX, HEAD_MAX, LINE_MAX

POST = b"POST /a/x HTTP/1.1\r\nHost: h\r\n"


# -- too much ----------------------------------------------------------------------------------------------


@on_loops
async def test_security_61_a_body_may_be_so_long_and_no_longer() -> None:
    async with serving() as server:
        for more, status in ((0, 200), (1, 413)):
            body = b"x" * (BODY_MAX + more)
            sized = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
            assert statuses(await server.say(sized, ends=True)) == [status]
            chunk = b"x" * 100
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for _ in range(10)) + b"1\r\nx\r\n" * more
            chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
            assert statuses(await server.say(chunked)) == [status]
        assert [len(call.body) for call in server.calls] == [BODY_MAX, BODY_MAX]


@on_loops
async def test_security_61_a_body_that_comes_on_and_on_ends_at_the_limit() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        [connection] = await _one_connection(server)
        for octets in range(100, BODY_MAX + 1, 100):
            writer.write(b"64\r\n" + b"x" * 100 + b"\r\n")
            await server.until(lambda octets=octets: connection._reader.taken == octets)
        writer.write(b"1\r\nx\r\n")
        assert (await answer_of(reader))[0] == 413
        assert server.calls == []
        writer.close()


@on_loops
async def test_security_61_what_is_packed_stays_packed() -> None:
    packed = gzip.compress(b"x" * 100_000)
    async with serving() as server:
        head = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        assert statuses(await server.say(head + packed, ends=True)) == [200]
        assert server.calls[0].body == packed


@on_loops
async def test_a_body_that_says_it_is_too_long_is_not_waited_for() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        writer.write(POST + b"Content-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n")
        status, headers, _ = await answer_of(reader)
        assert (status, headers["connection"]) == (413, "close")
        writer.close()


@on_loops
async def test_security_61_heads_have_limits_of_their_own() -> None:
    cases = {
        b"GET /a/" + b"x" * LINE_MAX + b" HTTP/1.1\r\nHost: h\r\n\r\n": 414,
        b"GET /a/x HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 9000 + b"\r\n\r\n": 431,
        b"GET /a/x HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * (FIELDS_MAX + 1) + b"\r\n": 431,
        b"GET /a/x HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * (FIELDS_MAX - 1) + b"\r\n": 200,
        b"\r\n" * HEAD_MAX: 431,
        b"GET /a/x?" + b"q" * (64 * 1024) + b" HTTP/1.1\r\nHost: h\r\n\r\n": 200,
    }
    async with serving() as server:
        for octets, status in cases.items():
            assert statuses(await server.say(octets)) == [status], octets[:60]


@on_loops
async def test_all_bodies_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_listener, "ROOM", 1500)
    async with serving() as server:
        half = POST + b"Content-Length: 1000\r\n\r\n" + b"x" * 900
        first, writer = await server.open()
        writer.write(half)
        [connection] = server.listener.connections
        await server.until(lambda: connection.is_busy)
        while server.listener.take_room(601):  # until it has been read
            server.listener.give_room(601)
            await asyncio.sleep(0.001)
        assert statuses(await server.say(half)) == [503]
        writer.write(b"x" * 100)
        assert (await answer_of(first))[0] == 200
        assert server.listener.take_room(1500)  # all is free again
        server.listener.give_room(1500)
        writer.close()


@on_loops
async def test_connections_beyond_the_limit_are_closed_at_once() -> None:
    go = asyncio.Event()

    async def slowly(call: HttpCall) -> HttpReply:
        await go.wait()
        return HttpReply(200, "text/plain", b"late")

    async with serving(max_connections=1) as server:
        server.answer = slowly
        reader, writer = await server.open()
        writer.write(GET)
        await server.came.wait()
        assert await server.say(GET) == b""
        assert "connections_full limit=1 peer=127.0.0.1 instead_of=-" in server.said()
        go.set()
        assert (await answer_of(reader))[0] == 200
        writer.close()
        await server.until(lambda: not server.listener.connections)
        assert statuses(await server.say(GET, ends=True)) == [200]


@on_loops
async def test_who_has_nothing_under_way_makes_room() -> None:
    async with serving(max_connections=1) as server:
        for words in (b"", GET[:-2], GET, GET + GET[:-2]):
            reader, writer = await server.open()
            writer.write(words)
            if words.startswith(GET):
                assert (await answer_of(reader))[0] == 200
            else:
                await server.until(lambda: server.listener.connections)
            assert statuses(await server.say(GET, ends=True)) == [200]
            assert await server.rest_of(reader) == b""
            writer.close()
            await server.until(lambda: not server.listener.connections)


# -- too slow ----------------------------------------------------------------------------------------------


@on_loops
async def test_what_does_not_come_whole_in_time_is_told_and_closed() -> None:
    for start in (GET[:-2], POST + b"Content-Length: 3\r\n\r\nab"):
        async with serving() as server:
            reader, writer = await server.open()
            writer.write(start)
            [connection] = await _one_connection(server)
            await server.until(lambda connection=connection: connection.is_busy)
            server.turn(9)
            for _ in range(3):  # octet by octet is not in time either
                writer.write(b"X" if start.startswith(b"GET") else b"")
                await asyncio.sleep(0.005)
            server.turn(2)
            assert (await answer_of(reader))[0] == 408
            writer.close()


@on_loops
async def test_who_was_refused_and_stays_is_dropped() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        writer.write(b"x" * 100 + b"\r\n\r\n")
        assert statuses(await reader.read()) == [400]
        server.turn(LINGER_S - 0.5)
        assert server.listener.connections
        server.turn(0.5)
        await server.until(lambda: not server.listener.connections)
        writer.close()


@on_loops
async def test_who_says_nothing_is_closed_without_a_word() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        await _one_connection(server)
        server.turn(11)
        assert await reader.read() == b""
        writer.close()


@on_loops
async def test_a_connection_that_is_used_again_has_its_time_anew() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        for _ in range(3):
            writer.write(GET)
            assert (await answer_of(reader))[0] == 200
            server.turn(9)
        writer.close()


@on_loops
async def test_an_answer_may_take_longer_than_a_request() -> None:
    go = asyncio.Event()

    async def later(call: HttpCall) -> HttpReply:
        await go.wait()
        return HttpReply(200, "text/plain", b"")

    async with serving() as server:
        server.answer = later
        reader, writer = await server.open()
        writer.write(GET)
        await server.came.wait()
        server.turn(100)
        go.set()
        assert (await answer_of(reader))[0] == 200
        writer.close()


@on_loops
async def test_who_does_not_read_is_dropped() -> None:
    async def long(call: HttpCall) -> HttpReply:
        return HttpReply(200, "text/plain", b"x" * 40_000_000)

    async with serving() as server:
        server.answer = long
        _, writer = await server.open(limit=1)
        writer.write(GET)
        await server.came.wait()
        await asyncio.sleep(0.05)
        server.turn(5)
        assert server.listener.connections
        server.turn(6)
        await server.until(lambda: not server.listener.connections)
        writer.close()


@on_loops
async def test_who_waited_for_an_answer_has_his_time_to_read_it() -> None:
    go = asyncio.Event()

    async def long(call: HttpCall) -> HttpReply:
        await go.wait()
        return HttpReply(200, "text/plain", b"x" * 40_000_000)

    async with serving() as server:
        server.answer = long
        _, writer = await server.open(limit=1)
        writer.write(GET)
        await server.came.wait()
        server.turn(100)
        go.set()
        await asyncio.sleep(0.05)
        server.turn(9)
        await asyncio.sleep(0)
        assert server.listener.connections
        server.turn(2)
        await server.until(lambda: not server.listener.connections)
        writer.close()


async def _one_connection(server: object) -> list[object]:
    await server.until(lambda: server.listener.connections)  # type: ignore[attr-defined]
    return list(server.listener.connections)  # type: ignore[attr-defined]


# -- who -----------------------------------------------------------------------------------------------------


@on_loops
async def test_a_client_that_asks_first_is_told_to_go_on_in_its_turn() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        writer.write(GET + POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert (await answer_of(reader))[0] == 200
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await answer_of(reader))[2] == b"/a/x:abc"
        writer.close()


@on_loops
async def test_proxies_are_believed_and_others_are_not() -> None:
    hops = b"X-Forwarded-For: 198.51.100.9, 192.0.2.7\r\nX-Forwarded-For: 10.0.0.2\r\n"
    told = b"GET /a/x HTTP/1.1\r\nHost: h\r\n" + hops + b"\r\n"
    cases = {
        (): "127.0.0.1",
        ("10.0.0.0/8",): "127.0.0.1",
        ("127.0.0.0/8",): "10.0.0.2",
        ("127.0.0.0/8", "10.0.0.0/8"): "192.0.2.7",
        ("0.0.0.0/0",): "198.51.100.9",
    }
    for networks, peer in cases.items():
        async with serving(proxies=[ip_network(it) for it in networks]) as server:
            await server.say(told, ends=True)
            assert [call.peer for call in server.calls] == [peer]


@on_loops
async def test_a_proxy_that_says_nonsense_is_the_client_itself() -> None:
    async with serving(proxies=[ip_network("127.0.0.0/8")]) as server:
        for value in (b"unknown", b"", b"192.0.2.7, <script>", b"," * 500):
            head = b"GET /a/x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + value + b"\r\n\r\n"
            await server.say(head, ends=True)
        await server.say(GET, ends=True)
        assert [call.peer for call in server.calls] == ["127.0.0.1"] * 5


@on_loops
async def test_tls_and_its_renewal(tmp_path: Path, pki: Path) -> None:
    section = served(pki)
    async with serving(tls=section) as server:
        context = trusting(pki)
        answered = await server.say(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), ssl=context)
        assert statuses(answered) == [200]
        assert server.calls[0].is_tls
        server.listener.renew_certificate()
        with pytest.raises(OSError):
            await server.say(b"", ssl=ssl.create_default_context())


@on_loops
async def test_an_address_in_use_is_an_error() -> None:
    async with serving() as server:
        config = ListenerConfig(address=Address(HOST, server.listener.port))
        with pytest.raises(OSError):
            await HttpListener(config, [], server.events, server.clock).start()


@on_loops
async def test_a_parser_that_is_not_strict_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_listener, "IS_STRICT", False)
    with pytest.raises(OSError, match="install it from its wheel"):
        async with serving():
            pass


# -- faults --------------------------------------------------------------------------------------------------


@on_loops
async def test_a_fault_is_500_and_its_place_in_the_log_without_its_text() -> None:
    async def broken(call: HttpCall) -> HttpReply:
        raise RuntimeError("79990001122 hello")

    async def breaks_out(call: HttpCall) -> HttpReply:
        return HttpReply(200, "text/plain", b"", (("X-Name", "a\r\nSet-Cookie: b"),))

    async with serving() as server:
        for app in (broken, breaks_out):
            server.answer = app
            answered = await server.say(GET, ends=True)
            assert statuses(answered) == [500] and b"Cookie" not in answered
        assert server.listener.faults == 2
        assert "http_fault" in server.said() and "7999" not in server.said()


@on_loops
async def test_a_client_that_goes_away_is_no_fault() -> None:
    async with serving() as server:
        go = asyncio.Event()

        async def later(call: HttpCall) -> HttpReply:
            await go.wait()
            return HttpReply(200, "text/plain", b"x")

        server.answer = later
        _, writer = await server.open()
        writer.write(GET * 3)
        await server.came.wait()
        reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.transport.abort()
        await server.until(lambda: not server.listener.connections)
        go.set()
        await asyncio.sleep(0.01)
        assert len(server.calls) == 1  # what it wanted besides is not begun
        assert server.said() == ""


@on_loops
async def test_the_room_of_a_client_that_goes_away_is_given_back_once() -> None:
    go = asyncio.Event()

    async def later(call: HttpCall) -> HttpReply:
        await go.wait()
        return HttpReply(200, "text/plain", b"x")

    async with serving() as server:
        server.answer = later
        _, writer = await server.open()
        writer.write(POST + b"Content-Length: 900\r\n\r\n" + b"x" * 800)
        await server.until(lambda: not server.listener.take_room(ROOM) or server.listener.give_room(ROOM))
        writer.write(b"x" * 100)
        await server.came.wait()
        reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.transport.abort()
        await server.until(lambda: not server.listener.connections)
        go.set()
        await asyncio.sleep(0.01)
        assert server.listener.take_room(ROOM)
        assert not server.listener.take_room(1)
        server.listener.give_room(ROOM)


@on_loops
async def test_the_room_of_half_a_body_is_given_back_when_its_client_goes() -> None:
    async with serving() as server:
        _, writer = await server.open()
        writer.write(POST + b"Content-Length: 900\r\n\r\n" + b"x" * 800)
        await server.until(lambda: not server.listener.take_room(ROOM) or server.listener.give_room(ROOM))
        writer.transport.abort()
        await server.until(lambda: not server.listener.connections)
        assert server.listener.take_room(ROOM)
        server.listener.give_room(ROOM)


@on_loops
async def test_what_follows_a_body_that_is_too_long_is_not_asked() -> None:
    async with serving() as server:
        reader, writer = await server.open()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        await _one_connection(server)
        writer.write(b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n" + GET)
        assert (await answer_of(reader))[0] == 413
        assert server.calls == []
        writer.close()


# -- answers that go on --------------------------------------------------------------------------------------


class Chunks:
    """Gives what a test puts in; knows whether it was ended."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.ended = False

    async def give(self) -> AsyncIterator[bytes]:
        try:
            while (chunk := await self.queue.get()) is not None:
                yield chunk
        finally:
            self.ended = True

    async def app(self, call: HttpCall) -> HttpStream:
        return HttpStream("text/event-stream", self.give(), (("X-A", "b"),))


@on_loops
async def test_a_stream_comes_as_it_is_made() -> None:
    chunks = Chunks()
    async with serving() as server:
        server.answer = chunks.app
        reader, writer = await server.open()
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked\r\n" in head and b"\r\nX-A: b\r\n" in head
        chunks.queue.put_nowait(b"data: 1\n\n")
        assert await reader.readexactly(14) == b"9\r\ndata: 1\n\n\r\n"
        server.turn(1000)  # silence ends no stream
        chunks.queue.put_nowait(None)
        assert await reader.read() == b"0\r\n\r\n"
        assert chunks.ended
        writer.close()


@on_loops
async def test_a_stream_for_http_1_0_ends_with_the_connection() -> None:
    chunks = Chunks()
    for chunk in (b"one", b"two", None):
        chunks.queue.put_nowait(chunk)
    async with serving() as server:
        server.answer = chunks.app
        answered = await server.say(b"GET /a/x HTTP/1.0\r\n\r\n")
    assert answered.endswith(b"\r\n\r\nonetwo") and b"chunked" not in answered


@on_loops
async def test_a_stream_ends_when_its_reader_goes() -> None:
    chunks = Chunks()
    async with serving() as server:
        server.answer = chunks.app
        reader, writer = await server.open()
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await server.until(lambda: chunks.ended)


class Unwanted:
    """Chunks that nobody has asked for when they are ended."""

    def __init__(self) -> None:
        self.ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError

    async def aclose(self) -> None:
        self.ended = True


@on_loops
async def test_a_stream_for_who_has_gone_is_ended_before_it_begins() -> None:
    chunks, go = Unwanted(), asyncio.Event()

    async def later(call: HttpCall) -> HttpStream:
        await go.wait()
        return HttpStream("text/event-stream", chunks)

    async with serving() as server:
        server.answer = later
        _, writer = await server.open()
        writer.write(GET)
        await server.came.wait()
        reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.transport.abort()
        await server.until(lambda: not server.listener.connections)
        go.set()
        await server.until(lambda: chunks.ended)


@on_loops
async def test_what_follows_a_request_for_a_stream_takes_no_room() -> None:
    chunks = Chunks()
    async with serving() as server:
        server.answer = chunks.app
        reader, writer = await server.open()
        writer.write(POST + b"Content-Length: 900\r\n\r\n" + b"x" * 800)
        await server.until(lambda: not server.listener.take_room(ROOM) or server.listener.give_room(ROOM))
        writer.write(b"x" * 100 + POST + b"Content-Length: 900\r\n\r\n" + b"x" * 800)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"x" * 100 + GET * (IN_LINE + 5))
        assert server.listener.take_room(ROOM)
        server.listener.give_room(ROOM)
        chunks.queue.put_nowait(None)
        assert (await reader.read()).endswith(b"0\r\n\r\n")
        assert len(server.calls) == 1
        writer.close()


@on_loops
async def test_who_has_sent_on_and_on_and_leaves_a_stream_is_seen_to_go() -> None:
    chunks = Chunks()
    async with serving() as server:
        server.answer = chunks.app
        reader, writer = await server.open()
        writer.write(GET * (2 * IN_LINE))
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await server.until(lambda: chunks.ended)


@on_loops
async def test_a_reader_that_does_not_read_is_dropped() -> None:
    chunks = Chunks()
    async with serving() as server:
        server.answer = chunks.app
        _, writer = await server.open(limit=1)
        writer.write(GET)
        await server.came.wait()
        for _ in range(400):
            chunks.queue.put_nowait(b"x" * UNSENT_MAX)
        before = -1
        while chunks.queue.qsize() != before:  # until nothing more is taken
            before = chunks.queue.qsize()
            await asyncio.sleep(0.05)
        assert before > 0  # what waits is with whoever makes it, and no more than UNSENT_MAX here
        server.turn(11)
        await server.until(lambda: chunks.ended)
        assert not server.listener.connections
        writer.close()


# -- the end -------------------------------------------------------------------------------------------------


@on_loops
async def test_a_stop_answers_what_waits_and_ends_all_else() -> None:
    go, chunks = asyncio.Event(), Chunks()

    async def mixed(call: HttpCall) -> HttpReply | HttpStream:
        if call.path == "/a/stream":
            return await chunks.app(call)
        if call.path == "/a/slow":
            await go.wait()
        return await plainly(call)

    async with serving() as server:
        server.answer = mixed
        idle, idle_writer = await server.open()
        idle_writer.write(GET)
        await answer_of(idle)
        slow, slow_writer = await server.open()
        slow_writer.write(b"GET /a/slow HTTP/1.1\r\nHost: h\r\n\r\n")
        stream, stream_writer = await server.open()
        stream_writer.write(b"GET /a/stream HTTP/1.1\r\nHost: h\r\n\r\n")
        await stream.readuntil(b"\r\n\r\n")
        await server.until(lambda: len(server.calls) == 3)
        port = server.listener.port
        server.listener.stop_listening()
        stopping = asyncio.create_task(server.listener.stop(5))
        assert await idle.read() == b""
        await stream.read()
        assert chunks.ended
        with pytest.raises(OSError):
            await asyncio.open_connection(HOST, port)
        assert not stopping.done()
        go.set()
        status, headers, _ = await answer_of(slow)
        assert (status, headers["connection"]) == (200, "close")
        await stopping
        for writer in (idle_writer, slow_writer, stream_writer):
            writer.close()


@on_loops
async def test_a_stop_does_not_wait_for_an_answer_that_never_comes() -> None:
    async def never(call: HttpCall) -> HttpReply:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with serving() as server:
        server.answer = never
        reader, writer = await server.open()
        writer.write(GET)
        await server.came.wait()
        server.listener.stop_listening()
        await server.listener.stop(0.05)
        assert await reader.read() == b""
        writer.close()
