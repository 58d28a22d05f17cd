"""The caller: how often, to whom and in which order; what it says; what a kill and a full disk leave."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import fields
from ipaddress import ip_network
from typing import Any

import pytest
from calls_bench import HANDLER, SECRET, WEBHOOK, bench, no_answer
from service_fakes import looped

from gateway.config.account_model import SubAccount
from gateway.core.api import CallKind
from gateway.core.batch import Answer
from gateway.egress.call_lanes import FIRST_SHARE, FULL, HANDLER_TRIES, SHARE, Lane, next_due_ms
from gateway.egress.calls import AT_ONCE, CLAIM, PROBLEM_S, SLOW_AT_ONCE, SLOW_FIRST
from protocols.smsc_http.callbacks import IncomingCall, check_hash, parse_callback
from protocols.webhooks import HEADER, is_genuine

FOUR_MINUTES_S = 240
DAY_MS = 86_400_000


# -- a handler ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 404])
@looped
async def test_200_and_404_end_a_call_to_a_handler(status: int) -> None:
    async with bench() as it:
        it.client.usual["http://app/"] = status
        ids = it.write(3)
        await it.settled()
        assert it.store.done == ids and not it.store.rows
        assert len(it.client.posted) == 3
        assert it.caller.taken == 3


@pytest.mark.parametrize("answer", [201, 204, 302, 400, 410, 500, 503, None])
@looped
async def test_anything_else_comes_again_four_minutes_later(answer: int | None) -> None:
    async with bench() as it:
        it.client.usual["http://app/"] = no_answer() if answer is None else answer
        it.write()
        await it.settled()
        await it.advance(FOUR_MINUTES_S - 0.1)
        assert len(it.client.posted) == 1
        await it.advance(0.1)
        assert [each.at_ms - it.client.posted[0].at_ms for each in it.client.posted] == [0, 240_000]
        it.client.usual["http://app/"] = 200
        await it.advance(FOUR_MINUTES_S)
        assert it.store.done == [1]
        assert len({each.body for each in it.client.posted}) == 1, "each try says the same"


@looped
async def test_after_fifty_tries_it_is_dead() -> None:
    async with bench() as it:
        it.client.usual["http://app/"] = 500
        it.write()
        await it.settled()
        while it.store.rows:
            await it.advance(FOUR_MINUTES_S)
        assert len(it.client.posted) == HANDLER_TRIES
        assert it.store.dead == {1: "HTTP 500"}
        assert it.client.posted[-1].at_ms - it.client.posted[0].at_ms == 49 * 240_000
        assert (it.caller.taken, it.caller.put_off, it.caller.dead) == (0, 49, 1)
        await it.advance(10 * FOUR_MINUTES_S)
        assert len(it.client.posted) == HANDLER_TRIES


@looped
async def test_a_handler_gets_the_hash_and_its_own_parameters() -> None:
    async with bench() as it:
        it.account(handler="http://app/?sha1=secret_1&fmt=3&charset=utf-8&shop=7")
        it.write(kind=CallKind.INCOMING.value, text="Привет", data_coding=8, own_number="7999")
        await it.settled()
        (posted,) = it.client.posted
        assert posted.url == "http://app/"
        read = parse_callback(posted.headers["Content-Type"], posted.body)
        assert isinstance(read, IncomingCall) and read.mes == "Привет"
        assert check_hash(read, "secret_1", "sha1") and read.own == {"shop": "7"}
        assert HEADER not in posted.headers


@looped
async def test_times_are_in_the_account_s_zone() -> None:
    async with bench() as it:
        it.accounts["app"].config = it.accounts["app"].config.__class__(
            system_id="app",
            password_hash=it.accounts["app"].config.password_hash,
            http=it.accounts["app"].config.http,
            time_zone="Asia/Vladivostok",
            message_id_format="hex",
        )
        it.write(done_ms=1_735_689_600_000, message_id=255)
        await it.settled()
        assert "time=01.01.25%2010%3A00%3A00" in it.client.posted[0].text
        assert "id=00000000000000ff&" in it.client.posted[0].text


# -- a webhook ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@looped
async def test_any_2xx_acknowledges_a_webhook(status: int) -> None:
    async with bench() as it:
        it.client.usual["http://app.hook/"] = status
        it.write(target=WEBHOOK)
        await it.settled()
        assert it.store.done == [1]


@looped
async def test_a_webhook_is_signed_anew_for_each_try() -> None:
    async with bench() as it:
        it.client.answers["http://app.hook/"].append(404)
        it.write(target=WEBHOOK)
        await it.settled()
        await it.advance(5)
        first, second = it.client.posted
        assert first.body == second.body
        assert first.headers["Content-Type"] == "application/json"
        assert first.headers[HEADER] != second.headers[HEADER]
        for posted in (first, second):
            assert is_genuine(posted.headers[HEADER], posted.body, [SECRET], posted.at_ms / 1000)
        assert json.loads(first.body)["id"] == "ended-1-79990000001"


@looped
async def test_a_webhook_comes_again_later_each_time_for_its_days() -> None:
    async with bench() as it:
        it.account(webhook_days=0.5)
        it.client.usual["http://app.hook/"] = no_answer()
        it.write(target=WEBHOOK)
        await it.settled()
        while it.store.rows:
            row = it.store.rows[1]
            await it.advance(max(0.0, (row.due_ms - it.clock.now_ms()) / 1000))
        times = [each.at_ms for each in it.client.posted]
        pauses = [(b - a) / 1000 for a, b in itertools.pairwise(times)]
        assert all(
            min(3600, 5 * 2**n) / 10 <= pause <= min(3600, 5 * 2**n) for n, pause in enumerate(pauses[:-1])
        )
        assert times[-1] - times[0] == DAY_MS // 2
        assert it.store.dead == {1: "no answer within 30 s"}


@looped
async def test_gone_is_believed_at_once() -> None:
    async with bench() as it:
        it.client.usual["http://app.hook/"] = 410
        it.write(target=WEBHOOK)
        await it.settled()
        assert it.store.dead == {1: "HTTP 410"}
        assert len(it.client.posted) == 1


@looped
async def test_without_a_secret_nothing_goes_out() -> None:
    async with bench() as it:
        it.account(webhook_secret=None)
        it.write(target=WEBHOOK)
        await it.settled()
        assert it.client.posted == []
        assert "webhook_secret is missing" in it.store.rows[1].reason


def test_delays_of_webhooks_grow_to_an_hour() -> None:
    from random import Random

    from call_rows import call

    row, random = call(target=WEBHOOK), Random(1)
    longest = [
        max((next_due_ms(row._replace(tries=n), row.created_ms, 3, random) or 0) for _ in range(50))
        - row.created_ms
        for n in range(20)
    ]
    assert longest[0] <= 5000 and max(longest) <= 3_600_000 and longest[15] > 1_800_000


# -- who is called -----------------------------------------------------------------------------------------


@looped
async def test_an_account_may_have_both() -> None:
    async with bench() as it:
        it.write(target=HANDLER)
        it.write(target=WEBHOOK)
        await it.settled()
        assert [each.url for each in it.client.posted] == ["http://app/", "http://app.hook/"]


@pytest.mark.parametrize("gone", ["account", "http", "handler"])
@looped
async def test_what_nobody_is_there_for_any_more_is_dead(gone: str) -> None:
    async with bench() as it:
        if gone == "account":
            del it.accounts["app"]
        else:
            it.account(**({"handler": ""} if gone == "handler" else {}))
            if gone == "http":
                it.accounts["app"] = type(it.accounts["app"])(
                    it.accounts["app"].config.__class__(
                        system_id="app", password_hash=it.accounts["app"].config.password_hash
                    ),
                    0.0,
                    0,
                )
        it.write()
        await it.settled()
        assert "any more" in it.store.dead[1]
        assert it.client.posted == []


@looped
async def test_a_changed_url_is_used_at_the_next_try() -> None:
    async with bench() as it:
        it.client.usual["http://app/"] = 500
        it.write()
        await it.settled()
        it.account(handler="http://other/")
        it.caller.configure([ip_network("10.0.0.0/8")])
        assert it.client.networks == [ip_network("10.0.0.0/8")]
        await it.settled()
        await it.advance(FOUR_MINUTES_S)
        assert it.store.done == [1]
        assert len(it.client.to("http://other/")) == 1


@looped
async def test_security_62_the_handler_of_a_sub_client_is_no_door_to_the_operator_s_networks() -> None:
    async with bench("app", "sub") as it:
        config = it.accounts["sub"].config
        values = {option.name: getattr(config, option.name) for option in fields(config)}
        it.accounts["sub"].configure(SubAccount(**values), 0.0)
        it.write()
        it.write(account="sub")
        await it.settled()
        assert [one.by_operator for one in it.client.to("http://app/")] == [True]
        assert [one.by_operator for one in it.client.to("http://sub/")] == [False]


# -- nobody starves ----------------------------------------------------------------------------------------


@looped
async def test_an_account_has_few_calls_at_once_and_all_have_a_bound() -> None:
    names = [f"a{n:02}" for n in range(AT_ONCE)]
    async with bench(*names) as it:
        gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        for name in names:
            it.client.usual[f"http://{name}/"] = gate
            it.write(4, account=name)
        await it.until(lambda: it.caller.under_way == AT_ONCE)
        for _ in range(50):
            await asyncio.sleep(0)
        assert sum(it.client.inside.values()) == AT_ONCE
        claims = len(it.store.claims)
        it.write(account=names[0])
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(it.store.claims) == claims, "what nobody has room for stays in the store"
        assert max(it.client.inside.values()) <= FIRST_SHARE
        gate.set_result(200)
        await it.settled()
        assert len(it.store.done) == 4 * AT_ONCE + 1
        assert max(it.client.most.values()) <= SHARE


@looped
async def test_a_handler_that_never_answers_starves_nobody() -> None:
    """It has a thousand calls that wait, all due before the others'."""
    async with bench("dead", "good") as it:
        gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        it.client.usual["http://dead/"] = gate
        it.write(1000, account="dead")
        await it.until(lambda: it.client.inside["http://dead/"] == FIRST_SHARE)
        ids = it.write(300, account="good")
        await it.until(lambda: len(it.store.done) == 300)
        assert sorted(it.store.done) == ids
        held = sum(row.claimed for row in it.store.rows.values())
        assert held <= FULL + CLAIM, "what waits for it is in the store and not in memory"
        assert any(left_out == (("dead", HANDLER),) for _, _, left_out in it.store.claims)
        gate.set_result(200)
        await it.settled()
        assert len(it.store.done) == 1300


