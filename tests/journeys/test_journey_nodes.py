"""Two nodes: who binds what only one binds, what each may use, how one is drained, when one has to end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from http_support import raw
from journey_support import HOST, Client, Gateway, account, config, connector, journey, simulated_smsc
from mail_journey_support import a_sink, mail_config, mailer
from nodes_support import Nodes, asked, nodes

from gateway.config.basics import Address
from gateway.config.http_model import AccountHttp
from gateway.config.model import Config, HttpListener
from gateway.core.cluster import LONGEST_MS
from protocols.smpp import constants as c


def made(port: int, rate: int = 0, window: int = 10, **fields: Any) -> Config:
    link = connector(port, rate=rate, window=window, **fields)
    return config(link, accounts=[account(max_binds=2, rate=20)])


def part(gateway: Gateway) -> tuple[int | None, float]:
    """What this node may use of the connector's window and rate."""
    upstream = gateway.daemon.upstreams["smsc"]
    return upstream.flow.part, upstream.flow.pace.configured


async def shared(gateways: list[Gateway], *parts: tuple[int, float]) -> None:
    for gateway, wanted in zip(gateways, parts, strict=True):
        await gateway.until(partial(_has_part, gateway, wanted))


def _has_part(gateway: Gateway, wanted: tuple[int, float]) -> bool:
    return part(gateway) == wanted


async def renewed(known: Nodes, gateway: Gateway, times: int = 1) -> None:
    """So many beats have renewed a lease."""
    wanted = known.renewals + times
    await gateway.until(lambda: known.renewals >= wanted)


# -- shares ----------------------------------------------------------------------------------------------


@journey
async def test_nodes_share_a_connectors_window_and_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port, rate=50)
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await shared([first, second], (5, 25.0), (5, 25.0))
            first.clock.advance(1)
            client = await first.client()
            await client.submit()
            assert (await client.receipt()).state == 2
            known.lose(second)
            await shared([first], (10, 50.0))


@journey
async def test_sessions_at_another_node_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port)
        async with nodes(tmp_path, monkeypatch, one, one) as (_, (first, second)):
            await first.client()
            await first.client()
            await second.until(lambda: second.daemon.accounts["app"].sessions_elsewhere == 2)
            client = await second.connect()
            assert await client.bind() == c.ESME_RBINDFAIL
            await second.said("bind_refused", "max_binds (2)")


@journey
async def test_an_accounts_rate_is_shared_by_the_nodes_where_it_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port)
        async with nodes(tmp_path, monkeypatch, one, one) as (_, (first, second)):
            buckets = [gateway.daemon.accounts["app"].bucket for gateway in (first, second)]
            await (await first.client()).submit()
            await first.until(lambda: buckets[0].rate == 20)
            await (await second.client()).submit()
            await second.until(lambda: buckets[1].rate == 10)
            assert buckets[0].rate == 10


# -- leases ----------------------------------------------------------------------------------------------


@journey
async def test_only_one_node_binds_what_may_be_bound_once_and_another_when_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port, one_bind_only=True)
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.linked()
            await second.until(lambda: second.daemon.upstreams["smsc"].elsewhere)
            assert second.daemon.connectors["smsc"].state == "standby"
            status = await asked(second, "status")
            assert status["healthy"], status["problems"]
            await shared([first], (10, 0))
            await first.daemon.connectors["smsc"].stop(1.0)
            known.lose(first)
            await second.linked()
            await second.said("taken_over", "node=node1", "ambiguous=2", "see=")
            await shared([second], (10, 0))


@journey
async def test_a_node_that_cannot_bind_leaves_the_lease_to_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        nobody = made(1, one_bind_only=True)
        async with nodes(tmp_path, monkeypatch, nobody, made(smsc.port, one_bind_only=True)) as found:
            known, (first, second) = found
            await first.said("lease_taken")
            await first.until(lambda: len(known.states) == 2)
            for _ in range(4):  # no beat is ever late
                known.elapsed_ms += 9_000
                await renewed(known, first, 2)
            await second.linked()
            assert known.leases["connector:smsc"] == 2


@journey
async def test_only_one_node_keeps_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port)
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.until(lambda: known.leases.get("housekeeping") == 1)
            assert first.daemon.may("housekeeping")
            assert not second.daemon.may("housekeeping")
            known.lose(first)
            await second.until(lambda: second.daemon.may("housekeeping"))


