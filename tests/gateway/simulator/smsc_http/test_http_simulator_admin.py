"""/simulator/…: the ledger, faults, and playing a subscriber."""

from __future__ import annotations

import json
from typing import Any

import pytest
from http_simulator_support import OTHER, PHONE, START, Bench

from gateway.simulator.smsc_http.admin import Admin
from gateway.simulator.smsc_http.service import Ending, HttpCall


def page(bench: Bench, name: str, query: str = "") -> Any:
    reply = Admin(bench.service).handle(HttpCall("GET", f"/simulator/{name}", query), bench.now)
    assert reply.status == 200
    return json.loads(reply.body)


def do(bench: Bench, name: str, expected: int = 200, **fields: object) -> Any:
    call = HttpCall("POST", f"/simulator/{name}", body=json.dumps(fields).encode())
    reply = Admin(bench.service).handle(call, bench.now)
    assert reply.status == expected
    return json.loads(reply.body)


def test_messages_are_listed_with_how_often_they_were_accepted() -> None:
    bench = Bench(limits=0)
    bench.send(id="a", mes="one")
    bench.send(id="a", mes="one")
    bench.send(id="b", mes="two", phones=f"{PHONE},{OTHER}")
    listed = page(bench, "messages")
    assert (listed["accepted"], listed["left"]) == (4, 0)
    assert [
        (row["id"], row["phone"], row["text"], row["at"], row["times_id_phone"], row["times_text"])
        for row in listed["messages"]
    ] == [
        ("a", PHONE, "one", START, 2, 2),
        ("a", PHONE, "one", START, 2, 2),
        ("b", PHONE, "two", START, 1, 2),
        ("b", OTHER, "two", START, 1, 2),
    ]
    assert page(bench, "ledger") == {
        "accepted": 4,
        "distinct_id_phone": 3,
        "distinct_texts": 2,
        "forgotten": 0,
        "repeated_id_phone": [{"id": "a", "phone": PHONE, "times": 2}],
        "repeated_texts": [{"text": "one", "times": 2}, {"text": "two", "times": 2}],
    }


def test_messages_are_listed_in_pages_and_by_id_and_phone() -> None:
    bench = Bench()
    for number in range(5):
        bench.send(id=f"m{number}", mes=f"text {number}")
    first = page(bench, "messages", "limit=2")
    assert ([row["id"] for row in first["messages"]], first["left"]) == (["m0", "m1"], 3)
    after = first["messages"][-1]["int_id"]
    assert [row["id"] for row in page(bench, "messages", f"after={after}")["messages"]] == ["m2", "m3", "m4"]
    assert [row["id"] for row in page(bench, "messages", "id=m3")["messages"]] == ["m3"]
    assert page(bench, "messages", f"phone={OTHER}")["messages"] == []


def test_faults_are_set_for_the_next_requests_and_for_all() -> None:
    bench = Bench()
    do(bench, "faults", next={"send": ["timeout", None, "error:9"]})
    url = "/sys/send.php?apikey=key&fmt=1&phones=79161234567&mes="
    assert bench.get(f"{url}1").ending is Ending.HANG
    assert bench.get(f"{url}2").body == b"2,1"
    assert bench.get(f"{url}3").body == b"0,-9"
    do(bench, "faults", rules="send.http_500=100%")
    assert bench.get(f"{url}4").status == 500
    do(bench, "faults", rules="")
    assert bench.get(f"{url}5").status == 200


def test_a_subscriber_writes_and_calls() -> None:
    bench = Bench(handler="http://h.example/")
    bench.send(id="q")
    assert do(bench, "incoming", phone=PHONE, text="yes") == {"id": 1}
    assert do(bench, "incoming", phone=OTHER, text="no", to="79990000202", sms_id="x") == {"id": 2}
    assert do(bench, "waitcall", phone=PHONE) == {"id": 3}
    rows = page(bench, "incoming")["messages"]
    assert [(row["phone"], row["text"], row["sms_id"]) for row in rows] == [
        (PHONE, "yes", "q"),
        (OTHER, "no", "x"),
        (PHONE, "[waitcall]", None),
    ]
    assert len(bench.service.callbacks) == 3


def test_a_status_is_set() -> None:
    bench = Bench(handler="http://h.example/")
    bench.send(id="q")
    do(bench, "status", id="q", phone=PHONE, status=2)
    assert bench.status("q")["status"] == 2
    assert len(bench.service.callbacks) == 1
    assert "no such message" in do(bench, "status", 400, id="p", phone=PHONE, status=2)["error"]


def test_the_account_is_changed() -> None:
    bench = Bench()
    do(bench, "account", balance="5.50", credit=1, handler="http://h.example/", virtual=True, tz=2)
    account = bench.service.account
    assert (str(account.balance), str(account.credit), account.handler_url) == (
        "5.50",
        "1",
        "http://h.example/",
    )
    assert (account.virtual, account.tz) == (True, 2)


def test_counters() -> None:
    bench = Bench(faults="send.slow=/1")
    bench.send()
    bench.send()
    counted = page(bench, "counters")
    assert (counted["accepted"], counted["requests_by_operation"]) == (1, {"send": 1})
    assert (counted["errors_by_number"], counted["errors_by_script"]) == ({"9": 1}, {"send 9": 1})
    assert counted["spoiled_answers"] == {"send.slow": 1}


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("incoming", {"text": "x"}, "'phone' is missing"),
        ("faults", {"rules": "explode=1%"}, "explode"),
        ("faults", {"next": {"send": ["explode"]}}, "explode"),
        ("faults", {"next": 1}, "next"),
        ("account", {"balance": "much"}, "amounts"),
    ],
)
def test_nonsense_is_told(name: str, fields: dict[str, object], said: str) -> None:
    assert said in do(Bench(), name, 400, **fields)["error"]


def test_what_is_no_json_and_no_page() -> None:
    admin = Admin(Bench().service)
    assert admin.handle(HttpCall("POST", "/simulator/incoming", body=b"phone=1"), START).status == 400
    assert admin.handle(HttpCall("POST", "/simulator/incoming", body=b"[]"), START).status == 400
    assert admin.handle(HttpCall("GET", "/simulator/secrets"), START).status == 404
