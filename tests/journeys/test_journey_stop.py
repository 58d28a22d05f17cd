"""The gateway's end in good order: what is under way is finished, and nobody stays connected or runs on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import (
    HOST,
    PASSWORD,
    config,
    connector,
    gateway_and_smsc,
    hashed,
    journey,
    running,
)

from gateway.config.basics import Address
from gateway.config.web_model import Web, WebUser
from protocols.smpp.pdu import BindReceiver, BindTransmitter

NOBODY = 1


@journey
async def test_stopping_gateway_unbinds_its_clients_and_finishes_its_work(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path / "state", smsc={"resp_delay_ms": 100.0}) as (gateway, smsc):
        client = await gateway.client()
        message_ids = [await client.submit(text=b"%d" % n) for n in range(5)]
        await smsc.wait_until(lambda: smsc.counters.submitted == 5)
        stop = asyncio.ensure_future(gateway.stop(clients_first=False))
        await gateway.said("stopping")
        assert await client.status_of_submit() == "ESME_RSYSERR"
        await client.end()
        await stop
        assert gateway.lines[-1].endswith("info stopped")
    async with gateway_and_smsc(tmp_path / "state") as (gateway, smsc):
        assert not gateway.listing("ambiguous")
        assert not gateway.listing("waiting")
        assert not smsc.received
        assert set(gateway.states(*message_ids)) <= {"SENT", "DELIVERED"}


@journey
async def test_nobody_can_connect_any_more_while_a_stop_waits_for_answers(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path / "state", smsc={"resp_delay_ms": 500.0}) as (gateway, smsc):
        client = await gateway.client()
        await client.submit()
        await smsc.wait_until(lambda: smsc.counters.submitted == 1)
        port = gateway.port
        stop = asyncio.ensure_future(gateway.stop(clients_first=False))
        await gateway.said("stopping")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)
        await client.end()
        await stop


@journey
async def test_nothing_is_lost_when_the_gateway_stops_with_a_queue(tmp_path: Path) -> None:
    async with running(config(connector(NOBODY)), tmp_path / "state") as gateway:
        client = await gateway.client(BindTransmitter)
        message_ids = [await client.submit(text=b"%d" % n) for n in range(50)]
    async with gateway_and_smsc(tmp_path / "state", link={"window": 7}) as (gateway, smsc):
        client = await gateway.client(BindReceiver)
        assert sorted([(await client.receipt()).message_id for _ in message_ids]) == sorted(message_ids)
        assert [it.text for it in smsc.received] == [b"%d" % n for n in range(50)]
        await gateway.emptied()


@journey
async def test_what_a_mute_smsc_left_open_is_in_doubt_after_the_stop(tmp_path: Path) -> None:
    mute = {"resp_delay_ms": 3_600_000.0}
    async with gateway_and_smsc(tmp_path / "state", smsc=mute) as (gateway, smsc):
        client = await gateway.client(BindTransmitter)
        message_id = await client.submit()
        await smsc.wait_until(lambda: smsc.counters.submitted == 1)
    async with gateway_and_smsc(tmp_path / "state") as (gateway, smsc):
        client = await gateway.client(BindReceiver)
        assert (await client.receipt()).message_id == message_id
        (doubt,) = gateway.listing("ambiguous")
        assert (doubt["message_id"], doubt["action"]) == (message_id, "resend")


@journey
async def test_client_that_answers_no_unbind_is_hung_up_on(tmp_path: Path) -> None:
    async with running(config(connector(NOBODY)), tmp_path) as gateway:
        client = await gateway.client()
        client.data_received = lambda data: None  # type: ignore[method-assign, misc]
        await gateway.stop(clients_first=False)
        await client.end()


@journey
async def test_the_pages_end_with_the_gateway(tmp_path: Path) -> None:
    section = Web(address=Address(HOST, 0), users=[WebUser(name="olga", password_hash=hashed(PASSWORD))])
    async with running(replace(config(), web=section), tmp_path) as gateway:
        pages = gateway.daemon.web
        await gateway.until(lambda: pages.pid)
        await gateway.stop()
        assert not pages.pid
