"""What clients ask over HTTP after they have sent: statuses, history, what only a service has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from http_support import LOGIN, PASSWORD, AskedGateway, asked_over_http
from journey_support import DESTINATION, journey
from money_support import PRICES, credit

from gateway.config.model import Queue

TEXTS = {"queue": Queue(commit_delay_ms=0, text_days=7)}


def upload(**fields: str) -> aiohttp.FormData:
    """A message with a picture."""
    form = aiohttp.FormData()
    for name, value in {"login": LOGIN, "psw": PASSWORD, "phones": DESTINATION, **fields}.items():
        form.add_field(name, value)
    form.add_field("file0", b"\xff\xd8\xff" + b"\x00" * 200, filename="cat.jpg", content_type="image/jpeg")
    return form


async def status(it: AskedGateway, id: object, **params: Any) -> Any:
    return await it.ask("status", id=id, phone=DESTINATION, **params)


async def ended(it: AskedGateway, id: object) -> Any:
    """The status of a message that ends; time passes until it has."""
    for _ in range(500):
        found = await status(it, id)
        if found["status"] > 0:
            return found
        it.gateway.clock.advance(0.5)
        await it.gateway.ticked()
    raise AssertionError(found)


@journey
async def test_a_message_is_asked_for_until_it_has_arrived_and_then_deleted(tmp_path: Path) -> None:
    paying = {"balance": "own", "prices": "retail", "service_messages": True}
    async with asked_over_http(tmp_path, configured={"price_lists": PRICES, **TEXTS}, **paying) as it:
        await credit(it.gateway, "1", LOGIN)
        sent = await it.ask("send", phones=DESTINATION, mes="Привет", id=33, sender="Shop")
        assert sent == {"id": 33, "cnt": 1}
        assert (await ended(it, 33))["status"] == 1
        found = await status(it, 33, all=2)
        assert (found["message"], found["cost"], found["sender_id"]) == ("Привет", "0.05", "Shop")
        assert (found["country"], found["mccmnc"]) == ("Russia", "250")
        assert await it.ask("balance", cur=1) == {"balance": "0.95", "currency": "EUR"}
        [told] = await it.ask("get", get_messages=1)
        assert (told["id"], told["message"], told["status"]) == (33, "Привет", 1)
        [sums] = await it.ask("get", get_stat=1)
        assert (sums["sms"], sums["debit"]) == ("1", "0.05")
        assert await status(it, 33, **{"del": 1}) == {"result": "OK"}
        assert await status(it, 33) == {"status": -3}
        assert (await it.ask("get", get_messages=1))["error_code"] == 3


@journey
async def test_a_message_that_waits_is_never_sent_when_it_is_deleted(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        await it.ask("send", phones=DESTINATION, mes="later", id=1, time="+60")
        assert (await status(it, 1))["status"] == -1
        await status(it, 1, **{"del": 1})
        it.gateway.clock.advance(3700)
        await it.ask("send", phones=DESTINATION, mes="now", id=2)
        await it.gateway.until(lambda: it.texts() == [b"now"])
        assert await status(it, 1) == {"status": -3}


@journey
async def test_a_virtual_message_ends_delivered_costs_nothing_and_says_so(tmp_path: Path) -> None:
    paying = {"balance": "own", "prices": "retail", "test_mode": True}
    async with asked_over_http(tmp_path, configured={"price_lists": PRICES}, **paying) as it:
        await credit(it.gateway, "1", LOGIN)
        assert await it.ask("send", phones=DESTINATION, mes="Hello", id=1) == {"id": 1, "cnt": 1}
        assert (await status(it, 1))["status"] in (-1, 0)
        found = await ended(it, 1)
        assert (found["status"], found["err"]) == (1, 200)
        assert await it.ask("balance") == {"balance": "1.00"}
        assert it.texts() == []


@journey
async def test_a_file_goes_to_the_service_and_its_end_comes_back(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path, relayed=True, service_messages=True) as it:
        assert it.service is not None
        reply = await it.http("POST", "/sys/send.php", data=upload(mms="1", mes="cat", fmt="1", id="15"))
        assert reply.text == "15,1"
        [sent] = it.service.service.store.messages
        assert (sent.phone, sent.type) == (DESTINATION, 6)
        assert sent.id != 15
        found = await ended(it, 15)
        assert (found["status"], found["flag"]) == (1, 6)


@journey
async def test_what_only_the_service_has_is_asked_of_it(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path, relayed=True) as it:
        assert await it.text("receive_phones.php?get=1&fmt=1")
        found = await it.ask("op_templates", add=1, sender="Shop", msg="Hello", mts_srv=1)
        assert "mts_srv" in found[0]
        assert (await it.ask("info", get_operator=1, phone=DESTINATION))["mnc"]
        picture = await it.http("GET", "/sys/imgcode.php?1.1")
        assert picture.headers["Content-Type"] == "image/png" and picture.body.startswith(b"\x89PNG")


@journey
async def test_a_call_that_proves_a_number_is_for_whoever_waits_for_it(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path, relayed=True) as it:
        told = await it.ask("wait_call", phone=DESTINATION)
        assert told["phone"] in told["all_phones"]
        inbox = it.gateway.daemon.services.connectors["centre"].inbox
        now_ms = it.gateway.clock.now_ms()
        inbox.incoming_sms(1, DESTINATION, told["phone"], "[waitcall]", now_ms, now_ms)
        it.gateway.daemon.journal.wake()
        for _ in range(100):
            answers = await it.ask("get", get_answers=1)
            if answers:
                break
            await it.gateway.ticked()
        assert [(answer["phone"], answer["message"]) for answer in answers] == [(DESTINATION, "[waitcall]")]


@journey
async def test_without_a_relay_the_error_says_what_is_missing(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        for script in ("wait_call.php?phone=79990000001", "receive_phones.php?get=1"):
            assert "http.relay" in await it.text(script)
        reply = await it.http("POST", "/sys/send.php", data=upload(mms="1", fmt="0"))
        assert reply.text.startswith("ERROR = ") and "http.relay" in reply.text
