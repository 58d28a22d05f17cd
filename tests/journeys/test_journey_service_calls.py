"""The SMSC service calls in every form that a handler's URL can ask for; without calls it is asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from journey_support import HOST, journey
from service_support import PATH, SECRET, callback, gateway_and_service

from gateway.egress.smsc_http import watcher
from protocols.smpp import constants as c

PHONE, OWN = "79161234567", "79990000001"
URLS = {
    "md5": ("md5", f"?md5={SECRET}"),
    "sha1": ("sha1", f"?sha1={SECRET}"),
    "crc32": ("crc32", f"?crc32={SECRET}"),
    "charset=utf-8": ("sha1", f"?sha1={SECRET}&charset=utf-8"),
    "charset=koi8-r": ("sha1", f"?sha1={SECRET}&charset=koi8-r"),
    "charset=windows-1251": ("sha1", f"?charset=windows-1251&sha1={SECRET}"),
    "fmt=2": ("sha1", f"?fmt=2&sha1={SECRET}"),
    "fmt=2 in utf-8": ("md5", f"?fmt=2&charset=utf-8&md5={SECRET}"),
    "fmt=3": ("sha1", f"?fmt=3&sha1={SECRET}"),
    "fmt=3 in utf-8": ("crc32", f"?fmt=3&charset=utf-8&crc32={SECRET}"),
    "own": ("sha1", f"?order=17&sha1={SECRET}&shop=%D0%B6"),
    "bang": ("sha1", f"/!own=1&sha1={SECRET}?charset=utf-8&more=2"),
}


@pytest.mark.parametrize("form", URLS)
def test_a_status_and_a_subscribers_text_come_in_every_form(tmp_path: Path, form: str) -> None:
    kind, options = URLS[form]
    link = {"incoming_account": "app", "callback": callback(hash=kind)}

    @journey
    async def run() -> None:
        async with gateway_and_service(tmp_path, with_calls=True, link=link) as (gateway, simulator):
            port = gateway.daemon.services.listeners[0].port
            simulator.service.account.handler_url = f"http://{HOST}:{port}{PATH}{options}"
            client = await gateway.client()
            message_id = await client.submit()
            receipt = await client.receipt()
            assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)
            simulator.service.life.receive(PHONE, OWN, "Привет, <мир>: 100%", time.time())
            simulator.turn_over()
            delivery = await client.delivery()
            assert (delivery.source_addr, delivery.destination_addr) == (PHONE, OWN)
            assert delivery.short_message.decode("utf-16-be") == "Привет, <мир>: 100%"
            counters = simulator.service.callbacks.counters
            await simulator.wait_until(lambda: counters.taken == counters.events)
            assert counters.calls == counters.events

    run()


@journey
async def test_a_confirmation_call_comes_as_a_text(tmp_path: Path) -> None:
    link = {"incoming_account": "app"}
    async with gateway_and_service(tmp_path, with_calls=True, link=link) as (gateway, simulator):
        client = await gateway.client()
        simulator.service.life.confirm(PHONE, OWN, time.time())
        simulator.turn_over()
        delivery = await client.delivery()
        assert (delivery.source_addr, delivery.short_message) == (PHONE, b"\x1b<waitcall\x1b>")


@journey
async def test_one_message_alone_is_asked_for_by_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "FRESH_MAX", 0)  # none is asked for singly
    async with gateway_and_service(tmp_path) as (gateway, simulator):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted", message_id)
        gateway.clock.let_run()
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)
        assert simulator.service.requests["status"] == 1


@pytest.mark.parametrize("with_calls", [True, False], ids=["by a call", "by asking"])
def test_virtual_sending_ends_delivered(tmp_path: Path, with_calls: bool) -> None:
    @journey
    async def run() -> None:
        simulated = {"virtual": True, "balance": "0"}
        async with gateway_and_service(tmp_path, with_calls=with_calls, simulated=simulated) as (gateway, _):
            client = await gateway.client()
            message_id = await client.submit()
            await gateway.said("submitted", message_id)
            if not with_calls:
                gateway.clock.let_run()
            receipt = await client.receipt()
            assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)

    run()
