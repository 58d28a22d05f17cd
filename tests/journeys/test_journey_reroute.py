"""Failover by what an SMSC answers, or does not: refused, too much, silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    Gateway,
    Receipt,
    config,
    connector,
    journey,
    running,
    simulated_smsc,
    submit_sm,
)
from scripted_smsc import ScriptedSmsc, scripted_smsc
from service_support import SERVICE, service, service_config, simulated_service

from gateway.config.model import Route
from gateway.ops.status import status_of
from gateway.simulator.smsc_http.faults import Fault, FaultKind
from protocols.smpp import constants as c
from protocols.smpp.pdu import EnquireLink, EnquireLinkResp, Pdu, SubmitSm, SubmitSmResp

ALL: Any = ["down", "silent", "refused", "throttled"]


@asynccontextmanager
async def scripted(
    tmp_path: Path, count: int = 3, failover: Sequence[Any] = ALL, **fields: Any
) -> AsyncIterator[tuple[Gateway, list[ScriptedSmsc]]]:
    """A gateway with so many scripted SMSCs, one, two and three, in one route."""
    names = ["one", "two", "three"][:count]
    async with scripted_smsc() as one, scripted_smsc() as two, scripted_smsc() as three:
        smscs = [one, two, three][:count]
        made = config(
            *(connector(smsc.port, name, **fields) for smsc, name in zip(smscs, names, strict=True)),
            routes=[Route(connectors=names, failover=failover)],
        )
        async with running(made, tmp_path) as gateway:
            for name in names:
                await gateway.linked(name)
            yield gateway, smscs


def refuses(status: int) -> Any:
    """An SMSC that says this to every submit."""

    def answer(pdu: Pdu) -> Pdu | None:
        if isinstance(pdu, SubmitSm):
            return SubmitSmResp(command_status=status)
        return EnquireLinkResp()

    return answer


def is_deaf(pdu: Pdu) -> Pdu | None:
    """An SMSC that answers enquire_link and nothing else."""
    return EnquireLinkResp() if isinstance(pdu, EnquireLink) else None


def texts(smsc: ScriptedSmsc) -> list[bytes]:
    return [pdu.short_message for pdu in smsc.taken]


def incidents(gateway: Gateway, message_id: str) -> list[str]:
    found = gateway.reader.timeline(int(message_id))
    assert found is not None
    return [str(line) for line in found["timeline"] if "refused" in str(line) or "handed" in str(line)]


@journey
async def test_what_one_refuses_the_next_takes(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (gateway, (one, two, three)):
        one.answer = two.answer = refuses(c.ESME_RINVDSTADR)
        client = await gateway.client()
        message_id = await client.submit(registered_delivery=0)
        await gateway.said("submitted", message_id, "connector=three")
        assert [len(texts(smsc)) for smsc in (one, two, three)] == [0, 0, 1]
        await gateway.said("rerouted", message_id, "connector=two", "to=three", "ESME_RINVDSTADR")
        lines = " ".join(incidents(gateway, message_id))
        assert "one refused it (ESME_RINVDSTADR): goes to two" in lines
        assert "two refused it (ESME_RINVDSTADR): goes to three" in lines


@journey
async def test_when_all_refuse_it_ends_with_what_the_last_one_said(tmp_path: Path) -> None:
    async with scripted(tmp_path, 2) as (gateway, (one, two)):
        one.answer, two.answer = refuses(c.ESME_RINVDSTADR), refuses(c.ESME_RINVSRCADR)
        client = await gateway.client()
        message_id = await client.submit()
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (message_id, c.REJECTED)
        assert one.got.qsize() == two.got.qsize() == 1
        assert gateway.states(message_id) == ["REJECTED"]
        await gateway.emptied()
        await gateway.until(lambda: not any(it.in_flight for it in gateway.daemon.upstreams.values()))


@journey
async def test_without_the_option_a_refusal_is_the_end(tmp_path: Path) -> None:
    async with scripted(tmp_path, 2, ["down", "silent"]) as (gateway, (one, two)):
        one.answer = refuses(c.ESME_RINVDSTADR)
        client = await gateway.client()
        await client.submit()
        assert (await client.receipt()).state == c.REJECTED
        assert two.got.empty()


@journey
async def test_a_long_message_that_is_refused_goes_on_whole(tmp_path: Path) -> None:
    async with scripted(tmp_path, 2) as (gateway, (one, two)):
        one.answer = refuses(c.ESME_RINVDSTADR)
        client = await gateway.client()
        payload = b"x" * 400
        message_id = await client.submit(text=b"", tlvs=((0x0424, payload),), registered_delivery=0)
        await gateway.until(lambda: len(two.taken) == 3)
        assert b"".join(text[6:] for text in texts(two)) == payload
        assert gateway.states(message_id)
        await gateway.emptied()


@journey
async def test_of_a_long_message_nothing_goes_twice(tmp_path: Path) -> None:
    """One takes the first segment and refuses the others: the receipts of both make the end."""
    async with scripted(tmp_path, 2) as (gateway, (one, two)):

        def first_only(pdu: Pdu) -> Pdu | None:
            if isinstance(pdu, SubmitSm) and pdu.short_message[5] != 1:
                return SubmitSmResp(command_status=c.ESME_RINVDSTADR)
            return one.take(pdu)

        one.answer = first_only
        client = await gateway.client()
        await client.submit(text=b"", tlvs=((0x0424, b"x" * 400),), registered_delivery=0)
        await gateway.said("rerouted", times=2)
        gateway.clock.advance(1.1)
        await gateway.until(lambda: len(two.taken) == 2)
        assert [text[5] for text in (*texts(one), *texts(two))] == [1, 2, 3]
        await gateway.emptied()


@journey
async def test_the_second_too_much_goes_to_the_next_at_once(tmp_path: Path) -> None:
    async with scripted(tmp_path, 2) as (gateway, (one, two)):
        one.answer = refuses(c.ESME_RTHROTTLED)
        client = await gateway.client()
        message_id = await client.submit(registered_delivery=0)
        await gateway.said("postponed", message_id)
        assert two.got.empty()
        gateway.clock.advance(0.2)
        await gateway.said("submitted", message_id, "connector=two")
        assert any("handed to two" in line for line in incidents(gateway, message_id))


@journey
async def test_a_simulated_pair_delivers_what_the_first_refuses(tmp_path: Path) -> None:
    """With receipts: they are those of the connector that took it."""
    async with scripted_smsc() as one, simulated_smsc() as two:
        one.answer = refuses(c.ESME_RINVDSTADR)
        made = config(
            connector(one.port, "one"),
            connector(two.port, "two"),
            routes=[Route(connectors=["one", "two"], failover=ALL)],
        )
        async with running(made, tmp_path) as gateway:
            await gateway.linked("one")
            await gateway.linked("two")
            client = await gateway.client()
            sent = [await client.submit(text=b"%d" % n) for n in range(20)]
            got = [await client.receipt() for _ in sent]
            assert sorted(got) == sorted(Receipt(message_id, c.DELIVERED, "000") for message_id in sent)
            await gateway.emptied()


@journey
async def test_a_silent_smsc_loses_its_traffic_and_gets_it_back(tmp_path: Path) -> None:
    quick = {"silence_s": 8, "response_timeout_s": 10, "enquire_link_s": 5, "window": 3}
    async with scripted(tmp_path, 2, **quick) as (gateway, (one, two)):
        one.answer = is_deaf
        client = await gateway.client()
        for n in range(5):  # three fill its window, two wait on disk
            await client.submit(text=b"%d" % n, registered_delivery=0)
        while not gateway.lines_with(" silent connector=one"):
            gateway.clock.advance(1)
            await gateway.ticked()
            await gateway.linked("one")
        await gateway.said("failover", "connector=one", "to=two", "why=silent")
        while len(two.taken) < 5:  # what is in doubt goes by the other one too
            gateway.clock.advance(1)
            await gateway.ticked()
            await gateway.until(lambda: not gateway.daemon.upstreams["two"].in_flight)  # it is not silent
        status = {row["connector"]: row["state"] for row in status_of(gateway.daemon)["connectors"]}
        assert status == {"one": "silent", "two": "bound"}
        new = await client.submit(text=b"new", registered_delivery=0)
        await gateway.said("submitted", new, "connector=two")
        one.answer = one.take
        while not one.taken:  # one message after the other tries it, sooner or later
            gateway.clock.advance(5)
            await gateway.ticked()
            await client.submit(text=b"probe", registered_delivery=0)
            await gateway.emptied()
        await gateway.said("answers_again", "connector=one")
        back = await client.submit(text=b"back", registered_delivery=0)
        await gateway.said("submitted", back, "connector=one")
        assert status_of(gateway.daemon)["healthy"]


@pytest.mark.parametrize("number", [6, 7, 8])
def test_what_the_service_refuses_goes_to_the_next_connector(tmp_path: Path, number: int) -> None:
    @journey
    async def run() -> None:
        async with simulated_service() as simulator, scripted_smsc() as two:
            made = service_config(
                service(simulator.port),
                connectors=[connector(two.port, "two")],
                routes=[Route(connectors=[SERVICE, "two"], failover=ALL)],
            )
            async with running(made, tmp_path) as gateway:
                await gateway.linked(SERVICE)
                await gateway.linked("two")
                simulator.service.faults.next("send", [Fault(FaultKind("error"), number)])
                client = await gateway.client()
                message_id = await client.submit(registered_delivery=0)
                await gateway.said("submitted", message_id, "connector=two")
                assert any(f"smsc_error_{number}" in line for line in incidents(gateway, message_id))
                assert len(two.taken) == 1
                await gateway.emptied()

    run()


@journey
async def test_of_a_list_each_message_is_refused_for_itself(tmp_path: Path) -> None:
    """The service refuses the list, then two of its messages alone; the third one it takes."""
    async with simulated_service() as simulator, scripted_smsc() as two:
        made = service_config(
            service(simulator.port),
            connectors=[connector(two.port, "two")],
            routes=[Route(connectors=[SERVICE, "two"], failover=ALL)],
        )
        async with running(made, tmp_path) as gateway:
            await gateway.linked(SERVICE)
            await gateway.linked("two")
            simulator.service.faults.next("send", [Fault(FaultKind("error"), 1)] * 3)
            client = await gateway.client()
            pdus = [submit_sm(f"7916120000{n}", b"same", registered_delivery=0) for n in range(3)]
            await asyncio.gather(*client.send_together(*pdus))
            gateway.clock.let_run()
            await gateway.until(lambda: len(two.taken) == 2)
            await gateway.emptied()
            assert (len(two.taken), simulator.service.store.accepted) == (2, 1)


@journey
async def test_a_burst_that_is_refused_is_carried_by_the_next_once_each(tmp_path: Path) -> None:
    async with scripted(tmp_path, 3, window=5) as (gateway, (one, two, three)):
        one.answer = refuses(c.ESME_RINVDSTADR)
        turn = iter(range(1_000_000))

        def every_other(pdu: Pdu) -> Pdu | None:
            if isinstance(pdu, SubmitSm) and next(turn) % 2:
                return SubmitSmResp(command_status=c.ESME_RINVDSTADR)
            return two.take(pdu)

        two.answer = every_other
        client = await gateway.client()
        pdus = [submit_sm(text=b"%d" % n, registered_delivery=0) for n in range(60)]
        await asyncio.gather(*client.send_together(*pdus))
        await gateway.emptied()
        assert sorted(texts(two) + texts(three)) == sorted(pdu.short_message for pdu in pdus)
