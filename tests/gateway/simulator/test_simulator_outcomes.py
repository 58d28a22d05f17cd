"""Each magic destination over a real socket, and the draw of random outcomes."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from simulator_support import Esme, bound, running, submit

from gateway.simulator import SimulatorSettings
from gateway.simulator.outcomes import MAGIC, Answer, Outcomes
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm
from protocols.sms.receipts import Receipt, parse_text

OK = c.ESME_ROK
NO_ANSWER = None

# destination's end -> answers to the same submit made again, stat words of the receipts after the last
EXPECTED: dict[str, tuple[list[int | None], list[str]]] = {
    "55555": ([OK], ["DELIVRD"]),
    "99001": ([OK], ["DELIVRD"]),
    "99002": ([OK], ["UNDELIV"]),
    "99003": ([OK], ["EXPIRED"]),
    "99004": ([OK], ["REJECTD"]),
    "99005": ([OK], ["DELETED"]),
    "99006": ([OK], ["UNKNOWN"]),
    "99008": ([c.ESME_RSYSERR, OK], ["DELIVRD"]),
    "99011": ([c.ESME_RINVDSTADR, c.ESME_RINVDSTADR], []),
    "99014": ([c.ESME_RMSGQFUL, OK], ["DELIVRD"]),
    "99058": ([c.ESME_RTHROTTLED, OK], ["DELIVRD"]),
    "99100": ([NO_ANSWER, NO_ANSWER], []),
    "99101": ([NO_ANSWER, OK], ["DELIVRD"]),
    "99103": ([OK], ["DELIVRD"]),
    "99104": ([OK], ["DELIVRD"]),
    "99105": ([OK], ["DELIVRD", "DELIVRD"]),
    "99106": ([OK], []),
    "99107": ([OK], ["ACCEPTD", "DELIVRD"]),
    "99108": ([OK], ["DELIVRD"]),
    "99109": ([OK], ["DELIVRD"]),
    "99111": ([OK], ["WEIRD"]),
    "99045": ([c.ESME_RSUBMITFAIL, OK], ["DELIVRD"]),
    "99130": ([OK], ["DELIVRD"]),
    "99131": ([OK], ["DELIVRD"]),
    "99400": ([0x0401, 0x0401], []),
    "99401": ([c.ESME_RSYSERR, OK], ["DELIVRD"]),
    "99402": ([c.ESME_RINVDSTADR, c.ESME_RINVDSTADR], []),
    "99403": ([c.ESME_RSYSERR, OK], ["DELIVRD"]),
    "99404": ([c.ESME_RINVCMDID, c.ESME_RINVCMDID], []),
    "99405": ([OK], ["DELIVRD"]),
}
TESTED_ELSEWHERE = {"99102", "99110", "99120"}
FORMS = {code for code in MAGIC if code >= "99500"}  # in test_simulator_receipt_forms and …_incoming


def receipt_of(pdu: DeliverSm | DataSm) -> Receipt:
    octets = pdu.short_message if isinstance(pdu, DeliverSm) else tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD)
    assert octets is not None
    receipt = parse_text(octets)
    assert receipt is not None
    return receipt


async def magic(esme: Esme, code: str) -> tuple[list[int | None], list[Receipt]]:
    """What comes back for the submits to one destination."""
    answers, expected_receipts = EXPECTED[code]
    statuses: list[int | None] = []
    message_id = ""
    for _ in answers:
        answer = esme.send(submit(f"1555{code}"))
        await esme.fence()
        statuses.append(answer.result().command_status if answer.done() else NO_ANSWER)
        if answer.done():
            message_id = getattr(answer.result(), "message_id", "")
    receipts = [receipt_of(await esme.delivery()) for _ in expected_receipts]
    await esme.fence()
    assert esme.deliveries.empty()
    assert all(receipt.id == message_id for receipt in receipts)
    return statuses, receipts


@pytest.mark.parametrize("code", EXPECTED)
def test_magic_destination(code: str) -> None:
    async def scenario() -> None:
        async with running() as simulator:
            esme = await bound(simulator)
            for _ in range(2):  # the scheme starts anew for the next message
                statuses, receipts = await magic(esme, code)
                assert (statuses, [receipt.stat for receipt in receipts]) == EXPECTED[code]

    asyncio.run(scenario())


def test_all_magic_destinations_are_tested() -> None:
    assert set(MAGIC) == (set(EXPECTED) | TESTED_ELSEWHERE | FORMS) - {"55555"}


def test_all_magic_destinations_are_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
    for code, outcome in MAGIC.items():
        assert f"| …{code} | {outcome.meaning} |" in text


def run_one(code: str) -> Esme:
    """The ESME after one submit to a magic destination, its receipt taken."""

    async def scenario() -> Esme:
        async with running() as simulator:
            esme = await bound(simulator)
            await esme.request(submit(f"1555{code}", "привет".encode("utf-16-be"), data_coding=8))
            await esme.fence()
            return esme

    return asyncio.run(scenario())


def test_99104_receipt_comes_before_the_response() -> None:
    assert run_one("99104").order[1:3] == ["DeliverSm", "SubmitSmResp"]


def test_99001_receipt_comes_after_the_response() -> None:
    assert run_one("99001").order[1:3] == ["SubmitSmResp", "DeliverSm"]


def test_99108_receipt_comes_by_data_sm() -> None:
    pdu = run_one("99108").deliveries.get_nowait()
    assert isinstance(pdu, DataSm)
    assert pdu.esm_class == 0x04
    assert tlv.get(pdu.tlvs, tlv.MESSAGE_STATE) == b"\x02"


def test_99109_receipt_has_no_tlvs() -> None:
    pdu = run_one("99109").deliveries.get_nowait()
    assert pdu.tlvs == ()


def test_99110_receipt_has_tlvs_only() -> None:
    pdu = run_one("99110").deliveries.get_nowait()
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message == b""
    assert {tag for tag, _ in pdu.tlvs} == {tlv.RECEIPTED_MESSAGE_ID, tlv.MESSAGE_STATE}


def test_99120_text_comes_back_as_a_message() -> None:
    deliveries = run_one("99120").deliveries
    receipt, reply = deliveries.get_nowait(), deliveries.get_nowait()
    assert receipt.esm_class == 0x04
    assert isinstance(reply, DeliverSm)
    assert (reply.source_addr, reply.destination_addr) == ("155599120", "12345")
    assert (reply.esm_class, reply.data_coding) == (0, 8)
    assert reply.short_message.decode("utf-16-be") == "привет"


def test_99102_connection_is_dropped_the_first_time() -> None:
    async def scenario() -> None:
        async with running() as simulator:
            first = await bound(simulator)
            before = first.send(submit("15550001"))
            dropped = first.send(submit("155599102"))
            async with asyncio.timeout(60):
                await first.closed
            assert before.done() and not dropped.done()
            second = await bound(simulator)
            assert (await second.request(submit("155599102"))).command_status == OK

    asyncio.run(scenario())


def draw(count: int, settings: SimulatorSettings) -> list[object]:
    outcomes = Outcomes(settings)
    return [outcomes.choose("1", "15550001", b"") for _ in range(count)]


def test_same_seed_draws_the_same_faults() -> None:
    settings = SimulatorSettings(throttle_pct=10, error_pct=10, no_response_pct=10, seed=7)
    assert draw(200, settings) == draw(200, settings)
    assert draw(200, settings) != draw(200, SimulatorSettings(throttle_pct=10, seed=8))


def test_shares_are_what_the_settings_say() -> None:
    settings = SimulatorSettings(
        throttle_pct=10,
        error_pct=20,
        error_status=c.ESME_RINVSRCADR,
        no_response_pct=5,
        receipt_duplicate_pct=50,
        state_mix="DELIVRD=1,EXPIRED=1",
    )
    outcomes = Outcomes(settings)
    drawn = [outcomes.choose("1", "15550001", b"") for _ in range(4000)]
    taken = [o for o in drawn if o.answer is Answer.RESPONSE and o.status == OK]
    assert 0.08 < sum(o.status == c.ESME_RTHROTTLED for o in drawn) / 4000 < 0.12
    assert 0.17 < sum(o.status == c.ESME_RINVSRCADR for o in drawn) / 4000 < 0.23
    assert 0.03 < sum(o.answer is Answer.NONE for o in drawn) / 4000 < 0.07
    assert 0.45 < sum(o.copies == 2 for o in taken) / len(taken) < 0.55
    assert 0.45 < sum(o.state == c.EXPIRED for o in taken) / len(taken) < 0.55


def test_magic_destinations_escape_random_faults() -> None:
    outcomes = Outcomes(SimulatorSettings(throttle_pct=100))
    assert outcomes.choose("1", "155599002", b"") is MAGIC["99002"]


def test_magic_can_be_switched_off() -> None:
    outcomes = Outcomes(SimulatorSettings(magic=False))
    assert outcomes.choose("1", "155599002", b"").state == c.DELIVERED


def test_once_is_for_each_text_between_the_same_addresses() -> None:
    outcomes = Outcomes(SimulatorSettings())
    assert outcomes.choose("1", "155599058", b"a").status == c.ESME_RTHROTTLED
    assert outcomes.choose("1", "155599058", b"b").status == c.ESME_RTHROTTLED
    assert outcomes.choose("2", "155599058", b"a").status == c.ESME_RTHROTTLED
    assert outcomes.choose("1", "155599058", b"a").status == OK


def test_memory_of_once_is_bounded() -> None:
    outcomes = Outcomes(SimulatorSettings())
    for _ in range(10_001):
        outcomes.choose("1", "155599058", random.randbytes(8))
    assert len(outcomes._hit_once) == 10_000
