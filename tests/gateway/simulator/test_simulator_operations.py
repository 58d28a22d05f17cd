"""submit_multi and broadcasts."""

from __future__ import annotations

from typing import Any

import pytest
from simulator_support import bound, play

from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    BroadcastSm,
    CancelBroadcastSm,
    CancelSm,
    DistributionList,
    QueryBroadcastSm,
    SmeAddress,
    SubmitMulti,
    UnsuccessSme,
)
from protocols.sms.receipts import parse_text

LATER = {"receipt_delay_ms": 3_600_000.0}


def multi(*destinations: str, **fields: Any) -> SubmitMulti:
    addresses = tuple(SmeAddress(1, 1, destination) for destination in destinations)
    values = {
        "source_addr": "12345",
        "registered_delivery": 1,
        "short_message": b"all",
        "dest_addresses": addresses,
        **fields,
    }
    return SubmitMulti(**values)


def test_each_destination_of_submit_multi_has_its_result() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(multi("15550001", "155599011", "155599002", "155599058"))
        assert response.command_status == c.ESME_ROK
        assert response.unsuccess_smes == (
            UnsuccessSme(1, 1, "155599011", c.ESME_RINVDSTADR),
            UnsuccessSme(1, 1, "155599058", c.ESME_RTHROTTLED),
        )
        pdus = [await esme.delivery() for _ in range(2)]
        receipts = [parse_text(pdu.short_message) for pdu in pdus]
        assert [
            (pdu.source_addr, receipt and receipt.stat) for pdu, receipt in zip(pdus, receipts, strict=True)
        ] == [
            ("15550001", "DELIVRD"),
            ("155599002", "UNDELIV"),
        ]
        assert all(receipt and receipt.id == response.message_id for receipt in receipts)
        await esme.fence()
        assert esme.deliveries.empty()
        assert [(message.destination, message.status) for message in simulator.received] == [
            ("155599011", c.ESME_RINVDSTADR),
            ("155599058", c.ESME_RTHROTTLED),
            ("15550001", c.ESME_ROK),
            ("155599002", c.ESME_ROK),
        ]

    play(scenario)


def test_receipts_of_submit_multi_come_after_its_response() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(multi("15550001", "15550002"))
        await esme.delivery()
        assert esme.order[1:3] == ["SubmitMultiResp", "DeliverSm"]

    play(scenario)


@pytest.mark.parametrize(
    ("addresses", "status", "failed"),
    [
        ((), c.ESME_RINVNUMDESTS, ()),
        (
            (SmeAddress(1, 1, "155599011"),),
            c.ESME_RSUBMITFAIL,
            (UnsuccessSme(1, 1, "155599011", c.ESME_RINVDSTADR),),
        ),
        ((DistributionList("all"),), c.ESME_RSUBMITFAIL, (UnsuccessSme(0, 0, "all", c.ESME_RINVDLNAME),)),
    ],
)
def test_submit_multi_that_reaches_nobody_fails(
    addresses: tuple[Any, ...], status: int, failed: tuple[UnsuccessSme, ...]
) -> None:
    async def scenario(simulator: Simulator) -> None:
        response = await (await bound(simulator)).request(multi(dest_addresses=addresses))
        assert (response.command_status, response.unsuccess_smes) == (status, failed)
        assert (simulator.counters.accepted, simulator.counters.refused) == (0, 1)

    play(scenario)


def test_submit_multi_with_a_silent_destination_is_not_answered() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        answer = esme.send(multi("15550001", "155599100"))
        await esme.fence()
        assert not answer.done() and esme.deliveries.empty()

    play(scenario)


def test_cancel_ends_all_messages_of_a_submit_multi() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(multi("15550001", "15550002"))
        cancel = CancelSm(message_id=response.message_id, source_addr="12345")
        assert (await esme.request(cancel)).command_status == c.ESME_ROK
        receipts = [await esme.delivery() for _ in range(2)]
        assert [receipt.source_addr for receipt in receipts] == ["15550001", "15550002"]
        assert {message.final_state for message in simulator.received} == {c.DELETED}

    play(scenario, **LATER)


# --- broadcasts ---

