"""What comes down: receipts as the account wishes, notices, alerts, sessions of other versions, windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    Client,
    Gateway,
    account,
    config,
    connector,
    journey,
    read_receipt,
    running,
)
from server_support import client_of, scripted

from gateway.config.smpp_model import AccountSmpp
from gateway.core.pauses import Pause
from gateway.ingress import smpp_operations
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.errors import InvalidState
from protocols.smpp.events import Answered
from protocols.smpp.pdu import (
    AlertNotification,
    BindReceiver,
    BindTransmitter,
    BroadcastSm,
    BroadcastSmResp,
    CancelBroadcastSm,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    QueryBroadcastSm,
    QueryBroadcastSmResp,
    response_to,
)
from protocols.sms import udh
from protocols.sms.receipts import parse_text

SOURCE = "12345"


def receipt(upstream_id: str, word: str = "DELIVRD", esm_class: int = 4, **fields: Any) -> DeliverSm:
    text = f"id:{upstream_id} submit date:2701150800 done date:2701150801 stat:{word} err:000"
    return DeliverSm(
        **{
            "source_addr": DESTINATION,
            "destination_addr": SOURCE,
            "esm_class": esm_class,
            "short_message": text.encode(),
            **fields,
        }
    )


def wishing(**wishes: Any) -> dict[str, Any]:
    return {"accounts": [account(smpp=AccountSmpp(**wishes))]}


async def sent(gateway: Gateway, client: Client, **fields: Any) -> str:
    """A message that the SMSC has."""
    message_id = await client.submit(**fields)
    await gateway.said("submitted", message_id)
    return message_id


async def put_off(gateway: Gateway) -> None:
    """The gateway knows that the client cannot take a delivery now."""
    await gateway.until(lambda: gateway.daemon.outlets["app"]._delayed)


# -- what the account wishes ----------------------------------------------------------------------------


@journey
async def test_receipts_come_by_text_alone_with_the_class_that_was_wished(tmp_path: Path) -> None:
    wishes = wishing(receipt_style="text", receipt_esm_class=0)
    async with scripted(tmp_path, **wishes) as (gateway, smsc):
        client = await gateway.client()
        message_id = await sent(gateway, client)
        smsc.send(receipt("up-1"))
        pdu = await client.delivery()
        text = parse_text(pdu.short_message)
        assert text is not None
        assert (text.id, text.state, pdu.tlvs, pdu.esm_class) == (message_id, c.DELIVERED, (), 0)
        await gateway.emptied()


@journey
async def test_receipts_come_by_tlvs_alone(tmp_path: Path) -> None:
    async with scripted(tmp_path, **wishing(receipt_style="tlv")) as (gateway, smsc):
        client = await gateway.client()
        message_id = await sent(gateway, client)
        smsc.send(receipt("up-1"))
        pdu = await client.delivery()
        assert pdu.short_message == b""
        assert dict(pdu.tlvs) == {
            tlv.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0",
            tlv.MESSAGE_STATE: bytes((c.DELIVERED,)),
        }


class DataClient:
    """Takes data_sm too."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.got: list[DataSm] = []
        client.data_received = self.data_received  # type: ignore[method-assign]

    def data_received(self, data: bytes) -> None:
        session = self.client.session
        for event in session.receive_data(data, 0.0):
            if isinstance(event, DataSm):
                self.got.append(event)
                status = self.client.answers.pop(0) if self.client.answers else c.ESME_ROK
                if status is not None:
                    session.respond(DataSmResp(sequence_number=event.sequence_number, command_status=status))
            elif isinstance(event, Answered):
                event.context.set_result(event.response)  # type: ignore[attr-defined]
        self.client.write()


@journey
async def test_receipts_come_by_data_sm_and_are_put_off_and_taken_like_any_other(tmp_path: Path) -> None:
    async with scripted(tmp_path, **wishing(receipt_pdu="data_sm")) as (gateway, smsc):
        client = DataClient(await gateway.client())
        client.client.answers = [c.ESME_RMSGQFUL]
        message_id = await sent(gateway, client.client)
        smsc.send(receipt("up-1"))
        await put_off(gateway)
        gateway.clock.advance(2)
        await gateway.until(lambda: len(client.got) == 2)
        pdu = client.got[1]
        assert pdu.tlvs == client.got[0].tlvs
        text = parse_text(tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or b"")
        assert text is not None
        assert (text.id, text.state, pdu.esm_class) == (message_id, c.DELIVERED, 4)
        await gateway.emptied()


