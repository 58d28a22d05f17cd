"""What the SMSC service documents of its SMPP side holds for an ordinary connector."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey_support import (
    DESTINATION,
    UPSTREAM,
    Receipt,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
)
from scripted_smsc import scripted_smsc

from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DeliverSm
from protocols.smpp.state import State

LATER = {"receipt_delay_ms": 3_600_000.0}
"""The receipts are the tests' own."""
STATES = {"transceiver": State.BOUND_TRX, "transmitter": State.BOUND_TX, "receiver": State.BOUND_RX}


@pytest.mark.parametrize(("version", "number"), [("3.4", 0x34), ("5.0", 0x50)], ids=["3.4", "5.0"])
@pytest.mark.parametrize("mode", STATES)
def test_a_connector_binds_in_each_way_and_version(
    tmp_path: Path, mode: str, version: str, number: int
) -> None:
    @journey
    async def run() -> None:
        link = {"bind_mode": mode, "interface_version": version}
        links = int(mode != "receiver")  # that one takes no submits
        async with gateway_and_smsc(tmp_path, link=link, links=links) as (_, smsc):
            await smsc.wait_until(lambda: smsc.counters.binds == 1)
            [connection] = smsc._smsc.connections
            assert connection.session.state is STATES[mode]
            assert connection.session.interface_version == number

    run()


@pytest.mark.parametrize(
    "text",
    ["__HLR__", "__PING__", "__VIBER__: Hi", "__CALL__: Hi\n~~~\n20,10,3", "Hi\n~~~\nmine"],
    ids=["hlr", "ping", "viber", "call", "comment"],
)
def test_prefixes_and_comments_go_up_as_they_are(tmp_path: Path, text: str) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, smsc):
            client = await gateway.client()
            await client.submit(text=text.encode())
            await client.receipt()
            assert [message.text for message in smsc.received] == [text.encode()]

    run()


@pytest.mark.parametrize(
    ("data_coding", "octets"), [(0, b"\x00 \x1b\x65"), (4, b"\x01\xff"), (8, "Да".encode("utf-16-be"))]
)
def test_each_coding_goes_up_as_it_is(tmp_path: Path, data_coding: int, octets: bytes) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, smsc):
            client = await gateway.client()
            await client.submit(text=octets, data_coding=data_coding)
            await client.receipt()
            [message] = smsc.received
            assert (message.data_coding, message.text) == (data_coding, octets)

    run()


def tell(smsc: Simulator, text: str, *tlvs: tuple[int, bytes]) -> None:
    """The SMSC sends a receipt."""
    pdu = DeliverSm(
        source_addr=DESTINATION,
        destination_addr="12345",
        esm_class=c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT,
        short_message=text.encode(),
        tlvs=tlvs,
    )
    smsc.deliver(pdu, "gateway")


@journey
async def test_the_services_own_tlvs_do_not_hurt_a_receipt(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc=LATER) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await smsc.wait_until(lambda: smsc.counters.accepted == 1)
        id = smsc.received[0].message_id
        dates = "submit date:2701151100 done date:2701151101"
        tell(
            smsc,
            f"id:{id} sub:001 dlvrd:001 {dates} stat:UNDELIV err:013 text:hello",
            (tlv.RECEIPTED_MESSAGE_ID, id.encode() + b"\0"),
            (tlv.MESSAGE_STATE, bytes((c.UNDELIVERABLE,))),
            (tlv.NETWORK_ERROR_CODE, b"\x03\x00\x0d"),
            (0x2000, b"1.4000\0"),
            (0x2001, b"\x01\x00"),
            (0x2002, b"\x00\x01"),
            (0x2003, b"abcde\0"),
        )
        assert await client.receipt() == Receipt(message_id, c.UNDELIVERABLE, "013")


@journey
async def test_what_is_found_of_a_number_comes_down_with_its_receipt(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc=LATER) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"__HLR__")
        await smsc.wait_until(lambda: smsc.counters.accepted == 1)
        found = (
            "imsi:250023012345678 msc:79232510066 mcc:250 mnc:02 cn:Russian+Federation net:MegaFON rcn: rnet:"
        )
        tell(smsc, f"id:{smsc.received[0].message_id} stat:DELIVRD err:000 {found}")
        delivery = await client.delivery()
        assert delivery.short_message.decode() == f"id:{message_id} stat:DELIVRD err:000 {found}"


@journey
async def test_who_is_throttled_slows_down_and_sends_again(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc={"throttle_pct": 50.0}) as (gateway, smsc):
        client = await gateway.client()
        sent = {await client.submit(f"7916120{n:04}", b"%d" % n) for n in range(20)}
        gateway.clock.let_run()
        assert {(await client.receipt()).message_id for _ in sent} == sent
        assert smsc.counters.refused > 0
        assert gateway.daemon.upstreams[UPSTREAM].throttled == smsc.counters.refused
        assert smsc.counters.accepted == 20


@journey
async def test_data_coding_0_is_latin_1_with_system_type_iso(tmp_path: Path) -> None:
    link = {"system_type": "ISO", "data_coding_0": "latin1"}
    async with gateway_and_smsc(tmp_path, link=link, smsc={"data_coding_0": "latin1"}) as (gateway, smsc):
        client = await gateway.client()
        await client.submit(text=b"\x00 \x7d")  # @ ñ in the GSM alphabet
        await client.receipt()
        assert [(message.data_coding, message.text) for message in smsc.received] == [(0, b"@ \xf1")]


@journey
async def test_the_system_type_is_told_in_the_bind(tmp_path: Path) -> None:
    async with (
        scripted_smsc() as smsc,
        running(config(connector(smsc.port, system_type="ISO")), tmp_path) as gateway,
    ):
        await gateway.linked()
        [bound] = smsc.connections
        assert bound.bind is not None and bound.bind.system_type == "ISO"


@journey
async def test_the_answer_to_an_hlr_request_comes_down_as_the_service_writes_it(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc={"receipt_form": "hlr"}) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit(text=b"__HLR__")
        told = (await client.delivery()).short_message.decode()
        assert told.startswith(f"id:{message_id} stat:DELIVRD err:000 imsi:")
        assert "mcc:250" in told and "cn:Russian+Federation" in told