@looped
async def test_however_many_handlers_never_answer_others_have_places() -> None:
    bad = [f"bad{n:03}" for n in range(AT_ONCE)]
    async with bench(*bad, "good") as it:
        for name in bad:
            it.client.usual[f"http://{name}/"] = no_answer("no answer within 30 s")
            it.write(2, account=name)
        await it.settled()
        gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        it.client.usual = {f"http://{name}/": gate for name in bad}
        it.clock.advance(FOUR_MINUTES_S)
        it.tick()
        await it.until(lambda: it.caller.under_way == SLOW_AT_ONCE)
        ids = it.write(300, account="good")
        await it.until(lambda: len(it.store.done) == 300)
        assert sorted(it.store.done) == ids
        assert it.caller.under_way == SLOW_AT_ONCE
        gate.set_result(200)
        await it.until(lambda: not it.store.rows)
        assert it.caller.under_way == 0


@looped
async def test_who_is_slow_has_some_places_before_the_others_and_half_of_all_after_them() -> None:
    async with bench() as it:
        caller, slow, good = it.caller, Lane("slow", HANDLER, is_slow=True), Lane("good", HANDLER)
        turns = []
        for already in (0, SLOW_FIRST - 1, SLOW_FIRST, SLOW_AT_ONCE - 1, SLOW_AT_ONCE):
            caller._slow_under_way = already
            for lanes in ([slow, good], [slow]):
                caller._ready.clear()
                caller._slow.clear()
                caller._ready.extend(lanes)
                turn = caller._next()
                turns.append(turn.account if turn else "-")
        assert turns == ["slow", "slow", "slow", "slow", "good", "slow", "good", "slow", "good", "-"]
        caller._ready.clear()
        caller._slow.clear()


