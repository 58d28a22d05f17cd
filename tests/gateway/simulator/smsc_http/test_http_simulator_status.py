"""status.php of the simulated service, and the virtual life of messages."""

from __future__ import annotations

import json

import pytest
from http_simulator_support import OTHER, PHONE, START, Bench

from gateway.simulator.smsc_http.outcomes import ERR_CODES, MAGIC, status_of
from protocols.smsc_http.statuses import ERRORS, MAIL_ERRORS

HOUR = 3600


def test_a_message_waits_is_with_the_operator_and_is_delivered() -> None:
    bench = Bench(operator_ms=1000, final_ms=2000, limits=0)
    bench.send()
    seen = []
    for _ in range(5):
        seen.append((bench.status(1)["status"], bench.status(1)["last_timestamp"] - int(START)))
        bench.pass_(1)
    assert seen == [(-1, 0), (0, 1), (0, 1), (1, 3), (1, 3)]


@pytest.mark.parametrize(
    ("ending", "status", "err"),
    [
        ("99001", 1, 0),
        ("99002", 20, 255),
        ("99003", 3, 6),
        ("99004", 23, 253),
        ("99005", -2, 0),
        ("99006", 20, 245),
        ("99106", 0, 0),
        ("99107", -1, 0),
        ("99109", 2, 0),
        ("99110", 4, 0),
        ("99111", 77, 0),
        ("99112", 20, 177),
        ("99222", 22, 0),
        ("99223", 23, 0),
        ("99224", 24, 0),
        ("99225", 25, 0),
        ("99203", 3, 0),
        ("99301", 20, 1),
        ("99549", 22, 249),
        ("99548", 25, 248),
        ("99551", 23, 251),
        ("99606", 3, 6),
    ],
)
def test_magic_destinations_end_as_the_table_says(ending: str, status: int, err: int) -> None:
    bench = Bench()
    phone = f"791612{ending}"
    bench.send(phones=phone)
    bench.pass_(10)
    answer = bench.status(1, phone)
    assert (answer["status"], answer["err"]) == (status, err)


def test_every_err_code_of_the_service_has_a_destination() -> None:
    assert set(ERR_CODES) == ERRORS.keys() | MAIL_ERRORS.keys()
    for err in ERR_CODES:
        assert (MAGIC[f"{99300 + err}"].err, MAGIC[f"{99300 + err}"].status) == (err, status_of(err))


def test_magic_can_be_switched_off() -> None:
    bench = Bench(magic=False)
    bench.send(phones="79161299002")
    bench.pass_(1)
    assert bench.status(1, "79161299002")["status"] == 1


def test_statuses_are_drawn_by_their_weights() -> None:
    bench = Bench(status_mix="1=90,20/255=5,3/6=5", limits=0, keep=1000)
    bench.json("send", list="\n".join(f"7916000{number:04}:x{number}" for number in range(300)), id="5")
    bench.pass_(1)
    ends = [(message.status, message.err) for message in bench.service.store.messages]
    assert set(ends) == {(1, 0), (20, 255), (3, 6)}
    assert ends.count((1, 0)) > 240


def test_a_late_status_comes_late() -> None:
    bench = Bench(late_ms=5000)
    bench.send(phones="79161299103")
    bench.pass_(5.4)
    assert bench.status(1, "79161299103")["status"] == 0
    bench.pass_(0.2)
    assert bench.status(1, "79161299103")["status"] == 1


def test_an_hlr_request_tells_the_network() -> None:
    bench = Bench()
    bench.send(hlr="1")
    empty = bench.status(1)
    assert (empty["status"], empty["imsi"]) == (-1, "")
    bench.pass_(1)
    answer = bench.status(1, all="2")
    assert list(answer) == [
        *("status", "last_date", "last_timestamp", "flag", "err", "imsi", "msc", "mcc", "mnc", "cn", "net"),
        *("rcn", "rnet", "send_date", "send_timestamp", "phone", "cost", "sender_id", "status_name"),
        *("message", "country", "operator", "region", "type"),
    ]
    assert (answer["imsi"], answer["mcc"], answer["mnc"]) == ("250019161234567", "250", "01")
    assert (answer["cn"], answer["net"], answer["sender_id"], answer["type"]) == ("Russia", "MTS", "HLR", 4)


