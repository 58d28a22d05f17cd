"""A reload, or an outage, while a service over HTTP has messages in doubt or waiting."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey_support import account, connector, journey, running, simulated_smsc
from service_support import SERVICE, callback, gateway_and_service, service, service_config, simulated_service

from gateway.config.model import Route
from gateway.simulator.smsc_http.faults import Fault, FaultKind
from protocols.smpp import constants as c


@pytest.mark.parametrize("name", ["timeout", "drop_before"])
@journey
async def test_doubts_outlive_a_reload_of_their_connector(tmp_path: Path, name: str) -> None:
    async with gateway_and_service(tmp_path, link={"timeout_s": 1.5}) as (gateway, simulator):
        simulator.service.faults.next("send", [Fault(FaultKind(name))])
        simulator.service.faults.next("status", [Fault(FaultKind("http_500_before"))])
        client = await gateway.client()
        await client.submit()
        await gateway.said("asking", "messages=1")
        changed = service_config(service(simulator.port, timeout_s=1.6))
        gateway.clock.let_run()
        await gateway.daemon.reload(changed)
        assert (await client.receipt()).state == c.DELIVERED
        store = simulator.service.store
        assert (store.accepted, store.by_text.repeated()) == (1, [])
        await gateway.until(lambda: not gateway.daemon.upstreams[SERVICE].in_flight)


@journey
async def test_what_waits_in_a_connector_that_goes_down_goes_by_the_next(tmp_path: Path) -> None:
    accounts = [account(window=1000)]
    async with simulated_service() as simulator, simulated_smsc() as smsc:
        simulator.service.faults.next("send", [Fault(FaultKind("error"), 4)])
        made = service_config(
            service(simulator.port, max_requests=1, list_max=1),
            accounts=accounts,
            connectors=[connector(smsc.port)],
            routes=[Route(connectors=[SERVICE, "smsc"])],
        )
        async with running(made, tmp_path) as gateway:
            await gateway.linked(SERVICE)
            await gateway.linked("smsc")
            client = await gateway.client()
            for n in range(10):
                await client.submit(text=b"%d" % n)
            gateway.clock.let_run()
            states = {(await client.receipt()).state for _ in range(10)}
            assert states == {c.DELIVERED}
            assert gateway.daemon.services.connectors[SERVICE].state == "blocked"
            assert len(smsc.received) + simulator.service.store.accepted == 10


@journey
async def test_a_blocked_address_rests_for_minutes(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        simulator.service.faults.next("send", [Fault(FaultKind("error"), 4)])
        client = await gateway.client()
        await client.submit()
        await gateway.said("link_lost", "blocks this address")
        await gateway.ticked()
        looks = simulator.service.requests["balance"]
        gateway.clock.advance(200)
        await gateway.ticked()
        assert simulator.service.requests["balance"] == looks
        gateway.clock.advance(200)
        assert (await client.receipt()).state == c.DELIVERED


@journey
async def test_calls_are_taken_by_the_new_secret_after_a_reload(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        listener = gateway.daemon.services.listeners[0]
        changed = service_config(service(simulator.port, callback=callback(path="/other")), listens=True)
        await gateway.daemon.reload(changed)
        assert set(listener.endpoints) == {"/other"}


@journey
async def test_a_low_balance_is_said_once(tmp_path: Path) -> None:
    link = {"balance_warning": 2000.0}
    async with gateway_and_service(tmp_path, link=link) as (gateway, _):
        await gateway.said("balance_low", "balance=1000.00")
        gateway.clock.advance(400)
        await gateway.ticked()
        gateway.clock.advance(400)
        await gateway.ticked()
        assert len(gateway.lines_with("balance_low")) == 1
        assert "the balance of centre is low: 1000.00 RUR" in gateway.daemon.services.problems()


@journey
async def test_options_of_a_service_that_hold_without_another_login(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path) as (gateway, simulator):
        client = await gateway.client()
        daemon = gateway.daemon
        before = daemon.connectors[SERVICE]
        changed = service_config(
            service(
                simulator.port,
                rate=40,
                list_max=7,
                balance_warning=1e9,
                reconnect_max_s=3,
                incoming_account="app",
            )
        )
        gateway.clock.let_run()
        await daemon.reload(changed)
        await client.submit()
        assert (await client.receipt()).state == c.DELIVERED
        assert daemon.connectors[SERVICE] is before
        upstream = daemon.upstreams[SERVICE]
        window = 7 * changed.smsc_connectors[0].max_requests
        assert (upstream.flow.pace.rate, upstream.flow.window) == (40, window)
        assert upstream.on_alert == daemon.outlets["app"].alert
        await daemon.reload(service_config(service(simulator.port, timeout_s=3)))
        assert daemon.connectors[SERVICE] is not before