@looped
async def test_who_fails_fast_gets_one_call_for_each_tick() -> None:
    async with bench("dead", "good") as it:
        it.client.usual["http://dead/"] = no_answer("Connection refused")
        it.write(100, account="dead")
        await it.settled()
        before = len(it.client.to("http://dead/"))
        assert before <= SHARE
        for n in range(1, 11):
            await it.advance(0.5)
            assert len(it.client.to("http://dead/")) == before + n
        it.client.usual["http://dead/"] = 200
        await it.advance(0.5)
        await it.settled()
        await it.advance(FOUR_MINUTES_S)
        assert len(it.store.done) == 100, "with the first that is taken it has its share again"
        assert it.client.most["http://dead/"] == SHARE


@looped
async def test_some_failures_among_others_hold_nobody_up() -> None:
    async with bench() as it:
        it.client.answers["http://app/"].extend([500, 200, 200] * 60)
        it.write(200)
        await it.settled()
        assert len(it.client.posted) == 200, "without a tick"
        assert len(it.store.done) == 140
        assert len(it.lines("call_failed")) == 1 and it.lines("calls_taken_again") == []


@looped
async def test_a_webhook_that_is_slow_does_not_hold_up_the_handler() -> None:
    async with bench() as it:
        gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        it.client.usual["http://app.hook/"] = gate
        it.write(300, target=WEBHOOK)
        ids = it.write(300, target=HANDLER)
        await it.until(lambda: len(it.store.done) == 300)
        assert sorted(it.store.done) == ids
        gate.set_result(200)
        await it.settled()


