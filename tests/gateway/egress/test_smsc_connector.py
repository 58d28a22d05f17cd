"""Whether a login can be used: its balance, its rests, and what is said of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from service_fakes import NAME, Bench, looped, to, turns

from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.connector import BALANCE_EVERY_S, SILENT_MAX
from protocols.smsc_http.answers import Failure


def money(balance: str, currency: str = "RUR") -> dict[str, str]:
    return {"balance": balance, "currency": currency}


def looks(bench: Bench) -> int:
    """How often the balance was asked for."""
    return len(bench.client.of("balance"))


def said(bench: Bench, *words: str) -> int:
    return sum(all(word in line for word in words) for line in bench.log().splitlines())


# -- up --------------------------------------------------------------------------------------------------


@looped
async def test_it_is_up_when_the_balance_was_told_and_looks_again_every_five_minutes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert (bench.connector.state, bench.connector.balance, bench.upstream.up) == ("connecting", None, False)
    await bench.up()
    assert (bench.connector.balance, bench.connector.currency, bench.upstream.up) == ("100.00", "RUR", True)
    assert bench.client.asked[0].params == {"cur": "1"}
    bench.client.usual["balance"] = money("90.00")
    await bench.pass_(BALANCE_EVERY_S - 1, step_s=1)
    assert looks(bench) == 1
    await bench.pass_(1)
    assert (looks(bench), bench.connector.balance) == (2, "90.00")
    assert said(bench, "bound", "balance=100.00") == 1


@looped
async def test_messages_wait_until_it_is_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.queue(to(1))
    balance = bench.client.later("balance")
    bench.start()
    await bench.calm()
    assert bench.sends() == []
    balance.set_result(money("1"))
    await bench.calm()
    assert list(bench.taken()) == [1]


@pytest.mark.parametrize("balance", ["", "none", "1 000,50", "NaN", "-inf", "1e999", "9" * 10_000])
@looped
async def test_a_balance_that_is_no_number_is_told_as_it_is(tmp_path: Path, balance: str) -> None:
    bench = Bench(tmp_path, balance_warning=0.0)
    bench.client.usual["balance"] = money(balance, "\x1b[31m" + "X" * 10_000)
    await bench.up()
    assert bench.connector.balance == balance[:32]
    assert len(bench.connector.currency) <= 32
    await bench.pass_(700, step_s=5)
    assert "\x1b" not in bench.log()


@looped
async def test_a_balance_without_members_is_an_answer(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.usual["balance"] = {}
    await bench.up()
    assert bench.connector.balance == ""


@looped
async def test_a_low_balance_is_told_once_each_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, balance_warning=50.0)
    await bench.up()
    for balance in ("49.99", "30.00", "50.00", "10.00"):
        bench.client.usual["balance"] = money(balance)
        await bench.pass_(BALANCE_EVERY_S + 1, step_s=5)
        assert bench.connector.is_poor is (float(balance) < 50)
    assert [said(bench, "balance_low", f"balance={it}") for it in ("49.99", "30.00", "10.00")] == [1, 0, 1]


@looped
async def test_a_balance_that_was_asked_too_often_says_that_the_service_lives(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.answers["balance"].append(Failure(9, ""))
    await bench.up()
    assert bench.connector.balance is None


# -- down --------------------------------------------------------------------------------------------------


@looped
async def test_a_service_that_is_not_there_is_looked_for_with_growing_pauses(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.usual["balance"] = NotSent("Connection refused")
    bench.start()
    await bench.pass_(60)
    first = looks(bench)
    assert 4 <= first <= 40
    await bench.pass_(3600, step_s=1)
    assert 60 <= looks(bench) - first <= 600
    assert said(bench, "link_lost", "refused") == 1, "said once"
    bench.client.usual["balance"] = money("1")
    await bench.pass_(61)
    assert bench.connector.is_up


@looped
async def test_a_new_reason_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.usual["balance"] = NotSent("Connection refused")
    bench.start()
    await bench.pass_(30)
    bench.client.usual["balance"] = NoAnswer("HTTP 502")
    await bench.pass_(120)
    assert [said(bench, "link_lost", word) for word in ("refused", "502")] == [1, 1]
    assert bench.upstream.last_error == "HTTP 502"


@looped
async def test_requests_in_a_row_without_an_answer_take_it_down(tmp_path: Path) -> None:
    bench = Bench(tmp_path, list_max=1)
    await bench.up()
    for n in range(1, SILENT_MAX):
        bench.client.answers["send"].append(NoAnswer("HTTP 500"))
        bench.queue(to(n))
        await bench.calm()
    bench.queue(to(50))
    await bench.calm()
    assert bench.connector.is_up, "an answer between them"
    for n in range(SILENT_MAX):
        bench.client.answers["send"].append(NoAnswer("HTTP 500"))
        bench.queue(to(100 + n))
        await bench.calm()
    assert (bench.connector.state, bench.upstream.up) == ("connecting", False)
    assert said(bench, "link_lost", "3 requests in a row", "HTTP 500") == 1
    await bench.pass_(3)
    assert bench.connector.is_up


@looped
async def test_a_look_without_an_answer_is_no_end_of_a_connector_that_works(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["balance"] = NoAnswer("HTTP 500")
    await bench.pass_(1000, step_s=1)
    assert bench.connector.is_up and bench.upstream.last_error == ""
    bench.client.usual["balance"] = NotSent("refused")
    await bench.pass_(61)
    assert bench.connector.state == "connecting"


@looped
async def test_a_refused_login_rests_and_is_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.usual["balance"] = Failure(2, "authorise error")
    bench.queue(to(1))
    bench.start()
    await bench.pass_(850, step_s=1)
    assert bench.connector.state == "refused" and len(bench.client.asked) == 1
    await bench.pass_(1000, step_s=1)
    assert len(bench.client.asked) in (2, 3)
    assert said(bench, "login_refused") == 1, "told once"
    bench.client.usual["balance"] = money("1")
    await bench.pass_(910, step_s=1)
    assert list(bench.taken()) == [1]


@pytest.mark.parametrize("number", [2, 4])
@looped
async def test_a_login_that_rests_asks_nothing(tmp_path: Path, number: int) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["status"] = {"status": 0, "err": 0}
    bench.queue(*(to(n) for n in range(1, 20)))
    await bench.calm()
    bench.client.answers["send"] += [NoAnswer("lost"), Failure(number, "")]
    bench.queue(to(20))
    await bench.calm()
    bench.queue(to(21))
    await bench.calm()
    asked = len(bench.client.asked)
    await bench.pass_(299, step_s=1)
    assert len(bench.client.asked) == asked
    await bench.pass_(700, step_s=1)
    assert len(bench.taken()) == 21


@looped
async def test_errors_of_what_is_under_way_do_not_make_it_rest_longer(tmp_path: Path) -> None:
    bench = Bench(tmp_path, list_max=1)
    await bench.up()
    answers = [bench.client.later("send") for _ in range(3)]
    bench.queue(*(to(n) for n in (1, 2, 3)))
    await bench.calm()
    for answer in answers:
        answer.set_result(Failure(4, ""))
        await bench.pass_(10)
    assert said(bench, "link_lost") == 1
    await bench.pass_(285, step_s=1)
    assert bench.connector.is_up


@looped
async def test_without_money_it_is_tried_once_in_a_minute(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = Failure(3, "no money", "g")
    bench.queue(to(1))
    await bench.calm()
    assert bench.connector.state == "without money"
    await bench.pass_(1210, step_s=1)
    assert 5 <= len(bench.sends()) <= 13
    bench.client.usual["send"] = {"id": "g", "cnt": 1}
    await bench.pass_(190, step_s=1)
    assert list(bench.taken()) == [1]


@looped
async def test_when_it_is_paid_it_goes_on_with_the_next_look(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(Failure(3, ""))
    bench.queue(to(1))
    await bench.calm()
    bench.client.usual["balance"] = money("500.00")
    await bench.pass_(59)
    assert bench.connector.state == "without money"
    await bench.pass_(2)
    assert bench.connector.is_up


@looped
async def test_error_9_is_told_seldom(tmp_path: Path) -> None:
    bench = Bench(tmp_path, list_max=1)
    await bench.up()
    bench.client.usual["send"] = Failure(9, "duplicate request, wait a minute")
    bench.queue(*(to(n) for n in range(1, 30)))
    await bench.calm()
    assert (said(bench, " limits "), bench.upstream.throttled) == (1, 12), "the others wait for slots"
    assert bench.connector.is_up


# -- the end ----------------------------------------------------------------------------------------------


@looped
async def test_all_tasks_end_with_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = bench.client.usual["status"] = None
    bench.queue(to(1))
    await bench.pass_(6)
    await bench.stop()
    await turns()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert [task for task in others if NAME in task.get_name()] == []
    assert bench.client.closed and bench.connector.state == "stopped"
    assert bench.receipts.on_receipt is None


@looped
async def test_a_stop_before_anything_was_answered(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.usual["balance"] = None
    bench.start()
    await bench.stop()
    await bench.calm()
    assert bench.connector.state == "stopped"


@looped
async def test_a_task_that_dies_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.client.usual["balance"] = ZeroDivisionError("a bug")
    bench.start()
    await turns()
    assert bench.deaths == ["ZeroDivisionError('a bug')"]
    await bench.stop()


@looped
async def test_no_secret_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    for error in (Failure(2, "p-secret alex"), Failure(4, "p-secret"), Failure(1, "p-secret")):
        bench.client.answers["balance"].append(error)
        await bench.pass_(1000, step_s=5)
        assert "secret" not in bench.upstream.last_error
    assert "secret" not in bench.log()
