"""A changed configuration while everything runs: what changed changes, everything else goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from journey_support import (
    HOST,
    UPSTREAM,
    Client,
    Gateway,
    Receipt,
    account,
    config,
    connector,
    gateway_and_smsc,
    hashed,
    journey,
    running,
    simulated_smsc,
    submit_sm,
)

from gateway.config.model import Account, Connector, Log, Route
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountSmpp
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import BindReceiver, BindTransmitter


async def reload(
    gateway: Gateway,
    *,
    accounts: Sequence[Account] | None = None,
    connectors: Sequence[Connector] | None = None,
    routes: Sequence[Route] | None = None,
    **other: Any,
) -> None:
    old = gateway.daemon.config
    await gateway.daemon.reload(
        replace(
            old,
            accounts=old.accounts if accounts is None else accounts,
            connectors=old.connectors if connectors is None else connectors,
            routes=old.routes if routes is None else routes,
            **other,
        )
    )


async def still_works(client: Client) -> None:
    message_id = await client.submit(text=b"still here")
    assert (await client.receipt()).message_id == message_id


async def bind_status(gateway: Gateway, *args: Any) -> str:
    client = await gateway.connect()
    return c.status_name(await client.bind(BindTransmitter, *args))


@journey
async def test_nothing_changed(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        await reload(gateway)
        await still_works(client)
        assert (smsc.counters.binds, smsc.connections) == (1, 1)
        await gateway.said("reloaded")


@journey
async def test_account_added(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        assert await bind_status(gateway, "new") == "ESME_RINVPASWD"
        await reload(gateway, accounts=[account(), account("new")])
        await still_works(await gateway.client(system_id="new"))
        await still_works(client)
        assert smsc.counters.binds == 1


@journey
async def test_account_blocked(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, accounts=[account(), account("bad")]) as (gateway, _):
        client = await gateway.client()
        bad = [await gateway.client(system_id="bad") for _ in range(2)]
        await reload(gateway, accounts=[account(), account("bad", blocked=True)])
        for session in bad:
            assert await session.end() == "unbind by peer"
        assert await bind_status(gateway, "bad") == "ESME_RBINDFAIL"
        await still_works(client)
        await reload(gateway, accounts=[account(), account("bad")])
        await still_works(await gateway.client(system_id="bad"))


@journey
async def test_account_removed_and_added_again(tmp_path: Path) -> None:
    both = [account(), account("other")]
    async with gateway_and_smsc(tmp_path, accounts=both) as (gateway, _):
        client = await gateway.client()
        sender = await gateway.client(BindTransmitter, system_id="other")
        message_id = await sender.submit()
        await gateway.until(lambda: gateway.listing("undelivered"))
        await reload(gateway, accounts=[account()])
        assert await sender.end() == "unbind by peer"
        assert await bind_status(gateway, "other") == "ESME_RINVPASWD"
        await still_works(client)
        await reload(gateway, accounts=both)
        again = await gateway.client(BindReceiver, system_id="other")
        assert (await again.receipt()).message_id == message_id


@journey
async def test_open_messages_of_an_account_are_known_when_it_comes_back(tmp_path: Path) -> None:
    both = [account(), account("other", max_open=2)]
    async with running(config(connector(1), accounts=both), tmp_path) as gateway:
        sender = await gateway.client(BindTransmitter, system_id="other")
        for _ in range(2):
            await sender.submit()
        await reload(gateway, accounts=both[:1])
        await sender.end()
        await reload(gateway, accounts=both)
        sender = await gateway.client(BindTransmitter, system_id="other")
        assert await sender.status_of_submit() == "ESME_RMSGQFUL"


@journey
async def test_what_ends_while_its_account_is_away_is_not_open_when_it_comes_back(tmp_path: Path) -> None:
    both = [account(), account("other", max_open=1)]
    async with running(config(connector(1), accounts=both), tmp_path) as gateway:
        sender = await gateway.client(BindTransmitter, system_id="other")
        await sender.submit(validity_period="000000000100000R")  # a minute
        await reload(gateway, accounts=both[:1])
        await sender.end()
        gateway.clock.advance(61)
        gateway.daemon.sweep_soon()
        await gateway.until(lambda: not gateway.daemon.submission.open_messages)
        await reload(gateway, accounts=both)
        sender = await gateway.client(BindTransmitter, system_id="other")
        assert await sender.status_of_submit() == "ESME_ROK"


@journey
async def test_password_changed(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        await reload(gateway, accounts=[account(password_hash=hashed("fresh"))])
        assert await bind_status(gateway, "app", "pw") == "ESME_RINVPASWD"
        assert await bind_status(gateway, "app", "fresh") == "ESME_ROK"
        await still_works(client)


@journey
async def test_limits_changed_for_sessions_that_exist(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        await still_works(client)
        await reload(gateway, accounts=[account(rate=2, allowed_sources=["777"])])
        assert await client.status_of_submit() == "ESME_RINVSRCADR"
        allowed = [await client.status_of_submit(source_addr="777") for _ in range(3)]
        assert allowed == ["ESME_ROK", "ESME_ROK", "ESME_RTHROTTLED"]


@journey
async def test_what_an_account_wants_is_changed_for_sessions_that_exist(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        await still_works(client)
        wanted = AccountSmpp(receipt_style="tlv", deliver_window=1)
        await reload(gateway, accounts=[account(message_id_format="hex", window=7, smpp=wanted)])
        (listener, *_) = gateway.daemon.smpp.listeners
        (connection,) = listener.connections
        assert (connection.session.settings.peer_window, connection.session.settings.window) == (7, 1)
        message_id = await client.submit()
        assert len(message_id) == 16
        delivery = await client.delivery()
        assert (delivery.short_message, tlv.get(delivery.tlvs, tlv.RECEIPTED_MESSAGE_ID)) == (
            b"",
            message_id.encode() + b"\0",
        )


@journey
async def test_connector_moved_to_another_smsc_under_traffic(tmp_path: Path) -> None:
    async with (
        simulated_smsc() as other,
        gateway_and_smsc(tmp_path, link={"window": 10}) as (gateway, smsc),
    ):
        client = await gateway.client()
        sent: set[str] = set()

        async def traffic() -> None:
            for n in range(40):
                answers = client.send_together(*(submit_sm(text=b"%d/%d" % (n, i)) for i in range(5)))
                sent.update([(await answer).message_id for answer in answers])

        flowing = asyncio.create_task(traffic())
        await smsc.wait_until(lambda: smsc.counters.accepted >= 20)
        await reload(gateway, connectors=[connector(other.port, window=10)])
        await flowing
        received = {(await client.receipt()).message_id for _ in range(200)}
        assert received == sent
        assert smsc.counters.accepted + other.counters.accepted == 200
        assert other.counters.accepted > 0
        assert smsc.connections == 0
        assert not gateway.listing("ambiguous")
        await gateway.emptied()


@journey
async def test_connector_and_routes_added(tmp_path: Path) -> None:
    async with simulated_smsc() as other, gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        old = gateway.daemon.config
        await reload(
            gateway,
            connectors=[*old.connectors, connector(other.port, "second")],
            routes=[*old.routes, Route(prefix="44", connectors=["second"])],
        )
        await gateway.linked("second")
        await client.submit("447700900001")
        await client.receipt()
        await still_works(client)
        assert (smsc.counters.accepted, other.counters.accepted) == (1, 1)
        assert smsc.counters.binds == 1


@journey
async def test_connector_removed_hands_its_queue_to_the_others_of_the_route(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        first, second = connector(1, "first"), connector(smsc.port, "second")
        routes = [Route(connectors=["first"])]
        async with running(config(first, second, routes=routes), tmp_path) as gateway:
            await gateway.linked("second")
            client = await gateway.client()
            stays = await client.submit()
            await reload(gateway, routes=[Route(connectors=["first", "second"])])
            await gateway.until(lambda: not gateway.daemon.upstreams["first"].up)
            gateway.daemon.upstreams["second"].links.clear()  # so that the next one queues at the first
            moves = await client.submit(text=b"moves")
            gateway.daemon.upstreams["second"].links.extend(gateway.daemon.connectors["second"].links)
            await reload(gateway, connectors=[second], routes=[Route(connectors=["second"])])
            assert await client.receipt() == Receipt(moves, c.DELIVERED, "000")
            assert gateway.states(stays) == ["QUEUED"]
            assert "first" not in gateway.daemon.upstreams


@journey
async def test_good_password_after_a_refused_login(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, links=0, link={"password": Secret("bad")}) as (gateway, smsc):
        await gateway.said("login_refused")
        client = await gateway.client()
        message_id = await client.submit()
        await reload(gateway, connectors=[connector(smsc.port)])
        assert (await client.receipt()).message_id == message_id


@journey
async def test_connector_changed_while_it_binds_leaves_no_connection(tmp_path: Path) -> None:
    connected: list[asyncio.StreamWriter] = []
    closed: asyncio.Queue[int] = asyncio.Queue()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        while await reader.read(1000):
            pass
        closed.put_nowait(len(connected))
        writer.close()

    server = await asyncio.start_server(never_answer, HOST, 0)
    try:
        async with simulated_smsc() as smsc:
            mute = connector(server.sockets[0].getsockname()[1])
            async with running(config(mute), tmp_path) as gateway:
                await gateway.until(lambda: connected)
                await reload(gateway, connectors=[connector(smsc.port)])
                async with asyncio.timeout(5):
                    assert await closed.get() == 1
                await still_works(await gateway.client())
    finally:
        server.close()


@journey
async def test_receipt_for_a_session_that_was_sent_away_waits(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc={"receipt_delay_ms": 100.0}) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit()
        client.transport.pause_reading()  # it does not see that it is asked to go
        await reload(gateway, accounts=[account(blocked=True)])
        await gateway.until(lambda: gateway.listing("undelivered"))
        await reload(gateway)
        await reload(gateway, accounts=[account()])
        client.transport.resume_reading()
        assert await client.end() == "unbind by peer"
        assert client.deliveries.empty()
        again = await gateway.client(BindReceiver)
        assert (await again.receipt()).message_id == message_id


@journey
async def test_two_reloads_at_once(tmp_path: Path) -> None:
    async with simulated_smsc() as other, gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        changed = [connector(other.port, window=5)]
        await asyncio.gather(
            reload(gateway, connectors=changed), reload(gateway, connectors=[connector(other.port)])
        )
        assert gateway.daemon.connectors[UPSTREAM].config.window == 100
        await gateway.linked()
        await still_works(client)
        assert other.connections == 1


@journey
async def test_listeners_need_a_restart_and_say_so(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        changed = config(connector(1), listener={"max_connections": 7}).listeners
        await reload(gateway, listeners=changed)
        await gateway.said("restart_needed", "listeners")
        await still_works(await gateway.client())


@journey
async def test_the_log_changes_its_form_and_level_at_once(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        await still_works(client)
        await gateway.said("returned")
        await reload(gateway, log=Log(format="json", level="warning"))
        before = len(gateway.lines)
        await still_works(client)
        await gateway.emptied()
        await reload(gateway, listeners=config(connector(1), listener={"max_connections": 7}).listeners)
        said = [json.loads(line) for line in gateway.lines[before:]]
        assert [line["event"] for line in said] == ["restart_needed"]
