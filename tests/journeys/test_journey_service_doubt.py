"""Requests whose answers are lost: nothing is sent twice, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from journey_support import account, journey, running, submit_sm
from service_support import (
    SERVICE,
    gateway_and_service,
    service,
    service_config,
    simulated_service,
)

from gateway.simulator.smsc_http.faults import Fault, FaultKind
from gateway.simulator.smsc_http.model import ApiProblem
from protocols.smpp import constants as c

ACCEPTED = ["timeout", "drop", "http_500", "no_json", "wrong_charset"]
NOT_ACCEPTED = ["drop_before", "http_500_before"]
FAULTS = [*ACCEPTED, *NOT_ACCEPTED]


def fault(name: str, number: int = 0) -> Fault:
    return Fault(FaultKind(name), number)


@pytest.mark.parametrize("name", FAULTS)
@journey
async def test_a_request_without_an_answer_is_sent_once(tmp_path: Path, name: str) -> None:
    link = {"timeout_s": 1.5}
    async with gateway_and_service(tmp_path, with_calls=True, link=link) as (gateway, simulator):
        simulator.service.account.handler_url = ""  # no call may settle it
        simulator.service.faults.next("send", [fault(name)])
        client = await gateway.client()
        pdus = [submit_sm(f"7916120{n:04d}", b"text %d" % n) for n in range(5)]
        await asyncio.gather(*client.send_together(*pdus))
        gateway.clock.let_run()
        await gateway.until(lambda: gateway.daemon.upstreams[SERVICE].submitted == 5)
        store = simulator.service.store
        assert (store.accepted, store.by_text.repeated()) == (5, [])
        assert gateway.listing("ambiguous") == []


@journey
async def test_a_call_settles_a_doubt_before_anybody_asks(tmp_path: Path) -> None:
    link = {"timeout_s": 1.5}
    async with gateway_and_service(tmp_path, with_calls=True, link=link) as (gateway, simulator):
        simulator.service.faults.next("send", [fault("timeout")])
        client = await gateway.client()
        await client.submit()
        assert (await client.receipt()).state == c.DELIVERED
        await gateway.emptied()
        assert simulator.service.requests["status"] == 0


@journey
async def test_a_slow_first_request_is_known_by_error_9(tmp_path: Path) -> None:
    """Asked too early, the service says that it does not have it; the second request is the same one."""
    async with gateway_and_service(tmp_path, link={"timeout_s": 1.5}) as (gateway, simulator):
        store, found = simulator.service.store, simulator.service.store.find
        simulator.service.faults.next("send", [fault("timeout")])
        client = await gateway.client()
        misses = []

        def not_yet(id: str, phone: str) -> object:
            if len(misses) < 2:
                misses.append(id)
                return None
            return found(id, phone)

        store.find = not_yet  # type: ignore[method-assign, assignment]
        await client.submit()
        gateway.clock.let_run()
        await gateway.said("sent_again")
        await gateway.until(lambda: gateway.daemon.upstreams[SERVICE].submitted == 1)
        assert (store.accepted, simulator.service.errors_by_script["send", 9]) == (1, 1)


@journey
async def test_doubts_that_get_no_answer_do_not_hold_up_the_others(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, link={"timeout_s": 1.5}) as (gateway, simulator):
        handlers = simulator.service._handlers
        ask = handlers["status"]

        def only_the_last(params: dict[str, str], now: float) -> object:
            if not params["phone"].endswith("3"):
                raise ApiProblem(9)
            return ask(params, now)

        handlers["status"] = only_the_last
        simulator.service.faults.next("send", [fault("timeout")])
        client = await gateway.client()
        pdus = [submit_sm(f"7916120000{n}", b"text %d" % n) for n in range(4)]
        await asyncio.gather(*client.send_together(*pdus))
        gateway.clock.let_run()
        await gateway.until(lambda: gateway.daemon.upstreams[SERVICE].submitted == 1)


@pytest.mark.parametrize("name", FAULTS)
@journey
async def test_a_restart_asks_for_what_was_under_way(tmp_path: Path, name: str) -> None:
    async with simulated_service() as simulator:
        made = service_config(service(simulator.port, timeout_s=30.0))
        simulator.service.faults.next("send", [fault(name)])
        simulator.service.faults.next("status", [fault("http_500_before")] * 3)
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked(SERVICE)
            message_id = await client.submit()
            await gateway.until(lambda: simulator.service.requests["send"] or gateway.lines_with("asking"))
        async with running(made, tmp_path, later_s=100) as gateway:
            gateway.clock.let_run()
            await gateway.said("asking", "messages=1")
            client = await gateway.client()
            receipt = await client.receipt()
            assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)
        store = simulator.service.store
        assert (store.accepted, store.by_text.repeated()) == (1, [])


@journey
async def test_a_day_later_the_route_s_policy_decides(tmp_path: Path) -> None:
    async with simulated_service() as simulator:
        made = service_config(service(simulator.port, timeout_s=30.0))
        simulator.service.faults.next("send", [fault("timeout")])
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked(SERVICE)
            await client.submit()
            await gateway.until(lambda: simulator.service.requests["send"] == 1)
        simulator.service.store.messages.clear()
        simulator.service.store._latest.clear()
        async with running(made, tmp_path, later_s=21 * 3600) as gateway:
            await gateway.until(lambda: gateway.listing("ambiguous"))
            [row] = gateway.listing("ambiguous")
            assert row["action"] == "resend" and "no longer kept" in row["evidence"]


@journey
async def test_one_bad_number_does_not_spoil_the_others_of_its_list(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        simulator.service.faults.next("send", [fault("error", 1)])
        client = await gateway.client()
        pdus = [submit_sm(f"7916120{n:04d}", b"text %d" % n) for n in range(4)]
        await asyncio.gather(*client.send_together(*pdus))
        assert {(await client.receipt()).state for _ in pdus} == {c.DELIVERED}
        assert simulator.service.store.by_text.repeated() == []
        assert simulator.service.requests["send"] == 4  # and the one that was refused


@journey
async def test_a_list_that_was_registered_with_an_error_is_asked_for(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        simulator.service.account.handler_url = ""
        client = await gateway.client()
        pdus = [submit_sm(f"7916{n}99137", b"text %d" % n) for n in range(3)]
        await asyncio.gather(*client.send_together(*pdus))
        gateway.clock.let_run()
        assert {(await client.receipt()).state for _ in pdus} == {c.REJECTED}
        assert simulator.service.store.by_text.repeated() == []


@pytest.mark.parametrize(("number", "state"), [(1, 8), (5, 8), (6, 8), (7, 8), (8, 8)])
@journey
async def test_an_error_for_good_ends_a_message(tmp_path: Path, number: int, state: int) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        simulator.service.faults.next("send", [fault("error", number)])
        client = await gateway.client()
        await client.submit()
        receipt = await client.receipt()
        assert (receipt.state, receipt.error) == (state, f"{number:03}")


@journey
async def test_without_money_it_waits_until_there_is_some(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True, simulated={"balance": "0"}) as (
        gateway,
        simulator,
    ):
        client = await gateway.client()
        await client.submit()
        await gateway.said("link_lost", "no money")
        assert gateway.daemon.services.connectors[SERVICE].state == "without money"
        simulator.service.account.balance += 100
        gateway.clock.let_run()
        assert (await client.receipt()).state == c.DELIVERED


@journey
async def test_a_refused_login_is_told_once_and_rests_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path) as (gateway, simulator):
        simulator.service.faults.next("send", [fault("error", 2)])
        client = await gateway.client()
        await client.submit()
        await gateway.said("login_refused", SERVICE)
        await gateway.ticked()
        asked = simulator.service.requests.total()
        gateway.clock.advance(600)
        await gateway.ticked()
        assert simulator.service.requests.total() == asked
        gateway.clock.advance(400)
        await gateway.until(lambda: simulator.service.store.accepted == 1)


@journey
async def test_a_balance_that_was_asked_too_often_keeps_nothing_back(tmp_path: Path) -> None:
    async with simulated_service() as simulator:
        simulator.service.faults.next("balance", [fault("error", 9)])
        async with running(service_config(service(simulator.port)), tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked(SERVICE)
            await client.submit()
            await gateway.until(lambda: simulator.service.store.accepted == 1)
            assert simulator.service.errors[9] == 1


@journey
async def test_a_host_that_is_gone_is_replaced_by_the_next(tmp_path: Path) -> None:
    async with simulated_service() as simulator:
        url = service(simulator.port).url
        gone = url._replace(port=1)
        made = service_config(service(simulator.port, url=gone, backup_urls=[url]))
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked(SERVICE)
            await client.submit()
            await gateway.until(lambda: simulator.service.store.accepted == 1)


@journey
async def test_what_the_service_will_not_take_goes_by_another_connector(tmp_path: Path) -> None:
    async with simulated_service(balance="0") as poor, simulated_service() as rich:
        made = service_config(service(poor.port, "poor"), service(rich.port, "rich"))
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked("poor")
            await gateway.linked("rich")
            await client.submit()
            await gateway.until(lambda: rich.service.store.accepted == 1)


@journey
async def test_too_many_to_one_number_wait_instead_of_being_blocked(tmp_path: Path) -> None:
    accounts = [account(window=1000)]
    async with gateway_and_service(tmp_path, with_calls=True, accounts=accounts) as (gateway, simulator):
        client = await gateway.client()
        pdus = [submit_sm(text=b"text %d" % n) for n in range(55)]
        await asyncio.gather(*client.send_together(*pdus))
        for _ in range(50):
            assert (await client.receipt()).state == c.DELIVERED
        assert simulator.service.store.accepted == 50
        assert len(gateway.listing("waiting")) == 5
        assert len(gateway.lines_with("postponed", "too_many_to_one_number")) == 5
