"""What an SMSC does with our submits, one behaviour after the other, and what the client hears of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    UPSTREAM,
    Receipt,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)

from gateway.config.model import Route
from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import BindReceiver, BindTransmitter
from protocols.sms import udh
from protocols.sms.alphabet import Alphabet, encode


async def submitted(smsc: Simulator, count: int) -> None:
    await smsc.wait_until(lambda: smsc.counters.submitted == count)


def policy(name: Any) -> list[Route]:
    return [Route(connectors=[UPSTREAM], on_ambiguous=name)]


@pytest.mark.parametrize(
    ("end", "state", "error"),
    [
        ("99001", c.DELIVERED, "000"),
        ("99002", c.UNDELIVERABLE, "001"),
        ("99003", c.EXPIRED, "001"),
        ("99004", c.REJECTED, "001"),
        ("99005", c.DELETED, "001"),
        ("99006", c.UNKNOWN, "001"),
        ("99104", c.DELIVERED, "000"),  # receipt first
        ("99107", c.DELIVERED, "000"),  # ACCEPTD, then DELIVRD
        ("99108", c.DELIVERED, "000"),  # by data_sm
        ("99109", c.DELIVERED, "000"),  # text only
        ("99110", c.DELIVERED, "000"),  # TLVs only
        ("99111", c.UNKNOWN, "001"),  # a word nobody knows
        ("99103", c.DELIVERED, "000"),  # late
    ],
)
def test_receipt_of_the_smsc_reaches_the_client(tmp_path: Path, end: str, state: int, error: str) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, smsc):
            client = await gateway.client()
            message_id = await client.submit("790000" + end)
            assert await client.receipt() == Receipt(message_id, state, error)
            await gateway.emptied()
            assert client.deliveries.empty()
            assert smsc.counters.receipts_retried == 0
            assert not gateway.listing("unmatched")

    run()


@pytest.mark.parametrize(
    ("end", "status", "waits_s"),
    [
        ("99058", "ESME_RTHROTTLED", 0.1),
        ("99014", "ESME_RMSGQFUL", 0.1),
        ("99008", "ESME_RSYSERR", 1.0),
    ],
)
def test_temporary_refusal_is_tried_again(tmp_path: Path, end: str, status: str, waits_s: float) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, smsc):
            client = await gateway.client()
            message_id = await client.submit("790000" + end)
            await gateway.said("postponed", message_id, status)
            await gateway.until(lambda: gateway.listing("waiting"))
            (waiting,) = gateway.listing("waiting")
            delay_ms = waiting["due_ms"] - gateway.clock.now_ms()
            assert waits_s * 100 <= delay_ms <= waits_s * 1000
            assert waiting["retries"] == 1
            assert smsc.counters.submitted == 1  # not a moment earlier
            gateway.clock.advance(waits_s)
            assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
            assert smsc.counters.submitted == 2
            timeline = gateway.reader.timeline(int(message_id))
            assert timeline is not None
            assert any(status in event["text"] for event in timeline["timeline"])

    run()


@journey
async def test_permanent_refusal_ends_with_a_receipt(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099011")
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.REJECTED)
        await gateway.emptied()
        assert smsc.counters.submitted == 1
        assert gateway.states(message_id) == ["REJECTED"]


@journey
async def test_message_without_text_gets_its_receipt(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit(text=b"")
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
        await gateway.emptied()


@journey
async def test_receipt_that_comes_twice_is_brought_once(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099105")
        assert (await client.receipt()).message_id == message_id
        await smsc.wait_until(lambda: smsc.counters.receipts_acknowledged == 2)
        await gateway.emptied()
        assert client.deliveries.empty()


@pytest.mark.parametrize(
    "form",
    ["hex", "hex_upper", "uuid", "decimal_resp_hex_receipt", "hex_resp_decimal_receipt", "padded"],
)
def test_ids_in_any_form_are_matched(tmp_path: Path, form: str) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, smsc={"id_format": form}) as (gateway, _):
            client = await gateway.client()
            sent = {await client.submit(text=b"%d" % n) for n in range(5)}
            assert {(await client.receipt()).message_id for _ in sent} == sent
            await gateway.emptied()
            assert not gateway.listing("unmatched")

    run()


@journey
async def test_no_receipt_ever_ends_as_unknown(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, default_validity_h=1, receipt_wait_h=2) as (gateway, _):
        client = await gateway.client(BindTransmitter)
        message_id = await client.submit("79000099106")
        await gateway.said("submitted", message_id)
        gateway.clock.advance(2.9 * 3600)
        await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].links)
        assert gateway.states(message_id) == ["SENT"]
        gateway.clock.advance(0.2 * 3600)
        await gateway.until(lambda: gateway.listing("undelivered"))
        receiver = await gateway.client(BindReceiver)
        receipt = await receiver.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.UNKNOWN)
        await gateway.emptied()


# -- long texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 2, 100])
def test_long_text_goes_up_in_segments_and_has_one_receipt(tmp_path: Path, window: int) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, link={"window": window}) as (gateway, smsc):
            client = await gateway.client()
            text = encode("All work and no play. " * 25, Alphabet.GSM7)  # 550 septets
            message_id = await client.submit(text=b"", tlvs=((tlv.MESSAGE_PAYLOAD, text),))
            assert (await client.receipt()).message_id == message_id
            await gateway.emptied()
            assert client.deliveries.empty()
            parts = [udh.concatenation(udh.parse(it.user_data)[0]) for it in smsc.received]
            assert [(it.total, it.sequence) for it in parts if it] == [(4, n) for n in (1, 2, 3, 4)]
            assert len({it.reference for it in parts if it}) == 1
            assert b"".join(it.text for it in smsc.received) == text
            assert all(it.pdu.esm_class & c.ESM_CLASS_UDHI for it in smsc.received)

    run()


@journey
async def test_receipt_of_a_long_text_waits_for_the_last_segment(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc={"receipt_delay_ms": 3_600_000.0}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 300),))
        await smsc.wait_until(lambda: smsc.counters.accepted == 2)
        first, second = smsc.received
        await gateway.said("submitted", message_id, second.message_id)
        await receipt_now(gateway, smsc, first)
        assert client.deliveries.empty()
        assert gateway.states(message_id) == ["SENT"]
        await receipt_now(gateway, smsc, second)
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")


async def receipt_now(gateway: Any, smsc: Any, message: Any) -> None:
    """The SMSC's receipt for one message, whatever its delay; returns when it is acknowledged."""
    from gateway.simulator.receipts import receipt

    before = smsc.counters.receipts_acknowledged
    smsc.deliver(receipt(message, c.DELIVERED, message.at, content="both"), "gateway")
    await smsc.wait_until(lambda: smsc.counters.receipts_acknowledged == before + 1)


