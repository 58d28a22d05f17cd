"""query_sm, cancel_sm and replace_sm of clients: about what waits, what the SMSC has, and what has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    UPSTREAM,
    Client,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
)
from server_support import client_of, scripted

from gateway.config.connector_model import TextPolicy
from gateway.config.model import Route
from gateway.config.smpp_model import AccountSmpp, AddressRule
from gateway.core.message_ids import format_id, parse_id
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    CancelSm,
    DeliverSm,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitSm,
    response_to,
)

SOURCE = "12345"
ALONE = config(connector(1))
LONG = ((tlv.MESSAGE_PAYLOAD, b"z" * 400),)  # three parts


async def query(client: Client, message_id: str, source: str = SOURCE) -> QuerySmResp:
    answer = await client.request(QuerySm(message_id=message_id, source_addr=source))
    assert isinstance(answer, QuerySmResp)
    return answer


async def cancel(client: Client, **fields: Any) -> str:
    answer = await client.request(CancelSm(**{"source_addr": SOURCE, **fields}))
    return c.status_name(answer.command_status)


async def replace(client: Client, message_id: str, text: bytes, **fields: Any) -> str:
    request = ReplaceSm(
        **{
            "message_id": message_id,
            "source_addr": SOURCE,
            "registered_delivery": 1,
            "short_message": text,
            **fields,
        }
    )
    answer = await client.request(request)
    return c.status_name(answer.command_status)


def receipt(upstream_id: str, word: str = "DELIVRD", error: str = "000") -> DeliverSm:
    text = f"id:{upstream_id} submit date:2701150800 done date:2701150801 stat:{word} err:{error}"
    return DeliverSm(
        source_addr=DESTINATION, destination_addr=SOURCE, esm_class=4, short_message=text.encode()
    )


# -- query_sm ------------------------------------------------------------------------------------------


@journey
async def test_what_waits_here_is_enroute(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        client = await gateway.client()
        message_id = await client.submit()
        answer = await query(client, message_id)
        assert (answer.command_status, answer.message_id, answer.message_state) == (0, message_id, c.ENROUTE)
        assert (answer.final_date, answer.error_code) == ("", 0)


@journey
async def test_what_waits_for_its_time_is_scheduled_to_a_session_of_smpp_5(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        old, new = await gateway.client(), await client_of(gateway, 0x50)
        message_id = await old.submit(schedule_delivery_time="000000010000000R")
        assert (await query(old, message_id)).message_state == c.ENROUTE
        assert (await query(new, message_id)).message_state == c.SCHEDULED
        gateway.clock.advance(3600)
        assert (await query(new, message_id)).message_state == c.ENROUTE


@journey
async def test_what_has_ended_is_told_with_its_date_and_error(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted")
        gateway.clock.advance(61.5)
        smsc.send(receipt("up-1", "UNDELIV", "027"))
        assert (await client.receipt()).state == c.UNDELIVERABLE
        answer = await query(client, message_id)
        assert (answer.message_state, answer.error_code) == (c.UNDELIVERABLE, 27)
        assert answer.final_date == "270115080101500+"


@pytest.mark.parametrize("form", ["decimal", "hex", "uuid"])
def test_an_id_may_be_written_in_any_form(tmp_path: Path, form: str) -> None:
    @journey
    async def run() -> None:
        async with running(ALONE, tmp_path) as gateway:
            client = await gateway.client()
            message_id = format_id(parse_id(await client.submit()), form)
            answer = await query(client, message_id)
            assert (answer.command_status, answer.message_id) == (c.ESME_ROK, message_id)

    run()


@journey
async def test_a_query_names_a_message_of_its_own_account_and_source(tmp_path: Path) -> None:
    accounts = [account(), account("other")]
    async with running(config(connector(1), accounts=accounts), tmp_path) as gateway:
        client, other = await gateway.client(), await gateway.client(system_id="other")
        message_id = await client.submit()
        statuses = [
            (await query(other, message_id)).command_status,
            (await query(client, str(int(message_id) + 1))).command_status,
            (await query(client, "no-id")).command_status,
            (await query(client, message_id, source="54321")).command_status,
        ]
        assert statuses == [c.ESME_RINVMSGID] * 3 + [c.ESME_RQUERYFAIL]


@journey
async def test_a_query_is_read_by_the_accounts_rule_for_numbers(tmp_path: Path) -> None:
    smpp = AccountSmpp(source=AddressRule(prefix="plus"))
    async with running(config(connector(1), accounts=[account(smpp=smpp)]), tmp_path) as gateway:
        client = await gateway.client()
        sender = {"source_addr": "79990000001", "source_addr_ton": 1}
        message_id = await client.submit(**sender)
        answer = await client.request(QuerySm(message_id=message_id, **sender))
        assert answer.command_status == c.ESME_ROK


@journey
async def test_the_smsc_is_asked_for_what_it_has_when_it_can_be(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["query_sm"]}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted")

        def answer(pdu: Pdu) -> Pdu:
            assert isinstance(pdu, QuerySm)
            assert (pdu.message_id, pdu.source_addr) == ("up-1", SOURCE)
            return QuerySmResp(
                sequence_number=pdu.sequence_number,
                message_id=pdu.message_id,
                message_state=c.ACCEPTED,
                final_date="270115100000012+",  # three hours east
                error_code=7,
            )

        smsc.answer = answer
        told = await query(client, message_id)
        assert (told.message_id, told.message_state, told.error_code) == (message_id, c.ACCEPTED, 7)
        assert told.final_date == "270115070000000+"


@journey
async def test_a_long_message_is_as_far_as_its_slowest_part(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["query_sm"]}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"", tlvs=LONG)
        await gateway.said("submitted", times=3)
        states = {"up-1": c.DELIVERED, "up-2": c.DELIVERED, "up-3": c.ENROUTE}

        def answer(pdu: Pdu) -> Pdu:
            assert isinstance(pdu, QuerySm)
            return QuerySmResp(
                sequence_number=pdu.sequence_number,
                message_id=pdu.message_id,
                message_state=states[pdu.message_id],
                error_code=states[pdu.message_id] == c.UNDELIVERABLE,
            )

        smsc.answer = answer
        assert (await query(client, message_id)).message_state == c.ENROUTE
        states["up-3"] = c.DELIVERED
        assert (await query(client, message_id)).message_state == c.DELIVERED
        states["up-2"] = c.UNDELIVERABLE
        failed = await query(client, message_id)
        assert (failed.message_state, failed.error_code) == (c.UNDELIVERABLE, 1)


@pytest.mark.parametrize("status", [c.ESME_RQUERYFAIL, None])
def test_an_smsc_that_cannot_say_leaves_a_message_enroute(tmp_path: Path, status: int | None) -> None:
    @journey
    async def run() -> None:
        async with scripted(tmp_path, link={"operations": ["query_sm"], "response_timeout_s": 5}) as (
            gateway,
            smsc,
        ):
            client = await gateway.client()
            message_id = await client.submit()
            await gateway.said("submitted")
            smsc.answer = lambda pdu: None if status is None else response_to(pdu, status)
            asked = client.send(QuerySm(message_id=message_id, source_addr=SOURCE))
            await gateway.until(lambda: smsc.of(QuerySm))
            if status is None:
                gateway.clock.advance(6)
            answer = await asked
            assert (answer.command_status, answer.message_state) == (c.ESME_ROK, c.ENROUTE)

    run()


@journey
async def test_an_smsc_without_query_sm_is_not_asked(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted")
        assert (await query(client, message_id)).message_state == c.ENROUTE
        assert await cancel(client, message_id=message_id) == "ESME_RCANCELFAIL"
        assert await replace(client, message_id, b"other") == "ESME_RREPLACEFAIL"
        assert [type(pdu) for pdu in smsc.got] == [SubmitSm]


# -- cancel_sm -----------------------------------------------------------------------------------------


@journey
async def test_what_waits_here_is_deleted_and_its_receipt_comes(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        client = await gateway.client()
        message_id = await client.submit()
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.DELETED)
        assert (await query(client, message_id)).message_state == c.DELETED
        assert await cancel(client, message_id=message_id) == "ESME_RCANCELFAIL"
        await gateway.emptied()


@journey
async def test_a_cancel_names_a_message_of_its_own_account_and_source(tmp_path: Path) -> None:
    accounts = [account(), account("other")]
    async with running(config(connector(1), accounts=accounts), tmp_path) as gateway:
        client, other = await gateway.client(), await gateway.client(system_id="other")
        message_id = await client.submit()
        assert await cancel(other, message_id=message_id) == "ESME_RINVMSGID"
        assert await cancel(client, message_id="junk") == "ESME_RINVMSGID"
        assert await cancel(client, message_id=message_id, source_addr="1") == "ESME_RCANCELFAIL"
        assert (await query(client, message_id)).message_state == c.ENROUTE


@journey
async def test_without_an_id_everything_to_a_number_is_cancelled(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        client = await gateway.client()
        ids = [await client.submit(), await client.submit(service_type="CMT")]
        kept = [await client.submit("79161200002"), await client.submit(source_addr="7")]
        group = {"destination_addr": "+" + DESTINATION, "dest_addr_ton": 1}
        assert await cancel(client, **group, service_type="VMA") == "ESME_RCANCELFAIL"
        assert await cancel(client, **group, service_type="CMT") == "ESME_ROK"
        assert (await client.receipt()).message_id == ids[1]
        assert await cancel(client, **group) == "ESME_ROK"
        assert (await client.receipt()).message_id == ids[0]
        assert (await query(client, kept[0])).message_state == c.ENROUTE
        assert (await query(client, kept[1], "7")).message_state == c.ENROUTE
        assert await cancel(client) == "ESME_RINVDSTADR"


@journey
async def test_what_the_smsc_has_is_cancelled_there_and_ends_by_its_answer(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["cancel_sm"]}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(service_type="CMT")
        await gateway.said("submitted")
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        (asked,) = smsc.of(CancelSm)
        assert (asked.message_id, asked.source_addr, asked.destination_addr, asked.service_type) == (
            "up-1",
            SOURCE,
            DESTINATION,
            "CMT",
        )
        receipt_ = await client.receipt()
        assert (receipt_.message_id, receipt_.state) == (message_id, c.DELETED)
        smsc.send(receipt("up-1", "DELETED"))  # and the SMSC says it too
        await gateway.until(lambda: smsc.answered)
        await gateway.emptied()
        assert client.deliveries.empty()


@journey
async def test_a_receipt_that_comes_before_the_answer_to_a_cancel_ends_the_message(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["cancel_sm"]}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted")

        def answer(pdu: Pdu) -> Pdu:
            smsc.send(receipt("up-1", "DELETED", "011"))
            return response_to(pdu)

        smsc.answer = answer
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        first = await client.receipt()
        assert (first.message_id, first.state) == (message_id, c.DELETED)
        await gateway.emptied()
        assert client.deliveries.empty()


@journey
async def test_a_long_message_is_cancelled_when_all_its_parts_are(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["cancel_sm"]}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"", tlvs=LONG)
        await gateway.said("submitted", times=3)
        gone = {"up-2"}
        smsc.answer = lambda pdu: response_to(
            pdu, c.ESME_RCANCELFAIL if getattr(pdu, "message_id", "") in gone else c.ESME_ROK
        )
        assert await cancel(client, message_id=message_id) == "ESME_RCANCELFAIL"
        assert gateway.states(message_id) != ["DELETED"]
        gone.clear()
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        assert (await client.receipt()).state == c.DELETED


@journey
async def test_a_message_of_more_parts_than_can_be_asked_for_at_once_is_cancelled_too(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["cancel_sm"], "window": 4}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"", tlvs=LONG)
        await gateway.said("submitted", times=3)
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        assert [pdu.message_id for pdu in smsc.of(CancelSm)] == ["up-1", "up-2", "up-3"]
        assert (await client.receipt()).state == c.DELETED


# -- replace_sm ----------------------------------------------------------------------------------------


@journey
async def test_what_waits_here_goes_up_with_the_new_text(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"old", schedule_delivery_time="000000010000000R")
        assert await replace(client, message_id, b"new " * 60) == "ESME_ROK"
        assert smsc.got == []
        gateway.clock.advance(3601)
        await gateway.said("submitted", times=2)
        assert b"".join(text[6:] for text in smsc.texts()) == b"new " * 60


@journey
async def test_where_long_texts_go_up_in_message_payload_the_new_one_does(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"long_messages": "payload"}) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"old", schedule_delivery_time="000000010000000R")
        assert await replace(client, message_id, b"new " * 60) == "ESME_ROK"
        gateway.clock.advance(3601)
        await gateway.said("submitted")
        assert [(it.user_data, it.pdu.esm_class) for it in smsc.received] == [(b"new " * 60, 0)]


@journey
async def test_a_replacement_may_change_the_time_and_keeps_it_otherwise(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"old", schedule_delivery_time="000001000000000R")
        sooner = {"schedule_delivery_time": "000000000100000R"}
        assert await replace(client, message_id, b"new", **sooner) == "ESME_ROK"
        gateway.clock.advance(61)
        await gateway.said("submitted")
        assert smsc.texts() == [b"new"]


@journey
async def test_a_replacement_is_written_by_the_policy_of_its_route(tmp_path: Path) -> None:
    routes = [Route(connectors=[UPSTREAM], text=TextPolicy(transliterate="typography"))]
    async with scripted(tmp_path, routes=routes) as (gateway, smsc):
        client = await gateway.client()
        later = {"schedule_delivery_time": "000000000100000R", "data_coding": 8}
        message_id = await client.submit(text="Да".encode("utf-16-be"), **later)
        assert await replace(client, message_id, "“No”".encode("utf-16-be")) == "ESME_ROK"
        gateway.clock.advance(61)
        await gateway.said("submitted")
        (up,) = smsc.of(SubmitSm)
        assert (up.short_message, up.data_coding) == (b'"No"', 0)


@journey
async def test_a_replacement_is_checked_like_a_message(tmp_path: Path) -> None:
    limits = [account(max_segments=2), account("other")]
    async with running(config(connector(1), accounts=limits), tmp_path) as gateway:
        client, other = await gateway.client(), await gateway.client(system_id="other")
        message_id = await client.submit(schedule_delivery_time="000000010000000R")
        answers = [
            await replace(client, message_id, b"", tlvs=LONG),
            await replace(client, message_id, b"x", schedule_delivery_time="tomorrow12345678"),
            await replace(client, message_id, b"x", validity_period="000000000000000R"),
            await replace(client, message_id, b"x", source_addr="1"),
            await replace(client, message_id, b"x", sm_default_msg_id=3),
            await replace(other, message_id, b"x"),
            await replace(client, "junk", b"x"),
        ]
        assert answers == [
            "ESME_RINVMSGLEN",
            "ESME_RINVSCHED",
            "ESME_RINVEXPIRY",
            "ESME_RREPLACEFAIL",
            "ESME_RINVDFTMSGID",
            "ESME_RINVMSGID",
            "ESME_RINVMSGID",
        ]


@journey
async def test_what_has_ended_cannot_be_replaced(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        client = await gateway.client()
        message_id = await client.submit()
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        assert await replace(client, message_id, b"new") == "ESME_RREPLACEFAIL"


@journey
async def test_a_replacement_can_ask_for_no_receipt(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        client = await gateway.client()
        message_id = await client.submit()
        assert await replace(client, message_id, b"new", registered_delivery=0) == "ESME_ROK"
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
        await gateway.emptied()
        assert client.deliveries.empty()


@journey
async def test_what_the_smsc_has_is_replaced_there_when_it_is_one_sms(tmp_path: Path) -> None:
    async with scripted(tmp_path, link={"operations": ["replace_sm"]}) as (gateway, smsc):
        client = await gateway.client()
        message_id, long = await client.submit(), await client.submit(text=b"z" * 200)
        await gateway.said("submitted", times=3)
        assert await replace(client, message_id, b"new") == "ESME_ROK"
        (asked,) = smsc.of(ReplaceSm)
        assert (asked.message_id, asked.source_addr, asked.short_message) == ("up-1", SOURCE, b"new")
        assert await replace(client, long, b"new") == "ESME_RREPLACEFAIL"
        assert await replace(client, message_id, b"z" * 200) == "ESME_RREPLACEFAIL"
        smsc.answer = lambda pdu: response_to(pdu, c.ESME_RREPLACEFAIL)
        assert await replace(client, message_id, b"newer") == "ESME_RREPLACEFAIL"
        assert len(smsc.of(ReplaceSm)) == 2


@journey
async def test_the_smsc_is_asked_with_the_numbers_and_the_text_that_it_knows(tmp_path: Path) -> None:
    link = {
        "operations": ["query_sm", "cancel_sm", "replace_sm"],
        "source": AddressRule(ton=1, npi=1, prefix="plus"),
        "destination": AddressRule(prefix="00"),
    }
    accounts = [account(data_coding_0="latin1")]
    async with scripted(tmp_path, link=link, accounts=accounts) as (gateway, smsc):
        client = await gateway.client()
        sender = {"source_addr": "79990000001", "source_addr_ton": 1}
        message_id = await client.submit(dest_addr_ton=1, **sender)
        await gateway.said("submitted")
        smsc.answer = lambda pdu: response_to(pdu, c.ESME_RSYSERR)
        await client.request(QuerySm(message_id=message_id, **sender))
        assert await replace(client, message_id, b"a@b", **sender) == "ESME_RREPLACEFAIL"
        assert await replace(client, message_id, b"\xd8 \xfe", **sender) == "ESME_RREPLACEFAIL"  # UCS-2
        assert await cancel(client, message_id=message_id, **sender) == "ESME_RCANCELFAIL"
        assert [pdu.source_addr for pdu in smsc.got] == ["+79990000001"] * 4
        assert [pdu.short_message for pdu in smsc.of(ReplaceSm)] == [b"a\x00b"]
        assert smsc.of(CancelSm)[0].destination_addr == "00" + DESTINATION


@journey
async def test_an_smsc_with_another_alphabet_is_asked_for_no_other_text(tmp_path: Path) -> None:
    link = {"operations": ["replace_sm"], "data_coding_0": "latin1"}
    async with scripted(tmp_path, link=link) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted")
        assert await replace(client, message_id, b"new") == "ESME_RREPLACEFAIL"
        assert smsc.of(ReplaceSm) == []


@journey
async def test_an_old_session_may_ask_too_and_hears_only_states_that_it_knows(tmp_path: Path) -> None:
    async with running(ALONE, tmp_path) as gateway:
        client = await client_of(gateway, 0x33)
        message_id = await client.submit()
        assert (await query(client, message_id)).message_state == c.ENROUTE
        assert await cancel(client, message_id=message_id) == "ESME_ROK"
