"""query_sm, cancel_sm, replace_sm, replace_if_present_flag and scheduled delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simulator_support import bound, play, submit

from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import CancelSm, QuerySm, ReplaceSm
from protocols.smpp.times import format_absolute
from protocols.sms.receipts import parse_text

LATER = {"receipt_delay_ms": 3_600_000.0}  # pending as long as a test lasts
TOMORROW = "000001000000000R"
A_MOMENT = "000000000001000R"


def absolute(hours: int) -> str:
    return format_absolute(datetime.now(UTC) + timedelta(hours=hours))


def test_query_tells_the_final_state() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("155599003", registered_delivery=0))
        answer = await esme.request(QuerySm(message_id=response.message_id, source_addr="12345"))
        assert (answer.command_status, answer.message_state) == (c.ESME_ROK, c.EXPIRED)
        assert answer.message_id == response.message_id
        assert len(answer.final_date) == 16

    play(scenario)


def test_query_of_a_pending_message_says_enroute() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        answer = await esme.request(QuerySm(message_id=response.message_id, source_addr="12345"))
        assert (answer.message_state, answer.final_date) == (c.ENROUTE, "")

    play(scenario, **LATER)


def test_cancel_deletes_a_pending_message_and_its_receipt_says_so() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("155599103"))
        cancel = CancelSm(message_id=response.message_id, source_addr="12345")
        assert (await esme.request(cancel)).command_status == c.ESME_ROK
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and receipt.stat == "DELETED"
        assert (await esme.request(cancel)).command_status == c.ESME_RCANCELFAIL

    play(scenario)


def test_replace_changes_a_pending_message() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        replace = ReplaceSm(message_id=response.message_id, source_addr="12345", short_message=b"better")
        assert (await esme.request(replace)).command_status == c.ESME_ROK
        assert simulator.received[0].text == b"better"

    play(scenario, **LATER)


@pytest.mark.parametrize(
    ("request_class", "status"),
    [
        (QuerySm, c.ESME_RQUERYFAIL),
        (CancelSm, c.ESME_RCANCELFAIL),
        (ReplaceSm, c.ESME_RREPLACEFAIL),
    ],
)
def test_other_peoples_messages_cannot_be_named(request_class: Any, status: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        owner = await bound(simulator)
        stranger = await bound(simulator, system_id="other")
        message_id = (await owner.request(submit("15550001"))).message_id
        wrong = [
            await stranger.request(request_class(message_id=message_id, source_addr="12345")),
            await owner.request(request_class(message_id=message_id, source_addr="54321")),
            await owner.request(request_class(message_id="nothing", source_addr="12345")),
        ]
        assert [answer.command_status for answer in wrong] == [status] * 3

    play(scenario, **LATER)


def test_final_messages_cannot_be_replaced() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        replace = ReplaceSm(message_id=response.message_id, source_addr="12345", short_message=b"better")
        assert (await esme.request(replace)).command_status == c.ESME_RREPLACEFAIL

    play(scenario)


@pytest.mark.parametrize(
    ("request_class", "status"),
    [
        (QuerySm, c.ESME_RINVMSGID),
        (ReplaceSm, c.ESME_RINVMSGID),
        (CancelSm, c.ESME_RCANCELFAIL),
    ],
)
def test_an_id_is_needed(request_class: Any, status: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        answer = await esme.request(request_class(source_addr="12345"))
        assert answer.command_status == status

    play(scenario)


def test_query_tells_the_error_of_what_failed() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        for destination, error in (("155599002", 1), ("15550001", 0)):
            response = await esme.request(submit(destination))
            answer = await esme.request(QuerySm(message_id=response.message_id, source_addr="12345"))
            assert answer.error_code == error

    play(scenario)


def test_cancel_tells_the_sender_at_once_and_the_message_is_over() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        asked = await esme.request(submit("15550001"))
        silent = await esme.request(submit("15550002", registered_delivery=0))
        for response in (asked, silent):
            await esme.request(CancelSm(message_id=response.message_id, source_addr="12345"))
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and (receipt.id, receipt.stat) == (asked.message_id, "DELETED")
        await esme.fence()
        assert esme.deliveries.empty()
        answer = await esme.request(QuerySm(message_id=silent.message_id, source_addr="12345"))
        assert answer.message_state == c.DELETED and answer.final_date

    play(scenario, **LATER)


def test_a_cancelled_message_has_one_receipt_when_its_time_comes_too() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("155599103", b"cancelled"))
        await esme.request(CancelSm(message_id=response.message_id, source_addr="12345"))
        await esme.request(submit("155599103", b"delivered"))  # due after it
        words = [parse_text((await esme.delivery()).short_message) for _ in range(2)]
        assert [receipt and receipt.stat for receipt in words] == ["DELETED", "DELIVRD"]
        await esme.fence()
        assert esme.deliveries.empty()

    play(scenario)


def test_cancel_without_an_id_ends_what_has_the_same_addresses_and_service_type() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        stranger = await bound(simulator, system_id="other")
        wanted = {"service_type": "CMT"}
        ids = [(await esme.request(submit("15550001", **wanted))).message_id for _ in range(2)]
        await stranger.request(submit("15550001", **wanted))
        await esme.request(submit("15550001", service_type=""))
        await esme.request(submit("15550002", **wanted))
        await esme.request(submit("15550001", source_addr="54321", **wanted))
        cancel = CancelSm(service_type="CMT", source_addr="12345", destination_addr="15550001")
        assert (await esme.request(cancel)).command_status == c.ESME_ROK
        states = [message.state(esme.now()) for message in simulator.received]
        assert states == [c.DELETED, c.DELETED] + [c.ENROUTE] * 4
        receipts = [parse_text((await esme.delivery()).short_message) for _ in range(2)]
        assert [receipt and receipt.id for receipt in receipts] == ids
        assert (await esme.request(cancel)).command_status == c.ESME_RCANCELFAIL

    play(scenario, **LATER)


def test_cancel_of_another_destination_than_the_messages_fails() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        cancel = CancelSm(message_id=response.message_id, source_addr="12345", destination_addr="15550002")
        assert (await esme.request(cancel)).command_status == c.ESME_RCANCELFAIL
        cancel.destination_addr = "15550001"
        assert (await esme.request(cancel)).command_status == c.ESME_ROK

    play(scenario, **LATER)


def test_replace_changes_text_receipt_and_time() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=0x50)
        response = await esme.request(submit("15550001", schedule_delivery_time=TOMORROW))
        replace = ReplaceSm(
            message_id=response.message_id,
            source_addr="12345",
            schedule_delivery_time=A_MOMENT,
            registered_delivery=0,
            tlvs=((tlv.MESSAGE_PAYLOAD, b"better"),),
        )
        assert (await esme.request(replace)).command_status == c.ESME_ROK
        [message] = simulator.received
        assert (message.text, message.pdu.registered_delivery) == (b"better", 0)
        assert esme.now() < message.final_at < esme.now() + 1.1
        query = QuerySm(message_id=response.message_id, source_addr="12345")
        assert (await esme.request(query)).message_state == c.SCHEDULED

    play(scenario)


@pytest.mark.parametrize(
    ("field", "status"),
    [("schedule_delivery_time", c.ESME_RINVSCHED), ("validity_period", c.ESME_RINVEXPIRY)],
)
def test_replace_with_what_is_no_time_is_refused(field: str, status: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        values: dict[str, Any] = {field: "soon"}
        replace = ReplaceSm(message_id=response.message_id, source_addr="12345", **values)
        assert (await esme.request(replace)).command_status == status
        assert simulator.received[0].text == b"hello"

    play(scenario, **LATER)


@pytest.mark.parametrize(("version", "state"), [(0x34, c.ENROUTE), (0x50, c.SCHEDULED)])
@pytest.mark.parametrize("schedule", [TOMORROW, absolute(24)], ids=["relative", "absolute"])
def test_a_message_for_later_waits(schedule: str, version: int, state: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=version)
        response = await esme.request(submit("15550001", schedule_delivery_time=schedule))
        answer = await esme.request(QuerySm(message_id=response.message_id, source_addr="12345"))
        assert (answer.message_state, answer.final_date) == (state, "")
        await esme.fence()
        assert esme.deliveries.empty()

    play(scenario)


def test_a_message_for_later_is_delivered_then() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        begin = esme.now()
        await esme.request(submit("15550001", schedule_delivery_time=A_MOMENT))
        await esme.delivery()
        assert esme.now() - begin > 0.9

    play(scenario)


def test_a_message_for_an_hour_ago_is_delivered_at_once() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("15550001", schedule_delivery_time=absolute(-1)))
        await esme.fence()
        assert esme.deliveries.qsize() == 1

    play(scenario)


def test_a_submit_for_a_time_that_is_none_is_refused() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001", schedule_delivery_time="tomorrow"))
        assert response.command_status == c.ESME_RINVSCHED
        assert (simulator.counters.accepted, simulator.counters.refused) == (0, 1)

    play(scenario)


def test_a_message_expires_when_its_validity_ends_first() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("15550001", validity_period=absolute(-1)))
        await esme.request(submit("15550002", validity_period=absolute(24)))
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and receipt.stat == "EXPIRED"
        assert simulator.received[1].state(esme.now()) == c.ENROUTE

    play(scenario, receipt_delay_ms=48 * 3_600_000.0)


def test_replace_if_present_takes_the_place_of_the_same_that_waits() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        old = await esme.request(submit("15550001", b"old"))
        other = await esme.request(submit("15550002", b"other"))
        new = await esme.request(submit("15550001", b"new", replace_if_present_flag=1))
        assert len({old.message_id, other.message_id, new.message_id}) == 3
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and (receipt.id, receipt.stat) == (old.message_id, "DELETED")
        states = [message.state(esme.now()) for message in simulator.received]
        assert states == [c.DELETED, c.ENROUTE, c.ENROUTE]

    play(scenario, **LATER)


def test_replace_can_end_a_messages_validity() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        replace = ReplaceSm(
            message_id=response.message_id,
            source_addr="12345",
            validity_period=absolute(-1),
            registered_delivery=1,
            short_message=b"late",
        )
        assert (await esme.request(replace)).command_status == c.ESME_ROK
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and (receipt.stat, receipt.text) == ("EXPIRED", "late")
        assert (await esme.request(replace)).command_status == c.ESME_RREPLACEFAIL

    play(scenario, **LATER)
