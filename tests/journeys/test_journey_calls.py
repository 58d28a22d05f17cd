"""Handlers and webhooks, called by a whole gateway: what ended, what came, and when nobody takes it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
from called_server import CalledServer, called
from journey_support import (
    DESTINATION,
    HOST,
    PASSWORD,
    SYSTEM_ID,
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
    simulated_smsc,
)

from gateway.admin import all_handlers
from gateway.config.model import AccountHttp, Address, Http, HttpListener, Listeners
from gateway.config.secret import Secret
from gateway.simulator import Simulator
from protocols.smpp.pdu import BindReceiver, DeliverSm
from protocols.smsc_http.callbacks import (
    Call,
    IncomingCall,
    StatusCall,
    check_hash,
    parse_callback,
)
from protocols.webhooks import is_genuine

HASH, HOOK = "hash-secret", "hook-secret"
NUMBER = "79161200001"
UNREACHABLE = "79161299002"
FOUR_MINUTES_S = 240


@asynccontextmanager
async def gateway_calling(
    state_dir: Path, networks: Any = ("127.0.0.0/8",), **http: Any
) -> AsyncIterator[tuple[Gateway, Simulator]]:
    """A gateway whose account is called, and its SMSC."""
    async with simulated_smsc() as smsc:
        made = config(
            connector(smsc.port, incoming_account=SYSTEM_ID),
            accounts=[account(http=AccountHttp(**http), time_zone="Europe/Moscow")],
        )
        listeners = Listeners(smpp=made.listeners.smpp, http=[HttpListener(address=Address(HOST, 0))])
        shared = Http(limits=0, call_networks=[ip_network(each) for each in networks])
        async with running(replace(made, listeners=listeners, http=shared), state_dir) as gateway:
            await gateway.linked()
            yield gateway, smsc


async def post(gateway: Gateway, to: str = NUMBER, **fields: Any) -> str:
    """The id of a message that was taken over /v1."""
    url = f"http://{HOST}:{gateway.daemon.http.listeners[0].port}/v1/messages"
    login = base64.b64encode(f"{SYSTEM_ID}:{PASSWORD}".encode()).decode()
    body = {"to": to, "from": "Example", "text": "Hello", **fields}
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}) as session,
        session.post(url, json=body) as response,
    ):
        answer = await response.json(content_type=None)
        assert response.status in (200, 201, 202), answer
        return str(answer["id"])


def told(server: CalledServer) -> list[Call]:
    """What the handler was told; each call has the right hash."""
    calls = [parse_callback(came.headers["content-type"], came.body) for came in server.came]
    assert all(check_hash(call, HASH, "sha1") for call in calls)
    return calls


def events(server: CalledServer) -> list[dict[str, Any]]:
    """What the webhook was told; each call is signed."""
    for came in server.came:
        header = came.headers["x-signature"]
        at = int(header.partition(",")[0].removeprefix("t="))
        assert is_genuine(header, came.body, [HOOK], at)
        assert not is_genuine(header, came.body + b" ", [HOOK], at)
    return [json.loads(came.body) for came in server.came]


@journey
async def test_ends_reach_the_handler_and_the_webhook(tmp_path: Path) -> None:
    async with called() as handler, called() as hook:
        urls = {"handler": f"{handler.url}?sha1={HASH}&shop=7", "webhook": hook.url}
        async with gateway_calling(tmp_path, **urls, webhook_secret=Secret(HOOK)) as (gateway, _):
            good, bad = await post(gateway), await post(gateway, UNREACHABLE)
            await handler.until(lambda: len(handler.came) == 2)
            await hook.until(lambda: len(hook.came) == 2)
            await gateway.until(lambda: gateway.daemon.http.caller.taken == 4)
            calls = {call.id: call for call in told(handler) if isinstance(call, StatusCall)}
            assert (calls[good].status, calls[good].err, calls[good].phone) == (1, 0, NUMBER)
            assert calls[bad].status == 20
            assert calls[good].own == {"shop": "7"}
            assert calls[good].sender == "Example"
            ended = {event["message"]["id"]: event for event in events(hook)}
            assert ended[good]["message"]["state"] == "delivered"
            assert ended[bad]["message"]["state"] == "undeliverable"
            assert ended[good]["type"] == "message.ended"


@journey
async def test_an_incoming_sms_reaches_the_handler_and_no_session(tmp_path: Path) -> None:
    async with called() as handler:
        url = f"{handler.url}?sha1={HASH}&fmt=3&charset=utf-8"
        async with gateway_calling(tmp_path, handler=url) as (gateway, smsc):
            client = await gateway.client(BindReceiver)
            message_id = await post(gateway, reference="order-17")
            await handler.until(lambda: len(handler.came) == 1)
            sms = DeliverSm(
                source_addr_ton=1,
                source_addr=NUMBER,
                destination_addr="1234",
                data_coding=8,
                short_message="Привет".encode("utf-16-be"),
            )
            smsc.deliver(sms, "gateway")
            await handler.until(lambda: len(handler.came) == 2)
            status, incoming = told(handler)
            assert isinstance(status, StatusCall) and status.id == "order-17" and message_id
            assert isinstance(incoming, IncomingCall)
            assert (incoming.mes, incoming.phone, incoming.to) == ("Привет", NUMBER, "1234")
            assert incoming.sms_id == "order-17"
            await gateway.until(lambda: gateway.daemon.http.caller.taken == 2)
            assert client.deliveries.empty()


@journey
async def test_ends_of_messages_that_came_over_smpp_are_told_too(tmp_path: Path) -> None:
    async with (
        called() as handler,
        gateway_calling(tmp_path, handler=f"{handler.url}?sha1={HASH}") as (gateway, _),
    ):
        client = await gateway.client()
        silent = await client.submit(registered_delivery=0)
        await handler.until(lambda: len(handler.came) == 1)
        loud = await client.submit(registered_delivery=1)
        assert (await client.receipt()).message_id == loud
        await handler.until(lambda: len(handler.came) == 2)
        first, second = told(handler)
        assert isinstance(first, StatusCall) and isinstance(second, StatusCall)
        assert (first.id, second.id) == (silent, loud)
        assert (first.status, first.sender, first.phone) == (1, "12345", DESTINATION)
        await gateway.until(lambda: gateway.daemon.http.caller.taken == 2)


@journey
async def test_a_reload_changes_who_is_called(tmp_path: Path) -> None:
    async with (
        called(CalledServer(500)) as one,
        called() as other,
        gateway_calling(tmp_path, handler=f"{one.url}?sha1={HASH}") as (gateway, _),
    ):
        message_id = await post(gateway)
        await one.until(lambda: len(one.came) == 1)
        before = gateway.daemon.config
        moved = AccountHttp(handler=f"{other.url}?sha1={HASH}")
        accounts = [replace(before.accounts[0], http=moved)]
        await gateway.daemon.reload(replace(before, accounts=accounts))
        gateway.clock.advance(FOUR_MINUTES_S)
        await other.until(lambda: len(other.came) == 1)
        (call,) = told(other)
        assert isinstance(call, StatusCall) and call.id == message_id
        await gateway.until(lambda: gateway.daemon.http.caller.taken == 1)


@journey
async def test_a_handler_that_is_down_is_tried_fifty_times_and_again_by_a_replay(tmp_path: Path) -> None:
    async with (
        called(CalledServer(503)) as handler,
        gateway_calling(tmp_path, handler=f"{handler.url}?sha1={HASH}") as (gateway, _),
    ):
        caller = gateway.daemon.http.caller
        await post(gateway)
        for tries in range(1, 51):
            await handler.until(lambda tries=tries: len(handler.came) == tries)
            await gateway.until(lambda tries=tries: caller.put_off + caller.dead == tries)
            assert caller.dead == (tries == 50)
            if tries == 10:
                (problem,) = caller.problems()
                assert "has failed for 36 min: HTTP 503" in problem
            gateway.clock.advance(FOUR_MINUTES_S)
        handler.usual = 200
        await gateway.until(lambda: gateway.daemon.http.caller.under_way == 0)
        await gateway.until(lambda: gateway.reader.dead(SYSTEM_ID, 10))  # its end is committed
        asked: dict[str, Any] = dict(all_handlers(gateway.daemon))
        (dead,) = (await asked["dead"]({"account": SYSTEM_ID, "limit": 10}))["rows"]
        assert dead["reason"] == "HTTP 503"
        assert await asked["replay"]({"ids": [dead["id"]]}) == {"replayed": 1, "unknown": []}
        await handler.until(lambda: len(handler.came) == 51)
        await gateway.until(lambda: caller.taken == 1)
        assert len({came.body for came in handler.came}) == 1


@journey
async def test_security_62_a_handler_in_our_own_network_is_not_called(tmp_path: Path) -> None:
    async with (
        called() as handler,
        gateway_calling(tmp_path, networks=(), handler=handler.url) as (gateway, _),
    ):
        await post(gateway)
        line = await gateway.said("call_failed")
        assert "its address 127.0.0.1 is not called" in line
        assert handler.connections == 0
