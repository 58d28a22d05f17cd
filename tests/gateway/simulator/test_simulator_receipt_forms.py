"""Receipts in each of the forms, and what comes beside them: notices, acknowledgements, alerts."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest
from simulator_support import Esme, bound, play, running, submit

from gateway.simulator import Simulator
from gateway.simulator.outcomes import MAGIC
from gateway.simulator.receipt_forms import FORMS, RECEIPT_FORMS
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm, SubmitSmResp
from protocols.sms.receipts import parse_text

# name -> what the text of the receipt matches, the id put in for ID
TEXTS = {
    "plain": r"id:ID sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:hello",
    "no_counts": r"id:ID submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:hello",
    "no_text": r"id:ID sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000",
    "no_dates": r"id:ID sub:001 dlvrd:001 stat:DELIVRD err:000 text:hello",
    "no_err": r"id:ID sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD text:hello",
    "short": r"id:ID stat:DELIVRD",
    "other_order": r"Stat:DELIVRD Err:000 submit date:\d{10} done date:\d{10} ID:ID Text:hello",
    "dates_12": r"id:ID .*submit date:2\d{11} done date:2\d{11} stat.*",
    "dates_14": r"id:ID .*submit date:20\d{12} done date:20\d{12} stat.*",
    "dates_zero": r"id:ID .*submit date:0{10} done date:0{10} stat.*",
    "dates_epoch": r"id:ID .*submit date:[1-9]\d{9} done date:[1-9]\d{9} stat.*",
    "long_words": r"id:ID .*stat:DELIVERED err:000.*",
    "stat_0": r"id:ID .*stat:0 err:000.*",
    "hlr": r"id:ID stat:DELIVRD err:000 imsi:\d+ msc:1555\d+ mcc:250 mnc:01 cn:Russian\+Federation net:\S+"
    r" rcn: rnet:",
    "nul_after": r"id:ID .*stat:DELIVRD err:000 text:hello\0",
}
ESM_CLASSES = {"esm_class_00": 0x00, "esm_class_08": 0x08, "esm_class_20": 0x20, "udh": 0x44}


async def one(esme: Esme, destination: str, **fields: Any) -> tuple[str, DeliverSm | DataSm]:
    """The id of a submit, and the receipt of it."""
    response = await esme.request(submit(destination, **fields))
    return response.message_id, await esme.delivery()


def receipt_in(name: str, **fields: Any) -> tuple[str, Any]:
    """What `receipt_form` makes of one delivered message."""

    async def run() -> tuple[str, Any]:
        async with running(receipt_form=name) as simulator:
            return await one(await bound(simulator), "15550001", **fields)

    return asyncio.run(run())


@pytest.mark.parametrize("name", RECEIPT_FORMS)
def test_each_form_tells_the_id_and_keeps_to_its_text(name: str) -> None:
    message_id, pdu = receipt_in(name)
    octets = tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD)
    assert (octets is not None) == FORMS[name].in_payload
    text = octets or pdu.short_message
    if name == "udh":
        assert text[:7] == bytes.fromhex("0605040b8423f0")
        text = text[7:]
    if name == "ucs2":
        text = text.decode("utf-16-be").encode()
    pattern = TEXTS.get(name, TEXTS["plain"]).replace("ID", message_id, 1)
    if name == "other_order":
        pattern = pattern.replace(message_id + ":ID", "ID:" + message_id)
    assert re.fullmatch(pattern, text.decode("latin-1"), re.DOTALL)
    assert pdu.esm_class == ESM_CLASSES.get(name, 0x04)
    assert pdu.data_coding == (8 if name == "ucs2" else 0)
    nul = b"" if name == "no_nul" else b"\0"
    assert tlv.get(pdu.tlvs, tlv.RECEIPTED_MESSAGE_ID) == message_id.encode() + nul
    assert isinstance(pdu, DataSm) == (name == "data_sm")


@pytest.mark.parametrize("name", ["vendor_tlvs", "hlr"])
def test_the_services_own_tlvs(name: str) -> None:
    _, pdu = receipt_in(name)
    assert [pair for pair in pdu.tlvs if pair[0] >= 0x1400] == [
        (0x2000, b"1.2345"),
        (0x2001, b"\0\1"),
        (0x2002, b"\0\1"),
    ]


def test_dates_are_now() -> None:
    _, pdu = receipt_in("dates_epoch")
    receipt = parse_text(pdu.short_message)
    assert receipt is not None
    assert abs(int(receipt.done_date) - time.time()) < 5


@pytest.mark.parametrize(
    ("code", "name"), [(code, MAGIC[code].receipt_form) for code in MAGIC if "99500" < code < "99600"]
)
def test_each_form_has_its_magic_destination(code: str, name: str) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        _, magic = await one(esme, f"1555{code}")
        _, plain = await one(esme, "15550001")
        shape = (type(magic), magic.esm_class, magic.data_coding, len(magic.tlvs))
        form = FORMS[name]
        tlvs = 2 + form.in_payload + 3 * form.vendor_tlvs
        assert shape == (DataSm if form.by_data_sm else DeliverSm, form.esm_class, 8 * form.ucs2, tlvs)
        assert plain.esm_class == 0x04 and len(plain.tlvs) == 2

    play(scenario)


def test_forms_keep_to_what_receipts_from_says() -> None:
    async def scenario(simulator: Simulator) -> None:
        _, pdu = await one(await bound(simulator), "155599002")
        assert pdu.tlvs == ()
        receipt = parse_text(pdu.short_message)  # type: ignore[union-attr]
        assert receipt is not None and (receipt.stat, receipt.error) == ("UNDELIVERABLE", "001")

    play(scenario, receipt_form="long_words", receipts_from="text")


def test_a_session_of_version_33_gets_no_tlvs() -> None:
    async def scenario(simulator: Simulator) -> None:
        for destination in ("15550001", "155599520"):
            _, pdu = await one(await bound(simulator, version=0x33), destination)
            assert pdu.tlvs == ()

    play(scenario)


# --- notices and acknowledgements ---


def test_an_intermediate_notification_comes_before_the_receipt() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001", registered_delivery=0x11))
        notice, final = await esme.delivery(), await esme.delivery()
        assert [pdu.esm_class for pdu in (notice, final)] == [0x20, 0x04]
        assert [tlv.get(pdu.tlvs, tlv.MESSAGE_STATE) for pdu in (notice, final)] == [b"\1", b"\2"]
        receipt = parse_text(notice.short_message)
        assert receipt is not None
        assert (receipt.id, receipt.stat, receipt.error) == (response.message_id, "ENROUTE", "000")
        assert esme.order[1] == SubmitSmResp.__name__

    play(scenario)


def test_an_intermediate_notification_does_not_wait_for_the_end() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("15550001", registered_delivery=0x10))
        assert (await esme.delivery()).esm_class == 0x20

    play(scenario, receipt_delay_ms=3_600_000.0)


@pytest.mark.parametrize(
    ("registered_delivery", "classes"),
    [(0x04, [0x08]), (0x08, [0x10]), (0x0C, [0x08, 0x10]), (0x0D, [0x04, 0x08, 0x10]), (0x01, [0x04])],
)
def test_the_subscriber_acknowledges_what_registered_delivery_asks(
    registered_delivery: int, classes: list[int]
) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001", registered_delivery=registered_delivery))
        await esme.fence()
        pdus = [esme.deliveries.get_nowait() for _ in range(esme.deliveries.qsize())]
        assert [pdu.esm_class for pdu in pdus] == classes
        named = response.message_id.encode() + b"\0"
        assert all(tlv.get(pdu.tlvs, tlv.RECEIPTED_MESSAGE_ID) == named for pdu in pdus)
        assert all(pdu.source_addr == "15550001" for pdu in pdus)
        manual = [tlv.get(pdu.tlvs, tlv.USER_RESPONSE_CODE) for pdu in pdus if pdu.esm_class == 0x10]
        assert manual == [b"\1"] * len(manual)

    play(scenario)


def test_nobody_acknowledges_what_was_not_delivered() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("155599002", registered_delivery=0x0C))
        await esme.fence()
        assert esme.deliveries.empty()

    play(scenario)


# --- set_dpf and alert_notification ---

SET_DPF = ((tlv.SET_DPF, b"\1"),)


def test_an_absent_subscriber_is_told_of_when_set_dpf_asks() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("155599130", tlvs=SET_DPF))
        assert tlv.get(response.tlvs, tlv.DPF_RESULT) == b"\1"
        assert simulator.received[0].state(esme.now()) == c.ENROUTE
        alert = await esme.call()
        assert (alert.source_addr, alert.esme_addr) == ("155599130", "12345")
        assert tlv.get(alert.tlvs, tlv.MS_AVAILABILITY_STATUS) == b"\0"
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and receipt.stat == "DELIVRD"

    play(scenario)


def test_set_dpf_is_not_needed_for_one_who_is_there() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001", tlvs=SET_DPF))
        assert tlv.get(response.tlvs, tlv.DPF_RESULT) == b"\0"
        silent = await esme.request(submit("155599130", registered_delivery=0))
        assert silent.tlvs == ()
        await simulator.wait_until(lambda: simulator.received[1].state(esme.now()) == c.DELIVERED)
        await esme.fence()
        assert esme.calls.empty()

    play(scenario)


def test_an_alert_on_demand() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("155599131"))
        alert = await esme.call()
        assert alert.source_addr == "155599131"
        assert simulator.alert(alert, "esme")
        assert await esme.call() == alert
        assert not simulator.alert(alert, "nobody")

    play(scenario)