@journey
async def test_each_part_has_its_receipt_where_that_is_wished(tmp_path: Path) -> None:
    async with scripted(tmp_path, **wishing(receipts="per_part")) as (gateway, smsc):
        client = await gateway.client()
        message_id = await client.submit(text=b"z" * 200)
        await gateway.said("submitted", times=2)
        smsc.send(receipt("up-2", "UNDELIV"))
        smsc.send(receipt("up-1"))
        got = [await client.delivery() for _ in range(2)]
        told = [
            (read_receipt(pdu).message_id, read_receipt(pdu).state, tlv.get(pdu.tlvs, tlv.SAR_SEGMENT_SEQNUM))
            for pdu in got
        ]
        assert told == [(message_id, c.UNDELIVERABLE, b"\2"), (message_id, c.DELIVERED, b"\1")]
        await gateway.emptied()
        assert client.deliveries.empty()


# -- notices -------------------------------------------------------------------------------------------


@journey
async def test_an_intermediate_notification_comes_to_whoever_asked_and_the_receipt_after_it(
    tmp_path: Path,
) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        asking = await sent(gateway, client, registered_delivery=0x11)
        await sent(gateway, client, registered_delivery=1)
        for upstream_id in ("up-1", "up-2"):
            smsc.send(receipt(upstream_id, "ENROUTE", esm_class=0x20))
        notice = await client.delivery()
        text = parse_text(notice.short_message)
        assert text is not None
        assert (text.id, text.state, notice.esm_class) == (asking, c.ENROUTE, 0x20)
        smsc.send(receipt("up-1"))
        assert (await client.receipt()).message_id == asking
        assert client.deliveries.empty()


@journey
async def test_a_reply_of_the_handsets_user_comes_with_its_text(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        message_id = await sent(gateway, client, registered_delivery=0x09)
        reply = receipt("", esm_class=0x10, short_message="да".encode("utf-16-be"), data_coding=8)
        reply.tlvs = ((tlv.RECEIPTED_MESSAGE_ID, b"up-1\0"),)
        smsc.send(reply)
        pdu = await client.delivery()
        assert (pdu.esm_class, pdu.data_coding, pdu.short_message.decode("utf-16-be")) == (0x10, 8, "да")
        assert tlv.get(pdu.tlvs, tlv.RECEIPTED_MESSAGE_ID) == message_id.encode() + b"\0"


@journey
async def test_vendor_tlvs_of_a_receipt_go_down_with_it(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        await sent(gateway, client)
        smsc.send(receipt("up-1", tlvs=((0x1403, b"250-02"),)))
        pdu = await client.delivery()
        assert tlv.get(pdu.tlvs, 0x1403) == b"250-02"
        assert read_receipt(pdu).state == c.DELIVERED


# -- versions ------------------------------------------------------------------------------------------


def incoming(text: bytes, **fields: Any) -> DeliverSm:
    return DeliverSm(source_addr=DESTINATION, destination_addr=SOURCE, short_message=text, **fields)


INCOMING = {"link": {"incoming_account": "app"}}


@journey
async def test_an_old_session_gets_a_receipt_without_tlvs(tmp_path: Path) -> None:
    async with scripted(tmp_path, **wishing(receipt_pdu="data_sm", receipt_style="tlv")) as (gateway, smsc):
        sender = await client_of(gateway, 0x33, BindTransmitter)
        message_id = await sent(gateway, sender)
        receiver = await client_of(gateway, 0x33, BindReceiver)
        smsc.send(receipt("up-1"))
        pdu = await receiver.delivery()
        text = parse_text(pdu.short_message)
        assert text is not None
        assert (text.id, pdu.tlvs) == (message_id, ())
        await gateway.emptied()


@journey
async def test_a_long_incoming_sms_comes_to_an_old_session_in_parts_and_is_one_delivery(
    tmp_path: Path,
) -> None:
    async with scripted(tmp_path, **INCOMING) as (gateway, smsc):
        client = await client_of(gateway, 0x33)
        text = b"0123456789" * 50
        smsc.send(incoming(b"", tlvs=((tlv.MESSAGE_PAYLOAD, text),)))
        parts = [udh.parse((await client.delivery()).short_message) for _ in range(4)]
        assert b"".join(part for _, part in parts) == text
        await gateway.emptied()
        assert gateway.daemon.outlets["app"].delivered == 1


@pytest.mark.parametrize("window", [1, 10])
def test_a_part_that_is_put_off_brings_all_of_them_again(tmp_path: Path, window: int) -> None:
    @journey
    async def run() -> None:
        accounts = [account(window=window)]
        async with scripted(tmp_path, accounts=accounts, **INCOMING) as (gateway, smsc):
            client = await client_of(gateway, 0x33)
            client.answers = [c.ESME_ROK, c.ESME_RMSGQFUL]
            smsc.send(incoming(b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 400),)))
            for _ in range(2):
                await client.delivery()
            await put_off(gateway)
            gateway.clock.advance(2)
            again = [udh.parse((await client.delivery()).short_message)[1] for _ in range(3)]
            assert b"".join(again) == b"x" * 400
            await gateway.emptied()

    run()


