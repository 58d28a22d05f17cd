"""The JSON API of a running gateway: once over restarts, cancelling, events, incoming SMS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from http_support import BASIC, LOGIN, AskedGateway, asked_over_http
from journey_support import DESTINATION, HOST, PATIENCE_S, journey

from gateway.config.mail_model import IncomingRule
from gateway.config.price_model import Price, PriceList
from gateway.core.hub import HEARTBEAT_S
from protocols.smpp.pdu import DeliverSm

MESSAGE = {"to": f"+{DESTINATION}", "text": "hello", "reference": "r-1"}
KEY = {"Idempotency-Key": "k-1"}
PRICES = {"price_lists": (PriceList(name="retail", currency="EUR", prices=(Price(prefix="", price=0.5),)),)}


async def state_of(it: AskedGateway, message_id: str) -> str:
    return str((await it.v1("GET", f"messages/{message_id}")).json["state"])


async def ended(it: AskedGateway) -> None:
    await it.gateway.until(lambda: not it.gateway.daemon.submission.open_messages)


@journey
async def test_a_request_that_comes_again_after_a_restart_sends_nothing_again(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        first = await it.v1("POST", "messages", MESSAGE, headers=KEY)
        assert first.status == 202
        await ended(it)
        again = await it.v1("POST", "messages", MESSAGE, headers=KEY)
        assert (again.status, again.body) == (202, first.body)
        assert it.texts() == [b"hello"]
    async with asked_over_http(tmp_path) as it:
        again = await it.v1("POST", "messages", MESSAGE, headers=KEY)
        assert (again.status, again.body) == (202, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        other = await it.v1("POST", "messages", {**MESSAGE, "text": "other"}, headers=KEY)
        assert (other.status, other.json["code"]) == (409, "key_reused")
        assert await state_of(it, first.json["id"]) == "delivered"
        assert (await it.v1("GET", "messages")).json["messages"][0]["reference"] == "r-1"
        new = await it.v1("POST", "messages", {**MESSAGE, "text": "new"})
        await ended(it)
        assert it.texts() == [b"new"]
        assert int(new.json["id"]) > int(first.json["id"])


@journey
async def test_what_was_not_kept_costs_nothing_and_leaves_no_trace(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path, balance="own", prices="retail", configured=PRICES) as it:
        daemon = it.gateway.daemon
        daemon.submission.ledger.purse(LOGIN).balance = 10_000_000
        several = {"messages": [MESSAGE, {**MESSAGE, "text": "two"}]}
        asked = [it.v1("POST", "messages", several, headers=KEY) for _ in range(4)]
        answers = await asyncio.gather(*asked)
        assert {reply.body for reply in answers} == {answers[0].body}
        assert [one["cost"] for one in answers[0].json["messages"]] == ["0.50", "0.50"]
        await ended(it)
        assert (await it.v1("POST", "messages", several, headers=KEY)).body == answers[0].body
        account = (await it.v1("GET", "account")).json
        assert (account["balance"], account["open_messages"]) == ("9.00", 0)
        assert account["usage"]["today"] == {
            "messages": 2,
            "parts": 2,
            "cost": "1.00",
            "states": {"delivered": 2},
        }
        assert sorted(it.texts()) == [b"hello", b"two"]
        assert all(not upstream.queue.joining for upstream in daemon.upstreams.values())


@journey
async def test_a_message_that_was_cancelled_is_never_sent(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        moment = (await it.v1("POST", "messages", MESSAGE)).json["id"]
        await ended(it)
        shown = (await it.v1("GET", f"messages/{moment}")).json
        later = shown["accepted_at"].replace("T08:", "T20:")
        cancelled = (await it.v1("POST", "messages", {**MESSAGE, "text": "no", "send_at": later})).json["id"]
        kept = (await it.v1("POST", "messages", {**MESSAGE, "text": "yes", "send_at": later})).json["id"]
        assert await state_of(it, kept) == "scheduled"
        reply = await it.v1("DELETE", f"messages/{cancelled}")
        assert (reply.status, reply.json["state"]) == (200, "cancelled")
        assert (await it.v1("DELETE", f"messages/{moment}")).status == 409
        it.gateway.clock.advance(24 * 3600)
        await ended(it)
        assert it.texts() == [b"hello", b"yes"]
        assert await state_of(it, cancelled) == "cancelled"
        assert await state_of(it, kept) == "delivered"


# -- events ---------------------------------------------------------------------------------------------


class Listener:
    """A reader of a stream of events."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def next(self) -> tuple[str, dict[str, Any], str]:
        """Name, data and id of the next event; ("", {}, "") for a comment, ("end", …) when it is over."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self._content.readline()).decode():
                if line != "\n":
                    name, _, value = line.rstrip("\n").partition(": ")
                    found[name] = value
                elif "retry" in found:
                    found = {}
                else:
                    return found.get("event", ""), json.loads(found.get("data", "{}")), found.get("id", "")
        return "end", {}, ""


@asynccontextmanager
async def listening(it: AskedGateway, path: str = "events", **headers: str) -> AsyncIterator[Listener]:
    asked = {"Authorization": BASIC, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with it.session.get(f"{it.url}/v1/{path}", headers=asked) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Listener(answer.content)


@journey
async def test_what_happens_is_told_as_it_happens_and_what_was_missed_too(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        async with listening(it) as events:
            message_id = (await it.v1("POST", "messages", MESSAGE)).json["id"]
            name, data, _ = await events.next()
            assert (name, data["id"], data["reference"]) == ("message.accepted", message_id, "r-1")
            name, data, seen = await events.next()
            assert (name, data["id"], data["state"]) == ("message.ended", message_id, "delivered")
            it.gateway.clock.advance(HEARTBEAT_S + 1)
            assert await events.next() == ("", {}, "")
        sent = await it.ask("send", phones=DESTINATION, mes="by the script", id=77)
        assert sent["id"] == 77
        await ended(it)
        async with listening(it, Last_Event_ID=seen) as events:
            told = [await events.next(), await events.next()]
            assert [name for name, _, _ in told] == ["message.accepted", "message.ended"]
            assert {data["reference"] for _, data, _ in told} == {"77"}
            await it.gateway.stop()
            with pytest.raises(aiohttp.ClientPayloadError):  # it breaks off, so its reader comes again
                await events.next()


@journey
async def test_a_message_is_followed_up_to_its_end(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        message_id = (await it.v1("POST", "messages", MESSAGE)).json["id"]
        async with listening(it, f"messages/{message_id}/events") as events:
            names = []
            while (told := await events.next())[0] != "end":
                names.append(told[0])
                assert told[1]["id"] == message_id
        assert names[-1] == "message.ended"
        assert set(names) <= {"message.state", "message.accepted", "message.ended"}


@journey
async def test_an_incoming_sms_is_told_and_kept_to_be_asked_for(tmp_path: Path) -> None:
    rules = {"incoming": (IncomingRule(account=LOGIN),)}
    async with asked_over_http(tmp_path, configured=rules) as it:
        await it.v1("POST", "messages", MESSAGE)
        await ended(it)
        async with listening(it) as events:
            coming = DeliverSm(
                source_addr_ton=1,
                source_addr=DESTINATION,
                destination_addr="1234",
                data_coding=8,
                short_message="да".encode("utf-16-be"),
            )
            it.smsc.deliver(coming, "gateway")
            name, data, _ = await events.next()
            assert (name, data["from"], data["to"]) == ("incoming", DESTINATION, "1234")
        (shown,) = (await it.v1("GET", "incoming")).json["incoming"]
        assert (shown["id"], shown["text"], shown["answers"]) == (data["id"], "да", "r-1")
        assert (await it.v1("GET", f"incoming?after={shown['id']}")).json["incoming"] == []


@journey
async def test_who_does_not_read_his_stream_is_dropped_and_holds_nobody_up(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        hub, listener = it.gateway.daemon.http.hub, it.gateway.daemon.http.listeners[0]
        reader, writer = await asyncio.open_connection(HOST, it.port, limit=1024)
        writer.write(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\n\r\n".encode())
        await it.gateway.until(lambda: hub.wants(LOGIN))
        channel = hub._channels[LOGIN]
        while channel._streams:  # the kernel takes some of it
            for _ in range(1000):
                hub.publish(LOGIN, "message.ended", 1, b'{"filler":"%s"}' % (b"x" * 1000))
            await asyncio.sleep(0)
        assert (await it.v1("POST", "messages", MESSAGE)).status == 202
        it.gateway.clock.advance(listener.config.request_timeout_s + 1)
        await it.gateway.until(lambda: len(listener.connections) <= 1)
        writer.close()
        assert reader is not None
