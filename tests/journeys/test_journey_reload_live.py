"""Options of a connector that a reload takes over without a new link, and those that need one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    UPSTREAM,
    Gateway,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)

from gateway.config.connector_model import Connector
from gateway.config.files import prints_of
from gateway.config.price_model import PriceList
from gateway.config.secret import Secret
from gateway.config.smpp_model import AddressRule
from gateway.config.smsc_model import SmscConnector
from gateway.egress import live_options
from gateway.reloading import Loaded, Plan, open_accounts
from protocols.smpp.pdu import BindReceiver

CHANGED: dict[str, Any] = {
    "adaptive": False,
    "data_coding_0": "latin1",
    "destination": AddressRule(ton=1),
    "enquire_link_s": 7,
    "incoming_account": "app",
    "on_ambiguous": "hold",
    "operations": ("query_sm",),
    "prices": "cost",
    "profile": "smscentre",
    "rate": 500,
    "rebind_pause_s": 1.5,
    "receipts_by_text": True,
    "receive_window": 17,
    "reconnect_max_s": 3,
    "reference_bits": "16",
    "sender_rate": 100,
    "silence_s": 9,
    "source": AddressRule(ton=5),
    "throttle_statuses": ("0x0400",),
    "ucs2_order": "little",
    "window": 3,
}


async def reload(gateway: Gateway, **changed: Any) -> Plan:
    """Takes over what is changed of the only connector."""
    old = gateway.daemon.config
    new = replace(old, connectors=[replace(old.connectors[0], **changed)])
    return await gateway.daemon.reloading.take_over(Loaded(new, prints_of(new)))


def test_every_live_option_is_shown_here_and_is_one() -> None:
    assert CHANGED.keys() == live_options.SMPP
    assert {option.name for option in fields(Connector)} >= live_options.SMPP
    assert {option.name for option in fields(SmscConnector)} >= live_options.SERVICE


@journey
async def test_live_options_keep_the_link(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        prices = replace(gateway.daemon.config, price_lists=[PriceList(name="cost")])
        await gateway.daemon.reload(prices)
        for name, value in CHANGED.items():
            plan = await reload(gateway, **{name: value})
            assert (plan.rebuilt, plan.adjusted) == ({}, (UPSTREAM,)), name
            assert [it.key.split(".")[:2] for it in plan.changes] == [[f"connectors[{UPSTREAM}]", name]]
            gateway.clock.advance(1)  # a rate that is new begins without tokens
            await client.submit()
            await client.receipt()
        assert (smsc.counters.binds, smsc.connections) == (1, 1)
        upstream, link = gateway.daemon.upstreams[UPSTREAM], gateway.daemon.connectors[UPSTREAM]
        (connection,) = link.connections  # type: ignore[attr-defined]
        settings = connection.session.settings
        assert (settings.window, settings.peer_window, settings.enquire_link_s) == (3, 17, 7)
        assert (upstream.flow.window, upstream.flow.pace.rate, upstream.flow.adaptive) == (3, 500, False)
        assert upstream.operations == {"query_sm"}
        assert upstream.sender_rate == 100
        assert upstream.silence.limit_s == 9
        assert upstream.on_alert == gateway.daemon.outlets["app"].alert
        await reload(gateway, incoming_account="", rate=0)
        assert upstream.on_alert is None
        assert upstream.flow.pace.rate == 0


@journey
async def test_a_rate_holds_at_once_and_is_gone_at_once(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        await reload(gateway, rate=1)
        waits = [await client.submit() for _ in range(3)]  # a second has to pass for the first of them
        await gateway.until(lambda: len(gateway.listing("waiting")) == 3)
        assert gateway.states(*waits) == ["QUEUED"] * 3
        await reload(gateway, rate=0)
        for _ in range(3):
            await client.receipt()
        assert smsc.counters.binds == 1


@journey
async def test_more_binds_come_beside_those_that_are_there(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        assert (await reload(gateway, binds=3)).rebuilt == {}
        await gateway.linked(links=3)
        assert smsc.counters.binds == 3
        assert (await reload(gateway, binds=2)).rebuilt == {UPSTREAM: "binds"}
        await gateway.linked(links=2)
        await gateway.until(lambda: smsc.connections == 2)


@pytest.mark.parametrize(
    ("name", "value"), [("system_type", "VMA"), ("long_messages", "sar"), ("response_timeout_s", 5)]
)
@journey
async def test_other_options_need_a_new_link(tmp_path: Path, name: str, value: Any) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        plan = await reload(gateway, **{name: value})
        assert (plan.rebuilt, plan.adjusted) == ({UPSTREAM: name}, ())
        await gateway.linked()
        assert (smsc.counters.binds, smsc.connections) == (2, 1)
        await client.submit()
        await client.receipt()


@journey
async def test_a_refused_login_is_tried_again_by_every_reload(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        bad = connector(smsc.port, password=Secret("bad"))
        async with running(config(bad), tmp_path) as gateway:
            await gateway.said("login_refused")
            plan = await reload(gateway)
            assert plan.rebuilt == {UPSTREAM: "its login was refused"}
            assert plan.changes == ()
            await gateway.said("login_refused", times=2)


@journey
async def test_a_plan_says_whose_sessions_would_be_ended(tmp_path: Path) -> None:
    accounts = [account(), account("head"), account("part", parent="head")]
    async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, _):
        stays = await gateway.client()
        gone = [await gateway.client(BindReceiver, system_id=name) for name in ("head", "part", "part")]
        old = gateway.daemon.config
        new = replace(old, accounts=[accounts[0], replace(accounts[1], blocked=True), accounts[2]])
        plan = await gateway.daemon.reloading.take_over(Loaded(new, {}))
        assert plan.ended == {"head": 1, "part": 2}
        for client in gone:
            assert await client.end() == "unbind by peer"
        await stays.submit()


def test_accounts_that_may_have_sessions() -> None:
    def names(*accounts: Any) -> set[str]:
        return open_accounts(accounts)

    assert names(account("a"), account("b", blocked=True)) == {"a"}
    assert names(account("a", parent="b"), account("b", parent="c"), account("c", blocked=True)) == set()
    assert names(account("a", parent="b"), account("b", parent="a")) == {"a", "b"}
    assert names(account("a", parent="unknown")) == {"a"}