@looped
async def test_who_is_slow_gets_one_at_a_time() -> None:
    async with bench() as it:
        it.write(30)
        await it.settled()
        assert it.client.most["http://app/"] == SHARE
        it.client.takes_s["http://app/"] = 6.0
        it.write(10)
        await it.settled()
        it.client.most.clear()
        it.write(20)
        await it.settled()
        assert it.client.most["http://app/"] == 1
        it.client.takes_s.clear()
        it.write(40)
        await it.settled()
        assert it.client.most["http://app/"] == SHARE
        assert len(it.store.done) == 100


@looped
async def test_calls_of_one_account_begin_in_their_order() -> None:
    async with bench() as it:
        it.write(200)
        await it.settled()
        told = [int(each.text.partition("&")[0].removeprefix("id=")) for each in it.client.posted]
        assert told == sorted(told)


# -- the store ---------------------------------------------------------------------------------------------


@looped
async def test_results_of_many_calls_share_commits() -> None:
    async with bench(*(f"a{n}" for n in range(10))) as it:
        for n in range(10):
            it.write(5, account=f"a{n}")
        await it.settled()
        assert len(it.store.done) == 50
        assert it.store.commits < 25


@looped
async def test_nothing_is_claimed_or_called_while_nothing_can_be_stored() -> None:
    async with bench() as it:
        await it.settled()
        it.store.error = "disk full"
        it.write(3)
        await it.advance(1)
        assert it.client.posted == []
        it.store.error = ""
        await it.advance(1)
        assert it.store.done == [1, 2, 3]


@looped
async def test_a_claim_that_was_not_committed_is_made_again() -> None:
    async with bench() as it:
        await it.settled()
        it.store.fails = True
        it.write()
        await it.settled()
        assert it.client.posted == []
        it.store.fails = False
        await it.advance(0.5)
        assert it.store.done == [1]


