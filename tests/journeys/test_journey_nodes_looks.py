"""What a node makes of the store's answers: its lease, what is open, what another node has left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from journey_support import HOST, Gateway, account, config, connector, journey, simulated_smsc
from nodes_support import nodes

from gateway.cluster_side import ClusterSide
from gateway.config.basics import Address
from gateway.config.http_model import AccountHttp
from gateway.config.model import Config, HttpListener
from gateway.core.batch import Answer, Batch
from gateway.core.cluster import JOBS
from gateway.core.errors import StoreReadError
from gateway.core.model import Message
from gateway.front import job_records


async def resting(gateway: Gateway) -> ClusterSide:
    """A node that beats no more by itself, and whose beats are answered."""
    cluster = gateway.daemon.cluster
    assert cluster is not None
    assert cluster._handle is not None
    cluster._handle.cancel()
    await gateway.until(lambda: cluster._under_way is None)
    return cluster


def with_http(made: Config) -> Config:
    listeners = replace(made.listeners, http=(HttpListener(address=Address(HOST, 0)),))
    return replace(made, accounts=(account(http=AccountHttp()),), listeners=listeners)


@journey
async def test_a_lease_is_as_old_as_the_beat_that_has_renewed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(tmp_path, monkeypatch, config()) as (known, [first]):
        cluster = await resting(first)
        known.elapsed_ms += 3_000
        cluster._under_way = (known.elapsed_ms - 2_000, True)
        beat = Batch(beats=[("{}", 1)])
        cluster.guard(beat, Answer(error="the disk is full"))
        assert cluster.lease_age_s == 3.0
        cluster.guard(Batch(), Answer())
        assert cluster.lease_age_s == 3.0
        cluster.guard(beat, Answer())
        assert cluster.lease_age_s == 2.0


@journey
async def test_what_is_on_its_way_to_the_store_counts_beside_what_the_store_has_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(tmp_path, monkeypatch, config()) as (_, [first]):
        cluster, daemon = await resting(first), first.daemon
        row = tuple("app" if name == "account" else 0 for name in Message._fields)
        daemon.journal.batch.accepted.append(row)
        cluster.store_says(Batch(), Answer(open_counts=[("app", 2), ("of another configuration", 4)]))
        daemon.journal.batch.accepted.clear()
        assert (daemon.submission.open_messages, daemon.accounts["app"].open_messages) == (7, 3)


@journey
async def test_what_a_node_has_left_is_looked_for_whether_it_was_stopped_or_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = with_http(config())
    async with nodes(tmp_path, monkeypatch, made, made) as (known, (first, second)):
        cluster = first.daemon.cluster
        assert cluster is not None
        await first.until(lambda: len(cluster.cluster.peers) == 2)
        woken: list[str] = []
        monkeypatch.setattr(first.daemon.http.caller, "wake", lambda: woken.append("caller"))
        known.lose(second)
        known.taken_over.clear()  # it has stopped in good order
        await first.until(lambda: len(cluster.cluster.peers) == 1)
        assert woken == ["caller"]
        assert not first.lines_with("taken_over")


@journey
async def test_services_are_asked_what_they_have_of_a_lost_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(tmp_path, monkeypatch, config()) as (_, [first]):
        cluster, services = await resting(first), first.daemon.services
        asked: list[str] = []
        service = SimpleNamespace(ask_for_open_sends=lambda: asked.append("service"))
        monkeypatch.setattr(services, "connectors", {"service": service})
        cluster._take_over([])
        assert asked == []
        cluster._take_over([("node2", 3)])
        assert asked == ["service"]
        monkeypatch.setattr(services, "connectors", {})


@journey
async def test_lists_that_could_not_be_read_are_read_with_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(tmp_path, monkeypatch, with_http(config())) as (_, [first]):
        cluster = first.daemon.cluster
        assert cluster is not None
        await first.until(lambda: first.daemon.may(JOBS))
        reads: list[str] = []

        async def load(desk: object) -> None:
            reads.append("once more")
            if len(reads) == 1:
                raise StoreReadError("not now")

        monkeypatch.setattr(job_records, "load", load)
        cluster.cluster.leases -= {JOBS}
        await first.until(lambda: len(reads) == 2)
        assert first.daemon.may(JOBS)


@journey
async def test_a_node_that_has_a_connectors_lease_no_more_unbinds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = config(connector(smsc.port, one_bind_only=True))
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.linked()
            known.leases["connector:smsc"] = 2
            await first.until(lambda: first.daemon.connectors["smsc"].state == "standby")
            assert not first.daemon.upstreams["smsc"].links
            await second.linked()
