"""What clients send by data_sm and submit_multi, and how full the gateway says it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import DESTINATION, UPSTREAM, account, config, connector, journey, read_receipt, running
from server_support import client_of, scripted

from gateway.config.connector_model import VendorTlv
from gateway.config.model import Route
from gateway.config.smpp_model import AccountSmpp, NumberList
from gateway.core.message_ids import lowest_id_at
from gateway.ingress.smpp_listener import CONGESTION_FOR_S
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    CancelSm,
    DataSm,
    DeliverSm,
    DistributionList,
    QuerySm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    UnsuccessSme,
)
from protocols.sms import udh

NUMBERS = ("79161200001", "79161200002", "79161200003")
SOURCE = "12345"


def sme(number: str) -> SmeAddress:
    return SmeAddress(1, 1, number)


def multi(*destinations: SmeAddress | DistributionList, **fields: Any) -> SubmitMulti:
    return SubmitMulti(
        **{
            "source_addr": SOURCE,
            "dest_addresses": destinations,
            "registered_delivery": 1,
            "short_message": b"to all",
            **fields,
        }
    )


# -- data_sm -------------------------------------------------------------------------------------------


@journey
async def test_a_data_sm_is_a_message_like_any_other(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        request = DataSm(
            source_addr=SOURCE,
            destination_addr=DESTINATION,
            registered_delivery=1,
            tlvs=((tlv.MESSAGE_PAYLOAD, b"by data_sm"), (tlv.USER_MESSAGE_REFERENCE, b"\1\2")),
        )
        response = await client.request(request)
        assert (response.command_id, response.command_status) == (c.DATA_SM_RESP, c.ESME_ROK)
        await gateway.said("submitted")
        (up,) = smsc.of(SubmitSm)
        assert (up.source_addr, up.destination_addr, up.short_message) == (SOURCE, DESTINATION, b"by data_sm")
        assert tlv.get(up.tlvs, tlv.USER_MESSAGE_REFERENCE) == b"\1\2"
        smsc.send(_receipt("up-1", DESTINATION))
        assert (await client.receipt()).message_id == response.message_id


@journey
async def test_a_long_data_sm_goes_up_in_parts(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        text = b"0123456789" * 50
        request = DataSm(
            source_addr=SOURCE, destination_addr=DESTINATION, tlvs=((tlv.MESSAGE_PAYLOAD, text),)
        )
        assert (await client.request(request)).command_status == c.ESME_ROK
        await gateway.said("submitted", times=4)
        assert b"".join(udh.parse(part)[1] for part in smsc.texts()) == text


@journey
async def test_a_data_sm_is_refused_like_a_submit_sm(tmp_path: Path) -> None:
    async with running(config(connector(1), accounts=[account(max_open=1)]), tmp_path) as gateway:
        client = await gateway.client()
        payload = ((tlv.MESSAGE_PAYLOAD, b"x"),)
        requests = [
            DataSm(source_addr=SOURCE, destination_addr="x", tlvs=payload),
            DataSm(source_addr=SOURCE, destination_addr=DESTINATION, tlvs=payload),
            DataSm(source_addr=SOURCE, destination_addr=DESTINATION, tlvs=payload),
        ]
        answers = [(await client.request(one)).command_status for one in requests]
        assert answers == [c.ESME_RINVDSTADR, c.ESME_ROK, c.ESME_RMSGQFUL]


# -- submit_multi --------------------------------------------------------------------------------------


@journey
async def test_a_submit_multi_is_a_message_for_each_number_and_receipts_bear_its_one_id(
    tmp_path: Path,
) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        response = await client.request(multi(*(sme(number) for number in NUMBERS)))
        assert (response.command_status, response.unsuccess_smes) == (c.ESME_ROK, ())
        await gateway.said("submitted", times=3)
        assert [up.destination_addr for up in smsc.of(SubmitSm)] == list(NUMBERS)
        assert set(smsc.texts()) == {b"to all"}
        for n, number in enumerate(NUMBERS, 1):
            smsc.send(_receipt(f"up-{n}", number))
        receipts = [await client.delivery() for _ in NUMBERS]
        assert [(read_receipt(one).message_id, one.source_addr) for one in receipts] == [
            (response.message_id, number) for number in NUMBERS
        ]
        await gateway.emptied()


@journey
async def test_destinations_that_are_refused_are_named_and_the_others_get_their_message(
    tmp_path: Path,
) -> None:
    routes = [Route(prefix="7916", connectors=[UPSTREAM])]
    async with scripted(tmp_path, routes=routes) as (gateway, smsc):
        client = await gateway.client()
        refused = (sme("88213000001"), SmeAddress(5, 0, "name"), DistributionList("all"))
        request = multi(*refused, sme(NUMBERS[0]))
        response = await client.request(request)
        assert response.command_status == c.ESME_ROK
        assert response.unsuccess_smes == (
            UnsuccessSme(0, 0, "all", c.ESME_RINVDLNAME),
            UnsuccessSme(1, 1, "88213000001", c.ESME_RINVDSTADR),
            UnsuccessSme(5, 0, "name", c.ESME_RINVDSTADR),
        )
        await gateway.said("submitted")
        smsc.send(_receipt("up-1", NUMBERS[0]))
        assert (await client.receipt()).message_id == response.message_id
        assert len(smsc.got) == 1


@journey
async def test_a_distribution_list_is_its_numbers(tmp_path: Path) -> None:
    smpp = AccountSmpp(lists=[NumberList(name="staff", numbers=NUMBERS[:2])])
    async with scripted(tmp_path, accounts=[account(smpp=smpp)]) as (gateway, smsc):
        client = await gateway.client()
        response = await client.request(multi(sme(NUMBERS[2]), DistributionList("staff")))
        assert (response.command_status, response.unsuccess_smes) == (c.ESME_ROK, ())
        await gateway.said("submitted", times=3)
        assert {up.destination_addr for up in smsc.of(SubmitSm)} == set(NUMBERS)


@journey
async def test_a_submit_multi_that_nobody_gets_has_an_error(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await gateway.client()
        answers = [
            await client.request(multi(DistributionList("a"), DistributionList("b"))),
            await client.request(multi(DistributionList("a"), sme("x"))),
            await client.request(multi()),
            await client.request(multi(*[sme(NUMBERS[0])] * 255)),
            await client.request(multi(sme(NUMBERS[0]), validity_period="x" * 16)),
        ]
        assert [answer.command_status for answer in answers] == [
            c.ESME_RINVDLNAME,
            c.ESME_RSUBMITFAIL,
            c.ESME_RINVNUMDESTS,
            c.ESME_RINVNUMDESTS,
            c.ESME_RINVEXPIRY,
        ]
        assert [len(answer.unsuccess_smes) for answer in answers] == [2, 2, 0, 0, 1]
        assert not gateway.daemon.submission.open_messages


@journey
async def test_a_session_of_smpp_5_may_name_one_destination_more(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await client_of(gateway, 0x50)
        response = await client.request(multi(*[sme(NUMBERS[0])] * 255))
        assert response.command_status == c.ESME_ROK
        assert gateway.daemon.submission.open_messages == 255


@journey
async def test_the_first_message_of_a_submit_multi_can_be_asked_for_and_cancelled(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await gateway.client()
        response = await client.request(multi(*(sme(number) for number in NUMBERS)))
        one = {"message_id": response.message_id, "source_addr": SOURCE}
        assert (await client.request(QuerySm(**one))).message_state == c.ENROUTE
        assert (await client.request(CancelSm(**one))).command_status == c.ESME_ROK
        assert (await client.delivery()).source_addr == NUMBERS[0]
        by_number = CancelSm(source_addr=SOURCE, dest_addr_ton=1, destination_addr=NUMBERS[1])
        assert (await client.request(by_number)).command_status == c.ESME_ROK
        delivery = await client.delivery()
        assert (read_receipt(delivery).message_id, delivery.source_addr) == (response.message_id, NUMBERS[1])


@journey
async def test_receipts_bear_the_first_id_though_the_millisecond_has_no_more_of_them(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await gateway.client()
        gateway.daemon.submission.ids._last = lowest_id_at(gateway.clock.now_ms()) + 0xFFFD
        response = await client.request(multi(*(sme(number) for number in NUMBERS)))
        for number in NUMBERS:
            by_number = CancelSm(source_addr=SOURCE, dest_addr_ton=1, destination_addr=number)
            assert (await client.request(by_number)).command_status == c.ESME_ROK
            assert (await client.receipt()).message_id == response.message_id


@journey
async def test_places_that_run_out_within_a_submit_multi_are_told_for_each_number(tmp_path: Path) -> None:
    async with running(config(connector(1), accounts=[account(max_open=2)]), tmp_path) as gateway:
        client = await gateway.client()
        response = await client.request(multi(*(sme(number) for number in NUMBERS)))
        assert response.command_status == c.ESME_ROK
        assert response.unsuccess_smes == (UnsuccessSme(1, 1, NUMBERS[2], c.ESME_RMSGQFUL),)


# -- congestion_state ----------------------------------------------------------------------------------


def _congestion(response: Any) -> int | None:
    value = tlv.get(response.tlvs, tlv.CONGESTION_STATE)
    return None if value is None else value[0]


@journey
async def test_a_session_of_smpp_5_hears_how_full_the_queue_is(tmp_path: Path) -> None:
    accounts = [account(max_open=20)]
    async with running(config(connector(1), accounts=accounts), tmp_path) as gateway:
        client = await client_of(gateway, 0x50)
        submit = SubmitSm(source_addr=SOURCE, destination_addr=DESTINATION, short_message=b"x")
        data = DataSm(source_addr=SOURCE, destination_addr=DESTINATION, tlvs=((tlv.MESSAGE_PAYLOAD, b"x"),))
        assert _congestion(await client.request(submit)) == 5
        assert _congestion(await client.request(data)) == 5, "it is worked out a few times each second"
        gateway.clock.advance(CONGESTION_FOR_S)
        assert _congestion(await client.request(data)) == 15
        for _ in range(17):
            await client.request(submit)
        gateway.clock.advance(CONGESTION_FOR_S)
        refused = await client.request(submit)
        assert refused.command_status == c.ESME_RMSGQFUL


@journey
async def test_the_fuller_of_the_accounts_places_and_the_gateways_counts(tmp_path: Path) -> None:
    async with running(config(connector(1), max_messages=4), tmp_path) as gateway:
        client = await client_of(gateway, 0x50)
        submit = SubmitSm(source_addr=SOURCE, destination_addr=DESTINATION, short_message=b"x")
        assert _congestion(await client.request(submit)) == 25


@pytest.mark.parametrize("version", [0x33, 0x34])
def test_other_sessions_hear_nothing_of_it(tmp_path: Path, version: int) -> None:
    @journey
    async def run() -> None:
        async with running(config(connector(1)), tmp_path) as gateway:
            client = await client_of(gateway, version)
            submit = SubmitSm(source_addr=SOURCE, destination_addr=DESTINATION, short_message=b"x")
            assert (await client.request(submit)).tlvs == ()

    run()


def _receipt(upstream_id: str, number: str) -> DeliverSm:
    text = f"id:{upstream_id} submit date:2701150800 done date:2701150801 stat:DELIVRD err:000"
    return DeliverSm(source_addr=number, destination_addr=SOURCE, esm_class=4, short_message=text.encode())


# -- TLVs that the configuration names -------------------------------------------------------------------


@journey
async def test_a_value_that_is_not_as_the_configuration_says_is_refused(tmp_path: Path) -> None:
    known = VendorTlv(name="charging_id", tag="0x1400", max_octets=2)
    async with running(replace(config(connector(1)), vendor_tlvs=[known]), tmp_path) as gateway:
        client = await gateway.client()
        assert await client.status_of_submit(tlvs=((0x1400, b"ab"),)) == "ESME_ROK"
        assert await client.status_of_submit(tlvs=((0x1400, b"abc"),)) == "ESME_RINVOPTPARAMVAL"
