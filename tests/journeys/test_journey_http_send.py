"""send.php through sockets: what is sent, what the SMSC gets, and what is still there after a kill."""

from __future__ import annotations

import asyncio
from pathlib import Path

from http_support import LOGIN, PASSWORD, asked_over_http
from journey_support import DESTINATION, journey

from gateway.config.model import Http
from gateway.config.price_model import Price, PriceList
from gateway.egress.sandbox import DELIVERED_AFTER_S

PRICES = PriceList(name="retail", currency="RUR", prices=[Price(price=1.4)])
OTHER = "79990000099"


@journey
async def test_texts_go_to_the_smsc_and_their_ends_are_known(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        assert await it.ask("send", phones=DESTINATION, mes="Привет", id=33) == {"id": 33, "cnt": 1}
        assert await it.ask("send", list=f"{DESTINATION}:one\n{OTHER}:two") == {"id": 1, "cnt": 2}
        await it.gateway.until(lambda: len(it.smsc.received) == 3)
        assert sorted(it.texts()) == sorted(["Привет".encode("utf-16-be"), b"one", b"two"])
        status = await it.ask("status", phone=DESTINATION, id=33)
        assert status["status"] in (0, 1)


@journey
async def test_each_form_of_answer_and_the_money(tmp_path: Path) -> None:
    async with asked_over_http(
        tmp_path, balance="own", prices="retail", credit=10, configured={"price_lists": [PRICES]}
    ) as it:
        one = f"send.php?phones={DESTINATION}&mes=Hello"
        assert await it.text(f"{one}&cost=1") == "1.40 (1 SMS)"
        assert await it.text(f"{one}&cost=3&id=5") == "OK - 1 SMS, ID - 5, COST - 1.40, BALANCE - -1.40"
        assert await it.text(f"{one}&cost=2&fmt=1&id=6") == "6,1,1.40"
        assert await it.text(f"{one}&fmt=2&id=a.b") == "<result>\n<id>a.b</id>\n<cnt>1</cnt>\n</result>"
        assert await it.text("send.php?phones=12&mes=Hello&id=7&fmt=1") == "7,-7"
        body = {
            "login": LOGIN,
            "psw": PASSWORD,
            "phones": [DESTINATION, OTHER],
            "mes": "Hi",
            "cost": 3,
            "id": 8,
        }
        reply = await it.http("POST", "/rest/send/", json=body)
        assert reply.json == {"id": 8, "cnt": 2, "cost": "2.80", "balance": "-7.00"}
        assert await it.ask(
            "send", phones=DESTINATION, mes="too much", list=f"{DESTINATION}:" + "x" * 800
        ) == {
            "error": "no money",
            "error_code": 3,
            "id": 1,
        }


@journey
async def test_the_same_again_within_a_minute_is_error_9(tmp_path: Path) -> None:

    async with asked_over_http(tmp_path, settings=Http()) as it:
        await it.ask("send", phones=DESTINATION, mes="Hello")
        again = await it.ask("send", phones=DESTINATION, mes="Hello")
        assert again["error_code"] == 9
        assert (await it.ask("send", phones=DESTINATION, mes="Hello", id=2))["id"] == 2


@journey
async def test_many_at_the_same_time_are_each_sent_once(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        answers = await asyncio.gather(
            *(it.ask("send", phones=f"7999000{n:04}", mes=f"text {n}") for n in range(60))
        )
        assert len({answer["id"] for answer in answers}) == 60
        await it.gateway.until(lambda: len(it.smsc.received) == 60)
        assert len({*it.texts()}) == 60


@journey
async def test_virtual_sending_goes_nowhere_and_ends_as_delivered(tmp_path: Path) -> None:
    async with asked_over_http(
        tmp_path, test_mode=True, balance="own", prices="retail", configured={"price_lists": [PRICES]}
    ) as it:
        answer = await it.ask("send", phones=DESTINATION, mes="Hello", id=1, cost=2)
        assert answer == {"id": 1, "cnt": 1, "cost": "0.00"}
        await it.gateway.ticked()
        it.gateway.clock.advance(DELIVERED_AFTER_S + 0.1)
        await it.gateway.emptied()
        status = await it.ask("status", phone=DESTINATION, id=1)
        assert (status["status"], status["err"]) == (1, 200)
        assert not it.smsc.received