def test_of_an_unavailable_subscriber_nothing_is_told() -> None:
    bench = Bench()
    bench.send(hlr="1", phones="79161299301")
    bench.pass_(1)
    answer = bench.status(1, "79161299301")
    assert (answer["status"], answer["err"], answer["imsi"]) == (20, 1, "")


def test_a_trailing_comma_makes_a_list_of_one() -> None:
    bench = Bench()
    bench.send(id="a-1")
    [record] = bench.status("a-1,", f"{PHONE},")
    assert (record["id"], record["phone"]) == ("a-1", PHONE)


def test_a_list_may_be_as_long_as_a_client_of_thousands_needs_it() -> None:
    def form(count: int) -> bytes:
        phones, ids = ",".join([PHONE] * count), ",".join(["1"] * count)
        return f"login=alex&psw=123&fmt=3&phone={phones}&id={ids}".encode()

    bench = Bench(limits=0)
    assert len(json.loads(bench.post("/sys/status.php", form(10_000)).body)) == 10_000
    assert json.loads(bench.post("/sys/status.php", form(10_001)).body)["error_code"] == 1


def test_one_id_for_several_numbers_is_given_for_each() -> None:
    bench = Bench()
    bench.send(phones=f"{PHONE},{OTHER}", id="5")
    assert [record["phone"] for record in bench.status("5,5", f"{PHONE},{OTHER}")] == [PHONE, OTHER]
    bench.pass_(60)
    assert bench.status("5", f"{PHONE},{OTHER}")["error_code"] == 1


@pytest.mark.parametrize(("id", "phone"), [("6", PHONE), ("5", OTHER), ("9" * 5000, PHONE)])
def test_what_is_not_found_is_status_minus_3(id: str, phone: str) -> None:
    bench = Bench()
    bench.send(id="5")
    assert bench.status(id, phone) == {"status": -3}
    assert bench.text("status", id=id, phone=phone) == "Status = -3"
    assert bench.text("status", id=id, phone=phone, fmt="1").startswith("-3,")


def test_the_newest_of_several_with_one_id_is_the_one() -> None:
    bench = Bench()
    bench.send(id="5", mes="old")
    bench.send(id="5", mes="new")
    assert bench.status(5, all="1")["message"] == "new"


def test_the_nightly_job_moves_ended_messages_to_the_archive() -> None:
    bench = Bench()  # it is 03:00 in Moscow
    bench.pass_(14 * HOUR)
    bench.send(id="before")
    bench.send(id="waits", phones="79161299106")
    bench.pass_(2 * HOUR)
    bench.send(id="after")
    bench.pass_(8 * HOUR - 1)
    assert bench.status("before")["status"] == 1
    bench.pass_(1)
    assert bench.status("before")["status"] == -3
    assert bench.status("waits", "79161299106")["status"] == 0
    assert bench.status("after")["status"] == 1
    assert bench.json("status", id="before", phone=PHONE, **{"del": "1"})["error_code"] == 5


def test_a_deleted_message_is_gone_and_does_not_live_on() -> None:
    bench = Bench()
    bench.send(id="5")
    assert bench.json("status", id="5", phone=PHONE, **{"del": "1"}) == {"result": "OK"}
    bench.pass_(1)
    assert bench.status(5)["status"] == -3
    assert bench.json("status", id="5", phone=PHONE, **{"del": "1"})["error_code"] == 5
    assert bench.service.store.accepted == 1


def test_only_so_many_messages_are_kept_but_all_are_counted() -> None:
    bench = Bench(keep=10, keep_counted=15, limits=0)
    for number in range(20):
        bench.send(id=f"m{number}", mes=f"text {number}")
    store = bench.service.store
    assert (len(store.messages), store.accepted) == (10, 20)
    assert bench.status("m9")["status"] == -3
    assert bench.status("m10")["status"] == -1
    assert (len(store.by_id), store.by_id.forgotten) == (15, 5)
    assert (store.by_id["m4", PHONE], store.by_id["m5", PHONE]) == (0, 1)
