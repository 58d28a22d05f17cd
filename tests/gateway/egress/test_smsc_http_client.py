"""The client of the SMSC service over HTTP: what goes out, what comes back, turns, hosts, and no answers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from gateway_fakes import ManualClock

from gateway.config.basics import Url
from gateway.config.secret import Secret
from gateway.config.smsc_model import SmscConnector
from gateway.core.clock import Clock, SystemClock
from gateway.egress.smsc_http.client import BACKUP_S, MARGIN_S, NoAnswer, NotSent, SmscClient
from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.simulator.smsc_http.settings import HttpSettings
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.limits import LIMITS, claims
from protocols.smsc_http.operations import OPERATIONS

HOST = "127.0.0.1"
PHONE = "79161234567"
LIMITED = [name for name, rows in LIMITS.items() if rows]


def bounded(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an async test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def in_time() -> None:
            async with asyncio.timeout(60):
                await test(*args, **kwargs)

        asyncio.run(in_time())

    return run


@asynccontextmanager
async def simulator(**settings: Any) -> AsyncIterator[HttpSimulator]:
    """A simulated service without limits, unless they are set."""
    values: dict[str, Any] = {"login": "alex", "password": "p-secret", "api_key": "k-secret", "limits": 0}
    running = HttpSimulator(HttpSettings(**{**values, **settings}))
    await running.start()
    try:
        yield running
    finally:
        await running.close()


def url(port: int) -> Url:
    return Url("http", HOST, port)


@asynccontextmanager
async def client_of(
    *ports: int,
    clock: Clock | None = None,
    most: int | None = None,
    sleep: Any = asyncio.sleep,
    **fields: Any,
) -> AsyncIterator[SmscClient]:
    """A client of the service at these ports of loopback, the first one and its backups."""
    values: dict[str, Any] = {"login": "alex", "password": Secret("p-secret"), **fields}
    first, *backups = map(url, ports)
    config = SmscConnector(name="centre", url=first, backup_urls=backups, **values)
    client = SmscClient(config, clock or SystemClock(), most=most, sleep=sleep)
    try:
        yield client
    finally:
        await client.close()


class Asked(NamedTuple):
    """What a stub was asked."""

    path: str
    query: str
    params: dict[str, list[str]]


@asynccontextmanager
async def stub(answer: Callable[[], web.StreamResponse]) -> AsyncIterator[tuple[int, list[Asked]]]:
    """A service that gives one answer to everything: its port, and what it was asked."""
    asked: list[Asked] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = (await request.read()).decode()
        assert (request.method, request.content_type) == ("POST", "application/x-www-form-urlencoded")
        asked.append(Asked(request.path, request.query_string, parse_qs(body)))
        return answer()

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


async def unused_port() -> int:
    server = await asyncio.start_server(lambda *_: None, HOST, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


# -- what goes out and comes back ----------------------------------------------------------------------


@bounded
async def test_parameters_and_secrets_go_in_the_body_and_never_in_the_url() -> None:
    async with (
        stub(lambda: web.Response(text='{"balance": "5.00"}')) as (port, asked),
        client_of(port) as client,
    ):
        assert await client.call("balance", {}) == {"balance": "5.00"}
    login = {"login": ["alex"], "psw": ["p-secret"]}
    assert asked == [Asked("/sys/balance.php", "", {**login, "fmt": ["3"], "charset": ["utf-8"]})]


@bounded
async def test_a_key_does_for_login_and_password() -> None:
    async with simulator() as service:
        async with client_of(service.port, login="", password=None, api_key=Secret("k-secret")) as client:
            assert await client.call("balance", {}) == {"balance": "1000.00"}
        async with client_of(service.port, login="", password=None, api_key=Secret("other")) as client:
            assert await client.call("balance", {}) == Failure(2, "authorise error", None)


@pytest.mark.parametrize(
    ("cost", "members"),
    [("0", "id cnt"), ("2", "id cnt cost"), ("3", "id cnt cost balance")],
    ids=["cost=0", "cost=2", "cost=3"],
)
@bounded
async def test_a_sending_tells_what_was_asked_for(cost: str, members: str) -> None:
    async with simulator() as service, client_of(service.port) as client:
        answer = await client.call("send", {"phones": PHONE, "mes": "Привет", "cost": cost, "id": "a-1"})
        assert isinstance(answer, dict)
        expected = {"id": "a-1", "cnt": 1, "cost": "1.45", "balance": "998.55"}
        assert answer == {name: expected[name] for name in members.split()}
        [message] = service.service.store.messages
        assert (message.phone, message.text) == (PHONE, "Привет")


@bounded
async def test_octets_of_a_binary_message_go_as_they_are() -> None:
    octets = bytes(range(256))[:140]
    async with simulator() as service, client_of(service.port) as client:
        mes = b"\0" + octets + b"\n~~~\npid: 1, dcs: 245"
        await client.call("send", {"phones": PHONE, "mes": mes.decode("latin-1"), "bin": "1"})
        [message] = service.service.store.messages
        assert message.extra == {"octets": "00" + octets.hex().upper(), "pid": 1, "dcs": 245}


@bounded
async def test_a_comma_at_the_end_makes_a_list_of_one_status() -> None:
    async with simulator() as service, client_of(service.port) as client:
        await client.call("send", {"phones": PHONE, "mes": "x", "id": "5"})
        one = await client.call("status", {"phone": PHONE, "id": "5"})
        several = await client.call("status", {"phone": f"{PHONE},", "id": "5,"})
        assert isinstance(one, dict) and isinstance(several, list)
        assert several == [{**one, "id": 5, "phone": PHONE}]


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r", "utf-8"])
@bounded
async def test_an_answer_is_read_in_the_charset_that_it_names(charset: str) -> None:
    body = '{"error": "Нет", "error_code": 1}'.encode(charset)
    headers = {"Content-Type": f"application/json; charset={charset}"}
    async with stub(lambda: web.Response(body=body, headers=headers)) as (port, _), client_of(port) as client:
        assert await client.call("balance", {}) == Failure(1, "Нет", None)


@bounded
async def test_a_file_is_octets_and_an_error_in_its_place_is_read() -> None:
    async with simulator() as service, client_of(service.port) as client:
        picture = await client.call("imgcode", {})
        assert isinstance(picture, bytes) and picture.startswith(b"\x89PNG")
        answer = await client.call("doc_get_act", {"user": "nobody", "id": "1"})
        assert isinstance(answer, Failure) and answer.number == 6


# -- turns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIMITED)
@bounded
async def test_what_would_be_asked_too_often_waits(name: str) -> None:
    operation = OPERATIONS[name]
    params = dict.fromkeys(operation.required[0], "1")
    tightest = min((claim.limit for claim in claims(operation, params)), key=lambda row: row.count)
    clock = ManualClock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)

    async with (
        stub(lambda: web.Response(text='{"error": "x", "error_code": 1}')) as (port, asked),
        client_of(port, clock=clock, sleep=sleep) as client,
    ):
        for _ in range(tightest.count):
            await client.call(name, params)
        assert (slept, len(asked)) == ([], tightest.count)
        assert client.due_s(name, params) == tightest.window_s + MARGIN_S
        await client.call(name, params)
        assert slept == [tightest.window_s + MARGIN_S]
        due_s = client.due_s(name, params)
        await client.call(name, params, at_once=True)
        assert (len(slept), client.due_s(name, params)) == (1, due_s)


async def operators_of_many_numbers(port: int, most: int) -> set[int]:
    """The error numbers of 40 questions that are asked at once."""
    async with client_of(port, most=most) as client:
        asking = (client.call("operator", {"phone": f"7916{number:07}"}) for number in range(40))
        answers = await asyncio.gather(*asking)
    return {answer.number for answer in answers if isinstance(answer, Failure)}


@bounded
async def test_no_more_is_asked_at_once_than_the_service_wants() -> None:
    async with simulator(limits=1, resp_delay_ms=5) as service:
        assert await operators_of_many_numbers(service.port, most=14) == set()
    async with simulator(limits=1, resp_delay_ms=5) as service:
        assert await operators_of_many_numbers(service.port, most=40) == {9}


@bounded
async def test_fewer_statuses_are_asked_at_once() -> None:
    async with simulator(limits=1, resp_delay_ms=5) as service, client_of(service.port) as client:
        asking = (client.call("status", {"phone": PHONE, "id": str(number)}) for number in range(1, 13))
        assert await asyncio.gather(*asking) == [{"status": -3}] * 12


# -- hosts ---------------------------------------------------------------------------------------------


@bounded
async def test_the_next_host_is_asked_when_one_cannot_be_reached_and_then_first() -> None:
    clock = ManualClock()
    gone = await unused_port()
    async with simulator() as service, client_of(gone, service.port, clock=clock) as client:
        assert await client.call("balance", {}) == {"balance": "1000.00"}
        assert client._in_order() == [url(service.port), url(gone)]
        clock.advance(BACKUP_S)
        assert client._in_order() == [url(gone), url(service.port)]


@bounded
async def test_nothing_was_sent_when_no_host_can_be_reached() -> None:
    gone = await unused_port()
    async with client_of(gone, gone) as client:
        with pytest.raises(NotSent, match=f"http://{HOST}:{gone}: .*refused") as caught:
            await client.call("balance", {})
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("timeout", "no answer within 1 s"),
        ("drop", "the connection was lost"),
        ("http_500", "HTTP 500"),
        ("no_json", "the answer is unreadable"),
        ("wrong_charset", "the answer is unreadable"),
    ],
    ids=["timeout", "drop", "http_500", "no_json", "wrong_charset"],
)
@bounded
async def test_what_went_out_without_an_answer_is_not_asked_again_elsewhere(fault: str, says: str) -> None:
    async with simulator(faults=f"{fault}=100%") as first, simulator() as second:
        patience_s = 1.0 if fault == "timeout" else 60.0
        async with client_of(first.port, second.port, timeout_s=patience_s) as client:
            with pytest.raises(NoAnswer, match=says):
                await client.call("send", {"phones": PHONE, "mes": "x"})
        assert (first.service.store.accepted, second.service.store.accepted) == (1, 0)


@bounded
async def test_a_redirect_is_not_followed() -> None:
    async with stub(lambda: web.Response(status=302, headers={"Location": "/elsewhere"})) as (port, asked):
        async with client_of(port) as client:
            with pytest.raises(NoAnswer, match="HTTP 302"):
                await client.call("balance", {})
        assert [it.path for it in asked] == ["/sys/balance.php"]
