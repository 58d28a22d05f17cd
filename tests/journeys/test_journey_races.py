"""Things that happen at the same moment: links that end while they begin, queues whose connector goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import (
    HOST,
    UPSTREAM,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
    submit_sm,
)

from gateway import housekeeping
from gateway.config.model import Route
from gateway.egress import smpp_connection as egress
from protocols.smpp.codec import decode, encode
from protocols.smpp.pdu import (
    RESPONSES,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    Pdu,
    Unbind,
)

Answer = Callable[[Pdu, list[asyncio.StreamWriter]], None]


async def read_pdu(reader: asyncio.StreamReader) -> Pdu:
    head = await reader.readexactly(4)
    return decode(head + await reader.readexactly(int.from_bytes(head, "big") - 4))


def ok(pdu: Pdu) -> bytes:
    """A good answer to a request; nothing to a response."""
    if pdu.command_id not in RESPONSES:
        return b""
    return encode(RESPONSES[pdu.command_id](sequence_number=pdu.sequence_number))


@asynccontextmanager
async def scripted_smsc(answer: Answer) -> AsyncIterator[int]:
    """Calls `answer` with each PDU and the connections so far, this one's last; yields the port."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while True:
                answer(await read_pdu(reader), [*(it for it in writers if it is not writer), writer])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()


@journey
async def test_smsc_that_unbinds_with_its_bind_response_leaves_no_dead_link(tmp_path: Path) -> None:
    binds = 0

    def answer(pdu: Pdu, writers: list[asyncio.StreamWriter]) -> None:
        nonlocal binds
        goodbye = b""
        if isinstance(pdu, BindTransceiver):
            binds += 1
            goodbye = encode(Unbind(sequence_number=1)) if binds == 1 else b""
        writers[-1].write(ok(pdu) + goodbye)

    async with scripted_smsc(answer) as port, running(config(connector(port)), tmp_path) as gateway:
        await gateway.until(lambda: binds == 2)
        await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].links)
        (link,) = gateway.daemon.upstreams[UPSTREAM].links
        assert link.room


@journey
async def test_transmitter_that_is_lost_while_its_receiver_binds_leaves_no_dead_link(tmp_path: Path) -> None:
    lost = False
    waiting: list[bytes] = []

    def answer(pdu: Pdu, writers: list[asyncio.StreamWriter]) -> None:
        nonlocal lost
        if isinstance(pdu, BindReceiver) and not lost:
            lost = True
            writers[-2].transport.abort()
            waiting.append(ok(pdu))
            asyncio.get_running_loop().call_later(0.05, lambda: writers[-1].write(waiting[0]))
        else:
            writers[-1].write(ok(pdu))

    async with scripted_smsc(answer) as port:
        made = config(connector(port, bind_mode="pair"))
        async with running(made, tmp_path) as gateway:
            await gateway.said("link_lost")
            await gateway.said("bound")
            (link,) = gateway.daemon.upstreams[UPSTREAM].links
            assert link.room
            assert len(gateway.daemon.connectors[UPSTREAM].connections) == 2


NEVER_ANSWERED = "79161299100"


@journey
async def test_what_was_in_flight_at_a_connector_that_goes_finds_another_one(tmp_path: Path) -> None:
    async with simulated_smsc() as one, simulated_smsc() as two:
        first, second = connector(one.port, "first"), connector(two.port, "second")
        async with running(config(first, second), tmp_path) as gateway:
            await gateway.linked("first")
            await gateway.linked("second")
            client = await gateway.client()
            message_id = await client.submit(NEVER_ANSWERED)
            await one.wait_until(lambda: one.counters.submitted == 1)
            without = replace(
                gateway.daemon.config, connectors=[second], routes=[Route(connectors=["second"])]
            )
            reload = asyncio.create_task(gateway.daemon.reload(without))
            await gateway.ticked()
            assert not reload.done()  # its answer may still come
            gateway.clock.let_run()
            await reload
            await two.wait_until(lambda: two.counters.submitted >= 1)
            assert [row["message_id"] for row in gateway.listing("ambiguous")][-1:] == [message_id]