@journey
async def test_what_is_known_of_nodes_grows_old_while_the_store_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc, nodes(tmp_path, monkeypatch, made(smsc.port)) as (known, [first]):
        cluster = first.daemon.cluster
        assert cluster is not None
        assert cluster._handle is not None
        cluster._handle.cancel()
        await first.until(lambda: not any(map(len, first.daemon.journal.unanswered())))
        known.elapsed_ms += 4_000
        assert (await asked(first, "nodes"))["nodes"][0]["heartbeat_s"] == 4.0
        status = await asked(first, "status")
        assert (status["node"], status["nodes"][0]["heartbeat_s"]) == ("node1", 4.0)


# -- this node's own lease -------------------------------------------------------------------------------


@journey
async def test_a_node_that_knows_of_no_renewal_ends_before_it_hands_anything_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc, nodes(tmp_path, monkeypatch, made(smsc.port)) as (known, [first]):
        await first.linked()
        client = await first.client()
        seen: list[set[str]] = []
        first.daemon.cluster._handle.cancel()  # type: ignore[union-attr]  # it is not the clock that sees it
        await first.until(lambda: not any(map(len, first.daemon.journal.unanswered())))
        known.elapsed_ms += LONGEST_MS
        first.daemon.journal.then(lambda ok: seen.append(set(known.ended)))
        await first.until(lambda: seen)
        assert seen == [{"node1"}]
        await first.said("lease_lost", "node=node1", "age_s=10")
        assert not client.closed.done()


@journey
async def test_a_node_that_slept_ends_before_it_writes_to_an_smsc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc, nodes(tmp_path, monkeypatch, made(smsc.port)) as (known, [first]):
        await first.linked()
        [connection] = first.daemon.connectors["smsc"].connections  # type: ignore[attr-defined]
        known.elapsed_ms += LONGEST_MS
        connection.unbind()
        assert known.ended == ["node1"]


@journey
async def test_a_lease_that_is_renewed_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated_smsc() as smsc, nodes(tmp_path, monkeypatch, made(smsc.port)) as (known, [first]):
        for _ in range(5):
            known.elapsed_ms += 6_000
            await renewed(known, first)
            await first.ticked()
        assert not known.ended


@journey
async def test_a_renewal_that_could_not_be_stored_is_made_up_for_with_the_next_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc, nodes(tmp_path, monkeypatch, made(smsc.port)) as (_, [first]):
        cluster, journal = first.daemon.cluster, first.daemon.journal
        assert cluster is not None
        assert cluster._handle is not None
        cluster._handle.cancel()
        await first.until(lambda: cluster._under_way is None)
        for stored, renews in ((True, 0), (False, 1)):
            cluster._under_way = (cluster.elapsed_ms(), True)
            cluster._beaten(stored)
            cluster.tick()
            assert [row[1] for row in journal.batch.beats] == [renews]
            await first.until(lambda: cluster._under_way is None)


@journey
async def test_a_connectors_lease_is_kept_while_it_may_still_be_bound_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        nobody = made(1, one_bind_only=True)
        async with nodes(tmp_path, monkeypatch, nobody, made(smsc.port)) as (known, (first, second)):
            await first.said("lease_taken")
            upstream = first.daemon.upstreams["smsc"]
            upstream.in_flight += 1
            await asked(second, "node_drain", node="node1")
            await first.until(lambda: "housekeeping" not in known.state(first)["wants"])
            assert known.state(first)["wants"] == ["connector:smsc"]
            upstream.in_flight -= 1
            await first.until(lambda: known.state(first)["drained"])
            assert known.state(first)["wants"] == []


# -- draining --------------------------------------------------------------------------------------------


async def _drained(known: Nodes, gateway: Gateway) -> None:
    await gateway.until(lambda: known.state(gateway)["drained"])


