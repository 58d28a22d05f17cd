"""What is a request and what is none (RFC 9112), octet by octet over real sockets."""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from http_server import GET, answer_of, plainly, serving, statuses
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from smtp_support import on_loops

from gateway.core.peers import client_address, plain_address
from gateway.ingress.http_connection import IN_LINE, PIECE
from gateway.ingress.http_requests import split_target

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "http" / "framing.json").read_text())


@on_loops
async def test_security_60_each_vector_is_answered_as_it_says() -> None:
    async with serving() as server:
        bad = []
        for vector in VECTORS:
            server.calls.clear()
            answered = await server.say(vector["octets"].encode("latin-1"))
            found = {"statuses": statuses(answered), "asked": len(server.calls)}
            if found != {name: vector[name] for name in found}:
                bad.append((vector["name"], found))
            assert not any(call.path == "/a/hidden" for call in server.calls)
            assert (b"Connection: close\r\n" in answered) >= (vector["statuses"] == [400])
        assert bad == []
    assert server.said() == ""  # nothing that came is told, and nothing of it is a fault


@on_loops
async def test_a_request_is_handed_over_whole() -> None:
    async with serving() as server:
        await server.say(
            b"POST /a/x%20y?q=%D0&r HTTP/1.1\r\nHost: h\r\nX-Test: one\r\nContent-Length: 3\r\n\r\nabc",
            ends=True,
        )
        [call] = server.calls
    assert (call.method, call.path, call.query, call.body) == ("POST", "/a/x%20y", "q=%D0&r", b"abc")
    assert (call.headers["x-test"], call.peer, call.is_tls) == ("one", "127.0.0.1", False)


@on_loops
async def test_requests_may_come_in_any_pieces() -> None:
    in_chunks = b"POST /a/y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    octets = GET + in_chunks + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" + GET
    async with serving() as server:
        for size in (1, 7, 40):
            server.calls.clear()
            reader, writer = await server.open()
            for at in range(0, len(octets), size):
                writer.write(octets[at : at + size])
                await asyncio.sleep(0)
            bodies = [(await answer_of(reader))[2] for _ in range(3)]
            assert bodies == [b"/a/x:", b"/a/y:abcde", b"/a/x:"]
            writer.close()


@on_loops
async def test_answers_come_in_the_order_of_the_requests() -> None:
    first = asyncio.Event()

    async def slowly(call: Any) -> Any:
        if call.path == "/a/1":
            await first.wait()
        return await plainly(call)

    async with serving() as server:
        server.answer = slowly
        reader, writer = await server.open()
        writer.write(b"".join(b"GET /a/%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in (1, 2, 3)))
        await server.came.wait()
        first.set()
        assert [(await answer_of(reader))[2] for _ in range(3)] == [b"/a/1:", b"/a/2:", b"/a/3:"]
        writer.close()


@on_loops
async def test_who_sends_on_and_on_is_read_as_far_as_it_is_answered() -> None:
    gate = asyncio.Event()

    async def waiting(call: Any) -> Any:
        await gate.wait()
        return await plainly(call)

    async with serving() as server:
        server.answer = waiting
        reader, writer = await server.open()
        writer.write(GET * 60_000)
        await server.came.wait()
        [connection] = server.listener.connections
        await server.until(lambda: connection.waiting > IN_LINE)
        for _ in range(20):
            await asyncio.sleep(0)
        assert connection.waiting < IN_LINE + PIECE / len(GET)  # the rest waits as octets, or in the kernel
        assert not connection._transport.is_reading()
        gate.set()
        for _ in range(15_000):  # and it is read on when there is room
            assert (await answer_of(reader))[0] == 200
        writer.transport.abort()
        await server.until(lambda: not server.listener.connections)


@on_loops
async def test_how_long_a_connection_stays() -> None:
    kept = {"1.0": "keep-alive", "1.1": None}
    cases = [(version, header) for version in kept for header in ("close", "keep-alive", "")]
    async with serving() as server:
        for version, header in cases:
            stays = header == "keep-alive" or (version == "1.1" and not header)
            reader, writer = await server.open()
            line = f"Connection: {header}\r\n" if header else ""
            writer.write(f"GET /a/x HTTP/{version}\r\nHost: h\r\n{line}\r\n".encode())
            _, headers, _ = await answer_of(reader)
            assert headers.get("connection") == (kept[version] if stays else "close")
            if stays:
                writer.write(GET)
                assert (await answer_of(reader))[0] == 200
            else:
                assert await reader.read() == b""
            writer.close()


@on_loops
async def test_head_has_no_body_and_the_server_says_no_version() -> None:
    async with serving() as server:
        answered = await server.say(b"HEAD /a/x HTTP/1.1\r\nHost: h\r\n\r\n", ends=True)
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b"Content-Length: 5" in head and body == b""
    assert b"\r\nServer: smsc-gateway\r\n" in head


@on_loops
async def test_head_of_nothing_has_no_body_that_would_be_the_next_answer() -> None:
    async with serving() as server:
        answered = await server.say(b"HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n" + GET, ends=True)
    assert statuses(answered) == [404, 200]
    assert b"\r\n\r\nHTTP/1.1 200" in answered


@on_loops
async def test_a_client_of_http_1_0_is_not_told_to_go_on() -> None:
    async with serving() as server:
        for version, told in (("1.0", [408]), ("1.1", [100, 408])):
            head = f"POST /a/x HTTP/{version}\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            assert statuses(await server.say(head.encode())) == told


@on_loops
async def test_security_60_of_what_is_refused_nothing_is_read_on() -> None:
    async with serving() as server:
        assert statuses(await server.say(b"x" * (5 * PIECE))) == [400]
        assert server.listener.bad_inputs == 1


@on_loops
async def test_who_has_sent_all_is_still_answered() -> None:
    async with serving() as server:
        assert statuses(await server.say(GET * 3, ends=True)) == [200, 200, 200]
        assert statuses(await server.say(GET * 1500, ends=True)) == [200] * 1500
        assert await server.say(GET[:-5], ends=True) == b""
        assert statuses(await server.say(GET * 1500 + GET[:-5], ends=True)) == [200] * 1500


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from([vector["octets"].encode("latin-1") for vector in VECTORS]),
            st.sampled_from(
                [b"\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"]
            ),
        ),
        max_size=6,
    )
)
def test_whatever_comes_is_answered_or_closed(pieces: list[bytes]) -> None:
    async def run() -> None:
        async with serving() as server:
            answered = await server.say(b"".join(pieces))
            assert set(statuses(answered)) <= {200, 400, 404, 408, 413, 414, 431, 501}
            assert server.listener.faults == 0

    asyncio.run(run())


@given(st.lists(st.text(max_size=40), max_size=3), st.booleans())
def test_whatever_proxies_say_an_address_comes_of_it(lines: list[str], is_any: bool) -> None:
    headers = CIMultiDict(("X-Forwarded-For", line) for line in lines)
    proxies = [ip_network("0.0.0.0/0" if is_any else "127.0.0.0/8")]
    ip_address(client_address("127.0.0.1", headers, proxies))


@given(st.text(max_size=60))
def test_whatever_a_target_is_it_has_a_path(target: str) -> None:
    path, query = split_target(target)
    if target.startswith("/"):
        assert path + ("?" + query if "?" in target else "") == target


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("192.0.2.7:80", ""),
        ("host", ""),
        ("", ""),
    ],
)
def test_an_address_has_one_form(text: str, address: str) -> None:
    assert plain_address(text) == address
