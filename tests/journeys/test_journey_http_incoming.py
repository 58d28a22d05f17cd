"""Incoming SMS of an account over HTTP: a long one is asked for whole, whatever its sessions get."""

from __future__ import annotations

from pathlib import Path

import pytest
from http_support import LOGIN, asked_over_http
from journey_support import DESTINATION, journey

from gateway.config.mail_model import IncomingRule
from gateway.config.model import AccountHttp
from protocols.smpp import constants as c
from protocols.smpp.pdu import DeliverSm
from protocols.sms import udh

RULES = {"incoming": (IncomingRule(account=LOGIN),)}
NOBODY = "http://127.0.0.1:1/"
"""Is not called: it is in no network that may be."""


def part(number: int, text: str) -> DeliverSm:
    header = udh.build([udh.concatenation_element(7, 2, number)])
    return DeliverSm(
        source_addr_ton=1,
        source_addr=DESTINATION,
        destination_addr="1234",
        esm_class=c.ESM_CLASS_UDHI,
        data_coding=8,
        short_message=header + text.encode("utf-16-be"),
    )


@pytest.mark.parametrize("handler", ["", NOBODY])
def test_a_long_one_is_whole_where_it_is_asked_for(tmp_path: Path, handler: str) -> None:
    @journey
    async def run() -> None:
        http = AccountHttp(handler=handler)
        async with asked_over_http(tmp_path, http=http, configured=RULES) as it:
            for number, text in ((2, "мир"), (1, "Привет, ")):
                it.smsc.deliver(part(number, text), "gateway")
            await it.gateway.until(lambda: it.gateway.daemon.journal.answer.inbox)
            (shown,) = (await it.v1("GET", "incoming")).json["incoming"]
            assert (shown["text"], shown["from"], shown["to"]) == ("Привет, мир", DESTINATION, "1234")
            # for its sessions, unless a handler takes their place
            assert len(it.gateway.listing("undelivered")) == (0 if handler else 2)
            assert len(it.gateway.listing("calls")) == (1 if handler else 0)

    run()