@journey
async def test_a_node_is_drained_from_another_one_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port)
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.linked()
            client = await first.client()
            await client.submit()
            await client.receipt()
            assert await asked(second, "node_drain", node="node1") == {"node": "node1"}
            assert await client.end()
            await _drained(known, first)
            await second.until(lambda: second.daemon.cluster.cluster.peers[0].drained)  # type: ignore[union-attr]
            assert 1 not in known.leases.values()
            assert not first.daemon.upstreams["smsc"].links
            assert first.daemon.smpp.listeners[0].stopping
            [row, _] = (await asked(second, "nodes"))["nodes"]
            assert (row["name"], row["state"], row["sessions"], row["connectors"]) == (
                "node1",
                "drained",
                0,
                [],
            )
            assert (await asked(first, "ready"))["reasons"] == [
                "the node is drained, others take its clients"
            ]
            await asked(second, "node_resume", node="node1")
            await first.linked()
            await first.until(lambda: not first.daemon.smpp.listeners[0].stopping)
            await first.until(lambda: part(first) == (5, 0))
            again = await first.client()
            await again.submit()
            assert (await again.receipt()).state == 2


@journey
async def test_a_drain_waits_for_what_the_smsc_has_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port)
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            client = await _with_one_under_way(first)
            await asked(second, "node_drain", node="node1")
            await first.said("draining")
            await client.end()
            await first.ticked()
            assert first.daemon.upstreams["smsc"].in_flight == 1
            assert not known.state(first)["drained"]
            first.clock.advance(31)
            await first.said("ambiguous")
            await _drained(known, first)


async def _with_one_under_way(gateway: Gateway) -> Client:
    """A message that the SMSC never answers."""
    await gateway.linked()
    client = await gateway.client()
    await client.submit("79161299100")
    await gateway.until(lambda: gateway.daemon.upstreams["smsc"].in_flight == 1)
    return client


@journey
async def test_a_node_that_does_not_exist_is_not_drained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = made(smsc.port)
        async with nodes(tmp_path, monkeypatch, one, one) as (_, (first, second)):
            await second.until(lambda: len(second.daemon.cluster.cluster.peers) == 2)  # type: ignore[union-attr]
            answer = await asked(second, "node_drain", node="node3")
            assert answer == {"error": "there is no node 'node3'; there are: node1, node2"}
            await asyncio.sleep(0)
            assert not first.lines_with("draining")


@journey
async def test_mail_and_http_are_taken_by_the_other_nodes_while_one_is_drained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_sink() as sink, simulated_smsc() as smsc:
        one = mail_config(smsc, sink, accounts=[mailer(http=AccountHttp())])
        listeners = replace(one.listeners, http=[HttpListener(address=Address(HOST, 0))])
        both = replace(one, listeners=listeners)
        async with nodes(tmp_path, monkeypatch, both, both) as (known, (first, second)):
            mail, http = first.daemon.mail, first.daemon.http
            assert mail is not None
            assert mail.postman is not None
            doors = [mail.listeners[0]._door, http.listeners[0]._door]
            assert all(door._sockets for door in doors)
            await asked(second, "node_drain", node="node1")
            await _drained(known, first)
            assert not any(door._sockets for door in doors)
            first.daemon.journal.batch.letter_claims.clear()
            mail.postman.wake()
            http.caller.wake()
            batch = first.daemon.journal.batch
            assert (batch.letter_claims, batch.call_claims) == ([], [])
            await asked(second, "node_resume", node="node1")
            await first.until(lambda: all(door._sockets for door in doors))
            _, transport = await _greeted(mail.listeners[0]._door.port)
            transport.close()
            question = b"GET /sys/balance.php HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            reply = await raw(http.listeners[0].port, question)
            assert reply.startswith(b"HTTP/1.1 200")


async def _greeted(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """A mail server's greeting."""
    reader, writer = await asyncio.open_connection(HOST, port)
    line = await reader.readline()
    assert line.startswith(b"220")
    return line, writer


@journey
async def test_a_hint_has_what_waits_fetched_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated_smsc() as smsc, nodes(tmp_path, monkeypatch, made(smsc.port)) as (_, [first]):
        await first.linked()
        await first.client()
        outlet, upstream = first.daemon.outlets["app"], first.daemon.upstreams["smsc"]
        await first.until(lambda: bool(upstream.flow.part))  # it may send
        await first.until(lambda: not (outlet._fetching or outlet._on_disk or upstream.queue.claiming))
        cluster, batch = first.daemon.cluster, first.daemon.journal.batch
        assert cluster is not None
        cluster.hint(["d:app", "q:smsc", "d:of another configuration", "q:neither", "c"])
        assert [row[0] for row in batch.fetches] == ["app"]
        assert [row[0] for row in batch.claims] == ["smsc"]
