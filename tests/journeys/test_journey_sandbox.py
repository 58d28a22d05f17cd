"""Test mode: messages go through everything but an SMSC, cost nothing, and end as delivered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import (
    HOST,
    Receipt,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    read_receipt,
    running,
    simulated_smsc,
    submit_sm,
)
from mail_journey_support import ANYBODY, MailClient, mail, to
from money_support import balance, credit, money_config, payer, with_mail

from gateway.config.mail_model import AccountMail
from gateway.config.model import Route
from gateway.egress import sandbox
from gateway.egress.sandbox import DELIVERED_AFTER_S
from protocols.smpp import constants as c
from protocols.smpp import tlv

SOON_S = DELIVERED_AFTER_S + 0.1


@journey
async def test_a_message_passes_all_states_and_no_smsc(tmp_path: Path) -> None:
    accounts = [account(test_mode=True), account("real")]
    async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(registered_delivery=0x11)
        notice = await client.delivery()
        assert tlv.get(notice.tlvs, tlv.MESSAGE_STATE) == bytes((c.ENROUTE,))
        assert notice.esm_class == 0x20
        await gateway.ticked()
        assert client.deliveries.empty()
        gateway.clock.advance(SOON_S)
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "200")
        await gateway.emptied()
        assert gateway.states(message_id) == ["DELIVERED"]
        assert smsc.counters.submitted == 0
        other = await gateway.client(system_id="real")
        await other.submit()
        await other.receipt()
        assert smsc.counters.submitted == 1


@journey
async def test_everything_ends_as_delivered(tmp_path: Path) -> None:
    """Long texts, segments that are joined, no receipt, a receipt for each part; whatever the route says."""
    routes = [Route(connectors=["smsc"], whole=True, on_ambiguous="hold")]
    accounts = [account(test_mode=True)]
    async with gateway_and_smsc(tmp_path, accounts=accounts, routes=routes) as (gateway, smsc):
        client = await gateway.client()
        await client.submit(registered_delivery=0, text=b"x" * 200)
        parts = [submit_sm(esm_class=0x40, short_message=bytes((5, 0, 3, 7, 2, n)) + b"part") for n in (1, 2)]
        answers = await asyncio.gather(*client.send_together(*parts))
        ids = [answer.message_id for answer in answers]
        await gateway.until(lambda: len(gateway.lines_with("submitted", "connector=sandbox")) == 3)
        gateway.clock.advance(SOON_S)
        got = {await client.receipt() for _ in ids}
        assert got == {Receipt(message_id, c.DELIVERED, "200") for message_id in ids}
        await gateway.emptied()
        assert smsc.counters.submitted == 0


@journey
async def test_limits_and_routes_hold_and_nothing_is_paid(tmp_path: Path) -> None:
    accounts = (payer(test_mode=True, max_segments=1), payer("part", balance="parent", parent="app"))
    async with simulated_smsc() as smsc:
        routes = [Route(prefix="7", connectors=["smsc"])]
        configured = money_config(smsc.port, *accounts, routes=routes)
        async with running(configured, tmp_path) as gateway:
            await gateway.linked()
            client = await gateway.client()
            assert await client.status_of_submit("49151234567") == "ESME_RINVDSTADR"
            assert await client.status_of_submit(text=b"x" * 161) == "ESME_RINVMSGLEN"
            await client.submit()
            assert balance(gateway) == "0.00"
            await credit(gateway, "0.05")
            await (await gateway.client(system_id="part")).submit()
            assert balance(gateway) == "0.00"
            await gateway.until(lambda: smsc.counters.submitted == 1)


@journey
async def test_mail_is_in_test_mode_too(tmp_path: Path) -> None:
    accounts = [account(test_mode=True, mail=AccountMail(networks=ANYBODY))]
    async with simulated_smsc() as smsc:
        configured = with_mail(config(connector(smsc.port), accounts=accounts))
        async with running(configured, tmp_path) as gateway:
            assert gateway.daemon.mail is not None
            port = gateway.daemon.mail.listeners[0].port
            client = MailClient(*await asyncio.open_connection(HOST, port), each=False)
            await client.reply()
            await client.hello()
            assert (await client.send(mail(), *to("79161200001", "79161200002"))).startswith("250")
            await gateway.until(lambda: len(gateway.lines_with("submitted", "connector=sandbox")) == 2)
            gateway.clock.advance(SOON_S)
            await gateway.said("receipt", "connector=sandbox", "state=DELIVERED", times=2)
            await gateway.emptied()
            assert smsc.counters.submitted == 0
            client.writer.close()


@journey
async def test_a_reload_switches_it_on_and_off(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        real = config(connector(smsc.port), accounts=[account()])
        test = replace(real, accounts=[account(test_mode=True)])
        async with running(real, tmp_path) as gateway:
            await gateway.linked()
            assert "sandbox" not in gateway.daemon.upstreams
            client = await gateway.client()
            await gateway.daemon.reload(test)
            first = await client.submit()
            await gateway.daemon.reload(real)
            second = await client.submit("79161200002")
            assert (await client.receipt()).message_id == second
            gateway.clock.advance(SOON_S)
            assert await client.receipt() == Receipt(first, c.DELIVERED, "200")
            await gateway.daemon.reload(test)
            third = await client.submit()
            await gateway.said("submitted", third)
            gateway.clock.advance(SOON_S)
            assert await client.receipt() == Receipt(third, c.DELIVERED, "200")
            await gateway.emptied()
            assert smsc.counters.submitted == 1


@journey
async def test_what_was_under_way_ends_after_the_next_start(tmp_path: Path) -> None:
    """Also when test mode was switched off meanwhile; then the sandbox is gone with the start after."""
    async with simulated_smsc() as smsc:
        real = config(connector(smsc.port), accounts=[account()])
        test = replace(real, accounts=[account(test_mode=True)])
        async with running(test, tmp_path) as gateway:
            client = await gateway.client()
            first = await client.submit()
            later = await client.submit(schedule_delivery_time="000000000100000R")  # in a minute
            await gateway.said("submitted", first)
        async with running(real, tmp_path, later_s=30) as gateway:
            client = await gateway.client()
            assert await client.receipt() == Receipt(first, c.DELIVERED, "200")
            gateway.clock.advance(60)
            await gateway.said("submitted", later)
            gateway.clock.advance(SOON_S)
            assert await client.receipt() == Receipt(later, c.DELIVERED, "200")
            await gateway.emptied()
        async with running(real, tmp_path, later_s=200) as gateway:
            await gateway.ticked()
            await gateway.until(lambda: not gateway.daemon.journal.batch.unfinished)
        async with running(real, tmp_path, later_s=300) as gateway:
            assert "sandbox" not in gateway.daemon.upstreams
        assert smsc.counters.submitted == 0


@journey
async def test_a_sandbox_that_was_about_to_go_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was left in it, then a reload switches test mode on: all that this leaves has to end too."""
    monkeypatch.setattr(sandbox, "PIECE", 1)
    async with simulated_smsc() as smsc:
        real = config(connector(smsc.port), accounts=[account()])
        test = replace(real, accounts=[account(test_mode=True)])
        async with running(test, tmp_path):
            pass
        async with running(real, tmp_path, later_s=30) as gateway:
            await gateway.ticked()
            await gateway.until(lambda: not gateway.daemon.journal.batch.unfinished)
            await gateway.daemon.reload(test)
            client = await gateway.client()
            ids = [await client.submit() for _ in range(3)]
            await gateway.said("submitted", ids[-1])
        async with running(real, tmp_path, later_s=60) as gateway:
            client = await gateway.client()
            receipts = {await client.receipt() for _ in ids}
            assert receipts == {Receipt(message_id, c.DELIVERED, "200") for message_id in ids}
            await gateway.emptied()


@journey
async def test_a_thousand_at_once(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, accounts=[account(test_mode=True)]) as (gateway, _):
        client = await gateway.client()
        pdus = [submit_sm(f"7916{n:07d}") for n in range(1500)]
        for start in range(0, 1500, 100):
            await asyncio.gather(*client.send_together(*pdus[start : start + 100]))
        gateway.clock.let_run()
        receipts = [read_receipt(await client.delivery()) for _ in pdus]
        assert {receipt.state for receipt in receipts} == {c.DELIVERED}
        await gateway.emptied()
