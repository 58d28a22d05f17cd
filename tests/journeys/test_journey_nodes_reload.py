"""Nodes whose configurations are not the same, and a node that is drained while its configuration changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
    simulated_smsc,
)
from mail_journey_support import a_sink, mail_config
from nodes_support import asked, nodes
from scripted_smsc import scripted_smsc

from gateway import cluster_side
from gateway.config.http_model import AccountHttp
from gateway.config.model import Config
from gateway.config.store_url import StoreUrl
from gateway.egress.smpp_connector import STANDBY
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindTransmitter


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_side, "TICK_S", 0.01)
    monkeypatch.setattr(cluster_side, "LOOK_MS", 50)
    # a machine that is busy for ten seconds is no failure here, and must not end the tests' process
    monkeypatch.setattr(cluster_side, "end_process", lambda: None)


def with_store(made: Config, url: str, node: str) -> Config:
    return replace(made, store=StoreUrl(url), node=node)


@asynccontextmanager
async def at(made: Config, tmp_path: Path, url: str, node: str) -> AsyncIterator[Gateway]:
    async with running(with_store(made, url, node), tmp_path / node) as gateway:
        yield gateway


async def looked(gateway: Gateway, times: int = 3) -> None:
    """The node has seen what the others had committed before."""
    renewals: list[bool] = []
    for _ in range(times):
        cluster = gateway.daemon.cluster
        assert cluster is not None
        cluster.beat_soon()
        gateway.daemon.journal.then(renewals.append)
        await gateway.until(lambda: renewals)
        renewals.clear()


def paused(gateway: Gateway, name: str) -> bool:
    return gateway.daemon.upstreams[name].paused is not None


# -- what one node configures and another one does not ---------------------------------------------------


@pytest.mark.usefixtures("quick_looks")
@journey
async def test_a_node_that_does_not_know_a_connector_leaves_its_pause_as_it_is(
    tmp_path: Path, postgres_url: str
) -> None:
    async with simulated_smsc() as smsc:
        one, two = connector(smsc.port), connector(smsc.port, "other")
        whole, older = config(one, two), config(one)
        async with at(whole, tmp_path, postgres_url, "a") as first:
            await asked(first, "connector_pause", connector="other", who="root")
            async with at(older, tmp_path, postgres_url, "b") as second:
                await second.linked()
                await second.daemon.reload(with_store(older, postgres_url, "b"))
                await looked(second)
                await looked(first)
                assert paused(first, "other")
                await second.daemon.reload(with_store(whole, postgres_url, "b"))
                assert paused(second, "other")
                await asked(second, "connector_resume", connector="other", who="root")
                await first.until(lambda: not paused(first, "other"))


@pytest.mark.usefixtures("quick_looks")
@journey
async def test_a_pause_that_is_said_elsewhere_holds_for_a_connector_that_a_reload_brings(
    tmp_path: Path, postgres_url: str
) -> None:
    async with simulated_smsc() as smsc:
        one, two = connector(smsc.port), connector(smsc.port, "other")
        whole, older = config(one, two), config(one)
        async with (
            at(whole, tmp_path, postgres_url, "a") as first,
            at(older, tmp_path, postgres_url, "b") as second,
        ):
            await asked(first, "connector_pause", connector="other", who="root")
            await second.until(lambda: "other" in second.daemon.pauses)
            await second.daemon.reload(with_store(whole, postgres_url, "b"))
            assert paused(second, "other")
            await asked(first, "connector_resume", connector="other", who="root")
            await second.until(lambda: not paused(second, "other"))


# -- a node that is drained ------------------------------------------------------------------------------


async def drain(first: Gateway, second: Gateway) -> None:
    await asked(second, "node_drain", node="node1")
    await first.said("drained")


@journey
async def test_a_reload_of_a_drained_node_binds_nothing_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = config(connector(smsc.port))
        changed = config(connector(smsc.port, binds=2), connector(smsc.port, "other"))
        changed = replace(changed, accounts=(account(), account("new")))
        async with nodes(tmp_path, monkeypatch, one, one) as (_, (first, second)):
            await first.linked()
            await drain(first, second)
            await first.daemon.reload(changed)
            await first.said("reloaded", "connectors=")
            states = {name: link.state for name, link in first.daemon.connectors.items()}
            assert states == {"smsc": STANDBY, "other": STANDBY}
            assert first.daemon.upstreams["other"].held == "the node is drained"
            assert first.daemon.smpp.listeners[0].stopping
            assert await first.daemon.reloading.accounts_changed()  # sub-clients that another node has made
            answer = await asked(first, "connector_rebind", connector="other")
            assert answer == {"error": "this node is drained: smsc-gateway nodes resume node1"}
            await asked(second, "node_resume", node="node1")
            await first.linked(links=2)
            await first.linked("other")
            await first.until(lambda: not first.daemon.smpp.listeners[0].stopping)
            client = await first.client(system_id="new")
            await client.submit()
            assert (await client.receipt()).state == c.DELIVERED


@journey
async def test_a_drained_node_makes_no_calls_and_sends_no_mails_that_a_reload_has_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_sink() as sink, simulated_smsc() as smsc:
        made = mail_config(smsc, sink)
        assert made.mail is not None
        before = replace(made, mail=replace(made.mail, smarthost=None))
        http = [replace(one, http=AccountHttp()) for one in made.accounts]
        async with nodes(tmp_path, monkeypatch, before, before) as (_, (first, second)):
            await first.linked()
            await drain(first, second)
            await first.daemon.reload(replace(made, accounts=tuple(http)))
            mail, caller = first.daemon.mail, first.daemon.http.caller
            assert mail is not None
            assert mail.postman is not None
            assert (mail.postman.rests, caller.rests) == (True, True)
            await asked(second, "node_resume", node="node1")
            await first.until(lambda: not (mail.postman.rests or caller.rests))  # type: ignore[union-attr]


@journey
async def test_a_node_that_is_back_before_its_links_were_gone_binds_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted_smsc() as smsc:
        one = config(connector(smsc.port))
        async with nodes(tmp_path, monkeypatch, one, one) as (_, (first, second)):
            await first.linked()
            link: Any = first.daemon.connectors["smsc"]
            before = set(link.links)
            for connection in smsc.connections:
                connection.transport.pause_reading()  # an unbind is not answered
            await asked(second, "node_drain", node="node1")
            await first.until(lambda: all(task.done() for task in link._keepers))
            await asked(second, "node_resume", node="node1")
            await first.said("node_resumed")
            await first.until(lambda: link.links and not link.links & before)
            await first.until(lambda: link.state == "bound")
            assert not link.links & before


@journey
async def test_a_node_that_is_still_starting_is_drained_when_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = config(connector(smsc.port))
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.linked()
            await second.linked()
            cluster = first.daemon.cluster
            assert cluster is not None
            first.daemon.is_ready = False
            await asked(second, "node_drain", node="node1")
            await first.until(lambda: cluster.cluster.draining)
            assert not first.daemon.is_drained
            first.daemon.is_ready = True
            await first.said("drained")
            await first.until(lambda: known.state(first)["drained"])
            assert known.state(first)["wants"] == []
            assert not [one for one in first.daemon.smpp.listeners if not one.stopping]
            client = await second.client(BindTransmitter)
            await client.submit()
