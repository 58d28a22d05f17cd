"""Lines 21–34 of the list of bad input, each against a whole gateway; the session outlives all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    SYSTEM_ID,
    UPSTREAM,
    Client,
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
)
from scripted_smsc import ScriptedSmsc, scripted_smsc

from gateway.config.model import Route
from gateway.config.smpp_model import AccountSmpp
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DeliverSm, SubmitSm
from protocols.sms import udh
from protocols.sms.receipts import parse_text

GOOD = b"this one is good"
WHOLE = [Route(connectors=[UPSTREAM], whole=True)]


@asynccontextmanager
async def bound(
    tmp_path: Path,
    *,
    routes: list[Route] | None = None,
    of_account: dict[str, Any] | None = None,
    denied: tuple[str, ...] = (),
    **link: Any,
) -> AsyncIterator[tuple[Gateway, ScriptedSmsc, Client]]:
    async with scripted_smsc() as smsc:
        link = {"incoming_account": SYSTEM_ID, **link}
        made = config(connector(smsc.port, **link), accounts=[account(**(of_account or {}))], routes=routes)
        async with running(replace(made, denied_destinations=denied), tmp_path) as gateway:
            await gateway.linked()
            yield gateway, smsc, await gateway.client()


async def refused(smsc: ScriptedSmsc, client: Client, status: str, **fields: Any) -> None:
    """It is refused with this status, nothing of it goes up, and the session lives."""
    assert await client.status_of_submit(**fields) == status
    await client.submit(text=GOOD)
    assert (await smsc.request())[1].short_message == GOOD
    assert [pdu.short_message for pdu in smsc.taken] == [GOOD] * len(smsc.taken)


def text_of(stat: str, upstream_id: str = "T1") -> bytes:
    return f"id:{upstream_id} submit date:2506151500 done date:2506151501 stat:{stat} err:000 text:".encode()


async def sent(smsc: ScriptedSmsc, client: Client) -> str:
    message_id = await client.submit()
    await smsc.request()
    return message_id


@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x24, 0x44])
def test_security_21_a_receipt_in_a_clients_submit(tmp_path: Path, esm_class: int) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path) as (_, smsc, client):
            await refused(smsc, client, "ESME_RINVESMCLASS", esm_class=esm_class, text=text_of("DELIVRD"))

    run()


@journey
async def test_security_22_a_receipt_of_another_connector_that_names_the_id(tmp_path: Path) -> None:
    async with scripted_smsc() as ours, scripted_smsc() as other:
        made = config(
            connector(ours.port), connector(other.port, "other"), routes=[Route(connectors=[UPSTREAM])]
        )
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            await gateway.linked("other")
            client = await gateway.client()
            message_id = await sent(ours, client)
            receipt = DeliverSm(esm_class=4, short_message=text_of("DELIVRD"), source_addr=DESTINATION)
            response = await other.connections[0].request(receipt)
            assert response.command_status == c.ESME_ROK
            (row,) = gateway.listing("unmatched")
            assert (row["connector"], row["upstream_id"]) == ("other", "T1")
            assert gateway.states(message_id) == ["SENT"]
            await ours.connections[0].request(receipt)
            assert (await client.receipt()).message_id == message_id


@pytest.mark.parametrize("stat", ["WHATEVER", "9", "DELIVRDX", "Ошибка"])
def test_security_23_a_state_that_nobody_knows(tmp_path: Path, stat: str) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path) as (_, smsc, client):
            message_id = await sent(smsc, client)
            await smsc.connections[0].request(DeliverSm(esm_class=4, short_message=text_of(stat)))
            receipt = await client.receipt()
            assert (receipt.message_id, receipt.state) == (message_id, c.UNKNOWN)

    run()


HUGE = {
    "an id of 60,000 characters": (b"id:" + b"9" * 60_000 + b" stat:DELIVRD", ""),
    "a stat of 60,000 characters": (b"id:T1 stat:" + b"D" * 60_000, "UNKNOWN"),
    "7,000 fields": (b"id:T1 stat:DELIVRD " + b"err:001 " * 7_000, "DELIVRD"),
    "repeated fields": (b"id:T1 stat:UNDELIV id:T2 stat:DELIVRD", "UNDELIV"),
    "an id again in the text": (b"id:T1 stat:UNDELIV text:id:T2 stat:DELIVRD", "UNDELIV"),
}


@pytest.mark.parametrize(("octets", "stat"), HUGE.values(), ids=HUGE)
def test_security_24_huge_or_repeated_fields_of_a_receipt(tmp_path: Path, octets: bytes, stat: str) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path) as (gateway, smsc, client):
            message_id = await sent(smsc, client)
            (connection,) = smsc.connections
            payload = ((tlv.MESSAGE_PAYLOAD, octets),)
            response = await connection.request(DeliverSm(esm_class=4, tlvs=payload))
            assert response.command_status == c.ESME_ROK
            if not stat:
                (row,) = gateway.listing("unmatched")
                assert len(row["upstream_id"]) <= 65
                await connection.request(DeliverSm(esm_class=4, short_message=text_of("DELIVRD")))
                stat_ = "DELIVRD"
            else:
                stat_ = stat
            text = parse_text((await client.delivery()).short_message)
            assert text is not None
            assert (text.id, text.stat) == (message_id, stat_)

    run()


BROKEN = {
    "longer than the data": b"\x40\x00\x03\x07\x02\x01hello",
    "longer than any data": b"\xff",
    "an element past its end": b"\x05\x00\x09\x07\x02\x01hello",
    "no octet at all": b"",
}


@pytest.mark.parametrize("octets", BROKEN.values(), ids=BROKEN)
def test_security_25_a_header_longer_than_its_data(tmp_path: Path, octets: bytes) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path) as (_, smsc, client):
            await refused(smsc, client, "ESME_RINVMSGLEN", esm_class=c.ESM_CLASS_UDHI, text=octets)

    run()


@pytest.mark.parametrize(("total", "part"), [(0, 0), (0, 1), (2, 0), (2, 3), (1, 2)])
def test_security_26_a_concatenation_that_makes_no_sense(tmp_path: Path, total: int, part: int) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, routes=WHOLE) as (_, smsc, client):
            octets = bytes((5, 0, 3, 7, total, part)) + b"hello"
            await refused(smsc, client, "ESME_RINVMSGLEN", esm_class=c.ESM_CLASS_UDHI, text=octets)

    run()


def part_of(reference: int, number: int, text: bytes) -> dict[str, Any]:
    header = udh.build([udh.concatenation_element(reference, 2, number, wide=True)])
    return {"esm_class": c.ESM_CLASS_UDHI, "short_message": header + text}


@journey
async def test_security_26_open_sets_of_a_client_are_capped(tmp_path: Path) -> None:
    async with bound(tmp_path, routes=WHOLE, of_account={"window": 1100}) as (gateway, smsc, client):
        client.session.use_settings(replace(client.session.settings, window=1100))
        requests = [
            SubmitSm(source_addr="1", destination_addr=DESTINATION, **part_of(n, 1, b"%d" % n))
            for n in range(1, 1002)
        ]
        answers = [await one for one in client.send_together(*requests)]
        assert {answer.command_status for answer in answers} == {c.ESME_ROK}
        # the 1,001st set pushes out the first one, which goes up without its other part
        _, alone = await smsc.request()
        assert udh.parse(alone.short_message)[1] == b"1"
        await client.submit(text=GOOD)
        assert (await smsc.request())[1].short_message == GOOD
        assert gateway.daemon.submission.open_messages >= 1000


@journey
async def test_security_27_the_same_reference_of_another_source_is_never_joined(tmp_path: Path) -> None:
    async with bound(tmp_path, routes=WHOLE) as (_, smsc, client):

        async def submit(sender: str, number: int, text: bytes) -> None:
            fields = part_of(7, number, text)
            await client.submit(
                text=fields["short_message"], esm_class=fields["esm_class"], source_addr=sender
            )

        await submit("1111", 1, b"m" * 140)
        await submit("2222", 2, b"y" * 140)
        await client.submit(text=GOOD)
        assert (await smsc.request())[1].short_message == GOOD
        await submit("1111", 2, b"n" * 140)
        found = [(await smsc.request())[1] for _ in range(2)]
        assert {pdu.source_addr for pdu in found} == {"1111"}
        text = b"".join(udh.parse(pdu.short_message)[1] for pdu in found)
        assert text == b"m" * 140 + b"n" * 140


def ports(destination: int) -> dict[str, Any]:
    header = udh.build([(0x05, destination.to_bytes(2, "big") + b"\x23\xf0")])
    return {"esm_class": c.ESM_CLASS_UDHI, "text": header + b"\x01\x06", "data_coding": 4}


SPECIAL: dict[str, tuple[str, dict[str, Any]]] = {
    "28 WAP push": ("wap_push", ports(2948)),
    "28 WAP push, secure": ("wap_push", ports(2949)),
    "28 WAP, connectionless": ("wap_push", ports(9200)),
    "28 the port in a TLV": ("wap_push", {"tlvs": ((tlv.DESTINATION_PORT, b"\x0b\x84"),)}),
    "29 silent": ("silent", {"protocol_id": 0x40}),
    "29 SIM download": ("class2", {"protocol_id": 0x7F, "data_coding": 0xF6}),
    "29 ME download": ("class2", {"protocol_id": 0x7D}),
    "29 class 2": ("class2", {"data_coding": 0xF2}),
    "29 class 2 of another group": ("class2", {"data_coding": 0x12}),
    "30 replace type 1": ("replace_types", {"protocol_id": 0x41}),
    "30 replace type 7": ("replace_types", {"protocol_id": 0x47}),
}


@pytest.mark.parametrize(("kind", "fields"), SPECIAL.values(), ids=SPECIAL)
def test_security_28_29_30_what_a_handset_obeys_is_refused(
    tmp_path: Path, kind: str, fields: dict[str, Any]
) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path) as (_, smsc, client):
            await refused(smsc, client, "ESME_RPROHIBITED", **fields)

    run()


@pytest.mark.parametrize(("kind", "fields"), SPECIAL.values(), ids=SPECIAL)
def test_security_28_29_30_and_passes_where_the_account_may(
    tmp_path: Path, kind: str, fields: dict[str, Any]
) -> None:
    @journey
    async def run() -> None:
        smpp = AccountSmpp(allow=[kind])  # type: ignore[list-item]
        async with bound(tmp_path, of_account={"smpp": smpp}) as (_, smsc, client):
            await client.submit(**fields)
            _, pdu = await smsc.request()
            assert pdu.protocol_id == fields.get("protocol_id", 0)
            assert pdu.data_coding == fields.get("data_coding", 0)

    run()


@pytest.mark.parametrize("sender", ["54321", "a\rb", "a\nBcc: x", "a\x1bb", "\x7f"])
def test_security_31_a_sender_that_is_not_the_accounts_or_unprintable(tmp_path: Path, sender: str) -> None:
    @journey
    async def run() -> None:
        listed = ["12345"] if sender == "54321" else []
        async with bound(tmp_path, of_account={"allowed_sources": listed}) as (_, smsc, client):
            await refused(smsc, client, "ESME_RINVSRCADR", source_addr=sender, source_addr_ton=5)

    run()


@pytest.mark.parametrize(
    "number", ["", "1", "7916abc0001", "7916120000112345", "+", "79001234567", "+79001234567"]
)
def test_security_32_a_destination_that_is_no_number_or_denied(tmp_path: Path, number: str) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, denied=("7900",)) as (_, smsc, client):
            await refused(smsc, client, "ESME_RINVDSTADR", destination=number, dest_addr_ton=1)

    run()


@journey
async def test_security_33_a_lone_surrogate_and_a_bad_escape_are_replaced_as_defined(tmp_path: Path) -> None:
    async with bound(tmp_path, data_coding_0="utf8") as (_, smsc, client):
        await client.submit(text=b"\xd8\x3d\x00a", data_coding=8)
        assert (await smsc.request())[1].short_message == b"\xff\xfd\x00a"
        await client.submit(text=b"\x00a\x00", data_coding=8)
        assert (await smsc.request())[1].short_message == b"\x00a\xff\xfd"
        await client.submit(text=b"a\x1b\x41b")  # an escape before what has no second meaning
        assert (await smsc.request())[1].short_message == b"aAb"
        await client.submit(text=b"a\x1b")
        assert (await smsc.request())[1].short_message == b"a "


@pytest.mark.parametrize(
    ("limit", "fields"),
    [
        (1, {"text": b"a" * 161}),
        (1, {"text": b"a" * 159 + b"\x1be"}),
        (1, {"text": b"\x04\x30" * 71, "data_coding": 8}),
        (2, {"text": b"", "tlvs": ((tlv.MESSAGE_PAYLOAD, b"a" * 307),)}),
        (254, {"text": b"", "tlvs": ((tlv.MESSAGE_PAYLOAD, b"a" * 40_000),)}),
    ],
    ids=["GSM", "an escape pair", "UCS-2", "payload", "more than there are"],
)
def test_security_34_more_than_the_allowed_segments_is_never_a_silent_cut(
    tmp_path: Path, limit: int, fields: dict[str, Any]
) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, of_account={"max_segments": limit}) as (_, smsc, client):
            await refused(smsc, client, "ESME_RINVMSGLEN", **fields)

    run()