@journey
async def test_a_part_that_is_refused_ends_the_delivery(tmp_path: Path) -> None:
    async with scripted(tmp_path, **INCOMING) as (gateway, smsc):
        client = await client_of(gateway, 0x33)
        client.answers = [c.ESME_ROK, c.ESME_RX_R_APPN]
        smsc.send(incoming(b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 400),)))
        await gateway.said("dead_letter", "ESME_RX_R_APPN")
        await gateway.until(lambda: len(gateway.listing("dead")) == 1)
        assert client.deliveries.qsize() == 2


@journey
async def test_parts_that_an_old_session_leaves_unanswered_go_to_another_session_whole(
    tmp_path: Path,
) -> None:
    async with scripted(tmp_path, **INCOMING) as (gateway, smsc):
        old = await client_of(gateway, 0x33)
        old.answers = [c.ESME_ROK, None]
        smsc.send(incoming(b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 400),)))
        for _ in range(2):
            await old.delivery()
        await old.abort()
        new = await gateway.client()
        assert tlv.get((await new.delivery()).tlvs, tlv.MESSAGE_PAYLOAD) == b"x" * 400
        await gateway.emptied()


@journey
async def test_parts_that_are_left_when_an_old_session_unbinds_go_to_another_session_whole(
    tmp_path: Path,
) -> None:
    async with scripted(tmp_path, **INCOMING) as (gateway, smsc):
        old = await client_of(gateway, 0x33)
        old.answers = [None]
        smsc.send(incoming(b"", tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 400),)))
        first = await old.delivery()
        new = await gateway.client()
        old.session.respond(DeliverSmResp(sequence_number=first.sequence_number))
        await old.unbind()  # in the same write
        assert tlv.get((await new.delivery()).tlvs, tlv.MESSAGE_PAYLOAD) == b"x" * 400
        await gateway.emptied()


# -- alert_notification --------------------------------------------------------------------------------


@journey
async def test_an_alert_comes_to_every_receiving_session_that_knows_it_and_to_nobody_later(
    tmp_path: Path,
) -> None:
    async with scripted(tmp_path, accounts=[account(), account("other")], **INCOMING) as (gateway, smsc):
        alerts: dict[str, list[AlertNotification]] = {}
        clients = {
            "first": await gateway.client(),
            "second": await gateway.client(BindReceiver),
            "sender": await gateway.client(BindTransmitter),
            "old": await client_of(gateway, 0x33, BindReceiver),
            "stranger": await gateway.client(system_id="other"),
        }
        for name, client in clients.items():
            listen(client, alerts.setdefault(name, []))
        alert = AlertNotification(source_addr=DESTINATION, source_addr_ton=1, esme_addr=SOURCE)
        alert.tlvs = ((tlv.MS_AVAILABILITY_STATUS, b"\0"),)
        smsc.send(alert)
        await gateway.until(lambda: alerts["first"] and alerts["second"])
        for client in clients.values():
            assert client.closed.done() is False
        assert {name for name, got in alerts.items() if got} == {"first", "second"}
        (got,) = alerts["first"]
        assert (got.source_addr, got.esme_addr, got.tlvs) == (DESTINATION, SOURCE, alert.tlvs)
        assert await clients["first"].submit(), "the session goes on"


