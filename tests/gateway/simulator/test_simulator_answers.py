"""How binds and submits are answered: versions, odd forms, rates, congestion, the pause before a rebind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from simulator_support import Esme, bound, connect, play, submit

from gateway.simulator import Simulator
from gateway.simulator.load import Load, parse_congestion
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import decode
from protocols.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    DataSm,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
)
from protocols.smpp.state import State


async def frames(esme: Esme, request: SubmitSm | DataSm | BindTransceiver) -> tuple[Any, bytes]:
    """The answer to a request, and its frame."""
    chunks: list[bytes] = []
    take = esme.data_received
    esme.data_received = lambda data: (chunks.append(data), take(data))  # type: ignore[method-assign]
    try:
        response = await esme.request(request)
    finally:
        esme.data_received = take  # type: ignore[method-assign]
    data = b"".join(chunks)
    return response, data[: int.from_bytes(data[:4], "big")]


# --- binds and versions ---


@pytest.mark.parametrize(
    ("ours", "asked", "version", "told"),
    [
        ("5.0", 0x34, 0x34, b"\x34"),
        ("5.0", 0x50, 0x50, b"\x50"),
        ("5.0", 0x33, 0x33, None),
        ("5.0", 0x00, 0x33, None),
        ("3.4", 0x50, 0x34, b"\x34"),
        ("3.3", 0x34, 0x33, None),
        ("3.3", 0x50, 0x33, None),
    ],
)
def test_a_session_has_the_version_that_both_speak(
    ours: str, asked: int, version: int, told: bytes | None
) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await connect(simulator)
        response = await esme.request(BindTransceiver(system_id="esme", interface_version=asked))
        assert tlv.get(response.tlvs, tlv.SC_INTERFACE_VERSION) == told
        assert response.system_id == "simulator"
        [connection] = simulator._smsc.connections
        assert connection.session.version == version
        data = await esme.request(DataSm(source_addr="12345", destination_addr="15550001"))
        assert data.command_status == (c.ESME_ROK if version >= 0x34 else c.ESME_RINVCMDID)

    play(scenario, interface_version=ours)


@pytest.mark.parametrize(("form", "size"), [("no_version", 16 + len("simulator") + 1), ("header", 16)])
def test_short_bind_responses(form: str, size: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await connect(simulator)
        response, frame = await frames(esme, BindTransceiver(system_id="esme", interface_version=0x50))
        assert (type(response), response.command_status) == (BindTransceiverResp, c.ESME_ROK)
        assert (len(frame), response.tlvs) == (size, ())
        assert esme.session.state is State.BOUND_TRX
        await esme.request(submit("15550001"))
        await esme.delivery()

    play(scenario, bind_resp=form)


def test_a_rebind_too_soon_is_refused_and_others_are_not() -> None:
    async def scenario(simulator: Simulator) -> None:
        first = await bound(simulator)
        await (await bound(simulator, BindTransmitter)).unbind()
        await simulator.wait_until(lambda: simulator.connections == 1)
        esme = await connect(simulator)
        refused = await esme.request(BindReceiver(system_id="esme"))
        assert refused.command_status == c.ESME_RALYBND
        assert (await esme.request(BindReceiver(system_id="other"))).command_status == c.ESME_ROK
        assert (await first.request(submit("15550001"))).command_status == c.ESME_ROK

    play(scenario, rebind_pause_s=3600)


def test_a_rebind_after_the_pause_is_taken() -> None:
    async def scenario(simulator: Simulator) -> None:
        await (await bound(simulator)).unbind()
        await simulator.wait_until(lambda: simulator.connections == 0)
        status = c.ESME_RALYBND
        async with asyncio.timeout(60):
            while status == c.ESME_RALYBND:
                esme = await connect(simulator)
                status = (await esme.request(BindReceiver(system_id="esme"))).command_status
        assert status == c.ESME_ROK

    play(scenario, rebind_pause_s=0.03)


# --- refusals ---


async def refused(esme: Esme, request: SubmitSm | DataSm) -> tuple[Any, bytes]:
    response, frame = await frames(esme, request)
    assert response.command_status == c.ESME_RINVDSTADR
    return response, frame


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("header", b""),
        ("body", b"\0"),
        ("nack", b""),
        (
            "tlvs",
            b"\0" + bytes.fromhex("001d0017") + b"status ESME_RINVDSTADR\0" + bytes.fromhex("140100020102"),
        ),
    ],
)
def test_the_form_of_refusals(form: str, body: bytes) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        response, frame = await refused(esme, submit("155599011"))
        assert type(response) is (GenericNack if form == "nack" else SubmitSmResp)
        assert frame[16:] == body
        _, frame = await refused(esme, DataSm(source_addr="1", destination_addr="155599011"))
        assert frame[16:] == body + (bytes.fromhex("0425000101") if form == "tlvs" else b"")
        good, frame = await frames(esme, submit("15550001"))
        assert decode(frame) == good and good.tlvs == ()

    play(scenario, error_form=form)


@pytest.mark.parametrize(
    ("code", "kind", "body"),
    [
        ("99400", SubmitSmResp, True),
        ("99401", SubmitSmResp, True),
        ("99402", SubmitSmResp, True),
        ("99403", GenericNack, False),
        ("99404", GenericNack, False),
    ],
)
def test_magic_refusals_have_forms_of_their_own(code: str, kind: type[Any], body: bool) -> None:
    async def scenario(simulator: Simulator) -> None:
        response, frame = await frames(await bound(simulator), submit(f"1555{code}"))
        assert type(response) is kind and response.command_status != c.ESME_ROK
        assert (len(frame) > 16) == (body and code != "99400")
        assert bool(response.tlvs) == (code == "99402")

    play(scenario)


def test_a_good_response_with_tlvs() -> None:
    async def scenario(simulator: Simulator) -> None:
        response = await (await bound(simulator)).request(submit("155599405"))
        assert response.command_status == c.ESME_ROK and response.message_id
        assert [tag for tag, _ in response.tlvs] == [tlv.ADDITIONAL_STATUS_INFO_TEXT, 0x1401]

    play(scenario)


# --- rate and congestion ---


@pytest.mark.parametrize("status", [c.ESME_RTHROTTLED, c.ESME_RMSGQFUL, c.ESME_RSUBMITFAIL])
def test_more_than_the_rate_is_refused(status: int) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        answers = [(await esme.request(submit("15550001"))).command_status for _ in range(4)]
        assert answers == [c.ESME_ROK, c.ESME_ROK, status, status]
        assert (simulator.counters.accepted, simulator.counters.refused) == (2, 2)

    play(scenario, rate=2, rate_status=status)


@pytest.mark.parametrize(("version", "told"), [(0x50, b"\x5f"), (0x34, None)])
def test_congestion_is_told_over_50_alone(version: int, told: bytes | None) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=version)
        for destination in ("15550001", "155599011"):
            response = await esme.request(submit(destination))
            assert tlv.get(response.tlvs, tlv.CONGESTION_STATE) == told

    play(scenario, congestion="95")


def test_congestion_rises_with_the_load() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator, version=0x50)
        told = [
            tlv.get((await esme.request(submit("15550001"))).tlvs, tlv.CONGESTION_STATE) for _ in range(6)
        ]
        values = [value[0] for value in told if value]
        assert len(values) == 6 and values == sorted(values) and values[0] < 30 and values[-1] > 90

    play(scenario, rate=5, congestion="load")


def told(load: Load, now: float) -> int:
    [(tag, value)] = load.tlvs(now)
    assert tag == tlv.CONGESTION_STATE
    return value[0]


def test_congestion_by_a_schedule_begins_again_at_its_end() -> None:
    load = Load(0, "20:5,95:2.5", 100.0)
    assert [told(load, now) for now in (100, 104.9, 105, 107.4, 107.5, 112.6)] == [20, 20, 95, 95, 20, 95]


def test_congestion_falls_again_when_nothing_comes() -> None:
    load = Load(10, "load", 0.0)
    for _ in range(10):
        assert not load.over(0.0)
    assert load.over(0.0)
    assert [told(load, now) for now in (0.0, 0.5, 1.0, 5.0)] == [100, 50, 0, 0]
    assert not load.over(5.0)


def test_steps_of_congestion() -> None:
    assert parse_congestion("") == []
    assert parse_congestion("95") == [(95, 1.0)]
    assert parse_congestion("20:5, 95:2.5") == [(20, 5.0), (95, 2.5)]
