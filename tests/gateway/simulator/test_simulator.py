"""Binds, deliveries, delays and the other operations of the simulated SMSC, through our own Session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from simulator_support import bound, connect, play, submit

from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    GenericNack,
    QuerySm,
    SubmitMulti,
)
from protocols.smpp.state import State
from protocols.sms.receipts import parse_text


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [("esme", "pw", c.ESME_ROK), ("esme", "no", c.ESME_RINVPASWD), ("who", "pw", c.ESME_RINVSYSID)],
)
def test_bind_checks_what_the_settings_name(system_id: str, password: str, status: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await connect(simulator)
        response = await esme.request(BindTransceiver(system_id=system_id, password=password))
        assert response.command_status == status
        assert simulator.counters.binds == (status == c.ESME_ROK)
        assert simulator.counters.binds_refused == (status != c.ESME_ROK)

    play(scenario, system_id="esme", password="pw")


@pytest.mark.parametrize("version", [0x34, 0x50], ids=["3.4", "5.0"])
@pytest.mark.parametrize("bind", [BindTransmitter, BindReceiver, BindTransceiver])
def test_every_bind_of_both_versions_is_taken(bind: Any, version: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await connect(simulator)
        response = await esme.request(bind(system_id="esme", password="pw", interface_version=version))
        assert response.command_status == c.ESME_ROK
        if bind is not BindReceiver:
            answer = await esme.request(submit("15550001", registered_delivery=0))
            assert answer.command_status == c.ESME_ROK
        if bind is not BindTransmitter:
            simulator.deliver(DeliverSm(source_addr="15550001", short_message=b"hi"), "esme")
            assert (await esme.delivery()).short_message == b"hi"

    play(scenario)


def test_receipts_of_a_transmitter_go_to_the_receiver_of_its_system_id() -> None:
    async def scenario(simulator: Simulator) -> None:
        transmitter = await bound(simulator, BindTransmitter)
        stranger = await bound(simulator, BindReceiver, system_id="other")
        receiver = await bound(simulator, BindReceiver)
        response = await transmitter.request(submit("15550001"))
        delivery = await receiver.delivery()
        assert tlv.get(delivery.tlvs, tlv.RECEIPTED_MESSAGE_ID) == response.message_id.encode() + b"\0"
        assert (delivery.source_addr, delivery.destination_addr) == ("15550001", "12345")
        await stranger.fence()
        assert stranger.deliveries.empty()

    play(scenario)


def test_receipts_prefer_the_session_that_submitted() -> None:
    async def scenario(simulator: Simulator) -> None:
        sessions = [await bound(simulator) for _ in range(3)]
        for esme in sessions:
            await esme.request(submit("15550001"))
            await esme.delivery()
            await esme.fence()
        assert [esme.order.count("DeliverSm") for esme in sessions] == [1, 1, 1]

    play(scenario)


def test_receipts_before_the_response_overtake_it_on_another_connection() -> None:
    async def scenario(simulator: Simulator) -> None:
        transmitter = await bound(simulator, BindTransmitter)
        receiver = await bound(simulator, BindReceiver)
        response = transmitter.send(submit("15550001"))
        await receiver.delivery()
        assert not response.done()
        assert (await response).command_status == c.ESME_ROK

    play(scenario, receipt_before_response=True)


def test_receipts_wait_for_a_bind() -> None:
    async def scenario(simulator: Simulator) -> None:
        transmitter = await bound(simulator, BindTransmitter)
        for number in range(5):
            await transmitter.request(submit(f"1555000{number}"))
        await transmitter.unbind()
        receiver = await bound(simulator, BindReceiver)
        order = [(await receiver.delivery()).source_addr for _ in range(5)]
        assert order == [f"1555000{number}" for number in range(5)]

    play(scenario)


def test_waiting_receipts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.simulator.mailbox.MAX_WAITING", 2)

    async def scenario(simulator: Simulator) -> None:
        transmitter = await bound(simulator, BindTransmitter)
        for number in range(5):
            await transmitter.request(submit(f"1555000{number}"))
        assert simulator.counters.receipts_discarded == 3
        receiver = await bound(simulator, BindReceiver)
        assert [(await receiver.delivery()).source_addr for _ in range(2)] == ["15550003", "15550004"]

    play(scenario)


def test_unanswered_receipts_of_a_lost_connection_are_sent_again() -> None:
    async def scenario(simulator: Simulator) -> None:
        first = await bound(simulator)
        first.answers = [c.ESME_ROK, None, None]
        for number in range(3):
            await first.request(submit(f"1555000{number}"))
            await first.delivery()
        await first.fence()
        first.transport.abort()
        second = await bound(simulator)
        assert [(await second.delivery()).source_addr for _ in range(2)] == ["15550001", "15550002"]
        await simulator.wait_until(lambda: simulator.counters.receipts_acknowledged == 3)
        assert simulator.counters.receipts_retried == 2

    play(scenario)


def test_delivery_during_the_end_of_a_session_waits_for_the_next_bind() -> None:
    async def scenario(simulator: Simulator) -> None:
        first = await bound(simulator)
        [connection] = simulator._smsc.connections

        def deliver_once_unbound() -> bool:
            """Asked in the very turn in which the unbind is answered, before the connection is lost."""
            if connection.session.state is not State.UNBOUND:
                return False
            connection.session.state = State.CLOSED
            simulator.deliver(DeliverSm(source_addr="15550009"), "esme")
            return connection.alive

        waiting = asyncio.create_task(simulator.wait_until(deliver_once_unbound))
        await first.fence()
        await first.unbind()
        await waiting
        second = await bound(simulator)
        assert (await second.delivery()).source_addr == "15550009"

    play(scenario)


@pytest.mark.parametrize("status", [c.ESME_RX_T_APPN, c.ESME_RTHROTTLED, c.ESME_RMSGQFUL, c.ESME_RSYSERR])
def test_temporary_refusal_brings_the_receipt_again(status: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        esme.answers = [status, status]
        await esme.request(submit("15550001"))
        deliveries = [await esme.delivery() for _ in range(3)]
        assert len({delivery.short_message for delivery in deliveries}) == 1
        await simulator.wait_until(lambda: simulator.counters.receipts_acknowledged == 1)
        assert simulator.counters.receipts_retried == 2

    play(scenario)


def test_permanent_refusal_ends_the_receipt() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        esme.answers = [c.ESME_RX_R_APPN]
        await esme.request(submit("15550001"))
        await esme.delivery()
        await simulator.wait_until(lambda: simulator.counters.receipts_refused == 1)
        await esme.fence()
        assert esme.deliveries.empty()

    play(scenario)


def test_deliveries_keep_to_the_window() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        esme.answers = [None] * 3
        for number in range(6):
            await esme.request(submit(f"1555000{number}"))
        await esme.fence()
        assert esme.deliveries.qsize() == 3
        esme.session.respond(DeliverSmResp(sequence_number=esme.deliveries.get_nowait().sequence_number))
        esme.write()
        for _ in range(5):  # the one free slot is enough, as these are answered
            await esme.delivery()

    play(scenario, window=3)


@pytest.mark.parametrize(
    ("registered_delivery", "destination", "receipts"),
    [
        (0, "15550001", 0),
        (1, "15550001", 1),
        (1, "155599002", 1),
        (2, "15550001", 0),
        (2, "155599002", 1),
        (3, "15550001", 1),
        (3, "155599002", 0),
    ],
)
def test_registered_delivery_decides_on_receipts(
    registered_delivery: int, destination: str, receipts: int
) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit(destination, registered_delivery=registered_delivery))
        await esme.fence()
        assert esme.deliveries.qsize() == receipts

    play(scenario)


@pytest.mark.parametrize(
    ("receipts_from", "text", "tlvs"), [("both", True, True), ("text", True, False), ("tlv", False, True)]
)
def test_receipts_from(receipts_from: str, text: bool, tlvs: bool) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("155599002"))
        delivery = await esme.delivery()
        receipt = parse_text(delivery.short_message)
        assert (receipt is not None, bool(delivery.tlvs)) == (text, tlvs)
        if receipt is not None:
            assert (receipt.id, receipt.stat, receipt.error) == (response.message_id, "UNDELIV", "001")
            assert (receipt.sub, receipt.dlvrd, receipt.text) == (1, 0, "hello")
        if tlvs:
            assert tlv.get(delivery.tlvs, tlv.MESSAGE_STATE) == bytes((c.UNDELIVERABLE,))
            assert tlv.get(delivery.tlvs, tlv.NETWORK_ERROR_CODE) == b"\x03\x00\x01"

    play(scenario, receipts_from=receipts_from)


def test_id_format_holds_in_response_and_receipt() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response = await esme.request(submit("15550001"))
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None
        assert int(response.message_id) == int(receipt.id, 16)

    play(scenario, id_format="decimal_resp_hex_receipt")


def test_delays_hold_and_keep_the_order() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        begin = esme.now()
        answers = [esme.send(submit(f"1555000{number}")) for number in range(3)]
        await esme.fence()
        assert not any(answer.done() for answer in answers)
        for _ in answers:
            await esme.delivery()
        assert esme.now() - begin >= 0.04
        assert esme.order[1:] == ["SubmitSmResp"] * 3 + ["DeliverSm"] * 3

    play(scenario, resp_delay_ms=20, receipt_delay_ms=20)


def test_late_receipt_waits_longer_than_the_others() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("155599103"))
        await esme.request(submit("15550001"))
        assert [(await esme.delivery()).source_addr for _ in range(2)] == ["15550001", "155599103"]

    play(scenario)


def test_drop_every_closes_on_the_nth_submit_and_answers_those_before() -> None:
    async def scenario(simulator: Simulator) -> None:
        for _ in range(2):
            esme = await bound(simulator)
            answers = [esme.send(submit(f"1555000{number}")) for number in range(8)]
            async with asyncio.timeout(60):
                await esme.closed
            assert [answer.done() for answer in answers] == [True, True, False, False] + [False] * 4
        assert (simulator.counters.drops, simulator.counters.accepted) == (2, 4)
        assert [message.status for message in simulator.received] == [0, 0, None] * 2

    play(scenario, drop_every=3)


def test_drop_is_no_reset_that_overtakes_the_answers() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await connect(simulator, window=5000)
        await esme.request(BindTransceiver(system_id="esme"))
        # More than one read of the simulator takes, so that input is unread when it drops the connection.
        answers = [esme.send(submit("15550001", b"x" * 200)) for _ in range(5000)]
        async with asyncio.timeout(60):
            assert await esme.closed is None
        assert [answer.done() for answer in answers[:3]] == [True, True, False]

    play(scenario, drop_every=3)


def test_received_tells_what_arrived() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        udh = b"\x05\x00\x03\x2a\x02\x01"
        await esme.request(submit("15550001", udh + b"part", esm_class=0x40))
        await esme.request(
            submit("15550002", b"", data_coding=8, tlvs=((tlv.MESSAGE_PAYLOAD, b"\0a" * 300),))
        )
        await esme.request(DataSm(destination_addr="15550003", tlvs=((tlv.MESSAGE_PAYLOAD, b"data"),)))
        await esme.request(submit("155599011"))
        first, second, third, refused = simulator.received
        assert (first.source, first.destination, first.system_id) == ("12345", "15550001", "esme")
        assert (first.udh, first.text, first.esm_class) == (udh, b"part", 0x40)
        assert (second.udh, second.text, second.data_coding) == (b"", b"\0a" * 300, 8)
        assert (third.text, third.status) == (b"data", c.ESME_ROK)
        assert (refused.status, refused.message_id) == (c.ESME_RINVDSTADR, "")
        assert (simulator.counters.submitted, simulator.counters.accepted) == (4, 3)

    play(scenario)


def test_header_longer_than_the_data_is_no_header() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("15550001", b"\xffshort", esm_class=0x40))
        assert (simulator.received[0].udh, simulator.received[0].text) == (b"", b"\xffshort")

    play(scenario)


def test_kept_messages_are_bounded() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        ids = [(await esme.request(submit(f"1555000{number}"))).message_id for number in range(5)]
        assert [message.destination for message in simulator.received] == ["15550003", "15550004"]
        old = await esme.request(QuerySm(message_id=ids[2], source_addr="12345"))
        new = await esme.request(QuerySm(message_id=ids[3], source_addr="12345"))
        assert (old.command_status, new.command_status) == (c.ESME_RQUERYFAIL, c.ESME_ROK)

    play(scenario, keep=2)


def test_unserved_request_gets_a_generic_nack_and_the_session_goes_on() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        for request in (SubmitMulti(source_addr="12345"), QuerySm(message_id="1")):
            response = await esme.request(request)
            assert (type(response), response.command_status) == (GenericNack, c.ESME_RINVCMDID)
        assert (await esme.request(submit("15550001"))).command_status == c.ESME_ROK
        assert (await esme.request(CancelSm(message_id="1"))).command_status == c.ESME_RCANCELFAIL

    play(scenario, without="submit_multi, query_sm")


def test_tests_can_send_messages_down_and_cut_connections() -> None:
    async def scenario(simulator: Simulator) -> None:
        simulator.deliver(DeliverSm(source_addr="15550001", short_message=b"hi"), "esme")
        esme = await bound(simulator)
        assert (await esme.delivery()).short_message == b"hi"
        assert simulator.connections == 1
        simulator.drop_connections()
        async with asyncio.timeout(60):
            await esme.closed
        await simulator.wait_until(lambda: simulator.connections == 0)

    play(scenario)


def test_waiting_for_what_never_comes_ends() -> None:
    async def scenario(simulator: Simulator) -> None:
        with pytest.raises(TimeoutError):
            await simulator.wait_until(lambda: False, timeout_s=0.01)

    play(scenario)


def test_on_received_sees_each_submit() -> None:
    seen: list[str] = []

    async def scenario(simulator: Simulator) -> None:
        simulator.on_received = lambda message: seen.append(message.destination)
        esme = await bound(simulator)
        await esme.request(submit("15550001"))
        await esme.request(submit("155599011"))

    play(scenario)
    assert seen == ["15550001", "155599011"]
