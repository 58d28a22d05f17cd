"""A person pauses a connector, lets it go on, and has its links made anew, over the control socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    Gateway,
    Receipt,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
    submit_sm,
)
from scripted_smsc import scripted_smsc
from service_support import SERVICE, gateway_and_service

from gateway.admin import all_handlers
from gateway.config.model import Route
from gateway.ops.control import SOCKET_NAME
from gateway.ops.web.gateway_client import GatewayClient, GatewayError
from gateway.simulator.smsc_http.faults import Fault, FaultKind
from protocols.smpp import constants as c
from protocols.smpp.pdu import DeliverSm, SubmitSm, SubmitSmResp

NOBODY = 1
"""A port where nobody listens."""
EAGER = [account(window=1000)]


async def say(gateway: Gateway, word: str, name: str = "smsc") -> dict[str, Any]:
    client = GatewayClient(gateway.daemon.state_dir / SOCKET_NAME)
    return await client.ask(f"connector_{word}", connector=name, who="olga")


def receipt_of(upstream_id: str) -> DeliverSm:
    text = (
        f"id:{upstream_id} sub:001 dlvrd:001 submit date:2501010000 done date:2501010000 "
        "stat:DELIVRD err:000 text:hello"
    )
    return DeliverSm(
        source_addr="79161200001", destination_addr="12345", esm_class=4, short_message=text.encode()
    )


async def status(gateway: Gateway) -> dict[str, Any]:
    return await GatewayClient(gateway.daemon.state_dir / SOCKET_NAME).ask("status")


# -- pause ----------------------------------------------------------------------------------------------


@journey
async def test_under_load_nothing_goes_up_after_the_answer_and_nothing_is_lost(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"window": 20}, accounts=EAGER) as (gateway, smsc):
        client = await gateway.client()
        futures = client.send_together(*(submit_sm(text=b"%d" % n) for n in range(300)))
        await gateway.until(lambda: smsc.counters.submitted > 20)
        answer = await say(gateway, "pause")
        assert answer["state"] == "paused"
        await gateway.until(lambda: not gateway.daemon.upstreams["smsc"].in_flight)
        gone_up = smsc.counters.submitted
        for _ in range(5):
            await client.submit()
        await gateway.ticked()
        assert smsc.counters.submitted == gone_up < 300
        for future in futures:
            assert (await future).command_status == c.ESME_ROK
        await say(gateway, "resume")
        receipts = {(await client.receipt()).message_id for _ in range(305)}
        assert len(receipts) == smsc.counters.submitted == 305
        assert len(gateway.lines_with("paused", "connector=smsc", "who=olga")) == 1
        assert len(gateway.lines_with("resumed", "connector=smsc", "who=olga")) == 1


@journey
async def test_no_submit_is_written_after_the_answer(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc, running(config(connector(smsc.port, window=3)), tmp_path) as gateway:
        await gateway.linked()
        smsc.answer = lambda pdu: None
        client = await gateway.client()
        for _ in range(5):
            await client.submit()
        asked = [await smsc.request() for _ in range(3)]
        answer = await say(gateway, "pause")
        assert (answer["in_flight"], answer["links"]) == (3, 1)
        for n, (connection, pdu) in enumerate(asked):
            connection.respond(pdu, SubmitSmResp(message_id=f"T{n}"))
        await gateway.until(lambda: not gateway.daemon.upstreams["smsc"].in_flight)
        await gateway.ticked()
        assert smsc.got.empty()
        # receipts of what it has still come
        await asked[0][0].request(receipt_of("T0"))
        assert (await client.receipt()).state == c.DELIVERED
        assert len(gateway.listing("waiting")) == 2


@journey
async def test_status_says_it_and_how_to_go_on(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        await say(gateway, "pause")
        told = await status(gateway)
        assert told["connectors"][0]["state"] == "paused"
        assert told["problems"] == [
            "connector smsc is paused since 2027-01-15 08:00:00Z by olga: smsc-gateway connector resume smsc"
        ]
        await say(gateway, "pause")  # a second time is the first
        assert gateway.daemon.pauses["smsc"].since_ms == gateway.clock.now_ms()
        await say(gateway, "resume")
        told = await status(gateway)
        assert (told["healthy"], told["connectors"][0]["state"]) == (True, "bound")


@journey
async def test_a_pause_holds_from_the_first_moment_of_the_next_run_and_its_validity_goes_on(
    tmp_path: Path,
) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), accounts=None)
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            await say(gateway, "pause")
            client = await gateway.client()
            message_id = await client.submit(validity_period="000000000100000R")  # a minute
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            await gateway.ticked()
            assert smsc.counters.submitted == 0
            assert "is paused since" in (await status(gateway))["problems"][0]
            client = await gateway.client()
            gateway.clock.advance(61)
            assert await client.receipt() == Receipt(message_id, c.EXPIRED, "000")
            await client.submit()
            await say(gateway, "resume")
            await client.receipt()
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            assert gateway.daemon.upstreams["smsc"].paused is None


@journey
async def test_a_reload_keeps_it_with_new_links_too_and_forgets_it_with_its_connector(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), connector(smsc.port, "other"))
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            await say(gateway, "pause")
            await gateway.daemon.reload(config(connector(smsc.port, system_type="x"), made.connectors[1]))
            await gateway.linked()
            assert gateway.daemon.upstreams["smsc"].paused == gateway.daemon.pauses["smsc"]
            await gateway.daemon.reload(config(made.connectors[1]))
            await gateway.daemon.reload(made)
            assert gateway.daemon.upstreams["smsc"].paused is None
        async with running(made, tmp_path) as gateway:
            assert not gateway.daemon.pauses


@journey
async def test_a_connector_that_is_gone_at_the_start_is_not_paused_when_it_comes_back(tmp_path: Path) -> None:
    one, other = connector(NOBODY), connector(NOBODY, "other")
    async with running(config(one, other), tmp_path) as gateway:
        await say(gateway, "pause")
    async with running(config(other), tmp_path) as gateway:
        assert not gateway.daemon.pauses
    async with running(config(one, other), tmp_path) as gateway:
        assert not gateway.daemon.pauses


@journey
async def test_its_route_uses_the_other_connector_and_what_waits_goes_there(tmp_path: Path) -> None:
    routes = [Route(connectors=["first", "second"]), Route(prefix="44", connectors=["first"])]
    async with scripted_smsc() as one, simulated_smsc() as two:
        one.answer = lambda pdu: None
        first = connector(one.port, "first", window=1)
        async with running(config(first, connector(two.port, "second"), routes=routes), tmp_path) as gateway:
            await gateway.linked("first")
            await gateway.linked("second")
            client = await gateway.client()
            under_way = await client.submit()
            connection, pdu = await one.request()
            waiting, only_first = await client.submit(), await client.submit("447700900001")
            await say(gateway, "pause", "first")
            await gateway.said("failover", "connector=first", "to=second", "why=paused")
            assert (await client.receipt()).message_id == waiting
            new = await client.submit()
            assert (await client.receipt()).message_id == new
            connection.respond(pdu, SubmitSmResp(message_id="T1"))
            await gateway.until(lambda: gateway.states(under_way) == ["SENT"])
            await gateway.ticked()
            assert gateway.states(only_first) == ["QUEUED"]
            one.answer = one.take
            await say(gateway, "resume", "first")
            _, pdu = await one.request(SubmitSm)
            assert pdu.destination_addr == "447700900001"


@journey
async def test_an_unknown_name_is_told_with_the_known_ones(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        for word in ("pause", "resume", "rebind"):
            with pytest.raises(GatewayError, match="there is no connector 'smcs'; there are: smsc"):
                await say(gateway, word, "smcs")


@journey
async def test_what_the_store_cannot_write_is_no_pause(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        journal = gateway.daemon.journal
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                journal, "then", lambda callback: asyncio.get_running_loop().call_soon(callback, False)
            )
            answer = await all_handlers(gateway.daemon)["connector_pause"]({"connector": "smsc"})  # type: ignore[misc]
        journal.batch.pauses.clear()
        assert "error" in answer
        assert (gateway.daemon.pauses, gateway.daemon.upstreams["smsc"].paused) == ({}, None)


# -- rebind ---------------------------------------------------------------------------------------------


@journey
async def test_a_rebind_waits_for_answers_and_doubts_nothing(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc, running(config(connector(smsc.port, binds=2)), tmp_path) as gateway:
        await gateway.linked(links=2)
        smsc.answer = lambda pdu: None if isinstance(pdu, SubmitSm) else smsc.take(pdu)
        client = await gateway.client()
        first = await client.submit()
        connection, pdu = await smsc.request()
        smsc.answer = smsc.take
        rebind = asyncio.ensure_future(say(gateway, "rebind"))
        await gateway.said("rebind", "connector=smsc", "who=olga")
        waiting = await client.submit()  # not by the link that is to go
        assert (await smsc.request())[0] is not connection
        assert not connection.closed.done()
        connection.respond(pdu, SubmitSmResp(message_id="F1"))
        answer = await rebind
        assert answer["done"], answer
        assert (answer["state"], answer["links"]) == ("bound", 2)
        assert await connection.end() == "unbind by peer"
        await gateway.until(lambda: gateway.states(first, waiting) == ["SENT", "SENT"])
        assert gateway.listing("ambiguous") == []
        assert not gateway.lines_with("link_lost")


@journey
async def test_a_rebind_answers_first_what_the_smsc_has_sent(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc, running(config(connector(smsc.port)), tmp_path) as gateway:
        await gateway.linked()
        client = await gateway.client()
        await client.submit()
        connection, _ = await smsc.request()
        await gateway.until(lambda: not gateway.daemon.upstreams["smsc"].in_flight)
        journal = gateway.daemon.journal
        commits: list[Callable[[bool], object]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal, "then", commits.append)
            receipt = asyncio.ensure_future(connection.request(receipt_of("T1")))
            await gateway.until(lambda: commits)
            assert gateway.daemon.connectors["smsc"].rebind() == []  # the task of its link goes on
            await gateway.ticked()
            assert not connection.closed.done() and not connection.session.unbinding
        for commit in commits:
            journal.then(commit)
        assert (await receipt).command_status == c.ESME_ROK
        assert await connection.end() == "unbind by peer"
        assert (await client.receipt()).state == c.DELIVERED


@pytest.mark.parametrize("seed", range(2))
@journey
async def test_rebinds_under_load_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    link = {"window": 5, "binds": 2}
    async with gateway_and_smsc(tmp_path, link=link, links=2, accounts=EAGER) as (gateway, smsc):
        client = await gateway.client()
        futures = client.send_together(*(submit_sm(text=b"%d" % n) for n in range(200)))
        for _ in range(4):
            await gateway.until(lambda: smsc.counters.submitted > dice.randrange(20, 150))
            assert (await say(gateway, "rebind"))["done"]
        receipts = {(await client.receipt()).message_id for _ in range(200)}
        assert receipts == {(await future).message_id for future in futures}
        assert smsc.counters.submitted == 200
        assert gateway.listing("ambiguous") == []


@journey
async def test_a_rebind_tries_a_login_again_that_was_refused(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        smsc.binds = [c.ESME_RINVPASWD, c.ESME_RINVPASWD]
        async with running(config(connector(smsc.port)), tmp_path) as gateway:
            await gateway.said("login_refused")
            answer = await say(gateway, "rebind")
            assert (answer["done"], answer["state"]) == (False, "refused")
            assert "ESME_RINVPASWD" in answer["last_error"]
            answer = await say(gateway, "rebind")
            assert (answer["done"], answer["state"], answer["links"]) == (True, "bound", 1)


@journey
async def test_a_rebind_does_not_wait_for_the_pause_after_a_refused_bind_and_says_why_it_failed(
    tmp_path: Path,
) -> None:
    async with scripted_smsc() as smsc:
        smsc.binds = [c.ESME_RALYBND, c.ESME_RALYBND]
        async with running(config(connector(smsc.port, rebind_pause_s=600)), tmp_path) as gateway:
            await gateway.said("link_lost", "ESME_RALYBND")
            answer = await say(gateway, "rebind")
            assert (answer["done"], answer["state"]) == (False, "connecting")
            await gateway.said("link_lost", "ESME_RALYBND", times=2)
            answer = await say(gateway, "rebind")
            assert (answer["done"], answer["links"]) == (True, 1)


@journey
async def test_a_rebind_begins_with_the_first_host(tmp_path: Path) -> None:
    async with scripted_smsc() as one, scripted_smsc() as two:
        one.binds = [c.ESME_RSYSERR]
        made = connector(one.port, backup_addresses=[connector(two.port).address], fail_back_s=0)
        async with running(config(made), tmp_path) as gateway:
            await gateway.linked()
            assert [len(one.connections), len(two.connections)] == [0, 1]
            assert (await say(gateway, "rebind"))["done"]
            assert len(one.connections) == 1


@journey
async def test_an_unbind_that_is_not_answered_ends_in_time(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        made = config(connector(smsc.port, response_timeout_s=3))
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            [connection] = smsc.connections
            connection.data_received = lambda data: None  # type: ignore[method-assign]
            rebind = asyncio.ensure_future(say(gateway, "rebind"))
            await gateway.until(lambda: not gateway.daemon.upstreams["smsc"].links)
            gateway.clock.advance(3.1)
            assert (await rebind)["done"]


# -- a service over HTTP --------------------------------------------------------------------------------


@journey
async def test_a_service_that_is_paused_is_sent_nothing_and_goes_on(tmp_path: Path) -> None:
    link = {"max_requests": 5, "list_max": 5}
    async with gateway_and_service(tmp_path, link=link, accounts=EAGER) as (gateway, simulator):
        client = await gateway.client()
        futures = client.send_together(*(submit_sm(text=b"%d" % n) for n in range(60)))
        await gateway.until(lambda: simulator.service.store.accepted)
        await say(gateway, "pause", SERVICE)
        await gateway.until(lambda: not gateway.daemon.upstreams[SERVICE].in_flight)
        gone_up = simulator.service.store.accepted
        message_id = await client.submit()
        await gateway.ticked()
        assert simulator.service.store.accepted == gone_up
        assert gateway.states(message_id) == ["QUEUED"]
        for future in futures:
            assert (await future).command_status == c.ESME_ROK
        await say(gateway, "resume", SERVICE)
        gateway.clock.let_run()
        receipts = {(await client.receipt()).message_id for _ in range(61)}
        assert len(receipts) == simulator.service.store.accepted == 61


@journey
async def test_what_a_paused_service_has_lost_goes_out_again_when_it_goes_on(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path) as (gateway, simulator):
        simulator.service.faults.next("send", [Fault(FaultKind("drop_before"))])
        client = await gateway.client()
        await client.submit()
        await gateway.said("asking", "messages=1")
        await say(gateway, "pause", SERVICE)
        asker = gateway.daemon.services.connectors[SERVICE].asker
        for _ in range(4):
            gateway.clock.advance(6)
            await gateway.ticked()
        await gateway.until(lambda: asker.has_missing)
        await gateway.ticked()
        assert simulator.service.store.accepted == 0
        await say(gateway, "resume", SERVICE)
        gateway.clock.let_run()
        assert (await client.receipt()).state == c.DELIVERED
        assert simulator.service.store.accepted == 1


@journey
async def test_a_rebind_of_a_service_asks_for_the_balance_at_once(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path) as (gateway, simulator):
        looks = simulator.service.requests["balance"]
        assert (await say(gateway, "rebind", SERVICE))["done"]
        assert simulator.service.requests["balance"] == looks + 1
        simulator.service.faults.next("send", [Fault(FaultKind("error"), 2)])  # the login is refused
        client = await gateway.client()
        await client.submit()
        await gateway.said("login_refused")
        answer = await say(gateway, "rebind", SERVICE)
        assert (answer["done"], answer["state"]) == (True, "bound")
        gateway.clock.let_run()
        assert (await client.receipt()).state == c.DELIVERED
