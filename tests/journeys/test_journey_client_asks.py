"""Questions to an SMSC about a message, its alerts, and SMSCs that call us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from journey_support import (
    HOST,
    SMSC_PASSWORD,
    UPSTREAM,
    Gateway,
    Receipt,
    account,
    config,
    connector,
    journey,
    running,
)
from scripted_smsc import ScriptedSmsc, scripted_smsc

from gateway.config.model import Address
from gateway.egress import smpp_outbind
from gateway.egress.smpp_connection import ASKS_MAX, TIMEOUTS_TO_REBIND
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    AlertNotification,
    BindReceiver,
    BroadcastSm,
    BroadcastSmResp,
    CancelSm,
    DeliverSm,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitSm,
    SubmitSmResp,
)


@asynccontextmanager
async def bound(tmp_path: Path, **fields: Any) -> AsyncIterator[tuple[Gateway, ScriptedSmsc]]:
    async with scripted_smsc() as smsc:
        made = config(connector(smsc.port, incoming_account="app", **fields), accounts=[account()])
        async with running(made, tmp_path) as gateway:
            await gateway.linked(links=0 if fields.get("bind_mode") == "receiver" else 1)
            yield gateway, smsc


def silent(pdu: Pdu) -> Pdu | None:
    """The answer of an SMSC that gives none."""
    return None


@journey
async def test_a_question_comes_back_with_the_smscs_answer(tmp_path: Path) -> None:
    async with bound(tmp_path, operations=["query_sm"]) as (gateway, smsc):
        smsc.answer = lambda pdu: QuerySmResp(message_id="T1", message_state=2)
        upstream = gateway.daemon.upstreams[UPSTREAM]
        assert upstream.operations == {"query_sm"}
        await gateway.until(lambda: not upstream.in_flight)  # the store has said that nothing waits
        answers: list[Any] = []
        assert upstream.ask(QuerySm(message_id="T1", source_addr="123"), answers.append)
        assert upstream.in_flight == 1
        _, asked = await smsc.request(QuerySm)
        assert (asked.message_id, asked.source_addr) == ("T1", "123")
        await gateway.until(lambda: answers)
        assert (answers[0].message_id, answers[0].message_state) == ("T1", 2)
        assert (upstream.in_flight, upstream.submitted) == (0, 0)


@journey
async def test_what_the_smsc_cannot_do_is_not_asked(tmp_path: Path) -> None:
    async with bound(tmp_path, operations=["query_sm"], interface_version="5.0") as (gateway, smsc):
        upstream = gateway.daemon.upstreams[UPSTREAM]
        answers: list[Any] = []
        assert not upstream.ask(CancelSm(message_id="T1"), answers.append)
        smsc.answer = lambda pdu: BroadcastSmResp(message_id="B1")
        assert upstream.ask(BroadcastSm(tlvs=((tlv.BROADCAST_REP_NUM, b"\0\1"),)), answers.append)
        await gateway.until(lambda: answers)
        assert answers[0].message_id == "B1"


@journey
async def test_no_text_is_replaced_where_its_alphabet_could_not_be_said(tmp_path: Path) -> None:
    fields = {"operations": ["query_sm", "replace_sm"], "data_coding_0": "latin1"}
    async with bound(tmp_path, **fields) as (gateway, _):
        upstream = gateway.daemon.upstreams[UPSTREAM]
        assert not upstream.ask(ReplaceSm(message_id="T1", short_message=b"x"), print)
        assert upstream.ask(QuerySm(message_id="T1"), lambda _: None)


@journey
async def test_an_older_session_has_no_broadcast(tmp_path: Path) -> None:
    async with bound(tmp_path) as (gateway, _):
        assert not gateway.daemon.upstreams[UPSTREAM].ask(BroadcastSm(), print)


@journey
async def test_a_question_without_an_answer_ends_with_none(tmp_path: Path) -> None:
    async with bound(tmp_path, operations=["query_sm"], response_timeout_s=5) as (gateway, smsc):
        smsc.answer = silent
        upstream = gateway.daemon.upstreams[UPSTREAM]
        answers: list[object] = []
        assert upstream.ask(QuerySm(message_id="T1"), answers.append)
        connection, asked = await smsc.request(QuerySm)
        gateway.clock.advance(6)
        await gateway.until(lambda: answers)
        connection.respond(asked, QuerySmResp(message_id="T1"))  # too late
        assert upstream.ask(QuerySm(message_id="T2"), answers.append)
        await smsc.request(QuerySm)
        connection.transport.abort()
        await gateway.until(lambda: len(answers) == 2)
        assert answers == [None, None]
        await gateway.until(lambda: not upstream.in_flight)  # the next link has asked the store what waits
        assert upstream.doubtful == 0
        assert not gateway.lines_with("ambiguous")


@journey
async def test_without_a_link_nothing_can_be_asked(tmp_path: Path) -> None:
    async with bound(tmp_path, operations=["query_sm"], bind_mode="receiver") as (gateway, smsc):
        await gateway.until(lambda: smsc.connections)
        assert not gateway.daemon.upstreams[UPSTREAM].ask(QuerySm(message_id="T1"), print)


@pytest.mark.parametrize(("window", "most"), [(1000, ASKS_MAX), (10, 5), (2, 1)])
def test_questions_are_bounded_and_leave_half_of_the_window(tmp_path: Path, window: int, most: int) -> None:
    @journey
    async def run() -> None:
        async with bound(tmp_path, operations=["query_sm"], window=window) as (gateway, smsc):
            smsc.answer = lambda pdu: smsc.take(pdu) if isinstance(pdu, SubmitSm) else None
            upstream = gateway.daemon.upstreams[UPSTREAM]
            asked = [upstream.ask(QuerySm(message_id=str(n)), lambda _: None) for n in range(most + 5)]
            assert asked == [True] * most + [False] * 5
            client = await gateway.client()
            for text in (b"1", b"2", b"3"):
                await client.submit(text=text)
            await gateway.until(lambda: len(smsc.taken) == 3)

    run()


@journey
async def test_an_smsc_that_answers_questions_and_no_submits_is_bound_anew(tmp_path: Path) -> None:
    async with bound(tmp_path, operations=["query_sm"], response_timeout_s=5) as (gateway, smsc):
        smsc.answer = lambda pdu: QuerySmResp(message_id="T1") if isinstance(pdu, QuerySm) else None
        upstream = gateway.daemon.upstreams[UPSTREAM]
        client = await gateway.client()
        answers: list[object] = []
        await client.submit()
        await smsc.request(SubmitSm)
        gateway.clock.advance(6)
        await gateway.until(lambda: upstream.doubtful == 1)
        assert upstream.ask(QuerySm(message_id="T1"), answers.append)
        await gateway.until(lambda: answers)
        await smsc.request(SubmitSm)  # once more
        await client.submit()
        await smsc.request(SubmitSm)
        gateway.clock.advance(6)
        await gateway.until(lambda: upstream.doubtful == TIMEOUTS_TO_REBIND)
        await gateway.said("link_lost", "submits in a row")


# -- alerts -------------------------------------------------------------------------------------------


@journey
async def test_an_alert_goes_to_who_wants_it_or_is_said_now_and_then(tmp_path: Path) -> None:
    async with bound(tmp_path) as (gateway, smsc):
        (connection,) = smsc.connections
        gateway.daemon.upstreams[UPSTREAM].on_alert = None
        for _ in range(3):
            connection.tell(AlertNotification(source_addr="79161234567", esme_addr="12345"))
        line = await gateway.said("subscriber_there", "connector=smsc")
        assert "79161234567" not in line
        heard: list[Any] = []
        gateway.daemon.upstreams[UPSTREAM].on_alert = heard.append
        connection.tell(AlertNotification(source_addr="79161234568", esme_addr="12345"))
        await gateway.until(lambda: heard)
        assert (heard[0].source_addr, heard[0].esme_addr) == ("79161234568", "12345")
        assert len(gateway.lines_with("subscriber_there")) == 1


# -- outbind ------------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(tmp_path: Path, **fields: Any) -> AsyncIterator[tuple[Gateway, ScriptedSmsc, int]]:
    port = free_port()
    fields = {"bind_mode": "transmitter", "outbind_listen": Address(HOST, port), **fields}
    async with bound(tmp_path, **fields) as (gateway, smsc):
        await gateway.said("listening", "protocol=outbind")
        yield gateway, smsc, port


@journey
async def test_an_smsc_that_calls_is_bound_as_receiver_and_brings_receipts(tmp_path: Path) -> None:
    async with listening(tmp_path) as (gateway, smsc, port):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.until(lambda: len(smsc.taken) == 1)
        called = await smsc.call(port, Outbind(system_id="smsc", password=SMSC_PASSWORD))
        await gateway.said("bound", "mode=receiver", "peer=")
        assert isinstance(called.bind, BindReceiver)
        assert (called.bind.system_id, called.bind.password) == ("gateway", SMSC_PASSWORD)
        text = (
            b"id:T1 sub:001 dlvrd:001 submit date:2506151500 done date:2506151501 stat:DELIVRD err:000 text:"
        )
        response = await called.request(DeliverSm(esm_class=4, short_message=text))
        assert response.command_status == c.ESME_ROK
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")
        assert (await called.request(DeliverSm(source_addr="7916", short_message=b"hi"))).command_status == 0
        assert (await client.delivery()).short_message == b"hi"
        await client.submit()  # goes by the other link
        await gateway.until(lambda: len(smsc.taken) == 2)
    assert await called.end() == "unbind by peer"


@pytest.mark.parametrize("password", ["", "wrong", "smsc-pwd"])
def test_an_smsc_that_calls_with_another_password_is_sent_away(tmp_path: Path, password: str) -> None:
    @journey
    async def run() -> None:
        async with listening(tmp_path) as (gateway, smsc, port):
            called = await smsc.call(port, Outbind(system_id="smsc", password=password))
            await called.end()
            assert called.bind is None
            await gateway.said("outbind_refused", "peer=127.0.0.1:", "password")

    run()


@journey
async def test_whoever_calls_and_says_nothing_is_sent_away(tmp_path: Path) -> None:
    async with listening(tmp_path, response_timeout_s=1) as (gateway, smsc, port):
        called = await smsc.call(port, Outbind(system_id="smsc", password=SMSC_PASSWORD))
        await gateway.said("bound", "mode=receiver")
        called.transport.abort()
        await gateway.said("link_lost", "peer=")
        loop = gateway._loop
        transport, _ = await loop.create_connection(asyncio.Protocol, HOST, port)
        await gateway.said("outbind_refused", "no outbind in time")
        transport.close()


@journey
async def test_a_flood_of_calls_is_closed_and_leaves_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_outbind, "LINKS_MAX", 2)
    async with listening(tmp_path) as (gateway, smsc, port):
        held = [await asyncio.open_connection(HOST, port) for _ in range(2)]
        connections = gateway.daemon.connectors[UPSTREAM].connections
        await gateway.until(lambda: len(connections) == 3)  # one of them is the gateway's own
        for _ in range(5):
            reader, writer = await asyncio.open_connection(HOST, port)
            assert await reader.read() == b""
            writer.close()
        assert len(connections) == 3
        for _, writer in held:
            writer.close()
        await gateway.until(lambda: len(connections) == 1)
        await smsc.call(port, Outbind(system_id="smsc", password=SMSC_PASSWORD))
        await gateway.said("bound", "mode=receiver")


class Gone(asyncio.Transport):
    """A connection whose peer has left before anybody looked."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return True


@journey
async def test_a_caller_that_has_left_at_once_is_no_error(tmp_path: Path) -> None:
    async with bound(tmp_path) as (gateway, _):
        listener = smpp_outbind.OutbindListener(gateway.daemon.connectors[UPSTREAM], Address(HOST, 1))
        connection: Any = listener._accept()
        connection.connection_made(Gone())
        connection.connection_lost(None)
        await gateway.said("outbind_refused", "peer=-")


@journey
async def test_an_address_that_is_taken_is_an_error_and_no_end(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with bound(tmp_path, outbind_listen=Address(HOST, port)) as (gateway, smsc):
            await gateway.said("outbind_deaf", "connector=smsc")
            smsc.answer = lambda pdu: SubmitSmResp(message_id="T1")
            client = await gateway.client()
            await client.submit()
            await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].submitted == 1)
