"""SMSCs that differ, from the client's submit to what their side sees, and the other way round."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    UPSTREAM,
    Client,
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
)
from scripted_smsc import ScriptedSmsc, SmscConnection, scripted_smsc

from gateway.config.smpp_model import AccountSmpp, AddressRule
from gateway.ops.status import status_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm, SubmitSm, SubmitSmResp
from protocols.sms import udh

OURS = "12345"
THEIRS = "79161234567"


@asynccontextmanager
async def bound(
    tmp_path: Path, smpp: AccountSmpp | None = None, **fields: Any
) -> AsyncIterator[tuple[Gateway, ScriptedSmsc, Client]]:
    async with scripted_smsc() as smsc:
        fields = {"incoming_account": "app", **fields}
        made = config(connector(smsc.port, **fields), accounts=[account(smpp=smpp or AccountSmpp())])
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            yield gateway, smsc, await gateway.client()


def incoming(text: bytes, **fields: Any) -> DeliverSm:
    return DeliverSm(**{"source_addr": THEIRS, "destination_addr": OURS, "short_message": text, **fields})


# -- up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "octet"), [("3.3", 0x33), ("3.4", 0x34), ("5.0", 0x50)])
def test_the_version_is_told_in_the_bind_and_3_3_gets_no_tlvs(
    tmp_path: Path, version: str, octet: int
) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, interface_version=version, long_messages="sar") as (_, smsc, client):
            bind = smsc.connections[0].bind
            assert bind is not None
            assert bind.interface_version == octet
            payload = ((tlv.MESSAGE_PAYLOAD, b"x" * 300), (tlv.SOURCE_PORT, b"\1\2"))
            await client.submit(text=b"", tlvs=payload)
            parts = [(await smsc.request())[1] for _ in range(2)]
            if version == "3.3":
                assert all(pdu.tlvs == () and pdu.esm_class == c.ESM_CLASS_UDHI for pdu in parts)
                assert b"".join(udh.parse(pdu.short_message)[1] for pdu in parts) == b"x" * 300
            else:
                assert all(tlv.get(pdu.tlvs, tlv.SAR_TOTAL_SEGMENTS) == b"\2" for pdu in parts)

    run()


@journey
async def test_without_tlvs_a_text_that_would_go_up_whole_goes_up_in_parts(tmp_path: Path) -> None:
    async with bound(tmp_path, tlvs=False, long_messages="payload") as (gateway, smsc, client):
        await client.submit(text=b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 300),))
        parts = [(await smsc.request())[1] for _ in range(2)]
        assert [udh.concatenation(udh.parse(pdu.short_message)[0]) is not None for pdu in parts] == [True] * 2
        assert not gateway.lines_with("unsendable")


@journey
async def test_quirks_46_and_50_alphabet_and_numbers_are_the_smscs(tmp_path: Path) -> None:
    rules = {
        "source": AddressRule(ton=3, npi=0),
        "destination": AddressRule(ton=1, npi=1, prefix="plus"),
    }
    async with bound(tmp_path, data_coding_0="latin1", **rules) as (_, smsc, client):
        await client.submit(text=b"\x05\x00", destination="79161200001")
        _, pdu = await smsc.request()
        assert (pdu.short_message, pdu.data_coding) == ("é@".encode("latin-1"), 0)
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (3, 0, OURS)
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, "+79161200001")


@journey
async def test_quirk_49_question_marks_are_counted(tmp_path: Path) -> None:
    async with bound(tmp_path, data_coding_0="latin1") as (gateway, smsc, client):
        await client.submit(text=b"\x1be" + b"x" * 80)
        _, pdu = await smsc.request()
        assert pdu.short_message == b"?" + b"x" * 80
        (row,) = status_of(gateway.daemon)["connectors"]
        assert row["approximated"] == 1


@journey
async def test_wishes_of_the_client_go_up(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, smsc, client):
        await client.submit(replace_if_present_flag=1, registered_delivery=0x1D, service_type="CMT")
        _, pdu = await smsc.request()
        assert (pdu.replace_if_present_flag, pdu.registered_delivery, pdu.sm_default_msg_id) == (1, 0x1D, 0)
        await client.submit(text=b"", sm_default_msg_id=9)
        _, pdu = await smsc.request()
        assert (pdu.sm_default_msg_id, pdu.short_message) == (9, b"")


# -- down ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "octets", "data_coding", "expected"),
    [
        ({"data_coding_0": "latin1"}, b"\xe9@", 0, (b"\x05\x00", 0)),
        ({"data_coding_0": "utf8"}, "тест".encode(), 0, ("тест".encode("utf-16-be"), 8)),
        ({"data_coding_0": "ucs2"}, "тест".encode("utf-16-be"), 0, ("тест".encode("utf-16-be"), 8)),
        ({"data_coding_0": "gsm7_packed"}, bytes.fromhex("E8329BFD06"), 0, (b"hello", 0)),
        ({"ucs2_order": "little"}, "тест".encode("utf-16-le"), 8, ("тест".encode("utf-16-be"), 8)),
    ],
)
def test_quirk_47_an_incoming_text_comes_down_in_standard_form(
    tmp_path: Path, fields: dict[str, Any], octets: bytes, data_coding: int, expected: tuple[bytes, int]
) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, **fields) as (_, smsc, client):
            await smsc.connections[0].request(incoming(octets, data_coding=data_coding))
            down = await client.delivery()
            assert (down.short_message, down.data_coding) == expected

    run()


def by_header(text: bytes, part: int, *, wide: bool = False, reference: int = 7, **fields: Any) -> DeliverSm:
    """A part of three, whose concatenation is not the first element of its header."""
    header = udh.build([(0x70, b"\0"), udh.concatenation_element(reference, 3, part, wide)])
    return incoming(header + text, esm_class=c.ESM_CLASS_UDHI, **fields)


def by_tlvs(text: bytes, part: int) -> DeliverSm:
    return incoming(
        text,
        tlvs=(
            (tlv.SAR_MSG_REF_NUM, b"\0\7"),
            (tlv.SAR_TOTAL_SEGMENTS, b"\3"),
            (tlv.SAR_SEGMENT_SEQNUM, bytes((part,))),
        ),
    )


def by_payload(text: bytes, part: int) -> DeliverSm:
    pdu = by_header(text, part)
    return incoming(b"", esm_class=pdu.esm_class, tlvs=((tlv.MESSAGE_PAYLOAD, pdu.short_message),))


def by_wide_header(text: bytes, part: int) -> DeliverSm:
    return by_header(text, part, wide=True)


def by_both(text: bytes, part: int) -> DeliverSm:
    pdu = by_header(text, part)
    pdu.tlvs = by_tlvs(b"", part).tlvs
    return pdu


WHOLE = AccountSmpp(whole_incoming=True)


@pytest.mark.parametrize("make", [by_header, by_wide_header, by_tlvs, by_payload, by_both])
def test_quirks_26_to_28_a_long_incoming_sms_comes_down_whole(tmp_path: Path, make: Any) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, WHOLE) as (_, smsc, client):
            (connection,) = smsc.connections
            for part, text in ((3, b"third"), (1, b"first "), (2, b"second ")):
                response = await connection.request(make(text, part))
                assert response.command_status == c.ESME_ROK
            down = await client.delivery()
            assert down.short_message.endswith(b"first second third")
            if down.esm_class & c.ESM_CLASS_UDHI:
                assert udh.parse(down.short_message) == ([(0x70, b"\0")], b"first second third")
            assert tlv.get(down.tlvs, tlv.SAR_TOTAL_SEGMENTS) is None
            assert client.deliveries.empty()

    run()


@journey
async def test_quirk_28_parts_of_another_sender_or_another_kind_are_never_joined(tmp_path: Path) -> None:
    async with bound(tmp_path, WHOLE) as (_, smsc, client):
        (connection,) = smsc.connections
        for pdu in (
            by_header(b"a", 1),
            by_header(b"b", 2, source_addr="79167654321"),
            by_header(b"c", 3, wide=True),
            by_tlvs(b"d", 2),
            by_header(b"e", 3, reference=8),
        ):
            await connection.request(pdu)
        await connection.request(incoming(b"whole"))
        assert (await client.delivery()).short_message == b"whole"
        for part, text in ((2, b"b"), (3, b"c")):
            await connection.request(by_header(text, part))
        assert (await client.delivery()).short_message.endswith(b"abc")


@journey
async def test_an_account_that_does_not_want_it_gets_the_parts(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, smsc, client):
        (connection,) = smsc.connections
        await connection.request(by_header(b"b", 2))
        down = await client.delivery()
        assert down.short_message == by_header(b"b", 2).short_message


# -- receipts -----------------------------------------------------------------------------------------


def receipt_text(stat: str, upstream_id: str = "T1") -> bytes:
    return f"id:{upstream_id} submit date:2506151500 done date:2506151501 stat:{stat} err:000 text:".encode()


async def sent(smsc: ScriptedSmsc, client: Client, **fields: Any) -> tuple[SmscConnection, str]:
    message_id = await client.submit(**fields)
    connection, _ = await smsc.request(SubmitSm)
    return connection, message_id


@journey
async def test_quirk_08_notices_go_down_to_who_asked_and_end_nothing(tmp_path: Path) -> None:
    async with bound(tmp_path) as (gateway, smsc, client):
        connection, message_id = await sent(smsc, client, registered_delivery=0x1D)
        named = (tlv.RECEIPTED_MESSAGE_ID, b"T1\0")
        notices = [
            DeliverSm(esm_class=0x20, short_message=receipt_text("ENROUTE")),
            DeliverSm(esm_class=0x08, tlvs=(named,)),
            DeliverSm(esm_class=0x10, short_message=b"I have read it", tlvs=(named,)),
        ]
        for pdu, esm_class in zip(notices, (0x20, 0x08, 0x10), strict=True):
            assert (await connection.request(pdu)).command_status == c.ESME_ROK
            down = await client.delivery()
            assert down.esm_class == esm_class
            assert (tlv.get(down.tlvs, tlv.RECEIPTED_MESSAGE_ID) or b"").rstrip(b"\0").decode() == message_id
        assert down.short_message == b"I have read it"
        assert gateway.states(message_id) == ["SENT"]
        await connection.request(DeliverSm(esm_class=4, short_message=receipt_text("DELIVRD")))
        assert (await client.receipt()).state == c.DELIVERED


@journey
async def test_what_a_receipt_says_in_tlvs_of_its_own_goes_down(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, smsc, client):
        connection, _ = await sent(smsc, client)
        vendor = ((0x1403, b"\1\2"), (tlv.DPF_RESULT, b"\1"))
        await connection.request(DeliverSm(esm_class=4, short_message=receipt_text("DELIVRD"), tlvs=vendor))
        down = await client.delivery()
        assert [tlv.get(down.tlvs, tag) for tag, _ in vendor] == [value for _, value in vendor]
        assert (tlv.get(down.tlvs, tlv.MESSAGE_STATE), down.esm_class) == (b"\2", 4)


@journey
async def test_quirks_12_and_08_a_receipt_by_data_sm_behind_a_header(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, smsc, client):
        connection, message_id = await sent(smsc, client)
        payload = udh.build([(0x70, b"\0")]) + receipt_text("UNDELIV")
        await connection.request(DataSm(esm_class=0x44, tlvs=((tlv.MESSAGE_PAYLOAD, payload),)))
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.UNDELIVERABLE)


@pytest.mark.parametrize(
    ("form", "response_id", "receipt_id", "matches"),
    [
        ("auto", "255", "FF", True),
        ("hex_to_dec", "255", "FF", True),
        ("hex_to_dec", "255", "255", False),
        ("dec_to_hex", "ff", "255", True),
        ("same", "0255", "255", True),
        ("same", "255", "FF", False),
    ],
)
def test_quirk_01_the_form_of_ids_may_be_configured(
    tmp_path: Path, form: str, response_id: str, receipt_id: str, matches: bool
) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, id_form=form) as (gateway, smsc, client):
            smsc.answer = lambda pdu: SubmitSmResp(message_id=response_id)
            connection, message_id = await sent(smsc, client)
            await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].submitted == 1)
            text = receipt_text("DELIVRD", receipt_id)
            await connection.request(DeliverSm(esm_class=4, short_message=text, source_addr=DESTINATION))
            book = gateway.daemon.receipts[UPSTREAM]
            await gateway.until(lambda: book.matched + book.unmatched == 1)
            assert book.matched == int(matches)
            if matches:
                assert (await client.receipt()).message_id == message_id

    run()