AREAS = ((tlv.BROADCAST_AREA_IDENTIFIER, b"\0north"), (tlv.BROADCAST_AREA_IDENTIFIER, b"\0south"))
MANDATORY = (
    *AREAS,
    (tlv.BROADCAST_CONTENT_TYPE, b"\0\0\1"),
    (tlv.BROADCAST_REP_NUM, b"\0\1"),
    (tlv.BROADCAST_FREQUENCY_INTERVAL, b"\x08\0\1"),
)


def broadcast(**fields: Any) -> BroadcastSm:
    return BroadcastSm(**{"source_addr": "12345", "tlvs": MANDATORY, **fields})


@pytest.mark.parametrize(("settings", "state", "success"), [({}, b"\2", b"\x64"), (LATER, b"\1", b"\0")])
def test_a_broadcast_is_taken_and_its_state_can_be_asked(
    settings: dict[str, float], state: bytes, success: bytes
) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=0x50)
        response = await esme.request(broadcast())
        assert response.command_status == c.ESME_ROK and response.message_id
        answer = await esme.request(QueryBroadcastSm(message_id=response.message_id, source_addr="12345"))
        assert (answer.command_status, answer.message_id) == (c.ESME_ROK, response.message_id)
        assert answer.tlvs == (
            (tlv.MESSAGE_STATE, state),
            AREAS[0],
            (tlv.BROADCAST_AREA_SUCCESS, success),
            AREAS[1],
            (tlv.BROADCAST_AREA_SUCCESS, success),
        )

    play(scenario, **settings)


@pytest.mark.parametrize("missing", sorted({tag for tag, _ in MANDATORY}), ids=tlv.name)
def test_a_broadcast_without_a_mandatory_tlv_is_refused(missing: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=0x50)
        response = await esme.request(broadcast(tlvs=tuple(pair for pair in MANDATORY if pair[0] != missing)))
        assert response.command_status == c.ESME_RMISSINGTLV

    play(scenario)


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "by source and service_type"])
def test_a_broadcast_is_cancelled_once(by_id: bool) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=0x50)
        message_id = (await esme.request(broadcast(service_type="CBS"))).message_id
        cancel = CancelBroadcastSm(source_addr="12345", service_type="CBS")
        if by_id:
            cancel.message_id = message_id
        assert (await esme.request(cancel)).command_status == c.ESME_ROK
        answer = await esme.request(QueryBroadcastSm(message_id=message_id, source_addr="12345"))
        assert tlv.get(answer.tlvs, tlv.MESSAGE_STATE) == bytes((c.DELETED,))
        assert (await esme.request(cancel)).command_status == c.ESME_RBCASTCANCELFAIL

    play(scenario, **LATER)


def test_a_broadcast_takes_the_place_of_one_that_lasts() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=0x50)
        first = await esme.request(broadcast())
        again = broadcast(message_id=first.message_id, replace_if_present_flag=1)
        assert (await esme.request(again)).message_id == first.message_id
        again.message_id = "nothing"
        assert (await esme.request(again)).command_status == c.ESME_RBCASTFAIL

    play(scenario, **LATER)


def test_other_peoples_broadcasts_cannot_be_named() -> None:
    async def scenario(simulator: Simulator) -> None:
        owner = await bound(simulator, version=0x50)
        stranger = await bound(simulator, system_id="other", version=0x50)
        message_id = (await owner.request(broadcast())).message_id
        query = await stranger.request(QueryBroadcastSm(message_id=message_id, source_addr="12345"))
        cancel = await stranger.request(CancelBroadcastSm(message_id=message_id, source_addr="12345"))
        assert (query.command_status, cancel.command_status) == (
            c.ESME_RBCASTQUERYFAIL,
            c.ESME_RBCASTCANCELFAIL,
        )

    play(scenario, **LATER)


def test_broadcasts_are_of_version_50() -> None:
    async def scenario(simulator: Simulator) -> None:
        response = await (await bound(simulator)).request(broadcast())
        assert response.command_status == c.ESME_RINVCMDID

    play(scenario)


def test_submit_multi_for_a_time_that_is_none_is_refused() -> None:
    async def scenario(simulator: Simulator) -> None:
        response = await (await bound(simulator)).request(multi("15550001", schedule_delivery_time="soon"))
        assert (response.command_status, response.message_id) == (c.ESME_RINVSCHED, "")
        assert simulator.counters.accepted == 0

    play(scenario)