@pytest.mark.parametrize(("form", "tags"), [("sar", True), ("payload", False)])
def test_long_text_by_tlvs(tmp_path: Path, form: str, tags: bool) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, link={"long_messages": form}) as (gateway, smsc):
            client = await gateway.client()
            message_id = await client.submit(text=b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"y" * 300),))
            assert (await client.receipt()).message_id == message_id
            assert b"".join(it.user_data for it in smsc.received) == b"y" * 300
            assert len(smsc.received) == (2 if tags else 1)
            for message in smsc.received:
                assert (tlv.get(message.pdu.tlvs, tlv.SAR_MSG_REF_NUM) is not None) == tags

    run()


# -- doubt ---------------------------------------------------------------------------------------------


@journey
async def test_no_response_is_sent_again_once_and_listed(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"response_timeout_s": 5}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099101")
        await smsc.wait_until(lambda: smsc.counters.submitted == 1)
        assert client.deliveries.empty()
        gateway.clock.advance(5)
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
        assert smsc.counters.submitted == 2
        (doubt,) = gateway.listing("ambiguous")
        assert (doubt["message_id"], doubt["action"]) == (message_id, "resend")
        assert "no response" in doubt["evidence"]


@journey
async def test_second_doubt_holds_the_message_for_a_person(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"response_timeout_s": 5}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099100")  # never answered
        for attempt in (1, 2):
            await submitted(smsc, attempt)
            gateway.clock.advance(5)
            await gateway.said("in_doubt", message_id, times=attempt)
        await gateway.until(lambda: gateway.listing("held"))
        assert gateway.states(message_id) == ["HELD"]
        assert smsc.counters.submitted == 2


@journey
async def test_policy_resend_does_not_stop_at_once(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"response_timeout_s": 5}, routes=policy("resend")) as (
        gateway,
        smsc,
    ):
        client = await gateway.client()
        message_id = await client.submit("79000099100")
        for attempt in range(1, 6):  # over a rebind, too: three time-outs in a row end a link
            await submitted(smsc, attempt)
            gateway.clock.advance(5)
        await smsc.wait_until(lambda: smsc.counters.submitted == 6)
        assert smsc.counters.binds >= 2
        assert len(gateway.listing("ambiguous")) == 5
        assert gateway.states(message_id) == ["SENT"]


@journey
async def test_policy_hold_keeps_the_message_until_a_person_decides(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"response_timeout_s": 5}, routes=policy("hold")) as (
        gateway,
        smsc,
    ):
        client = await gateway.client()
        first = await client.submit("79000099101")
        second = await client.submit("79000099101", text=b"another")
        await smsc.wait_until(lambda: smsc.counters.submitted == 2)
        gateway.clock.advance(5)
        await gateway.until(lambda: len(gateway.listing("held")) == 2)
        assert (await gateway.decide(first, "resend"))["done"]
        assert await client.receipt() == Receipt(first, c.DELIVERED, "000")
        assert (await gateway.decide(second, "drop"))["done"]
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (second, c.DELETED)
        await gateway.emptied()
        assert smsc.counters.submitted == 3
        refused = await gateway.decide(second, "resend")
        assert (refused["done"], refused["why"]) == (False, "it has ended: DELETED")