def listen(client: Client, alerts: list[AlertNotification]) -> None:
    """Keeps the alerts that come to a client."""
    receive = client.session.receive_data

    def received(data: bytes, now: float) -> list[Any]:
        events = receive(data, now)
        alerts.extend(event for event in events if isinstance(event, AlertNotification))
        return events

    client.session.receive_data = received  # type: ignore[method-assign]


@journey
async def test_alerts_for_a_client_that_does_not_read_are_dropped(tmp_path: Path) -> None:
    async with scripted(tmp_path, **INCOMING) as (gateway, _):
        await gateway.client()
        (connection,) = gateway.daemon.smpp.listeners[0].connections
        alert = AlertNotification(source_addr=DESTINATION, esme_addr=SOURCE)
        connection.pause_writing()
        connection.alert(alert)
        assert connection.session.data_to_send() == b""
        connection.resume_writing()
        connection.alert(alert)
        assert connection.session.data_to_send() != b""


@journey
async def test_an_alert_without_an_account_costs_nothing(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        smsc.send(AlertNotification(source_addr=DESTINATION, esme_addr=SOURCE))
        await sent(gateway, client)


# -- broadcast -----------------------------------------------------------------------------------------


@journey
async def test_a_broadcast_goes_to_its_connector_and_the_answer_comes_back(tmp_path: Path) -> None:
    link = {"interface_version": "5.0"}
    async with scripted(tmp_path, link=link, **wishing(broadcast_connector="smsc")) as (gateway, smsc):
        client = await client_of(gateway, 0x50)
        failed_area = ((tlv.FAILED_BROADCAST_AREA_IDENTIFIER, b"\0area"),)
        smsc.answer = lambda pdu: BroadcastSmResp(
            sequence_number=pdu.sequence_number, message_id="b-1", tlvs=failed_area
        )
        request = BroadcastSm(source_addr=SOURCE, tlvs=((tlv.BROADCAST_REP_NUM, b"\0\3"),))
        response = await client.request(request)
        assert (response.command_status, response.message_id, response.tlvs) == (0, "b-1", failed_area)
        (asked,) = smsc.of(BroadcastSm)
        assert (asked.source_addr, asked.tlvs) == (SOURCE, request.tlvs)
        smsc.answer = lambda pdu: QueryBroadcastSmResp(sequence_number=pdu.sequence_number, message_id="b-1")
        assert (await client.request(QueryBroadcastSm(message_id="b-1"))).message_id == "b-1"
        smsc.answer = lambda pdu: response_to(pdu, c.ESME_RBCASTCANCELFAIL)
        cancelled = await client.request(CancelBroadcastSm(message_id="b-1"))
        assert (cancelled.command_id, cancelled.command_status) == (
            c.CANCEL_BROADCAST_SM_RESP,
            c.ESME_RBCASTCANCELFAIL,
        )


@journey
async def test_a_broadcast_does_not_go_by_a_connector_that_is_paused(tmp_path: Path) -> None:
    link = {"interface_version": "5.0"}
    async with scripted(tmp_path, link=link, **wishing(broadcast_connector="smsc")) as (gateway, smsc):
        client = await client_of(gateway, 0x50)
        gateway.daemon.upstreams["smsc"].pause(Pause(1, "admin"))
        response = await client.request(BroadcastSm(source_addr=SOURCE))
        assert response.command_status == c.ESME_RSYSERR
        smsc.answer = lambda pdu: QueryBroadcastSmResp(sequence_number=pdu.sequence_number, message_id="b-1")
        assert (await client.request(QueryBroadcastSm(message_id="b-1"))).message_id == "b-1"
        assert not list(smsc.of(BroadcastSm))


@journey
async def test_of_a_broadcast_of_another_account_nothing_is_told_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_operations, "BROADCASTS_MAX", 2)
    wish = AccountSmpp(broadcast_connector="smsc")
    accounts = [account(smpp=wish), account("other", smpp=wish), account("third")]
    async with scripted(tmp_path, link={"interface_version": "5.0"}, accounts=accounts) as (gateway, smsc):
        client, other = await client_of(gateway, 0x50), await client_of(gateway, 0x50, system_id="other")
        ids = iter(("b-1", "b-2", "b-3"))

        def answer(pdu: Pdu) -> Pdu:
            response: Any = response_to(pdu)
            if isinstance(pdu, BroadcastSm):
                response.message_id = next(ids)
            return response

        smsc.answer = answer
        assert (await client.request(BroadcastSm(source_addr=SOURCE))).message_id == "b-1"
        own = [QueryBroadcastSm(message_id="b-1"), CancelBroadcastSm(message_id="b-1")]
        foreign = [
            *own,
            BroadcastSm(message_id="b-1"),
            BroadcastSm(source_addr=SOURCE, replace_if_present_flag=1),
            CancelBroadcastSm(source_addr=SOURCE),
        ]
        before = len(smsc.got)
        for pdu in foreign:
            assert (await other.request(pdu)).command_status == c.ESME_RINVMSGID
        assert len(smsc.got) == before
        for pdu in own:
            assert (await client.request(pdu)).command_status == c.ESME_ROK
        for _ in range(2):
            await other.request(BroadcastSm(source_addr=SOURCE))
        assert (await client.request(own[0])).command_status == c.ESME_RINVMSGID, "it is forgotten"