@journey
async def test_changed_connector_waits_for_the_answers_under_way(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, smsc={"resp_delay_ms": 50.0}) as (gateway, smsc):
        client = await gateway.client()
        sent = [client.send(submit_sm(text=b"%d" % n)) for n in range(10)]
        await smsc.wait_until(lambda: smsc.counters.submitted == 10)
        changed = replace(gateway.daemon.config, connectors=[connector(smsc.port, window=7)])
        await gateway.daemon.reload(changed)
        await asyncio.gather(*sent)
        assert gateway.listing("ambiguous") == []
        assert {(await client.receipt()).message_id for _ in sent} == {it.result().message_id for it in sent}


@journey
async def test_reload_that_meets_the_end_starts_no_connector(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        changed = replace(gateway.daemon.config, connectors=[connector(smsc.port, window=7)])
        reload = asyncio.create_task(gateway.daemon.reload(changed))
        later = asyncio.create_task(gateway.daemon.reload(gateway.daemon.config))
        await gateway.stop()
        await asyncio.gather(reload, later)
        assert all(it.state == "stopped" for it in gateway.daemon.connectors.values())
        assert not smsc.connections


@journey
async def test_smsc_that_unbinds_before_its_receipts_are_answered_gets_no_submit(tmp_path: Path) -> None:
    """Its unbind waits for our answers, and those for a commit; a submit that commits first is not for it."""
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        (connection,) = smsc._smsc.connections
        (ours,) = gateway.daemon.connectors[UPSTREAM].connections
        sent = client.send(submit_sm())
        await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].in_flight)
        receipt = DeliverSm(esm_class=4, short_message=b"id:77 stat:DELIVRD", sequence_number=900)
        connection.session.unbind(0.0)
        ours.data_received(encode(receipt) + connection.session.data_to_send())
        await sent
        await gateway.linked()
        await smsc.wait_until(lambda: smsc.counters.binds == 2)
        assert (await client.receipt()).message_id == sent.result().message_id
        assert not gateway.lines_with("unsendable")


def test_smsc_that_stops_reading_for_ever_keeps_no_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "CLOSE_TIMEOUT_S", 0.05)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(
            tmp_path,
            link={"enquire_link_s": 30, "response_timeout_s": 300, "window": 1000, "silence_s": 0},
            accounts=[account(window=1000)],
        ) as (gateway, smsc):
            client = await gateway.client()
            (deaf,) = smsc._smsc.connections
            (ours,) = gateway.daemon.connectors[UPSTREAM].connections
            deaf.transport.pause_reading()
            for transport in (deaf.transport, ours._transport):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, 1)
            await asyncio.gather(*(client.submit(text=b"x" * 140) for _ in range(800)))
            await gateway.until(lambda: ours._transport.get_write_buffer_size())
            gateway.clock.advance(30)
            await gateway.until(lambda: ours.session._enquired_at is not None)
            gateway.clock.advance(300)
            await gateway.said("link_lost")
            await gateway.until(lambda: ours._gone)
            await gateway.until(lambda: gateway.listing("ambiguous"))
            assert {row["action"] for row in gateway.listing("ambiguous")} == {"resend"}
            await gateway.until(lambda: not gateway.listing("waiting"))
            deaf.transport.abort()
            await gateway.emptied()

    run()


def test_disk_that_is_nearly_full_refuses_messages_and_not_those_who_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "DISK_EVERY", 2)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            client = await gateway.client(BindTransmitter)
            message_id = await client.submit()
            await gateway.until(lambda: gateway.listing("undelivered"))
            monkeypatch.setattr(housekeeping, "DISK_LOW_OCTETS", 1 << 62)
            await gateway.said("disk_low")
            assert await client.status_of_submit() == "ESME_RMSGQFUL"
            receiver = await gateway.client()
            assert (await receiver.receipt()).message_id == message_id
            monkeypatch.setattr(housekeeping, "DISK_LOW_OCTETS", 0)
            await gateway.said("disk_ok")
            await client.submit()

    run()