@journey
async def test_policy_fail_ends_the_message_as_unknown(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"response_timeout_s": 5}, routes=policy("fail")) as (
        gateway,
        smsc,
    ):
        client = await gateway.client()
        message_id = await client.submit("79000099101")
        await smsc.wait_until(lambda: smsc.counters.submitted == 1)
        gateway.clock.advance(5)
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.UNKNOWN)
        await gateway.emptied()
        assert smsc.counters.submitted == 1
        (doubt,) = gateway.listing("ambiguous")
        assert doubt["action"] == "fail"


@journey
async def test_dropped_connection_leaves_doubt_and_the_message_goes_again(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099102")
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
        assert smsc.counters.binds == 2
        (doubt,) = gateway.listing("ambiguous")
        assert (doubt["message_id"], doubt["action"]) == (message_id, "resend")


@journey
async def test_late_response_settles_the_doubt(tmp_path: Path) -> None:
    smsc_settings = {"resp_delay_ms": 300.0}
    async with gateway_and_smsc(
        tmp_path, smsc=smsc_settings, link={"response_timeout_s": 5}, routes=policy("hold")
    ) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await smsc.wait_until(lambda: smsc.counters.submitted == 1)
        gateway.clock.advance(5)
        await gateway.until(lambda: gateway.listing("held"))
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
        (doubt,) = gateway.listing("ambiguous")
        assert doubt["settled_by"] in ("late response", "receipt")
        assert smsc.counters.submitted == 1


# -- incoming SMS --------------------------------------------------------------------------------------


@journey
async def test_incoming_sms_goes_to_its_account(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"incoming_account": "app"}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099120", text=b"ping")
        down = [await client.delivery() for _ in range(2)]
        reply = next(it for it in down if not it.esm_class)
        assert (reply.source_addr, reply.destination_addr) == ("79000099120", "12345")
        assert reply.short_message == b"ping"
        assert not reply.tlvs
        receipt = next(it for it in down if it.esm_class)
        assert message_id.encode() in receipt.short_message
        await smsc.wait_until(lambda: smsc.counters.receipts_acknowledged == 2)
        await gateway.emptied()


@journey
async def test_incoming_sms_waits_for_its_account(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"incoming_account": "app"}) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        await sender.submit("79000099120", text=b"ping", registered_delivery=0)
        await gateway.until(lambda: gateway.listing("undelivered"))
        receiver = await gateway.client(BindReceiver)
        assert (await receiver.delivery()).short_message == b"ping"
        await gateway.emptied()


@journey
async def test_incoming_sms_without_an_account_is_refused(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit("79000099120")
        assert (await client.receipt()).message_id == message_id
        await smsc.wait_until(lambda: smsc.counters.receipts_refused == 1)
        await gateway.said("incoming_refused")
        await gateway.emptied()
        assert client.deliveries.empty()


# -- time ----------------------------------------------------------------------------------------------


@journey
async def test_message_expires_while_the_smsc_is_down(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await gateway.client()
        short = await client.submit(validity_period="000000000100000R")  # a minute
        long = await client.submit(validity_period="000000010000000R")  # an hour
        gateway.clock.advance(61)
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (short, c.EXPIRED)
        assert gateway.states(short, long) == ["EXPIRED", "QUEUED"]
        assert [it["message_id"] for it in gateway.listing("waiting")] == [long]


@journey
async def test_expired_message_is_not_sent_when_the_smsc_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.housekeeping.SWEEP_EVERY", 1_000_000)  # only the claim can find it
    async with simulated_smsc() as smsc:
        async with running(config(connector(1)), tmp_path / "state") as gateway:
            client = await gateway.client(BindTransmitter)
            message_id = await client.submit(validity_period="000000000100000R")
        made = config(connector(smsc.port))
        async with running(made, tmp_path / "state", later_s=61) as gateway:
            await gateway.linked()
            client = await gateway.client()
            receipt = await client.receipt()
            assert (receipt.message_id, receipt.state) == (message_id, c.EXPIRED)
            assert not smsc.received


@journey
async def test_scheduled_message_waits_for_its_time(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(schedule_delivery_time="000000000010000R")  # ten seconds
        at_once = await client.submit(text=b"at once")
        assert (await client.receipt()).message_id == at_once
        (waiting,) = gateway.listing("waiting")
        assert waiting["message_id"] == message_id
        gateway.clock.advance((waiting["due_ms"] - gateway.clock.now_ms()) / 1000 - 0.1)
        marker = await client.submit(text=b"marker")
        assert (await client.receipt()).message_id == marker
        gateway.clock.advance(0.1)
        assert (await client.receipt()).message_id == message_id
        assert smsc.counters.submitted == 3
