"""A message or a receipt that cannot be written as a PDU stops nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from journey_support import gateway_and_smsc, journey

from gateway.core.model import Delivery, Message
from gateway.egress import smpp_connection as egress
from gateway.ingress import smpp as ingress
from gateway.translate.smpp_deliver import Style, deliver_sm_of
from gateway.translate.smpp_upward import submits_of
from protocols.smpp import constants as c
from protocols.smpp.errors import EncodeError
from protocols.smpp.pdu import DeliverSm, SubmitSm

BAD = "79990000666"


def test_a_message_that_cannot_be_written_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submits(message: Message, numbers: Sequence[int], now_ms: int, *more: Any) -> list[SubmitSm]:
        if message.destination == BAD:
            raise EncodeError("does not fit")
        return submits_of(message, numbers, now_ms, *more)

    monkeypatch.setattr(egress, "submits_of", submits)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, smsc):
            client = await gateway.client()
            bad = await client.submit(BAD)
            assert (await client.receipt()).state == c.REJECTED
            good = await client.submit()
            assert (await client.receipt()).message_id == good
            await gateway.said("unsendable", bad)
            await gateway.emptied()
            await gateway.until(lambda: not gateway.daemon.upstreams["smsc"].in_flight)
            assert len(smsc.received) == 1

    run()


def test_a_receipt_that_cannot_be_written_is_a_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deliver(delivery: Delivery, id_format: str, style: Style) -> DeliverSm:
        if delivery.source == BAD:
            raise EncodeError("does not fit")
        return deliver_sm_of(delivery, id_format, style)

    monkeypatch.setattr(ingress, "deliver_sm_of", deliver)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            client = await gateway.client()
            await client.submit(BAD)
            good = await client.submit()
            assert (await client.receipt()).message_id == good
            await gateway.until(lambda: len(gateway.listing("dead")) == 1)

    run()
