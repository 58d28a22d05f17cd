"""Two nodes on one PostgreSQL: what comes in at one goes up, and comes down, at the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from journey_support import Gateway, config, connector, journey, simulated_smsc
from nodes_support import asked

from gateway import cluster_side
from gateway.config.model import Config
from gateway.config.store_url import StoreUrl
from protocols.smpp.pdu import BindReceiver, BindTransmitter

NEVER_ANSWERED = "79161299100"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_side, "TICK_S", 0.01)
    monkeypatch.setattr(cluster_side, "LOOK_MS", 50)
    # a machine that is busy for ten seconds is no failure here, and must not end the tests' process
    monkeypatch.setattr(cluster_side, "end_process", lambda: None)


@asynccontextmanager
async def two_nodes(tmp_path: Path, url: str, configured: Config) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Nodes "a" and "b" with one configuration and one store."""
    async with AsyncExitStack() as stack:
        found = []
        for name in ("a", "b"):
            gateway = Gateway(replace(configured, store=StoreUrl(url)), tmp_path / name)
            gateway.daemon.node = name
            await gateway.start()
            stack.push_async_callback(gateway.stop)
            found.append(gateway)
        yield found[0], found[1]
    assert not [gateway.errors for gateway in found if gateway.errors]


@journey
async def test_a_receipt_reaches_the_session_at_whatever_node_it_is(
    tmp_path: Path, postgres_url: str
) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port))
        async with two_nodes(tmp_path, postgres_url, made) as (first, second):
            sender = await first.client(BindTransmitter)
            receiver = await second.client(BindReceiver)
            sent = [await sender.submit() for _ in range(20)]
            got = [(await receiver.receipt()).message_id for _ in sent]
            assert sorted(got) == sorted(sent)
            assert all(int(one) >> 16 & 63 == 1 for one in sent)
            other = await (await second.client()).submit()
            assert int(other) >> 16 & 63 == 2


@journey
async def test_what_only_one_node_binds_is_sent_by_it_and_moves_when_that_stops(
    tmp_path: Path, postgres_url: str
) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port, one_bind_only=True))
        async with two_nodes(tmp_path, postgres_url, made) as (first, second):
            await first.linked()
            await second.until(lambda: second.daemon.upstreams["smsc"].elsewhere)
            client = await second.client()
            sent = await client.submit()
            assert (await client.receipt()).message_id == sent
            assert not second.daemon.upstreams["smsc"].links
            await first.stop()
            await second.linked()
            sent = await client.submit()
            assert (await client.receipt()).message_id == sent


@journey
async def test_a_second_gateway_of_one_name_says_that_it_has_ended_the_first(
    tmp_path: Path, postgres_url: str
) -> None:
    made = replace(config(), store=StoreUrl(postgres_url))
    first, second = (Gateway(made, tmp_path / name) for name in ("first", "second"))
    for gateway in (first, second):
        gateway.daemon.node = "a"
    await first.start()
    await second.start()
    assert not first.lines_with("earlier_run_ended")
    await second.said("warning", "earlier_run_ended", "node=a", "heartbeat_s=", "machine was lost", "--node")
    await first.said("error", "failed", "its name was given twice")
    await second.stop()
    await first.stop()


@journey
async def test_a_start_that_does_not_reach_its_store_says_so_and_no_password(tmp_path: Path) -> None:
    nowhere = StoreUrl("postgresql://gateway:s3cret@127.0.0.1:1/smsc?connect_timeout=5")
    gateway = Gateway(replace(config(), store=nowhere), tmp_path)
    start = asyncio.ensure_future(gateway.daemon.start())
    try:
        line = await gateway.said("warning", "store_not_reached", "fix=")
    finally:
        start.cancel()
        await asyncio.wait([start])
        await gateway.daemon.journal.close()
    assert "server=postgresql://gateway@127.0.0.1:1/smsc?connect_timeout=5" in line
    assert "Connection refused" in line
    assert "s3cret" not in line


def _has_its_part(gateway: Gateway) -> bool:
    return gateway.daemon.upstreams["smsc"].flow.part in (2, 3)


@journey
async def test_no_more_is_under_way_at_all_nodes_than_the_window(tmp_path: Path, postgres_url: str) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port, window=5))
        async with two_nodes(tmp_path, postgres_url, made) as nodes:
            for gateway in nodes:
                await gateway.linked()
                await gateway.until(partial(_has_its_part, gateway))
            clients = [await gateway.client() for gateway in nodes]
            for _ in range(6):
                for client in clients:
                    await client.submit(NEVER_ANSWERED)
            upstreams = [gateway.daemon.upstreams["smsc"] for gateway in nodes]
            await nodes[0].until(lambda: sum(one.in_flight for one in upstreams) == 5)
            for gateway in nodes:
                await gateway.ticked()
            assert sum(one.in_flight for one in upstreams) == 5


@journey
async def test_a_node_that_is_drained_leaves_its_work_to_the_other(tmp_path: Path, postgres_url: str) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port))
        async with two_nodes(tmp_path, postgres_url, made) as (first, second):
            client = await first.client()
            sent = [await client.submit() for _ in range(10)]
            assert await asked(second, "node_drain", node="a") == {"node": "a"}
            await first.said("drained")
            await client.end()
            got = [client.deliveries.get_nowait() for _ in range(client.deliveries.qsize())]
            other = await second.client()
            for _ in range(len(sent) - len(got)):
                await other.receipt()
            await second.until(lambda: second.daemon.cluster.cluster.peers[0].drained)  # type: ignore[union-attr]
            rows = (await asked(second, "nodes"))["nodes"]
            assert [(row["name"], row["state"]) for row in rows] == [("a", "drained"), ("b", "in service")]
            assert set(rows[1]["leases"]) == {"housekeeping"}
            status = await asked(second, "status")
            assert (status["node"], status["store"]["address"]) == ("b", postgres_url)
            sent.append(await other.submit())
            assert (await other.receipt()).message_id == sent[-1]
