"""Calls of the client's handler: what they say, when they are repeated, when they end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from http_simulator_support import PHONE, START, Bench

from protocols.smsc_http.callbacks import IncomingCall, StatusCall, WaitCall, check_hash, parse_callback

URL = "http://127.0.0.1:8081/smsc/main?charset=utf-8&sha1=my-secret_1"


def requests(bench: Bench, answer: int | None = 200) -> list[Any]:
    """Take everything that is due, as the server does, with this answer of the handler."""
    found = []
    while (delivery := bench.service.callbacks.take(bench.now)) is not None:
        found.append(bench.service.callbacks.request(delivery))
        bench.service.callbacks.posted(delivery, answer, bench.now)
    return found


def calls(bench: Bench, answer: int | None = 200) -> list[Any]:
    return [
        parse_callback(request.content_type, request.body, request.url.partition("?")[2])
        for request in requests(bench, answer)
    ]


def test_each_change_of_a_status_is_told() -> None:
    bench = Bench(handler=URL)
    bench.send(id="a1", mes="Hello!\n~~~\nMine", sender="ivan")
    assert calls(bench) == []
    bench.pass_(0.1)
    [first] = calls(bench)
    bench.pass_(0.4)
    [second] = calls(bench)
    assert (first.id, first.phone, first.status, second.status) == ("a1", PHONE, 0, 1)
    assert isinstance(second, StatusCall)
    assert (second.time, second.ts, second.err, second.cnt) == ("01.01.25 03:00:00", int(START), 0, 1)
    assert (second.type, second.cost, second.flag, second.sender, second.cmt) == (
        0,
        "1.45",
        0,
        "ivan",
        "Mine",
    )
    assert check_hash(second, "my-secret_1", "sha1")


def test_only_final_statuses_are_told_if_that_is_wished() -> None:
    bench = Bench(handler=URL, handler_statuses="final")
    bench.send(phones=f"{PHONE},79161299111,79161299106,79161299109")
    bench.pass_(2)
    told = sorted((call.phone[-5:], call.status) for call in calls(bench))
    assert told == [("34567", 1), ("99109", 1), ("99109", 2), ("99111", 77)]


def test_an_hlr_result_is_told_with_its_fields() -> None:
    bench = Bench(handler=URL)
    bench.send(hlr="1")
    bench.pass_(1)
    waiting, done = calls(bench)
    assert (waiting.status, waiting.hlr) == (0, {})
    assert done.hlr["imsi"] == "250019161234567"
    assert list(done.hlr) == ["imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet"]


def test_an_answered_call_tells_its_times_and_a_menu_its_keys() -> None:
    bench = Bench(handler=URL)
    bench.send(call="1", mes="Hello {menu: press a key\n1: end\n} bye")
    bench.send(call="1", mes="Hello world!")
    bench.send(call="1", mes="Hello world!", phones="79161299537")
    bench.pass_(1)
    in_menu, plain, missed = [call for call in calls(bench) if call.status]
    assert (in_menu.type, in_menu.dtmf, in_menu.callmenu, in_menu.cmt) == (7, "1", "1", "overtime: 00:05")
    assert (in_menu.cnt, in_menu.calltime) == (3, "8") and in_menu.ringtime
    assert (plain.dtmf, plain.cmt, plain.cnt, plain.calltime) == ("", "", 1, "1")
    assert (missed.status, missed.err, missed.calltime) == (20, 237, "")


def test_a_subscribers_message_is_told_and_answers_the_last_one_to_him() -> None:
    bench = Bench(handler=URL)
    bench.send(id="q", phones="79161299120", mes="Привет")
    bench.pass_(1)
    [incoming] = [call for call in calls(bench) if isinstance(call, IncomingCall)]
    assert (incoming.phone, incoming.mes, incoming.sms_id) == ("79161299120", "Привет", "q")
    assert check_hash(incoming, "my-secret_1", "sha1")
    bench.service.life.receive("79161299120", "79990000201", "later", bench.now)
    [later] = calls(bench)
    assert (later.sms_id, later.to, later.id) == ("q", "79990000201", "2")
    assert {row["message"] for row in bench.json("get", get_answers="1")} == {"Привет", "later"}


def test_a_call_that_confirms_a_number_is_told() -> None:
    bench = Bench(handler=URL)
    bench.json("wait_call", phone=PHONE)
    bench.pass_(5)
    [call] = calls(bench)
    assert isinstance(call, WaitCall)
    assert (call.phone, call.ts) == (PHONE, int(START) + 5)


@pytest.mark.parametrize(("ending", "times"), [("99105", 2), ("99108", 0), ("99001", 1)])
def test_a_status_may_be_told_twice_or_not_at_all(ending: str, times: int) -> None:
    bench = Bench(handler=URL)
    bench.send(phones=f"791612{ending}")
    bench.pass_(1)
    assert [call.status for call in calls(bench)] == [0] * times + [1] * times


def test_a_bad_number_in_a_list_is_told_that_of_a_refused_request_not() -> None:
    bench = Bench(handler=URL)
    bench.send(phones=f"{PHONE},123")
    assert [(call.phone, call.status, call.err) for call in calls(bench)] == [("123", 22, 249)]
    bench.send(phones="124")
    assert calls(bench) == []


@pytest.mark.parametrize("answer", [500, 503, 301, 403, None])
def test_an_event_is_told_again_every_four_minutes(answer: int | None) -> None:
    bench = Bench(handler=URL)
    bench.service.life.receive(PHONE, "79990000201", "x", bench.now)
    assert len(calls(bench, answer)) == 1
    bench.pass_(239)
    assert calls(bench, answer) == []
    bench.pass_(1)
    assert bench.service.callbacks.next_repetition == bench.now
    assert len(calls(bench, 200)) == 1
    bench.pass_(1000)
    assert calls(bench) == []
    assert bench.service.callbacks.counters.taken == 1


def test_404_ends_it_and_so_do_fifty_attempts() -> None:
    bench = Bench(handler=URL)
    bench.service.life.receive(PHONE, "79990000201", "x", bench.now)
    assert len(calls(bench, 404)) == 1
    bench.service.life.receive(PHONE, "79990000201", "y", bench.now)
    made = 0
    for _ in range(60):
        made += len(calls(bench, 500))
        bench.pass_(240)
    assert (made, len(bench.service.callbacks)) == (50, 0)
    counters = bench.service.callbacks.counters
    assert (counters.events, counters.calls, counters.taken, counters.given_up) == (2, 51, 1, 1)


def test_without_a_handler_nothing_waits() -> None:
    bench = Bench()
    bench.send()
    bench.pass_(1)
    assert len(bench.service.callbacks) == 0


def test_only_so_many_events_wait() -> None:
    bench = Bench(handler=URL, keep_calls=3)
    for number in range(5):
        bench.service.life.receive(PHONE, "79990000201", str(number), bench.now)
    assert [call.mes for call in calls(bench)] == ["2", "3", "4"]
    assert bench.service.callbacks.counters.discarded == 2


def test_options_of_the_url_choose_body_query_and_charset() -> None:
    bench = Bench(handler="http://h.example/!own=1&md5=s?fmt=3&more=2")
    bench.service.life.receive(PHONE, "79990000201", "Привет", bench.now)
    [request] = requests(bench)
    assert request.url.startswith("http://h.example/?own=1&md5=")
    body = json.loads(request.body.decode("windows-1251"))
    assert (body["mes"], body["more"]) == ("Привет", "2")
    assert request.content_type == "application/json; charset=windows-1251"
    bench.service.account.handler_url = "http://h.example/?charset=koi8-r&crc32=s"
    bench.service.life.receive(PHONE, "79990000201", "Привет", bench.now)
    [request] = requests(bench)
    assert b"mes=%F0%D2%C9%D7%C5%D4" in request.body
    bench.service.account.handler_url = "http://h.example/?fmt=2&charset=utf-8"
    bench.service.life.receive(PHONE, "79990000201", "Привет", bench.now)
    [request] = requests(bench)
    assert "<mes>Привет</mes>" in request.body.decode()
