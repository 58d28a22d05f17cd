"""Two gateways on one PostgreSQL: money, limits and ids hold over both, and what is said to one at both."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from http_support import BASIC, LOGIN, NO_LIMITS, AskedGateway, hashed
from http_support import PASSWORD as HTTP_PASSWORD
from journey_support import DESTINATION, HOST, Gateway, journey, running, simulated_smsc, submit_sm
from money_support import ask, balance, credit, money_config, payer

from gateway import cluster_side
from gateway.config.account_model import AccountLimits
from gateway.config.basics import Address
from gateway.config.model import AccountHttp, Config, HttpListener
from gateway.config.store_url import StoreUrl
from gateway.front.users import NO_MONEY
from protocols.smpp import constants as c

OTHER = "79161200002"
WORD = "Pass-w1d"


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node whose machine stands still for a moment ends neither itself nor the tests."""
    monkeypatch.setattr(cluster_side, "end_process", lambda: None)


def with_http(configured: Config) -> Config:
    both = (replace(configured.listeners, http=(HttpListener(address=Address(HOST, 0)),)), NO_LIMITS)
    return replace(configured, listeners=both[0], http=both[1])


@asynccontextmanager
async def two_nodes(tmp_path: Path, url: str, configured: Config) -> AsyncIterator[tuple[Gateway, Gateway]]:
    async with AsyncExitStack() as stack:
        gateways = [
            await stack.enter_async_context(
                running(replace(configured, store=StoreUrl(url), node=name), tmp_path / name)
            )
            for name in ("a", "b")
        ]
        for gateway in gateways:
            await gateway.linked()
        yield gateways[0], gateways[1]


async def statuses(*gateways: Gateway, each: int, texts: str = "one") -> Counter[str]:
    """What so many messages to each gateway, all at once, are answered with."""
    clients = [await gateway.client() for gateway in gateways]
    answers = [
        client.send(submit_sm(DESTINATION, f"{texts} {place} {n}".encode()))
        for n in range(each)
        for place, client in enumerate(clients)
    ]
    return Counter(c.status_name(one.command_status) for one in await asyncio.gather(*answers))


@journey
async def test_money_and_limits_hold_over_both(tmp_path: Path, postgres_url: str) -> None:
    limited = payer("limited", balance="none", prices="", limits=AccountLimits(per_number=3, repeat_s=60))
    async with simulated_smsc() as smsc:
        configured = money_config(smsc.port, payer(), limited)
        async with two_nodes(tmp_path, postgres_url, configured) as (one, two):
            await credit(one, "0.50")
            await two.until(lambda: balance(two) == "0.50")
            # both believe that there is money for ten
            assert await statuses(one, two, each=10) == {"ESME_ROK": 10, "ESME_RSUBMITFAIL": 10}
            for node in (one, two):
                await node.until(lambda node=node: balance(node) == "0.00")
            await one.until(lambda: len(smsc.received) == 10)
            await credit(one, "0.05")
            client = await two.client()
            await two.until(lambda: balance(two) == "0.05")
            await client.submit()
            assert await client.status_of_submit() == "ESME_RSUBMITFAIL"
            for node in (one, two):
                await node.until(lambda node=node: not node.daemon.submission.open_messages)

            here, there = await one.client(system_id="limited"), await two.client(system_id="limited")
            await here.submit(text=b"same")
            assert await there.status_of_submit(text=b"same") == "ESME_RSUBMITFAIL"
            await there.submit(text=b"second")
            await here.submit(text=b"third")
            assert await there.status_of_submit(text=b"fourth") == "ESME_RSUBMITFAIL"
            assert await here.status_of_submit(text=b"fifth") == "ESME_RSUBMITFAIL"
            await there.submit(OTHER)


@journey
async def test_what_is_said_to_one_holds_at_the_other(tmp_path: Path, postgres_url: str) -> None:
    async with simulated_smsc() as smsc:
        alex = payer(LOGIN, password_hash=hashed(HTTP_PASSWORD), http=AccountHttp(sub_accounts=True))
        configured = with_http(money_config(smsc.port, alex))
        async with (
            two_nodes(tmp_path, postgres_url, configured) as (one, two),
            aiohttp.ClientSession() as session,
        ):
            here, there = (AskedGateway(node, smsc, None, session) for node in (one, two))
            await credit(one, "1.00", LOGIN)
            await two.until(lambda: balance(two, LOGIN) == "1.00")
            await _ids_are_given_once(here, there)
            await _a_request_is_one_at_both(here, there)
            await _lists_and_pauses(here, there)
            await _a_sub_client_is_one_at_both(here, there)


async def _ids_are_given_once(here: AskedGateway, there: AskedGateway) -> None:
    sent = [
        await node.ask("send", phones=DESTINATION, mes=f"id {n}") for n in range(2) for node in (here, there)
    ]
    assert len({answer["id"] for answer in sent}) == 4
    made = [await node.ask("templates", add=1, name="x", msg="x") for node in (here, there)]
    assert made[0]["id"] != made[1]["id"]


async def _a_request_is_one_at_both(here: AskedGateway, there: AskedGateway) -> None:
    message = {"to": f"+{DESTINATION}", "text": "once"}
    known = {"Idempotency-Key": "k-1"}
    asked = [
        node.http("POST", "/v1/messages", auth=BASIC, json=message, headers=known) for node in (here, there)
    ]
    first, again = await asyncio.gather(*asked)
    assert (first.status, first.body) == (202, again.body)
    await here.gateway.until(lambda: here.texts().count(b"once") == 1)


async def _lists_and_pauses(here: AskedGateway, there: AskedGateway) -> None:
    one, two = here.gateway, there.gateway
    await ask(one, "blacklist_add", account=LOGIN, numbers=[OTHER], why="asked")
    await two.until(lambda: two.daemon.admission.blacklists.sizes() == {LOGIN: 1})
    refused = await there.ask("send", phones=OTHER, mes="no")
    assert refused["error_code"] == 8
    await ask(two, "blacklist_remove", account=LOGIN, numbers=[OTHER])
    await one.until(lambda: not one.daemon.admission.blacklists.sizes())
    await ask(one, "connector_pause", connector="smsc", who="root")
    await two.until(lambda: two.daemon.upstreams["smsc"].paused is not None)
    await ask(two, "connector_resume", connector="smsc", who="root")
    await one.until(lambda: one.daemon.upstreams["smsc"].paused is None)


async def _a_sub_client_is_one_at_both(here: AskedGateway, there: AskedGateway) -> None:
    one, two = here.gateway, there.gateway
    before = balance(one, LOGIN)
    assert "id" in await here.ask("users", add=1, user="sub", password=WORD, type=1)
    await two.until(lambda: "sub" in two.daemon.accounts)
    # all of what is left, at both at once
    moves = (node.ask("users", pay=1, user="sub", sum=before) for node in (here, there))
    answers = await asyncio.gather(*moves)
    assert sorted(answer.get("error_code", 0) for answer in answers) == [0, NO_MONEY]
    await two.until(lambda: (balance(two, LOGIN), balance(two, "sub")) == ("0.00", before))
    client = await two.connect()
    assert await client.bind(system_id="sub", password=WORD) == c.ESME_ROK
    await client.submit()
