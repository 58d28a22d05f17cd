"""The service's calls over real sockets: who is answered what, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import zlib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from callbacks_support import (
    HOST,
    PATH,
    PATIENCE_S,
    PHONE,
    SECRET,
    STATUS,
    Server,
    callback,
    form,
    listening,
    on_one_loop,
)
from gateway_fakes import NOW_MS
from smtp_support import on_loops, served, trusting

from gateway.config.basics import Address
from gateway.config.smsc_model import CallbackListener as ListenerConfig
from gateway.core.smsc_sink import Endpoint
from gateway.ingress.smsc_callbacks import CallbackListener
from protocols.smsc_http.callbacks import MAX_BODY, IncomingCall, StatusCall, WaitCall

INCOMING = {"id": "17", "phone": PHONE, "mes": "Hello!", "to": "79991112233"}
WAIT_CALL = {"waitcall": "1", "phone": PHONE, "ts": "1735689600"}
IN_RUSSIAN = {**INCOMING, "mes": "Привет", "charset": "utf-8"}


# -- calls that are taken ------------------------------------------------------------------------------


@on_loops
async def test_ok_is_answered_after_the_commit_and_not_before() -> None:
    async with listening() as server:
        server.journal.by_itself = None
        answer = asyncio.create_task(server.call())
        await server.journal.asked.wait()
        # Were it answered before the commit, a call to another path would not come first.
        assert await server.call(path="/other") == (404, "Not Found")
        assert not answer.done()
        batch = server.journal.commit()
        assert await answer == (200, "OK")
        assert batch.handed_over == [(1, NOW_MS)]
        [(call, now_ms)] = server.sink.calls
        assert isinstance(call, StatusCall)
        assert (call.id, call.phone, call.status, now_ms) == ("1234", PHONE, 1, NOW_MS)
        assert (server.listener.taken, server.listener.refused) == (1, 1)


@on_loops
async def test_the_three_kinds_of_calls_go_to_their_own_methods() -> None:
    async with listening() as server:
        hashes = ("0341a30044f385db7dcfd49069c69640114cca64", "0168c6ea1c02024b8611ef2b6e6996111349f716")
        for fields, sha1 in zip((INCOMING, WAIT_CALL), hashes, strict=True):
            assert await server.call({**fields, "sha1": sha1}) == (200, "OK")
        assert [type(call) for call, _ in server.sink.calls] == [IncomingCall, WaitCall]


@pytest.mark.parametrize(
    ("kind", "fields", "value"),
    [
        ("md5", STATUS, "daef0bda1697d127a330d09fc6f35f3f"),
        ("sha1", STATUS, "AF4931A7032C80F16770AAD46BF3EB5748C9393A"),
        ("crc32", STATUS, "2712448060"),
        ("crc32", STATUS, "a1acac3c"),
        ("md5", INCOMING, "df48dbf25c21827405fa09813c8028b7"),
        ("sha1", IN_RUSSIAN, "c8c604c5192b4644df696215dc9dcb578d0fc7f1"),
        ("crc32", IN_RUSSIAN, "3748975397"),
        ("md5", WAIT_CALL, "deccec5d9dcd68c3db808cc6e6bb36fd"),
    ],
)
def test_each_hash_is_taken_and_no_other_in_its_place(kind: str, fields: dict[str, str], value: str) -> None:
    async def run() -> None:
        plain = {name: text for name, text in fields.items() if name != "sha1"}
        async with listening(hash=kind) as server:
            assert await server.call({**plain, kind: value}) == (200, "OK")
            other = "md5" if kind != "md5" else "sha1"
            assert (await server.call({**plain, other: value}))[0] == 403
            assert (await server.call(plain))[0] == 403
            assert (await server.call({**plain, kind: value[:-1] + "x"}))[0] == 403
            assert (await server.call({**plain, kind: value, "phone": "70000000000"}))[0] == 403
        assert len(server.sink.calls) == 1

    on_one_loop(run)


@on_loops
async def test_a_text_in_windows_1251_is_read_by_default() -> None:
    body = form({"id": "17", "phone": PHONE, "to": "79991112233"}) + b"&mes=%CF%F0%E8%E2%E5%F2"
    body += b"&sha1=5f2c9d394a3a98fecabf6a4dd2fdedb974e9e756"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with listening() as server:
        assert await server.call(body, headers=headers) == (200, "OK")
        [(call, _)] = server.sink.calls
        assert isinstance(call, IncomingCall)
        assert call.mes == "Привет"


@on_loops
async def test_a_call_may_be_json() -> None:
    async with listening() as server:
        body = json.dumps({**STATUS, "id": 1234, "status": 1}).encode()
        headers = {"Content-Type": "application/json"}
        assert await server.call(body, headers=headers) == (200, "OK")


@on_loops
async def test_what_stands_behind_the_exclamation_mark_comes_in_the_query() -> None:
    sha1 = STATUS["sha1"]
    rest = {name: text for name, text in STATUS.items() if name != "sha1"}
    async with listening() as server:
        assert await server.call(rest, path=f"{PATH}/?sha1={sha1}&own=1") == (200, "OK")
        assert await server.call(rest, path=f"{PATH}?sha1={sha1}") == (200, "OK")


@on_loops
async def test_the_same_call_again_is_taken_again() -> None:
    async with listening() as server:
        assert [await server.call() for _ in range(3)] == [(200, "OK")] * 3
        await server.until_connections(1)  # kept open between calls


@on_loops
async def test_a_reload_may_replace_the_paths() -> None:
    async with listening() as server:
        server.listener.endpoints = {"/new": Endpoint("centre", callback(path="/new"), server.sink)}
        assert (await server.call())[0] == 404
        assert (await server.call(path="/new"))[0] == 200


# -- calls that are refused ----------------------------------------------------------------------------


@on_loops
async def test_an_unknown_path_is_not_found_and_not_repeated_in_the_log() -> None:
    async with listening() as server:
        for path in ("/", "/smsc", "/smsc/centre/x", "/SMSC/centre", "//smsc/centre"):
            assert await server.call(path=f"{path}?sha1={SECRET}") == (404, "Not Found"), path
        [line] = server.lines
        assert " warning callback_refused connector=- peer=127.0.0.1 " in line
        assert line.endswith('reason="unknown path"\n')


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_post_is_allowed(method: str) -> None:
    async def run() -> None:
        async with listening() as server:
            status, _ = await server.call(None, path=f"{PATH}?{form(STATUS).decode()}", method=method)
            assert status == 405
            url = f"http://{HOST}:{server.listener.port}{PATH}"
            async with server.client.request(method, url) as response:
                assert response.headers["Allow"] == "POST"
        assert server.sink.calls == []

    on_one_loop(run)


@on_loops
async def test_a_stranger_is_refused_before_he_is_read() -> None:
    async with listening(allowed_addresses=(ip_network("192.0.2.0/24"), ip_network("::/0"))) as server:
        assert await server.call() == (403, "Forbidden")
        # more than may be sent at all, and the refusal is still about the address
        assert await server.call(b"x" * (MAX_BODY + 1)) == (403, "Forbidden")
        assert "the address is not in allowed_addresses" in server.said()
        assert server.sink.calls == []
    async with listening(allowed_addresses=(ip_network("127.0.0.0/8"),)) as server:
        assert await server.call() == (200, "OK")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"id=1", ""),
        (form({**STATUS, "status": "one"}), "application/x-www-form-urlencoded"),
        (b'{"id": 1', "application/json"),
        (b"<result><id>1</result>", "text/xml"),
        (b"&".join([b"a=b"] * 10_000), "application/x-www-form-urlencoded"),
        (b"\x1f\x8b\x08\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data"),
    ],
)
def test_what_is_no_call_is_unreadable(body: bytes, kind: str) -> None:
    async def run() -> None:
        async with listening() as server:
            assert await server.call(body, headers={"Content-Type": kind}) == (400, "Bad Request")
        assert server.sink.calls == []
        assert "callback_fault" not in server.said()

    on_one_loop(run)


@on_loops
async def test_a_body_of_the_longest_kind_is_read_and_one_octet_more_is_not() -> None:
    async with listening() as server:
        filling = MAX_BODY - len(form(STATUS)) - len("&own=")
        assert await server.call(form(STATUS) + b"&own=" + b"x" * filling) == (200, "OK")
        too_long = form(STATUS) + b"&own=" + b"x" * (filling + 1)
        assert (await server.call(too_long))[0] == 413
        assert (await server.call(pieces(too_long)))[0] == 413  # its length is not told beforehand
        assert len(server.sink.calls) == 1


async def pieces(octets: bytes) -> Any:
    for start in range(0, len(octets), 10_000):
        yield octets[start : start + 10_000]


@on_loops
async def test_a_packed_body_is_not_unpacked() -> None:
    async with listening() as server:
        headers = {"Content-Encoding": "deflate", "Content-Type": "application/x-www-form-urlencoded"}
        assert (await server.call(zlib.compress(form(STATUS)), headers=headers))[0] == 400
        assert server.sink.calls == []


@on_loops
async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async with listening() as server:
        assert await server.call(form(STATUS), expect100=True) == (200, "OK")


# -- what may pass -------------------------------------------------------------------------------------


@on_loops
async def test_a_failed_commit_is_no_ok() -> None:
    async with listening() as server:
        server.journal.by_itself = False
        assert await server.call() == (503, "Service Unavailable")
        server.journal.by_itself = True
        assert await server.call() == (200, "OK")


@on_loops
async def test_while_nothing_can_be_stored_nothing_is_taken() -> None:
    async with listening() as server:
        server.journal.error = "the disk is full"
        assert await server.call() == (503, "Service Unavailable")
        assert (await server.call({**STATUS, "sha1": "x"}))[0] == 403
        assert server.sink.calls == []
        assert len(server.journal.batch) == 0
        assert 'reason="the disk is full"' in server.said()


@on_loops
async def test_a_fault_of_ours_may_pass_and_is_said_without_its_text() -> None:
    async with listening() as server:
        server.sink.fault = RuntimeError(f"{SECRET} {PHONE}")
        assert await server.call() == (503, "Service Unavailable")
        [line] = server.lines
        assert " error callback_fault connector=centre " in line
        assert "RuntimeError in callbacks_support.py:" in line
        assert SECRET not in line
        assert PHONE not in line


@on_loops
async def test_a_stop_answers_what_waits_for_its_commit() -> None:
    async with listening() as server:
        server.journal.by_itself = None
        waiting = asyncio.create_task(server.call())
        await server.journal.asked.wait()
        server.listener.stop_listening()
        with pytest.raises(aiohttp.ClientConnectorError):
            await server.call()
        server.journal.commit()
        assert await waiting == (200, "OK")
        await server.until_connections(0)


@on_loops
async def test_a_stop_does_not_wait_for_a_commit_that_never_comes() -> None:
    async with listening() as server:
        server.journal.by_itself = None
        waiting = asyncio.create_task(server.call())
        await server.journal.asked.wait()
        await server.listener.stop(timeout_s=0.01)
        with pytest.raises(aiohttp.ClientError):
            await waiting
        server.journal.commit()


# -- bad clients ---------------------------------------------------------------------------------------

HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("start", ["", "POST", HEAD, f"{HEAD}Content-Length: 10\r\n"])
def test_a_head_that_does_not_come_ends_the_connection(start: str) -> None:
    async def run() -> None:
        async with listening(request_timeout_s=0.1) as server:
            reader, writer = await server.raw()
            writer.write(start.encode())
            assert await reader.read() == b""
            writer.close()

    on_one_loop(run)


@on_loops
async def test_a_body_that_does_not_come_ends_the_connection() -> None:
    async with listening(request_timeout_s=0.3) as server:
        reader, writer = await server.raw()
        writer.write(f"{HEAD}Content-Length: 10\r\n\r\nid=1".encode())
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        writer.close()
        await server.until_connections(0)
        assert "it did not come whole in time" in server.said()


@on_loops
async def test_a_connection_that_says_nothing_more_is_closed() -> None:
    async with listening(request_timeout_s=0.3) as server:
        reader, writer = await server.raw()
        body = form(STATUS)
        kind = "Content-Type: application/x-www-form-urlencoded"
        writer.write(f"{HEAD}{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"POST /sm")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nOK")
        writer.close()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"EHLO hunter2.example\r\n\r\n",
        f"{HEAD}Content-Length: -1\r\n\r\n".encode(),
        f"{HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n".encode(),
        f"{HEAD}X: {'x' * 20_000}\r\n\r\n".encode(),
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nhunter2\r\n".encode(),
    ],
)
def test_what_is_no_http_is_a_bad_request_and_never_in_the_log(
    data: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        async with listening() as server:
            reader, writer = await server.raw()
            writer.write(data)
            assert (await reader.read())[:13] in (b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")
            writer.close()
        assert server.sink.calls == []
        assert "hunter2" not in server.said()

    with caplog.at_level(logging.DEBUG):
        on_one_loop(run)
    assert "hunter2" not in caplog.text
    assert capfd.readouterr().err == ""


@on_loops
async def test_a_client_that_goes_away_is_no_fault() -> None:
    async with listening() as server:
        _, writer = await server.raw()
        writer.write(f"{HEAD}Content-Length: 10\r\n\r\nid=1".encode())
        await server.until_connections(1)
        writer.transport.abort()
        await server.until_connections(0)
        server.journal.by_itself = None
        waiting = asyncio.create_task(server.call())
        await server.journal.asked.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        server.journal.commit()
        await server.until_connections(0)
        assert "callback_fault" not in server.said()


@on_loops
async def test_connections_beyond_the_limit_are_closed_at_once() -> None:
    async with listening(max_connections=2) as server:
        server.journal.by_itself = None
        calls = [asyncio.create_task(server.call()) for _ in range(2)]
        async with asyncio.timeout(PATIENCE_S):
            while len(server.sink.calls) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert await _closed(server)
        assert " warning connections_full limit=2 peer=127.0.0.1 instead_of=-" in server.said()
        server.journal.commit()
        assert await asyncio.gather(*calls) == [(200, "OK")] * 2


async def _closed(server: Server) -> bool:
    """Whether a new connection is closed without a word."""
    reader, writer = await server.raw()
    try:
        return not await reader.read()
    except ConnectionError:
        return True
    finally:
        writer.close()


@on_loops
async def test_connections_that_do_not_call_keep_the_service_out_for_no_moment() -> None:
    async with listening(max_connections=2) as server:
        idle = [await server.raw() for _ in range(2)]
        await server.until_connections(2)
        assert await server.call() == (200, "OK")
        with contextlib.suppress(ConnectionError):
            assert not await idle[0][0].read()  # the oldest made room
        for _, each in idle:
            each.close()


@on_loops
async def test_refusals_are_a_line_in_ten_seconds_without_what_was_said() -> None:
    async with listening() as server:
        for _ in range(5):
            await server.call({**INCOMING, "mes": "hunter2", "sha1": SECRET})
        [line] = server.lines
        assert " warning callback_refused connector=centre peer=127.0.0.1 " in line
        assert line.endswith('reason="it has a wrong sha1"\n')
        server.clock.advance(10)
        await server.call({**INCOMING, "mes": "hunter2"})
        assert server.lines[1].endswith('reason="it has no sha1" kept_back=4\n')
        for secret in ("hunter2", SECRET, PHONE):
            assert secret not in server.said()


# -- sockets -------------------------------------------------------------------------------------------


@on_loops
async def test_tls(pki: Path) -> None:
    async with listening(tls=served(pki), trust=trusting(pki)) as server:
        assert await server.call() == (200, "OK")
        server.scheme = "http"
        with pytest.raises(aiohttp.ClientError):
            await server.call()


@on_loops
async def test_an_address_in_use_is_an_error() -> None:
    async with listening() as server:
        config = ListenerConfig(address=Address(HOST, server.listener.port))
        parts = (server.journal, server.listener._events, server.clock)
        other = CallbackListener(config, {}, *parts)
        assert other.address == f"{HOST}:{server.listener.port}"
        with pytest.raises(OSError, match=r"(?i)address already in use"):
            await other.start()