@journey
async def test_a_broadcast_that_is_not_allowed_or_gets_no_answer_keeps_the_session(tmp_path: Path) -> None:
    accounts = [
        account(),
        account("may", smpp=AccountSmpp(broadcast_connector="smsc"), allowed_sources=[SOURCE], rate=1),
    ]
    link = {"interface_version": "5.0", "response_timeout_s": 5}
    async with scripted(tmp_path, link=link, accounts=accounts) as (gateway, smsc):
        smsc.answer = lambda pdu: None
        other, client = await client_of(gateway, 0x50), await client_of(gateway, 0x50, system_id="may")
        request = BroadcastSm(source_addr=SOURCE)
        assert (await other.request(request)).command_status == c.ESME_RINVCMDID
        stranger = BroadcastSm(source_addr="1")
        assert (await client.request(stranger)).command_status == c.ESME_RINVSRCADR
        future = client.send(BroadcastSm(source_addr=SOURCE))
        await gateway.until(lambda: smsc.of(BroadcastSm))
        assert (await client.request(BroadcastSm(source_addr=SOURCE))).command_status == c.ESME_RTHROTTLED
        gateway.clock.advance(6)
        assert (await future).command_status == c.ESME_RSYSERR
        assert len(smsc.of(BroadcastSm)) == 1
        assert await client.submit()


# -- windows -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("deliver_window", "expected"), [(0, 4), (2, 2)])
def test_a_client_has_at_most_deliver_window_unanswered(
    tmp_path: Path, deliver_window: int, expected: int
) -> None:
    @journey
    async def run() -> None:
        accounts = [account(window=4, smpp=AccountSmpp(deliver_window=deliver_window))]
        async with scripted(tmp_path, accounts=accounts, **INCOMING) as (gateway, smsc):
            client = await gateway.client()
            client.answers = [None] * 10
            for n in range(10):
                smsc.send(incoming(b"%d" % n))
            await gateway.until(lambda: client.deliveries.qsize() == expected)
            await gateway.until(lambda: len(gateway.listing("undelivered")) == 10)
            await gateway.ticked()
            assert client.deliveries.qsize() == expected
            assert len([await client.submit() for _ in range(4)]) == 4, "the other direction has its own"

    run()


@journey
async def test_what_a_client_may_not_send_is_no_harm_either(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await gateway.client(BindReceiver)
        with pytest.raises(InvalidState):
            client.session.send_request(DataSm(), 0.0)
        client.session._sendable |= {c.DATA_SM, c.QUERY_SM}
        assert (await client.request(DataSm())).command_status == c.ESME_RINVBNDSTS
        assert not client.closed.done()
