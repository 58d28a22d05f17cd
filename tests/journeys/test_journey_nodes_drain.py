"""A node on its way out of service: what it waits for, and what it leaves to the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import HOST, Gateway, account, config, connector, journey, simulated_smsc
from nodes_support import Nodes, asked, nodes

from gateway.cluster_drain import SESSIONS_S, UNBIND_S
from gateway.config.basics import Address
from gateway.config.http_model import AccountHttp
from gateway.config.model import HttpListener
from gateway.egress.calls import Caller

NEVER_ANSWERED = "79161299100"


async def begin(known: Nodes, first: Gateway, second: Gateway) -> None:
    await asked(second, "node_drain", node="node1")
    await first.said("draining")
    await first.until(lambda: "housekeeping" not in known.state(first)["wants"])


@journey
async def test_a_client_that_leaves_a_receipt_unanswered_is_waited_for_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = config(connector(smsc.port), listener={"response_timeout_s": 3600})
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.linked()
            client = await first.client(answers=[None])
            await client.submit()
            await client.delivery()
            await begin(known, first, second)
            await first.ticked()
            assert not client.closed.done()
            assert not first.lines_with("drained")
            first.clock.advance(SESSIONS_S + UNBIND_S)
            await client.end()
            await first.said("drained")


@journey
async def test_nothing_more_goes_up_while_answers_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = config(connector(smsc.port, window=10))
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            upstream = first.daemon.upstreams["smsc"]
            await first.until(lambda: upstream.flow.part == 5 and upstream.links)
            client = await first.client()
            await client.submit(NEVER_ANSWERED)
            await first.until(lambda: upstream.in_flight == 1 and not upstream.queue.claiming)
            upstream.queued(0)
            assert first.daemon.journal.batch.claims
            await first.until(lambda: not upstream.queue.claiming)
            await begin(known, first, second)
            upstream.queued(0)
            assert not first.daemon.journal.batch.claims
            first.clock.advance(31)
            await first.said("drained")


@journey
async def test_calls_that_are_under_way_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [True]
    monkeypatch.setattr(Caller, "is_busy", property(lambda self: busy[0]))
    made = config(accounts=[account(http=AccountHttp())])
    made = replace(made, listeners=replace(made.listeners, http=(HttpListener(address=Address(HOST, 0)),)))
    async with nodes(tmp_path, monkeypatch, made, made) as (known, (first, second)):
        await begin(known, first, second)
        await first.ticked()
        assert not first.lines_with("drained")
        busy[0] = False
        await first.said("drained")


@journey
async def test_a_node_that_is_back_leaves_a_connector_to_the_node_that_has_its_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc:
        one = config(connector(smsc.port, one_bind_only=True))
        async with nodes(tmp_path, monkeypatch, one, one) as (known, (first, second)):
            await first.linked()
            await begin(known, first, second)
            await second.linked()
            await asked(second, "node_resume", node="node1")
            await first.said("node_resumed")
            await first.until(lambda: not first.daemon.smpp.listeners[0].stopping)
            await first.ticked()
            assert first.daemon.connectors["smsc"].state == "standby"
            assert smsc.counters.binds == 2
