"""Messages that only an SMSC service can send, at a gateway whose links are SMPP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import Gateway, account, gateway_and_smsc, journey

from gateway.core.router import Router
from gateway.translate.smsc_options import options_tlv
from protocols.smpp import constants as c
from protocols.smpp import tlv

FLASH = tlv.read_stream(options_tlv([("flash", "1")]), 0, 8)
BAD = tlv.read_stream(options_tlv([("flash", "2")]), 0, 8)


ACCOUNTS = [account(), account("may", service_messages=True)]


def add_service(gateway: Gateway) -> None:
    """Another connector that is a service, on no route."""

    class Service:
        service = True
        up = False

    upstreams: Any = gateway.daemon.upstreams["smsc"].all
    gateway.daemon.upstreams["smsc"].all = {**upstreams, "web": Service()}
    gateway.daemon.submission.router.upstreams = gateway.daemon.upstreams["smsc"].all


@pytest.mark.parametrize("system_id", ["app", "may"])
def test_without_a_service_they_go_on_as_they_came(tmp_path: Path, system_id: str) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, accounts=ACCOUNTS) as (gateway, smsc):
            client = await gateway.client(system_id=system_id)
            await client.submit(service_type="CALL", tlvs=FLASH)
            await client.receipt()
            [received] = smsc.received
            assert (received.pdu.service_type, received.pdu.tlvs) == ("CALL", FLASH)

    run()


def test_where_there_is_a_service_the_account_needs_the_right_and_the_route_the_service(
    tmp_path: Path,
) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, accounts=ACCOUNTS) as (gateway, smsc):
            add_service(gateway)
            client = await gateway.client()
            assert await client.status_of_submit(service_type="HLR") == "ESME_RINVSERTYP"
            assert await client.status_of_submit(tlvs=FLASH) == "ESME_ROPTPARNOTALLWD"
            client = await gateway.client(system_id="may")
            assert await client.status_of_submit(tlvs=BAD) == "ESME_RINVOPTPARAMVAL"
            assert await client.status_of_submit(text=b"", service_type="HLR") == "ESME_RINVDSTADR"
            assert not smsc.received
            refused = gateway.daemon.submission.refused
            words = {reason.value for reason, count in refused.items() if count}
            assert words == {"service_type", "service_options", "option_value", "no_route"}

    run()


def test_one_that_came_to_a_link_over_smpp_all_the_same_ends_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Router, "for_service", lambda self, route, draft: route)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, accounts=ACCOUNTS) as (gateway, smsc):
            add_service(gateway)
            client = await gateway.client(system_id="may")
            looked_up = await client.submit(text=b"", service_type="HLR")
            receipt = await client.receipt()
            assert (receipt.message_id, receipt.state) == (looked_up, c.REJECTED)
            assert not smsc.received
            await client.submit()
            await client.receipt()
            await gateway.emptied()
            await gateway.until(lambda: not gateway.daemon.upstreams["smsc"].in_flight)
            assert gateway.daemon.upstreams["smsc"].last_error == "needs_smsc_service"

    run()
