"""An application's message goes up to the SMSC service over HTTP, and its end comes back."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from journey_support import DESTINATION, account, journey, submit_sm
from service_support import SECRET, SERVICE, SERVICE_PASSWORD, gateway_and_service

from gateway.ops.status import status_of
from protocols.smpp import constants as c


@journey
async def test_a_message_goes_up_and_its_receipt_comes_by_a_call(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        client = await gateway.client()
        message_id = await client.submit()
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)
        [message] = simulator.service.store.messages
        assert (message.phone, message.text, message.sender) == (DESTINATION, "hello", "12345")
        await gateway.emptied()


@journey
async def test_without_calls_its_status_is_asked(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted", SERVICE)
        gateway.clock.let_run()
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)


@journey
async def test_many_messages_share_requests(tmp_path: Path) -> None:
    accounts = [account(window=1000)]
    async with gateway_and_service(tmp_path, with_calls=True, accounts=accounts) as (gateway, simulator):
        client = await gateway.client()
        pdus = [submit_sm(f"7916120{n:04d}", b"text %d" % n) for n in range(300)]
        await asyncio.gather(*client.send_together(*pdus))
        receipts = [await client.receipt() for _ in pdus]
        assert {receipt.state for receipt in receipts} == {c.DELIVERED}
        assert simulator.service.store.accepted == 300
        assert sorted(m.text for m in simulator.service.store.messages) == sorted(
            f"text {n}" for n in range(300)
        )
        assert len({m.id for m in simulator.service.store.messages}) <= 30


@journey
async def test_two_messages_to_one_number_never_share_a_request(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        client = await gateway.client()
        await asyncio.gather(*client.send_together(submit_sm(text=b"one"), submit_sm(text=b"two")))
        assert {(await client.receipt()).state for _ in range(2)} == {c.DELIVERED}
        assert len({message.id for message in simulator.service.store.messages}) == 2
        assert sorted(message.text for message in simulator.service.store.messages) == ["one", "two"]


@journey
async def test_a_long_text_goes_whole(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        client = await gateway.client()
        await client.submit(text=b"long " * 50)
        assert (await client.receipt()).state == c.DELIVERED
        [message] = simulator.service.store.messages
        assert (message.text, message.parts) == ("long " * 50, 2)


@journey
async def test_a_failure_says_why(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, _):
        client = await gateway.client()
        await client.submit("79161299003")
        receipt = await client.receipt()
        assert (receipt.state, receipt.error) == (c.EXPIRED, "006")


@journey
async def test_hlr_brings_what_is_known_of_a_number(tmp_path: Path) -> None:
    accounts = [account(service_messages=True)]
    async with gateway_and_service(tmp_path, with_calls=True, accounts=accounts) as (gateway, simulator):
        client = await gateway.client()
        await client.submit(text=b"", service_type="HLR")
        text = (await client.delivery()).short_message.decode()
        assert " stat:DELIVRD err:000 imsi:250" in text
        assert " cn:" in text and " rnet:" in text
        assert [message.type for message in simulator.service.store.messages] == [4]


@journey
async def test_a_subscriber_s_answer_comes_once_whichever_way(tmp_path: Path) -> None:
    link = {"incoming_account": "app"}
    async with gateway_and_service(tmp_path, with_calls=True, link=link) as (gateway, simulator):
        client = await gateway.client()
        simulator.service.life.receive("79161234567", "79990000001", "yes", time.time())
        simulator.turn_over()
        delivery = await client.delivery()
        assert (delivery.source_addr, delivery.short_message) == ("79161234567", b"yes")
        # and by asking, too
        gateway.clock.advance(700)
        await gateway.until(lambda: gateway.daemon.services.connectors[SERVICE].watcher.mark)
        assert client.deliveries.empty()
        assert gateway.listing("undelivered") == []


@journey
async def test_status_tells_of_the_service_and_no_secret(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, _):
        client = await gateway.client()
        await client.submit()
        await client.receipt()
        await gateway.until(lambda: not gateway.daemon.upstreams[SERVICE].in_flight)
        status = status_of(gateway.daemon)
        [row] = status["services"]
        assert (row["connector"], row["balance"], row["currency"]) == (SERVICE, "1000.00", "RUR")
        assert (row["asking"], row["requests"], row["sent_again"]) == (0, 1, 0)
        assert status["healthy"] and [it["state"] for it in status["connectors"]] == ["bound"]
        text = json.dumps(status)
        assert not any(secret in text for secret in (SERVICE_PASSWORD, SECRET))
