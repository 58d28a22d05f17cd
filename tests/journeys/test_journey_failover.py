"""Several connectors, several links: who takes over, when, and what a lost link costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from journey_support import (
    UPSTREAM,
    Gateway,
    Receipt,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)

from gateway.config.model import Route
from gateway.config.secret import Secret
from gateway.simulator import Simulator
from protocols.smpp import constants as c

NOBODY = 1  # a port where nobody listens


@asynccontextmanager
async def two_connectors(
    tmp_path: Path, *, first_up: bool = True
) -> AsyncIterator[tuple[Gateway, Simulator, Simulator]]:
    async with simulated_smsc() as one, simulated_smsc() as two:
        first = connector(one.port if first_up else NOBODY, "first")
        async with running(config(first, connector(two.port, "second")), tmp_path) as gateway:
            await gateway.linked("second")
            if first_up:
                await gateway.linked("first")
            yield gateway, one, two


@journey
async def test_first_connector_of_the_route_is_preferred(tmp_path: Path) -> None:
    async with two_connectors(tmp_path) as (gateway, one, two):
        client = await gateway.client()
        for n in range(5):
            await client.submit(text=b"%d" % n)
            await client.receipt()
        assert (one.counters.accepted, two.counters.accepted) == (5, 0)


@journey
async def test_second_connector_serves_while_the_first_is_down(tmp_path: Path) -> None:
    async with two_connectors(tmp_path, first_up=False) as (gateway, one, two):
        client = await gateway.client()
        message_id = await client.submit()
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
        assert (one.counters.accepted, two.counters.accepted) == (0, 1)


@journey
async def test_system_error_hands_the_message_to_the_second_connector(tmp_path: Path) -> None:
    async with two_connectors(tmp_path) as (gateway, one, two):
        client = await gateway.client()
        destination = "79000099008"  # each SMSC answers it with a system error once
        one_and_two = await client.submit(destination)
        await gateway.said("postponed", one_and_two, "connector=first")
        await gateway.said("postponed", one_and_two, "connector=second")
        assert (one.counters.refused, two.counters.refused) == (1, 1)
        gateway.clock.advance(1.0)  # no third connector, so the second is asked again
        assert await client.receipt() == Receipt(one_and_two, c.DELIVERED, "000")
        assert (one.counters.accepted, two.counters.accepted) == (0, 1)


@journey
async def test_throttling_is_no_reason_to_change_the_connector(tmp_path: Path) -> None:
    async with two_connectors(tmp_path) as (gateway, one, two):
        client = await gateway.client()
        message_id = await client.submit("79000099058")
        await gateway.said("postponed", message_id)
        gateway.clock.advance(0.1)
        await client.receipt()
        assert (one.counters.accepted, two.counters.submitted) == (1, 0)


@journey
async def test_queue_of_a_dead_connector_moves_after_five_seconds(tmp_path: Path) -> None:
    routes = [Route(connectors=["first", "second"]), Route(prefix="44", connectors=["first"])]
    async with simulated_smsc() as smsc:
        made = config(connector(NOBODY, "first"), connector(NOBODY, "second"), routes=routes)
        async with running(made, tmp_path / "state") as gateway:
            client = await gateway.client()
            message_id = await client.submit()
            only_first = await client.submit("447700900001")
        made = config(connector(NOBODY, "first"), connector(smsc.port, "second"), routes=routes)
        async with running(made, tmp_path / "state") as gateway:
            await gateway.linked("second")
            client = await gateway.client()
            marker = await client.submit(text=b"marker")  # goes by the second at once
            assert (await client.receipt()).message_id == marker
            gateway.clock.advance(4.9)
            await gateway.ticked()
            assert not gateway.lines_with("failover")
            gateway.clock.advance(0.2)
            await gateway.said("failover", "connector=first", "to=second")
            assert (await client.receipt()).message_id == message_id
            assert [it["message_id"] for it in gateway.listing("waiting")] == [only_first]


@journey
async def test_what_could_not_move_goes_when_its_connector_is_back(tmp_path: Path) -> None:
    routes = [Route(connectors=["first", "second"]), Route(prefix="44", connectors=["first"])]
    async with simulated_smsc() as one, simulated_smsc() as two:
        made = config(connector(one.port, "first"), connector(two.port, "second"), routes=routes)
        async with running(made, tmp_path) as gateway:
            await gateway.linked("first")
            await gateway.linked("second")
            client = await gateway.client()
            port = one.port
            await one.close()
            await gateway.until(lambda: not gateway.daemon.upstreams["first"].up)
            only_first = await client.submit("447700900001")
            gateway.clock.advance(5.1)
            await gateway.said("failover", "connector=first")
            async with simulated_smsc() as placeholder:  # keeps the test honest: it takes another port
                assert placeholder.port != port
                back = Simulator(one.settings)
                await back.start(port=port)
                try:
                    await gateway.linked("first")
                    assert (await client.receipt()).message_id == only_first
                finally:
                    await back.close()


@journey
async def test_pair_of_connections_is_one_link(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"bind_mode": "pair"}) as (gateway, smsc):
        assert (smsc.connections, smsc.counters.binds) == (2, 2)
        client = await gateway.client()
        message_id = await client.submit()
        assert (await client.receipt()).message_id == message_id
        # Either connection's end is the link's end.
        receiver = next(iter(smsc._smsc.deliveries._mailboxes["gateway"].receivers))
        receiver.transport.abort()
        await gateway.said("link_lost")
        await smsc.wait_until(lambda: smsc.counters.binds == 4 and smsc.connections == 2)
        await gateway.linked()
        again = await client.submit(text=b"again")
        assert (await client.receipt()).message_id == again
        assert len(gateway.daemon.connectors[UPSTREAM].connections) == 2


@journey
async def test_four_binds_share_the_load(tmp_path: Path) -> None:
    async with gateway_and_smsc(
        tmp_path, link={"binds": 4, "window": 5}, links=4, smsc={"resp_delay_ms": 1.0}
    ) as (gateway, smsc):
        submits = [0] * 4
        connections = list(smsc._smsc.connections)
        client = await gateway.client()
        sent = set(await asyncio.gather(*(client.submit(text=b"%d" % n) for n in range(100))))
        received = {(await client.receipt()).message_id for _ in sent}
        assert received == sent
        submits = [connection.submits for connection in connections]
        assert sum(submits) == 100
        assert min(submits) >= 10
        await gateway.emptied()
        await gateway.until(lambda: not gateway.daemon.upstreams[UPSTREAM].in_flight)


@journey
async def test_window_is_never_exceeded(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"window": 3}, smsc={"resp_delay_ms": 2.0}) as (gateway, smsc):
        (connection,) = smsc._smsc.connections
        most = 0

        def look(_: object) -> None:
            nonlocal most
            most = max(most, connection.session.unanswered)

        smsc.on_received = look
        client = await gateway.client()
        sent = set(await asyncio.gather(*(client.submit(text=b"%d" % n) for n in range(60))))
        assert {(await client.receipt()).message_id for _ in sent} == sent
        assert most == 3
        # What waited on disk went up in the order in which it came.
        assert [it.text for it in smsc.received] == [b"%d" % n for n in range(60)]


@journey
async def test_connector_rate_counts_segments(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"rate": 5}) as (gateway, smsc):
        client = await gateway.client()
        sent = [await client.submit(text=b"%d" % n) for n in range(12)]
        await smsc.wait_until(lambda: smsc.counters.submitted == 5)
        assert [(await client.receipt()).message_id for _ in range(5)] == sent[:5]
        assert smsc.counters.submitted == 5
        gateway.clock.advance(1)
        assert [(await client.receipt()).message_id for _ in range(5)] == sent[5:10]
        assert smsc.counters.submitted == 10
        gateway.clock.advance(1)
        assert [(await client.receipt()).message_id for _ in range(2)] == sent[10:]


@journey
async def test_lost_link_is_made_again(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        for lost in range(1, 4):
            smsc.drop_connections()
            await gateway.said("link_lost", times=lost)
            await gateway.linked()
            message_id = await client.submit(text=b"%d" % lost)
            assert (await client.receipt()).message_id == message_id
        assert len(gateway.lines_with("link_lost")) == 3


@journey
async def test_silent_smsc_is_left_and_bound_again(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"enquire_link_s": 30, "response_timeout_s": 10}) as (
        gateway,
        smsc,
    ):
        (connection,) = smsc._smsc.connections
        connection.transport.pause_reading()
        gateway.clock.advance(30)
        (link,) = gateway.daemon.connectors[UPSTREAM].connections
        await gateway.until(lambda: link.session._enquired_at is not None)
        gateway.clock.advance(10)
        await gateway.said("link_lost", "silent")
        await smsc.wait_until(lambda: smsc.counters.binds == 2)
        connection.transport.abort()


@pytest.mark.parametrize("binds", [1, 3])
def test_bad_upstream_password_stops_with_one_error(tmp_path: Path, binds: int) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(
            tmp_path, links=0, link={"password": Secret("wrong"), "binds": binds}
        ) as (gateway, smsc):
            await smsc.wait_until(lambda: smsc.counters.binds_refused >= 1 and not smsc.connections)
            await gateway.said("login_refused", "error")
            tasks = gateway.daemon.connectors[UPSTREAM]._keepers
            await gateway.until(lambda: all(task.done() for task in tasks))
            assert len(gateway.lines_with("login_refused")) == 1
            assert smsc.counters.binds_refused <= binds
            client = await gateway.client()
            await client.submit()  # kept for the time when the password is right
            assert len(gateway.listing("waiting")) == 1

    run()


@journey
async def test_bind_that_fails_for_another_reason_is_tried_again(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        refusals = [c.ESME_RBINDFAIL, c.ESME_RALYBND, c.ESME_RSYSERR]
        original = smsc._smsc.binds.bind

        def refuse_first(connection: object, request: object, now: float) -> None:
            if refusals:
                smsc._smsc.binds.refuse(connection, request, refusals.pop(0))  # type: ignore[arg-type]
            else:
                original(connection, request, now)  # type: ignore[arg-type]

        for kind, handler in list(smsc._smsc._handlers.items()):
            if handler == original:
                smsc._smsc._handlers[kind] = refuse_first
        async with running(config(connector(smsc.port)), tmp_path) as gateway:
            await gateway.said("still_bound", "again_in=30.0s")
            await gateway.said("link_lost", "ESME_RALYBND")
            gateway.clock.advance(29.9)  # for the SMSC to see the end of the old link
            await gateway.ticked()
            assert len(refusals) == 1
            gateway.clock.advance(0.2)
            await gateway.linked()
            assert not refusals
            assert len(gateway.lines_with("link_lost")) == 3


@journey
async def test_link_that_the_smsc_unbinds_takes_nothing_more(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        (link,) = gateway.daemon.upstreams[UPSTREAM].links
        (connection,) = smsc._smsc.connections
        (ours,) = gateway.daemon.connectors[UPSTREAM].connections
        connection.session.unbind(0.0)
        ours.data_received(connection.session.data_to_send())
        # The socket is still there, but a submit over this session would be an error.
        assert link.room == 0 or link not in gateway.daemon.upstreams[UPSTREAM].links
        await smsc.wait_until(lambda: smsc.counters.binds == 2)
        await gateway.linked()
        client = await gateway.client()
        message_id = await client.submit()
        assert (await client.receipt()).message_id == message_id