@looped
async def test_what_is_written_while_the_store_looks_is_looked_for_at_once() -> None:
    async with bench() as it:
        it.store.held = True
        it.caller.wake()
        before = len(it.store.claims)
        it.caller.store_says(Answer(calls_waiting=True))
        it.store.held = False
        it.store.wake()
        await it.settled()
        assert len(it.store.claims) == before + 2


@looped
async def test_an_idle_caller_asks_the_store_nothing() -> None:
    async with bench() as it:
        await it.settled()
        asked = len(it.store.claims)
        for _ in range(20):
            await it.advance(0.5)
        assert len(it.store.claims) == asked


@looped
async def test_a_stop_waits_for_what_is_under_way_and_leaves_the_rest() -> None:
    async with bench() as it:
        gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        it.client.usual["http://app/"] = gate
        it.write(10)
        await it.until(lambda: it.caller.under_way == FIRST_SHARE)
        stopping = asyncio.create_task(it.caller.stop(5))
        await asyncio.sleep(0)
        gate.set_result(200)
        await stopping
        it.store.commit()
        assert len(it.store.done) == FIRST_SHARE
        assert len(it.store.rows) == 10 - FIRST_SHARE
        assert it.client.closed


@looped
async def test_a_stop_does_not_wait_for_ever() -> None:
    async with bench() as it:
        it.client.usual["http://app/"] = asyncio.get_running_loop().create_future()
        it.write(2)
        await it.until(lambda: it.caller.under_way == 2)
        await it.caller.stop(0.01)
        assert len(it.store.rows) == 2 and not it.store.dead, "the next run makes them"


# -- what is said ------------------------------------------------------------------------------------------


@looped
async def test_a_handler_that_has_failed_for_long_is_a_problem() -> None:
    async with bench() as it:
        it.account(handler="http://app/secret-path?md5=my-secret")
        it.client.usual["http://app/secret-path"] = 503
        it.write()
        await it.settled()
        assert list(it.caller.problems()) == []
        assert it.caller.status()["failing"] == ["app (handler)"]
        await it.advance(PROBLEM_S)
        (problem,) = it.caller.problems()
        assert problem == "the handler of account app at http://app has failed for 10 min: HTTP 503"
        for _ in range(5):
            await it.advance(FOUR_MINUTES_S)
        it.client.usual["http://app/secret-path"] = 200
        await it.advance(FOUR_MINUTES_S)
        assert list(it.caller.problems()) == [] and it.caller.status()["failing"] == []
        assert it.lines("calls_taken_again") == [
            "info calls_taken_again account=app target=handler url=http://app"
        ]


@looped
async def test_the_log_has_few_lines_and_nothing_secret() -> None:
    async with bench() as it:
        it.account(handler="http://app/hidden/path?md5=my-secret")
        it.client.usual["http://app/hidden/path"] = no_answer("Connection refused")
        it.write(3, kind=CallKind.INCOMING.value, text="a text", phone="79991234567", data_coding=8)
        await it.settled()
        for _ in range(60 * 4):
            await it.advance(60)
        it.events.flush()
        log = "\n".join(it.written)
        assert len(it.store.dead) == 3
        assert len(it.lines("call_failed")) == HANDLER_TRIES * FOUR_MINUTES_S // 600
        assert 1 <= len(it.lines("call_dead")) <= 3
        for secret in ("hidden", "my-secret", "a text", "79991234567"):
            assert secret not in log


@looped
async def test_a_fault_costs_its_call_a_try_and_nobody_else_anything(monkeypatch: Any) -> None:
    from gateway.egress import call_requests as module

    whole = module.handler_request

    def broken(row: Any, *rest: Any) -> Any:
        if row.call_id == 1:
            raise KeyError("79991234567")
        return whole(row, *rest)

    monkeypatch.setattr(module, "handler_request", broken)
    async with bench() as it:
        it.write(3)
        await it.settled()
        await it.advance(0.5)
        assert sorted(it.store.done) == [2, 3]
        assert it.store.rows[1].reason.startswith("a fault in the gateway: KeyError in test_calls.py:")
        assert "79991234567" not in "\n".join(it.written)
