"""Faults on demand: by share, by counting, as the next ones, by destination."""

from __future__ import annotations

import pytest
from http_simulator_support import PHONE, Bench

from gateway.simulator.smsc_http.faults import Fault, FaultKind, Faults, Rule, parse_faults
from gateway.simulator.smsc_http.service import Ending, Reply

BEFORE = ("drop_before", "http_500_before")


def ask(bench: Bench, phone: str = PHONE, id: str = "5", mes: str = "Hello!") -> Reply:
    return bench.get(f"/sys/send.php?apikey=key&phones={phone}&mes={mes}&id={id}&fmt=3&charset=utf-8")


def test_rules_are_read() -> None:
    assert parse_faults("timeout=1%, status.http_500=/50,any.error:9=0.5%") == (
        Rule("send", Fault(FaultKind.TIMEOUT), share=0.01),
        Rule("status", Fault(FaultKind.HTTP_ERROR), every=50),
        Rule("any", Fault(FaultKind.ERROR, 9), share=0.005),
    )


@pytest.mark.parametrize(
    "text",
    [
        "explode=1%",
        "timeout",
        "timeout=x",
        "timeout=0%",
        "timeout=101%",
        "timeout=/0",
        "error=1%",
        "slow:2=1%",
    ],
)
def test_what_is_no_rule_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="faults: "):
        parse_faults(text)


def test_a_share_is_about_that_and_the_same_with_the_same_seed() -> None:
    chosen = []
    for _ in range(2):
        faults = Faults(parse_faults("timeout=10%"), seed=7)
        chosen.append([faults.choose("send") is not None for _ in range(1000)])
    assert chosen[0] == chosen[1]
    assert 70 < chosen[0].count(True) < 130


def test_every_nth_request_of_that_script() -> None:
    faults = Faults(parse_faults("send.drop=/3"), seed=1)
    met = [faults.choose(script) for script in ("send", "status", "send", "send", "status", "send")]
    assert [fault is not None for fault in met] == [False, False, False, True, False, False]


@pytest.mark.parametrize("kind", [kind.value for kind in FaultKind if kind is not FaultKind.ERROR])
def test_what_each_fault_does_to_request_and_answer(kind: str) -> None:
    bench = Bench(faults=f"{kind}=100%", slow_ms=3000)
    reply = ask(bench)
    assert bench.service.store.accepted == (0 if kind in BEFORE else 1)
    assert bench.service.spoiled == ({} if kind in BEFORE else {("send", kind): 1})
    match kind:
        case "timeout":
            assert reply.ending is Ending.HANG
        case "drop" | "drop_before":
            assert reply.ending is Ending.DROP
        case "http_500" | "http_500_before":
            assert (reply.ending, reply.status) == (Ending.ANSWER, 500)
        case "slow":
            assert (reply.delay_s, reply.body) == (3.0, b'{\n"id": 5,\n"cnt": 1\n}')
        case "wrong_charset":
            assert reply.content_type == "application/json; charset=utf-8"
            assert reply.body.decode("utf-16") == '{\n"id": 5,\n"cnt": 1\n}'
        case "no_json":
            assert (reply.status, reply.content_type) == (200, "text/html")


@pytest.mark.parametrize(("number", "registered"), [(1, 0), (2, 0), (9, 0), (3, 1), (6, 1), (7, 1), (8, 1)])
def test_a_forced_error(number: int, registered: int) -> None:
    bench = Bench(faults=f"error:{number}=/1")
    body = ask(bench).body.decode()
    assert f'"error_code": {number}' in body
    assert ('"id": 5' in body) == bool(registered)
    assert bench.service.store.accepted == registered


def test_what_was_not_accepted_may_be_sent_again_at_once_what_was_may_not() -> None:
    bench = Bench()
    bench.service.faults.next("send", [Fault(FaultKind.HTTP_ERROR_BEFORE), Fault(FaultKind.TIMEOUT)])
    assert ask(bench).status == 500
    assert ask(bench).ending is Ending.HANG
    assert b'"error_code": 9' in ask(bench).body
    assert bench.service.store.by_id["5", PHONE] == 1
    assert bench.status(5)["status"] == -1


def test_the_next_faults_come_in_order_before_the_rules() -> None:
    bench = Bench(faults="http_500=100%")
    bench.service.faults.next("send", [None, Fault(FaultKind.DROP)])
    replies = [ask(bench, id=str(number)) for number in (1, 2, 3)]
    assert [reply.ending for reply in replies] == [Ending.ANSWER, Ending.DROP, Ending.ANSWER]
    assert [reply.status for reply in replies][::2] == [200, 500]


@pytest.mark.parametrize(
    ("ending", "first", "accepted"),
    [
        ("99008", 500, 0),
        ("99101", Ending.HANG, 1),
        ("99102", Ending.DROP, 1),
        ("99121", Ending.DROP, 0),
        ("99122", 500, 1),
        ("99126", "text/html", 1),
    ],
)
def test_once_destinations_meet_their_fault_the_first_time(
    ending: str, first: int | str | Ending, accepted: int
) -> None:
    bench = Bench(limits=0)
    phone = f"791612{ending}"
    reply = ask(bench, phone)
    assert first in (reply.ending, reply.status, reply.content_type)
    assert bench.service.store.accepted == accepted
    reply = ask(bench, phone)
    assert (reply.status, reply.ending) == (200, Ending.ANSWER)
    assert b'"cnt": 1' in reply.body
    assert bench.service.store.accepted == accepted + 1


@pytest.mark.parametrize(("ending", "said"), [("99100", Ending.HANG), ("99123", 500), ("99104", 3.0)])
def test_other_destinations_meet_it_each_time(ending: str, said: object) -> None:
    bench = Bench(limits=0)
    for _ in range(2):
        reply = ask(bench, f"791612{ending}")
        assert said in (reply.ending, reply.status, reply.content_type, reply.delay_s)


@pytest.mark.parametrize(
    ("number", "status"), [(1, None), (5, None), (10, None), (3, 24), (6, 23), (7, 22), (8, 25)]
)
def test_destinations_force_each_error(number: int, status: int | None) -> None:
    bench = Bench()
    phone = f"791612{99130 + number}"
    assert f'"error_code": {number}' in ask(bench, phone).body.decode()
    assert bench.status(5, phone)["status"] == (status or -3)


def test_an_error_once_is_fine_the_second_time() -> None:
    bench = Bench()
    said = [ask(bench, "79161299159").body for _ in range(2)]
    assert b'"error_code": 9' in said[0] and b'"id": 5' in said[1]


def test_a_bad_destination_among_others_spoils_only_itself() -> None:
    bench = Bench()
    assert b'"cnt": 1' in ask(bench, f"{PHONE},79161299138").body
    assert (bench.status(5)["status"], bench.status(5, "79161299138")["status"]) == (-1, 25)


def test_a_fault_of_another_script_leaves_sending_alone() -> None:
    bench = Bench(faults="status.http_500=100%")
    assert ask(bench).status == 200
    assert bench.get(f"/sys/status.php?apikey=key&id=5&phone={PHONE}").status == 500
