"""From submit_sm to its receipt; what becomes of it when the client is away, in trouble, or says no."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from journey_support import DESTINATION, account, gateway_and_smsc, journey, read_receipt

from gateway.core.model import Delivery
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindReceiver, BindTransmitter, DeliverSmResp


@journey
async def test_submit_to_receipt(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"hello")
        delivery = await client.delivery()
        receipt = read_receipt(delivery)
        assert (receipt.message_id, receipt.state, receipt.error) == (message_id, c.DELIVERED, "000")
        assert (delivery.source_addr, delivery.destination_addr) == (DESTINATION, "12345")
        (message,) = smsc.received
        assert (message.destination, message.text, message.system_id) == (DESTINATION, b"hello", "gateway")
        await gateway.emptied()
        assert gateway.states(message_id) == ["DELIVERED"]


@pytest.mark.parametrize(
    ("form", "pattern"), [("decimal", r"\d{18,19}"), ("hex", "[0-9a-f]{16}"), ("uuid", "[0-9a-f-]{36}")]
)
def test_message_id_has_the_form_the_account_wants(tmp_path: Path, form: str, pattern: str) -> None:
    @journey
    async def run() -> None:
        accounts = [account(message_id_format=form)]
        async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, _):
            client = await gateway.client()
            message_id = await client.submit()
            assert re.fullmatch(pattern, message_id)
            assert (await client.receipt()).message_id == message_id

    run()


@pytest.mark.parametrize("kind", [BindReceiver, None])
def test_receipt_waits_for_the_next_bind(tmp_path: Path, kind: Any) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            sender = await gateway.client(BindTransmitter)
            message_ids = [await sender.submit(text=b"%d" % n) for n in range(3)]
            await gateway.until(lambda: len(gateway.listing("undelivered")) == 3)
            if kind is None:
                await sender.unbind()
                later = await gateway.client()
            else:
                later = await gateway.client(kind)
            received = [(await later.receipt()).message_id for _ in message_ids]
            assert received == message_ids  # in the order in which they ended
            await gateway.emptied()
            assert later.deliveries.empty()

    run()


@journey
async def test_receipt_goes_to_no_other_account(tmp_path: Path) -> None:
    accounts = [account(), account("other")]
    async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        stranger = await gateway.client(system_id="other")
        message_id = await sender.submit()
        await gateway.until(lambda: gateway.listing("undelivered"))
        own = await stranger.submit()
        assert (await stranger.receipt()).message_id == own
        receiver = await gateway.client(BindReceiver)
        assert (await receiver.receipt()).message_id == message_id
        assert stranger.deliveries.empty()


@journey
async def test_client_that_goes_without_an_answer_gets_the_receipt_once_more(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client(answers=[None])
        message_id = await client.submit()
        await client.receipt()
        await client.abort()
        again = await gateway.client()
        assert (await again.receipt()).message_id == message_id
        await gateway.emptied()
        assert again.deliveries.empty()


@journey
async def test_what_one_session_leaves_unanswered_goes_to_the_other(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        going = await gateway.client(answers=[None])
        message_id = await going.submit()
        await going.receipt()
        staying = await gateway.client(BindReceiver)
        assert staying.deliveries.empty()
        await going.abort()
        assert (await staying.receipt()).message_id == message_id
        await gateway.emptied()


@journey
async def test_what_a_session_does_not_answer_in_time_goes_to_the_other(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, listener={"enquire_link_s": 1000}) as (gateway, _):
        silent = await gateway.client(answers=[None])
        message_id = await silent.submit()
        await silent.receipt()
        staying = await gateway.client(BindReceiver)
        gateway.clock.advance(31)
        await silent.end()
        assert (await staying.receipt()).message_id == message_id
        await gateway.emptied()


@pytest.mark.parametrize(
    "status", [c.ESME_RX_T_APPN, c.ESME_RTHROTTLED, c.ESME_RMSGQFUL, c.ESME_RSYSERR], ids=c.status_name
)
def test_temporary_error_of_the_client_brings_the_receipt_again(tmp_path: Path, status: int) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            client = await gateway.client(answers=[status, status])
            message_id = await client.submit()
            assert (await client.receipt()).message_id == message_id
            for _ in range(2):
                await gateway.until(lambda: gateway.daemon.outlets["app"]._delayed)
                (waiting,) = gateway.listing("undelivered")
                assert waiting["message_id"] == message_id
                gateway.clock.advance(30)
                assert (await client.receipt()).message_id == message_id
            await gateway.emptied()

    run()


@journey
async def test_temporary_error_is_not_repeated_at_once(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client(answers=[c.ESME_RX_T_APPN])
        first = await client.submit(text=b"first")
        assert (await client.receipt()).message_id == first
        second = await client.submit(text=b"second")
        assert (await client.receipt()).message_id == second  # the clock stands, so the first one waits
        assert client.deliveries.empty()


@journey
async def test_permanent_error_of_the_client_ends_in_the_dead_letters(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client(answers=[c.ESME_RX_P_APPN])
        message_id = await client.submit()
        await client.receipt()
        await gateway.until(lambda: gateway.listing("dead"))
        (dead,) = gateway.listing("dead")
        assert (dead["message_id"], dead["reason"], dead["state"]) == (
            message_id,
            "ESME_RX_P_APPN",
            "DELIVERED",
        )
        assert not gateway.listing("undelivered")
        await gateway.said("dead_letter", message_id)
        await client.unbind()
        again = await gateway.client()
        await again.submit()
        await again.receipt()
        assert again.deliveries.empty()


@pytest.mark.parametrize(
    ("asked", "end", "comes"),
    [(0, "99001", False), (1, "99002", True), (2, "99002", True), (2, "99001", False), (3, "99002", False)],
)
def test_receipt_comes_only_if_it_was_asked_for(tmp_path: Path, asked: int, end: str, comes: bool) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            client = await gateway.client()
            message_id = await client.submit("790000" + end, registered_delivery=asked)
            await gateway.emptied()
            marker = await client.submit(text=b"marker")
            expected = [message_id, marker] if comes else [marker]
            assert [(await client.receipt()).message_id for _ in expected] == expected

    run()


@journey
async def test_receipts_outlive_the_gateway(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        message_id = await sender.submit()
        await gateway.until(lambda: gateway.listing("undelivered"))
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        assert (await client.receipt()).message_id == message_id
        await gateway.emptied()


class Silent:
    """A receiver that takes one delivery and never answers it."""

    def __init__(self) -> None:
        self.got: list[str] = []

    @property
    def room(self) -> int:
        return 1 - len(self.got)

    def deliver(self, delivery: Delivery) -> None:
        self.got.append(str(delivery.message_id))


@journey
async def test_rebind_during_a_fetch_begins_with_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.core.downstream.FETCH", 1)
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        message_ids = [await sender.submit(text=b"%d" % n) for n in range(3)]
        await gateway.until(lambda: len(gateway.listing("undelivered")) == 3)
        outlet = gateway.daemon.outlets["app"]
        first, second = Silent(), Silent()
        outlet.attach(first)
        asked_again: list[bool] = []
        fetched = outlet.fetched

        def then_go(rows: list[Any], more: bool) -> None:
            fetched(rows, more)
            if first.got and not asked_again:  # the next fetch is under way now
                asked_again.append(outlet._fetching)
                outlet.detach(first, [])
                outlet.attach(second)

        monkeypatch.setattr(outlet, "fetched", then_go)
        await gateway.until(lambda: second.got)
        assert asked_again == [True]
        assert (first.got, second.got) == (message_ids[:1], message_ids[:1])
        outlet.detach(second, [])


@journey
async def test_client_that_unbinds_among_its_receipts_gets_the_rest_later(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, accounts=[account(window=5)]) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        sent = {await sender.submit(text=b"%d" % n) for n in range(20)}
        await gateway.until(lambda: len(gateway.listing("undelivered")) == 20)
        leaving = await gateway.client(BindReceiver, answers=[None] * 5)
        taken = [await leaving.delivery() for _ in range(5)]
        for delivery in taken:
            leaving.session.respond(DeliverSmResp(sequence_number=delivery.sequence_number))
        await leaving.unbind()  # in the same write as the answers
        assert leaving.deliveries.empty()
        again = await gateway.client(BindReceiver)
        rest = {(await again.receipt()).message_id for _ in range(15)}
        assert rest == sent - {read_receipt(delivery).message_id for delivery in taken}
        await gateway.emptied()
