"""An incoming SMS and where it goes: by number, by keyword, whole when it is long, to a mailbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import (
    HOST,
    Client,
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
    simulated_smsc,
)

from gateway.config.mail_model import IncomingRule, Mail, Smarthost
from gateway.config.model import Address
from gateway.simulator import Simulator
from protocols.smpp.pdu import BindReceiver, DeliverSm
from protocols.sms.udh import build, concatenation_element

SUBSCRIBER = "79001234567"
MAIL = Mail(domains=["sms.example.org"], smarthost=Smarthost(address=Address(HOST, 1)), reply_window_h=0)


@asynccontextmanager
async def gateway_with(
    state_dir: Path, *rules: IncomingRule, mail: Mail | None = None, incoming_account: str = ""
) -> AsyncIterator[tuple[Gateway, Simulator, dict[str, Client]]]:
    """A gateway, its SMSC, and a receiver of each account."""
    names = ("app", "desk", "other")
    async with simulated_smsc() as smsc:
        made = config(
            connector(smsc.port, incoming_account=incoming_account),
            accounts=[account(name) for name in names],
        )
        async with running(replace(made, incoming=rules, mail=mail), state_dir) as gateway:
            await gateway.linked()
            yield gateway, smsc, {name: await gateway.client(BindReceiver, name) for name in names}


def sms(text: bytes, own_number: str = "1234", part: tuple[int, int] | None = None) -> DeliverSm:
    """What a subscriber sends us; `part`: which of how many."""
    header = build([concatenation_element(7, part[1], part[0])]) if part else b""
    return DeliverSm(
        source_addr_ton=1,
        source_addr=SUBSCRIBER,
        destination_addr=own_number,
        esm_class=0x40 if part else 0,
        short_message=header + text,
    )


async def read(client: Client) -> tuple[str, bytes]:
    delivery = await client.delivery()
    assert (delivery.esm_class & ~0x40, delivery.source_addr) == (0, SUBSCRIBER)
    header = delivery.short_message[0] + 1 if delivery.esm_class else 0
    return delivery.destination_addr, delivery.short_message[header:]


@journey
async def test_number_and_keyword_choose_the_account(tmp_path: Path) -> None:
    rules = [IncomingRule(keyword="HELP", account="desk"), IncomingRule(number="555", account="other")]
    async with gateway_with(tmp_path, *rules, incoming_account="app") as (gateway, smsc, clients):
        for text, number in ((b"help me", "555"), (b"hello", "555"), (b"hello", "556")):
            smsc.deliver(sms(text, number), "gateway")
        assert await read(clients["desk"]) == ("555", b"help me")
        assert await read(clients["other"]) == ("555", b"hello")
        assert await read(clients["app"]) == ("556", b"hello")
        await gateway.emptied()


@journey
async def test_what_no_rule_wants_is_refused(tmp_path: Path) -> None:
    rule = IncomingRule(keyword="help", account="desk")
    async with gateway_with(tmp_path, rule) as (gateway, smsc, clients):
        smsc.deliver(sms(b"hello"), "gateway")
        await smsc.wait_until(lambda: smsc.counters.receipts_refused == 1)
        await gateway.said("incoming_refused", "no rule fits")
        smsc.deliver(sms(b"help"), "gateway")
        assert (await read(clients["desk"]))[1] == b"help"
        await gateway.emptied()


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
@pytest.mark.parametrize("incoming_account", ["app", ""])
def test_a_long_sms_goes_as_a_whole_where_its_first_word_says(
    tmp_path: Path, order: tuple[int, ...], incoming_account: str
) -> None:
    @journey
    async def run() -> None:
        rule = IncomingRule(keyword="help", account="desk")
        parts = {1: b"help me", 2: b"help others", 3: b"help all"}
        async with gateway_with(tmp_path, rule, incoming_account=incoming_account) as (
            gateway,
            smsc,
            clients,
        ):
            for number in order:
                smsc.deliver(sms(parts[number], part=(number, 3)), "gateway")
            assert [(await read(clients["desk"]))[1] for _ in parts] == list(parts.values())
            await smsc.wait_until(lambda: smsc.counters.receipts_acknowledged == 3)
            assert clients["app"].deliveries.empty()
            await gateway.emptied()

    run()


@journey
async def test_a_long_sms_without_its_first_part_reaches_no_account_by_its_keyword(tmp_path: Path) -> None:
    rule = IncomingRule(keyword="help", account="desk")
    async with gateway_with(tmp_path, rule) as (gateway, smsc, clients):
        smsc.deliver(sms(b"help others", part=(2, 2)), "gateway")
        await smsc.wait_until(lambda: smsc.counters.receipts_acknowledged == 1)
        gateway.clock.advance(2 * 86_400)
        await gateway.until(lambda: gateway.listing("undelivered"))
        assert [it["account"] for it in gateway.listing("undelivered")] == [""]
        assert clients["desk"].deliveries.empty()


@journey
async def test_a_reload_changes_the_rules(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, IncomingRule(account="desk")) as (gateway, smsc, clients):
        smsc.deliver(sms(b"before"), "gateway")
        assert (await read(clients["desk"]))[1] == b"before"
        await gateway.daemon.reload(replace(gateway.daemon.config, incoming=[IncomingRule(account="other")]))
        smsc.deliver(sms(b"after"), "gateway")
        assert (await read(clients["other"]))[1] == b"after"
        await gateway.emptied()


@journey
async def test_a_rule_with_mail_writes_letters(tmp_path: Path) -> None:
    rules = [
        IncomingRule(number="555", mail=["a@example.net", "b@example.net"]),
        IncomingRule(number="556", account="desk", mail=["c@example.net"]),
    ]
    async with gateway_with(tmp_path, *rules, mail=MAIL, incoming_account="app") as (gateway, smsc, clients):
        smsc.deliver(sms(b"first", "555"), "gateway")
        await gateway.until(lambda: len(gateway.listing("letters")) == 2)
        assert {it["recipient"] for it in gateway.listing("letters")} == {"a@example.net", "b@example.net"}
        smsc.deliver(sms(b"second", "556"), "gateway")
        assert (await read(clients["desk"]))[1] == b"second"
        await gateway.until(lambda: len(gateway.listing("letters")) == 3)
        smsc.deliver(sms(b"third", "557"), "gateway")
        assert (await read(clients["app"]))[1] == b"third"
        assert clients["app"].deliveries.empty()


@journey
async def test_what_might_have_been_an_answer_is_not_lost(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, mail=replace(MAIL, reply_window_h=72)) as (gateway, smsc, _):
        smsc.deliver(sms(b"hello"), "gateway")
        await gateway.until(lambda: gateway.listing("undelivered"))
        assert [it["account"] for it in gateway.listing("undelivered")] == [""]
        assert smsc.counters.receipts_refused == 0
