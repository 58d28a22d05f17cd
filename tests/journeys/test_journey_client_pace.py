"""SMSCs that say "too fast", each in its way, and senders with a rate of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import UPSTREAM, config, connector, journey, running, simulated_smsc, submit_sm
from scripted_smsc import scripted_smsc

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import Pdu, SubmitSm, SubmitSmResp


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (c.ESME_RTHROTTLED, {}),
        (c.ESME_RMSGQFUL, {}),
        (c.ESME_RSUBMITFAIL, {"throttle_statuses": ["ESME_RSUBMITFAIL"]}),
        (0x411, {"throttle_statuses": ["ESME_RTHROTTLED", "0x411"]}),
    ],
)
def test_quirk_38_a_message_that_came_too_fast_comes_again(
    tmp_path: Path, status: int, fields: dict[str, Any]
) -> None:
    @journey
    async def run() -> None:
        async with scripted_smsc() as smsc:
            refusals = [status] * 3

            def answer(pdu: Pdu) -> Pdu | None:
                if isinstance(pdu, SubmitSm) and refusals:
                    return SubmitSmResp(command_status=refusals.pop())
                return smsc.take(pdu)

            smsc.answer = answer
            async with running(config(connector(smsc.port, **fields)), tmp_path) as gateway:
                await gateway.linked()
                client = await gateway.client()
                message_id = await client.submit()
                upstream = gateway.daemon.upstreams[UPSTREAM]
                for tries in range(1, 4):
                    await gateway.until(lambda tries=tries: upstream.throttled == tries)  # type: ignore[misc]
                    gateway.clock.advance(5)
                await gateway.until(lambda: len(smsc.taken) == 1)
                await gateway.until(lambda: gateway.states(message_id) == ["SENT"])
                assert upstream.window_now == 100  # one message is no reason to go slower

    run()


@journey
async def test_an_smsc_that_takes_so_many_and_no_more_is_sent_less_until_all_is_well(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        room = 10

        def answer(pdu: Pdu) -> Pdu | None:
            if isinstance(pdu, SubmitSm) and len(smsc.taken) >= room:
                return SubmitSmResp(command_status=c.ESME_RTHROTTLED)
            return smsc.take(pdu)

        smsc.answer = answer
        async with running(config(connector(smsc.port)), tmp_path) as gateway:
            await gateway.linked()
            client = await gateway.client()
            for response in client.send_together(*[submit_sm() for _ in range(60)]):
                await response
            upstream = gateway.daemon.upstreams[UPSTREAM]
            await gateway.said("slowed", "connector=smsc")
            assert upstream.window_now <= 30
            room = 60
            for _ in range(200):
                gateway.clock.advance(0.5)
                await gateway.ticked()
                if len(smsc.taken) == 60 and upstream.window_now == 100:
                    break
            assert len(smsc.taken) == 60
            assert upstream.window_now == 100


@journey
async def test_quirk_38_a_submit_that_fails_and_fails_is_refused_after_five_tries(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        tries: list[Pdu] = []

        def answer(pdu: Pdu) -> Pdu | None:
            if isinstance(pdu, SubmitSm):
                tries.append(pdu)
                return SubmitSmResp(command_status=c.ESME_RSUBMITFAIL)
            return smsc.take(pdu)

        smsc.answer = answer
        async with running(
            config(connector(smsc.port, throttle_statuses=["ESME_RSUBMITFAIL"])), tmp_path
        ) as gateway:
            await gateway.linked()
            client = await gateway.client()
            await client.submit()
            for number in range(1, 5):
                await gateway.until(lambda number=number: len(tries) == number)  # type: ignore[misc]
                await gateway.until(
                    lambda number=number: gateway.daemon.upstreams[UPSTREAM].throttled == number  # type: ignore[misc]
                )
                gateway.clock.advance(10)
            assert (await client.receipt()).state == c.REJECTED
            assert len(tries) == 5


@journey
async def test_quirk_38_unnamed_it_is_final_unless_hardly_anything_gets_through(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        failing = 1

        def answer(pdu: Pdu) -> Pdu | None:
            nonlocal failing
            if isinstance(pdu, SubmitSm) and failing:
                failing -= 1
                return SubmitSmResp(command_status=c.ESME_RSUBMITFAIL)
            return smsc.take(pdu)

        smsc.answer = answer
        async with running(config(connector(smsc.port)), tmp_path) as gateway:
            await gateway.linked()
            client = await gateway.client()
            await client.submit()
            assert (await client.receipt()).state == c.REJECTED
            failing = 30
            for response in client.send_together(*[submit_sm() for _ in range(30)]):
                await response
            upstream = gateway.daemon.upstreams[UPSTREAM]
            await gateway.until(lambda: upstream.refused + upstream.throttled == 31)
            assert 1 <= upstream.refused <= 5
            for _ in range(50):
                gateway.clock.advance(1)
                await gateway.ticked()
            assert len(smsc.taken) == 31 - upstream.refused


@journey
async def test_another_vendor_code_is_final(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        smsc.answer = lambda pdu: (
            SubmitSmResp(command_status=0x412) if isinstance(pdu, SubmitSm) else smsc.take(pdu)
        )
        made = config(connector(smsc.port, throttle_statuses=["0x411"]))
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            client = await gateway.client()
            await client.submit()
            receipt = await client.receipt()
            assert (receipt.state, receipt.error) == (c.REJECTED, "1042")


@pytest.mark.parametrize(("state", "window"), [(50, 100), (95, 1)])
def test_congestion_state_of_a_response_is_heard(tmp_path: Path, state: int, window: int) -> None:
    @journey
    async def run() -> None:
        async with scripted_smsc() as smsc:
            smsc.answer = lambda pdu: (
                SubmitSmResp(message_id="T1", tlvs=((tlv.CONGESTION_STATE, bytes((state,))),))
                if isinstance(pdu, SubmitSm)
                else smsc.take(pdu)
            )
            made = config(connector(smsc.port, interface_version="5.0"))
            async with running(made, tmp_path) as gateway:
                await gateway.linked()
                client = await gateway.client()
                await client.submit()
                upstream = gateway.daemon.upstreams[UPSTREAM]
                await gateway.until(lambda: upstream.submitted == 1)
                assert upstream.window_now == window
                if window == 1:
                    await gateway.said("slowed", "window=1")

    run()


@journey
async def test_a_sender_over_its_rate_waits_on_disk_and_the_others_pass(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port, sender_rate=2))
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            client = await gateway.client()
            for text in (b"1", b"2", b"3", b"4"):
                await client.submit(text=text)
            await client.submit(text=b"other", source_addr="54321")
            await smsc.wait_until(lambda: smsc.counters.accepted == 3)
            assert [m.text for m in smsc.received] == [b"1", b"2", b"other"]
            assert len(gateway.listing("waiting")) == 2
            gateway.clock.advance(0.5)
            await smsc.wait_until(lambda: smsc.counters.accepted == 4)
            gateway.clock.advance(0.5)
            await smsc.wait_until(lambda: smsc.counters.accepted == 5)
            assert [m.text for m in smsc.received][3:] == [b"3", b"4"]
