"""The simulated service on a real socket, with aiohttp and curl as clients and as its handler."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.simulator.smsc_http.settings import HttpSettings
from protocols.smsc_http.callbacks import parse_callback

QUICK: dict[str, Any] = {"operator_ms": 1.0, "final_ms": 1.0, "retry_s": 0.01, "limits": 0}
FIELDS = {
    "login": "alex",
    "psw": "123",
    "charset": "utf-8",
    "fmt": "3",
    "phones": "79161234567",
    "mes": "Привет",
}


@asynccontextmanager
async def simulator(**settings: Any) -> AsyncIterator[tuple[HttpSimulator, aiohttp.ClientSession]]:
    running = HttpSimulator(HttpSettings(**{**QUICK, **settings}))
    await running.start()
    async with aiohttp.ClientSession(running.url) as client:
        try:
            yield running, client
        finally:
            await running.close()


@asynccontextmanager
async def handler(answers: list[int]) -> AsyncIterator[tuple[str, list[Any]]]:
    """A client's handler that gives these answers and then 200; its URL and the calls it got."""
    calls: list[Any] = []

    async def take(request: web.BaseRequest) -> web.Response:
        body = await request.read()
        calls.append(parse_callback(request.headers["Content-Type"], body, request.rel_url.raw_query_string))
        return web.Response(status=answers.pop(0) if answers else 200)

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/smsc?charset=utf-8&md5=secret", calls
    finally:
        await runner.cleanup()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def test_a_message_goes_out_and_its_statuses_come_to_the_handler_in_spite_of_failures() -> None:
    async def test() -> None:
        async with handler([500, 503]) as (url, calls), simulator(handler=url) as (running, client):
            async with client.post("/sys/send.php", data=FIELDS) as answer:
                assert await answer.text() == '{\n"id": 1,\n"cnt": 1\n}'
                assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            await running.wait_until(lambda: running.service.callbacks.counters.taken == 2)
            assert sorted(call.status for call in calls) == [0, 0, 1, 1]

    run(test)


def test_no_answer_comes_to_what_was_accepted_and_is_in_the_ledger() -> None:
    async def test() -> None:
        async with simulator() as (running, client):
            asking = asyncio.create_task(
                client.post("/sys/send.php", data={**FIELDS, "phones": "79161299100"})
            )
            await running.wait_until(lambda: running.service.store.accepted == 1)
            assert not asking.done()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            async with client.get("/simulator/messages") as answer:
                [row] = (await answer.json())["messages"]
            assert (row["phone"], row["text"]) == ("79161299100", "Привет")

    run(test)


def test_a_client_that_gave_up_is_no_longer_counted_as_present() -> None:
    async def test() -> None:
        async with simulator(limits=1) as (running, client):
            asking = [
                asyncio.create_task(
                    client.post("/sys/send.php", data={**FIELDS, "phones": "79161299100", "id": str(number)})
                )
                for number in range(1, 15)
            ]
            await running.wait_until(lambda: running.service.store.accepted == 14)
            async with client.post("/sys/balance.php", data={"login": "a", "psw": "b", "fmt": "1"}) as answer:
                assert await answer.text() == "0,-9"
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await running.wait_until(lambda: running.service.gate.crowd == 0)
            async with client.post("/sys/balance.php", data={"login": "a", "psw": "b", "fmt": "1"}) as answer:
                assert await answer.text() == "979.70"

    run(test)


@pytest.mark.parametrize("ending", ["99102", "99121"])
def test_the_connection_is_dropped_without_an_answer(ending: str) -> None:
    async def test() -> None:
        async with simulator() as (_, client):
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await client.post("/sys/send.php", data={**FIELDS, "phones": f"791612{ending}"})

    run(test)


def test_an_answer_can_be_slow() -> None:
    async def test() -> None:
        async with handler([]) as (url, calls), simulator(handler=url, slow_ms=200) as (running, client):
            asking = asyncio.create_task(
                client.post("/sys/send.php", data={**FIELDS, "phones": "79161299104"})
            )
            await running.wait_until(lambda: len(calls) == 2)
            assert not asking.done()
            answer = await asking
            assert '"cnt": 1' in await answer.text()

    run(test)


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on() -> None:
    async def test() -> None:
        async with simulator() as (running, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            body = b"login=alex&psw=123&phones=79161234567&mes=Hello!&id=33&fmt=1"
            head = "POST /sys/send.php HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode())
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(4) == b"33,1"
            writer.close()

    run(test)


def test_a_subscriber_writes_when_a_test_says_so() -> None:
    async def test() -> None:
        async with handler([]) as (url, calls), simulator(handler=url) as (running, client):
            message = {"phone": "79161234567", "text": "да"}
            async with client.post("/simulator/incoming", json=message) as answer:
                assert await answer.json() == {"id": 1}
            await running.wait_until(lambda: running.service.callbacks.counters.taken == 1)
            assert [(call.phone, call.mes) for call in calls] == [("79161234567", "да")]

    run(test)


def test_the_address_must_be_free() -> None:
    async def test() -> None:
        async with simulator() as (running, _):
            with pytest.raises(OSError):
                await HttpSimulator().start("127.0.0.1", running.port)

    run(test)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_curl_sends_in_windows_1251_and_with_files() -> None:
    async def test() -> None:
        async with simulator() as (running, _):
            query = "login=alex&psw=123&phones=79999999999&mes=%CF%F0%E8%E2%E5%F2"
            assert await curl(f"{running.url}/sys/send.php?{query}") == b"OK - 1 SMS, ID - 1"
            form = ("-F", "login=alex", "-F", "psw=123", "-F", "phones=79999999999", "-F", "call=1")
            file = ("-F", f"file0=@{__file__}", "-F", "fmt=3")
            answer = await curl(f"{running.url}/sys/send.php", *form, *file)
            assert json.loads(answer) == {"id": 2, "cnt": 30}
            text, call = running.service.store.messages
            assert (text.text, call.type) == ("Привет", 7)

    run(test)


async def curl(*arguments: str) -> bytes:
    done = await asyncio.to_thread(
        subprocess.run, ["curl", "-s", *arguments], capture_output=True, check=True, timeout=10
    )
    return done.stdout
