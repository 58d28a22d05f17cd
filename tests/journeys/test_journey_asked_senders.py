"""Questions about messages to which their account has given another sender, or its own hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    UPSTREAM,
    account,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)
from journey_support import config as configured
from server_support import client_of, scripted

from gateway.config.account_model import AccountLimits
from gateway.config.model import Route
from gateway.config.route_model import Rewrite
from gateway.config.smpp_model import AccountSmpp
from protocols.smpp import constants as c
from protocols.smpp.pdu import (
    BroadcastSm,
    CancelBroadcastSm,
    CancelSm,
    QuerySm,
    ReplaceSm,
    response_to,
)

LATER = "000001000000000R"  # in a day
NUMBER: dict[str, Any] = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "79990000001"}
NOTHING: dict[str, Any] = {"source_addr_ton": 0, "source_addr_npi": 0, "source_addr": ""}
EXAMPLE: dict[str, Any] = {"source_addr_ton": 5, "source_addr_npi": 0, "source_addr": "Example"}


@pytest.mark.parametrize(("rule", "sender"), [("forced_source", NUMBER), ("default_source", NOTHING)])
@journey
async def test_a_sender_that_the_account_has_replaced_is_asked_by(
    tmp_path: Path, rule: str, sender: dict[str, Any]
) -> None:
    async with gateway_and_smsc(tmp_path, accounts=[account(**{rule: "Example"})]) as (gateway, _):
        client = await gateway.client()
        first = await client.submit(schedule_delivery_time=LATER, **sender)
        asked = [
            QuerySm(message_id=first, **sender),
            QuerySm(message_id=first, **EXAMPLE),  # which is what receipts go to
            ReplaceSm(message_id=first, short_message=b"other", **sender),
            CancelSm(dest_addr_ton=1, destination_addr=DESTINATION, **sender),
        ]
        assert [(await client.request(one)).command_status for one in asked] == [0, 0, 0, 0]
        assert gateway.states(first) == ["DELETED"]


@journey
async def test_a_message_that_is_older_than_the_rule_keeps_its_sender(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        link = connector(smsc.port)
        async with running(configured(link, accounts=[account()]), tmp_path) as gateway:
            client = await gateway.client()
            first = await client.submit(schedule_delivery_time=LATER, **NUMBER)
        made = configured(link, accounts=[account(forced_source="Example")])
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            statuses = [
                (await client.request(QuerySm(message_id=first, **sender))).command_status
                for sender in (NUMBER, EXAMPLE)
            ]
            assert statuses == [c.ESME_ROK, c.ESME_RQUERYFAIL]


@journey
async def test_a_new_text_keeps_the_validity_that_begins_with_the_hours(tmp_path: Path) -> None:
    whose = account(limits=AccountLimits(hours="20-21"), max_validity_h=2)
    async with gateway_and_smsc(tmp_path, accounts=[whose]) as (gateway, smsc):
        client = await gateway.client()
        first = await client.submit(**EXAMPLE)
        longer = ReplaceSm(message_id=first, short_message=b"other", validity_period=LATER, **EXAMPLE)
        assert (await client.request(longer)).command_status == c.ESME_ROK
        gateway.clock.advance(12 * 3600)  # from 08:00 to 20:00
        await gateway.emptied()
        assert [it.pdu.short_message for it in smsc.received] == [b"other"]


@journey
async def test_a_blacklist_holds_where_a_route_writes_the_number_otherwise(tmp_path: Path) -> None:
    rewrites = [Rewrite(what="destination", match="(7[0-9]{10})", replace=r"1234\1")]
    routes = [Route(connectors=[UPSTREAM], rewrites=rewrites)]
    async with gateway_and_smsc(tmp_path, routes=routes) as (gateway, _):
        client = await gateway.client()
        assert await client.status_of_submit() == "ESME_ROK"
        gateway.daemon.admission.blacklists.add("app", [DESTINATION])
        assert await client.status_of_submit() == c.status_name(c.ESME_RINVDSTADR)


@journey
async def test_a_broadcast_has_the_accounts_sender_too(tmp_path: Path) -> None:
    wish = AccountSmpp(broadcast_connector=UPSTREAM)
    accounts = [account(forced_source="Example", allowed_sources=["Example"], smpp=wish)]
    async with scripted(tmp_path, link={"interface_version": "5.0"}, accounts=accounts) as (gateway, smsc):
        client = await client_of(gateway, 0x50)
        smsc.answer = response_to
        for pdu in (BroadcastSm(**NUMBER), CancelBroadcastSm(message_id="b-1", **NUMBER)):
            await client.request(pdu)
            (asked,) = smsc.of(type(pdu))
            assert (asked.source_addr_ton, asked.source_addr_npi, asked.source_addr) == (5, 0, "Example")
