"""Who may ask the simulated service, and how often."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
from http_simulator_support import OTHER, PHONE, Bench

from protocols.smsc_http.limits import LIMITS, claims
from protocols.smsc_http.operations import OPERATIONS

BALANCE = "/sys/balance.php?fmt=1&"


def answer(bench: Bench, query: str, ip: str = "127.0.0.1") -> str:
    return bench.get(BALANCE + query, ip).body.decode()


@pytest.mark.parametrize(
    "credentials",
    [
        "login=alex&psw=123",
        "login=alex&psw=202cb962ac59075b964b07152d234b70",
        "apikey=key",
        "login=&psw=key",
        "psw=key",
    ],
)
def test_credentials_that_are_right(credentials: str) -> None:
    assert answer(Bench(), credentials) == "1000.00"


@pytest.mark.parametrize(
    "credentials",
    ["", "login=alex", "login=alex&psw=12", "login=alec&psw=123", "apikey=other", "login=&psw=123", "psw=x"],
)
def test_credentials_that_are_wrong_are_error_2(credentials: str) -> None:
    assert answer(Bench(), credentials) == "0,-2"


def test_without_settings_any_credentials_will_do_but_none() -> None:
    bench = Bench(login=None, password=None, api_key=None)
    assert answer(bench, "login=x&psw=y") == answer(bench, "apikey=z") == "1000.00"
    assert answer(bench, "login=x") == "0,-2"


def test_a_key_that_is_not_set_opens_nothing_where_a_login_is() -> None:
    assert answer(Bench(api_key=None), "apikey=anything") == "0,-2"
    assert answer(Bench(login=None, password=None), "login=x&psw=y") == "0,-2"


def test_other_addresses_than_those_allowed_get_error_2() -> None:
    bench = Bench(allowed_ips="192.0.2.0/24, 2001:db8::1")
    for ip, said in (
        ("192.0.2.9", "1000.00"),
        ("2001:db8::1", "1000.00"),
        ("198.51.100.1", "0,-2"),
        ("", "0,-2"),
    ):
        assert answer(bench, "apikey=key", ip) == said


def test_many_bad_requests_block_their_address_for_a_while() -> None:
    bench = Bench(block_after=3, block_s=60)
    for _ in range(3):
        assert answer(bench, "login=alex&psw=wrong", "192.0.2.1") == "0,-2"
    assert answer(bench, "apikey=key", "192.0.2.1") == "0,-4"
    assert answer(bench, "apikey=key", "192.0.2.2") == "1000.00"
    bench.pass_(60)
    assert answer(bench, "apikey=key", "192.0.2.1") == "1000.00"


def test_seldom_bad_requests_block_nobody() -> None:
    bench = Bench(block_after=3)
    for _ in range(9):
        assert answer(bench, "login=alex&psw=wrong") == "0,-2"
        bench.pass_(30)


def test_the_fifteenth_request_at_once_is_error_9() -> None:
    bench = Bench(limits=1)
    with ExitStack() as stack:
        for _ in range(14):
            stack.enter_context(bench.service.gate.present("/sys/send.php"))
        assert answer(bench, "apikey=key") == "1000.00"
        stack.enter_context(bench.service.gate.present("/sys/balance.php"))
        assert answer(bench, "apikey=key") == "0,-9"
    assert answer(bench, "apikey=key") == "1000.00"


def test_the_fifth_request_for_a_status_at_once_is_error_9() -> None:
    bench = Bench()
    bench.send()
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(bench.service.gate.present("/sys/status.php"))
        assert bench.status(1)["status"] == -1
        stack.enter_context(bench.service.gate.present("/sys/status.php"))
        assert bench.status(1)["error_code"] == 9
        assert bench.json("balance")["balance"] == "998.55"


def test_each_status_may_be_asked_for_five_times_a_minute_many_at_once_once() -> None:
    bench = Bench()
    bench.send(phones=f"{PHONE},{OTHER}")
    assert [bench.status(1).get("error_code") for _ in range(6)] == [None] * 5 + [9]
    assert bench.status(1, OTHER)["status"] == -1
    both = f"{PHONE},{OTHER}"
    assert len(bench.status("1,1", both)) == 2
    assert bench.status("1,1", both)["error_code"] == 9
    bench.pass_(60)
    assert len(bench.status("1,1", both)) == 2


def test_the_balance_may_be_asked_for_ten_times_a_minute() -> None:
    bench = Bench()
    said = [answer(bench, f"apikey=key&cur={number % 2}") for number in range(11)]
    assert said[9] != "0,-9" and said[10] == "0,-9"


@pytest.mark.parametrize("name", [name for name, rows in LIMITS.items() if rows])
def test_each_operation_has_its_limit(name: str) -> None:
    bench = Bench(block_after=0)
    operation = OPERATIONS[name]
    params = {**dict.fromkeys(operation.required[0], "1"), **dict(operation.command)}
    tightest = min((claim.limit for claim in claims(operation, params)), key=lambda limit: limit.count)

    def is_error_9() -> bool:
        reply = bench.get(f"/sys/{operation.script}?{urlencode({**params, 'apikey': 'key', 'fmt': '3'})}")
        return b'"error_code": 9' in reply.body

    assert [is_error_9() for _ in range(tightest.count + 1)] == [False] * tightest.count + [True]
    bench.pass_(tightest.window_s)
    assert not is_error_9()


@pytest.mark.parametrize(("factor", "served"), [(0.5, 5), (2, 20), (0, 30)])
def test_limits_have_a_factor(factor: float, served: int) -> None:
    bench = Bench(limits=factor)
    said = [answer(bench, "apikey=key") for _ in range(30)]
    assert said.count("1000.00") == served


def test_unknown_scripts_commands_and_methods() -> None:
    bench = Bench()
    assert bench.get("/sys/nothing.php?apikey=key&fmt=1").body == b"0,-1"
    assert bench.get("/sys/phones.php?apikey=key&fmt=1&dance=1").body == b"0,-1"
    assert bench.get("/other").status == 404
    assert bench.get("/rest/send/").status == 405
    assert bench.post("/sys/send.php", b"&=&=", "application/x-www-form-urlencoded").status == 200
