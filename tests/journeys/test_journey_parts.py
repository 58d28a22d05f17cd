"""A sender's own segments become one text before they go up, where the route or the SMSC wants that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    UPSTREAM,
    Client,
    Gateway,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)
from service_support import gateway_and_service

from gateway.config.model import Route
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.sms import udh

WHOLE = [Route(connectors=[UPSTREAM], whole=True)]
TEXT = b"".join(bytes((65 + n % 26,)) * 9 + b" " for n in range(40))
PIECES = [TEXT[:150], TEXT[150:300], TEXT[300:]]


def by_udh(number: int, *, wide: bool = False, reference: int = 7, first: bool = True) -> dict[str, Any]:
    """A segment with its header; the concatenation `first`, or behind another element."""
    own = udh.concatenation_element(reference, 3, number, wide)
    other = (0x70, b"\x01")
    elements = [own] if first else [other, own]
    return {"esm_class": c.ESM_CLASS_UDHI, "text": udh.build(elements) + PIECES[number - 1]}


def by_sar(number: int) -> dict[str, Any]:
    tags = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
    return {
        "text": PIECES[number - 1],
        "tlvs": tuple(zip(tags, (b"\0\7", b"\3", bytes((number,))), strict=True)),
    }


def by_both(number: int) -> dict[str, Any]:
    return {**by_udh(number), "tlvs": by_sar(number)["tlvs"]}


async def submit_parts(client: Client, parts: list[dict[str, Any]]) -> list[str]:
    return [await client.submit(**part) for part in parts]


def joined(received: Any) -> bytes:
    """The text of the segments that the SMSC got, and that it was one long text."""
    found = {}
    for one in received:
        assert one.pdu.esm_class & c.ESM_CLASS_UDHI
        elements, text = udh.parse(one.user_data)
        place = udh.concatenation(elements)
        assert place is not None and place.total == len(received)
        found[place.sequence] = text
    return b"".join(text for _, text in sorted(found.items()))


NOT_FIRST = [by_udh(n, first=False) for n in (1, 3, 2)]
ORDERS = {
    "in order": [by_udh(1), by_udh(2), by_udh(3)],
    "in any order": [by_udh(3), by_udh(1), by_udh(2)],
    "references of 16 bits": [by_udh(n, wide=True, reference=0x1234) for n in (2, 3, 1)],
    "the element not first": NOT_FIRST,
    "by SAR TLVs": [by_sar(n) for n in (3, 2, 1)],
    "by both": [by_both(n) for n in (1, 2, 3)],
}


@pytest.mark.parametrize("parts", ORDERS.values(), ids=ORDERS)
def test_the_parts_go_up_as_one_text_and_each_gets_its_receipt(
    tmp_path: Path, parts: list[dict[str, Any]]
) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, routes=WHOLE) as (gateway, smsc):
            client = await gateway.client()
            ids = await submit_parts(client, parts[:2])
            assert not smsc.received
            ids += await submit_parts(client, parts[2:])
            receipts = [await client.receipt() for _ in range(3)]
            assert sorted(receipt.message_id for receipt in receipts) == sorted(ids)
            assert {receipt.state for receipt in receipts} == {2}
            await gateway.emptied()
            headers = [udh.parse(one.user_data)[0] for one in smsc.received]
            assert all(((0x70, b"\x01") in header) == (parts is NOT_FIRST) for header in headers)
            assert joined(smsc.received) == TEXT
            places = [udh.concatenation(header) for header in headers]
            assert len({place.reference for place in places if place is not None}) == 1

    run()


@pytest.mark.parametrize(("lengths", "segments"), [((5, 7), 1), ((100, 50, 30), 2), ((254, 254), 4)], ids=str)
def test_the_whole_has_as_many_segments_as_its_text_needs(
    tmp_path: Path, lengths: tuple[int, ...], segments: int
) -> None:
    """Not as many as there were parts: senders fill them as they like, and by TLVs up to 254 octets."""
    pieces = [TEXT[n * 10 : n * 10 + length] for n, length in enumerate(lengths)]
    tags = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, routes=WHOLE) as (gateway, smsc):
            client = await gateway.client()
            for number, piece in enumerate(pieces, 1):
                values = (b"\0\7", bytes((len(pieces),)), bytes((number,)))
                await client.submit(text=piece, tlvs=tuple(zip(tags, values, strict=True)))
            assert {(await client.receipt()).state for _ in pieces} == {2}
            assert len(smsc.received) == segments
            if segments == 1:
                assert smsc.received[0].user_data == b"".join(pieces)
            else:
                assert joined(smsc.received) == b"".join(pieces)

    run()


@journey
async def test_where_long_texts_go_up_in_message_payload_the_whole_does(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, routes=WHOLE, link={"long_messages": "payload"}) as (gateway, smsc):
        client = await gateway.client()
        await submit_parts(client, [by_udh(2), by_udh(1), by_udh(3)])
        assert {(await client.receipt()).state for _ in range(3)} == {2}
        [received] = smsc.received
        assert (received.user_data, received.pdu.esm_class) == (TEXT, 0)
        assert tlv.get(received.pdu.tlvs, tlv.MESSAGE_PAYLOAD) == TEXT


@journey
async def test_parts_that_stay_alone_go_up_as_they_came_when_their_time_is_over(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, routes=WHOLE, part_wait_s=60) as (gateway, smsc):
        client = await gateway.client()
        ids = await submit_parts(client, [by_udh(3), by_udh(1)])
        gateway.clock.advance(59)
        await swept(gateway)
        assert not smsc.received
        gateway.clock.advance(2)
        await swept(gateway)
        receipts = [await client.receipt() for _ in range(2)]
        assert sorted(receipt.message_id for receipt in receipts) == sorted(ids)
        assert sorted(one.user_data for one in smsc.received) == sorted(
            [by_udh(1)["text"], by_udh(3)["text"]]
        )
        timeline = gateway.reader.timeline(int(ids[0]))
        assert "without the other parts" in str(timeline)


async def swept(gateway: Gateway) -> None:
    """Housekeeping has looked at what is old."""
    gateway.daemon._housekeeping.sweep_soon()
    await gateway.ticked()
    await gateway.until(lambda: not gateway.daemon._housekeeping._sweep_due)


@journey
async def test_the_same_reference_from_two_senders_is_two_texts(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, routes=WHOLE) as (gateway, smsc):
        client = await gateway.client()
        for number in (1, 2, 3):
            await client.submit(source_addr="111", **by_udh(number))
            if number < 3:
                await client.submit(source_addr="222", **by_udh(number))
        receipts = [await client.delivery() for _ in range(3)]
        assert {receipt.destination_addr for receipt in receipts} == {"111"}
        assert {one.source for one in smsc.received} == {"111"}
        assert joined(smsc.received) == TEXT


@journey
async def test_the_same_reference_from_two_accounts_is_two_texts(tmp_path: Path) -> None:
    accounts = [account(), account("other")]
    async with gateway_and_smsc(tmp_path, routes=WHOLE, accounts=accounts) as (gateway, smsc):
        app, other = await gateway.client(), await gateway.client(system_id="other")
        await submit_parts(app, [by_udh(1), by_udh(2)])
        await submit_parts(other, [by_udh(3)])
        await gateway.ticked()
        assert not smsc.received
        await submit_parts(app, [by_udh(3)])
        for _ in range(3):
            await app.receipt()
        assert joined(smsc.received) == TEXT


@journey
async def test_parts_that_wait_outlive_a_restart(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), routes=WHOLE)
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            ids = await submit_parts(client, [by_udh(2), by_udh(3)])
        async with running(made, tmp_path, later_s=5) as gateway:
            client = await gateway.client()
            ids += await submit_parts(client, [by_udh(1)])
            receipts = [await client.receipt() for _ in range(3)]
            assert sorted(receipt.message_id for receipt in receipts) == sorted(ids)
            assert joined(smsc.received) == TEXT


@journey
async def test_without_the_routes_word_segments_go_up_as_they_come(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        await client.submit(**by_udh(2))
        await client.receipt()
        assert [one.user_data for one in smsc.received] == [by_udh(2)["text"]]


@journey
async def test_the_service_over_http_gets_the_text_of_all_parts(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, service):
        client = await gateway.client()
        ids = await submit_parts(client, [by_udh(2), by_udh(1), by_udh(3)])
        receipts = [await client.receipt() for _ in range(3)]
        assert sorted(receipt.message_id for receipt in receipts) == sorted(ids)
        [message] = service.service.store.messages
        assert message.text == TEXT.decode()
