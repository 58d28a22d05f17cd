"""status.php: what became of messages, and their deletion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from front_messages import PHONE, answer_of, api_of, came, ended, message_of
from gateway_fakes import NOW_MS, account_config
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Config
from gateway.core.api import ApiFlag
from gateway.core.errors import Refusal
from gateway.core.model import MessageState, Progress, Wish
from gateway.front import status
from gateway.front.desk import ApiProblem, Unavailable
from gateway.front.status import handlers
from gateway.translate.api_status import registered_as
from protocols.smsc_http.rendering import render

MakeDesk = Callable[[Config], FrontDesk]
HLR_INFO = " imsi:250011234567890 msc:79990000000 mcc:250 mnc:01 cn:Russia net:MTS+Moscow rcn:Italy rnet:TIM"
ENDED_S = NOW_MS // 1000 + 60


@pytest.fixture
def desk(make_desk: MakeDesk) -> FrontDesk:
    return make_desk(config_of(account_config(), account_config(system_id="other")))


def ask(desk: FrontDesk, account: str = "app", operation: str = "status", **params: str) -> Any:
    params = {"id": "33", "phone": PHONE, **params}
    return answer_of(handlers(desk)[operation], asked(desk, account, operation, params))


def shown(desk: FrontDesk, fmt: int, **params: str) -> str:
    params = {"id": "33", "phone": PHONE, **params}
    return render("status", ask(desk, **params), fmt, params=params)


# -- one message -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("progress", "status"), [(Progress.QUEUED, -1), (Progress.PAUSED, -2), (Progress.SENT, 0)]
)
def test_what_has_not_ended_is_shown_as_it_stands(desk: FrontDesk, progress: Progress, status: int) -> None:
    came(desk, progress)
    assert ask(desk) == {
        "status": status,
        "last_date": "15.06.2025 15:06:40",
        "last_timestamp": NOW_MS // 1000,
        "flag": 0,
        "err": 0,
    }


def test_a_receipt_is_the_status(desk: FrontDesk) -> None:
    ended(desk, MessageState.UNDELIVERABLE, "001")
    assert shown(desk, 1) == f"20,{ENDED_S},1"
    assert shown(desk, 0) == "Status = 20, check_time = 15.06.2025 15:07:40, err = 1"


def test_a_link_that_was_opened_shows(desk: FrontDesk) -> None:
    ended(desk, flags=ApiFlag.CLICKED.value)
    assert ask(desk)["status"] == 4


def test_dates_are_by_the_clocks_of_the_account(make_desk: MakeDesk) -> None:
    desk = make_desk(config_of(account_config(time_zone="Asia/Tokyo")))
    came(desk)
    assert ask(desk)["last_date"] == "16.06.2025 00:06:40"


def test_full_data(desk: FrontDesk) -> None:
    came(desk, comment="Order 7")
    assert shown(desk, 0, all="1") == (
        "Status = -1, check_time = 15.06.2025 15:06:40, err = 0, send_date = 15.06.2025 15:06:40, "
        f"phone = {PHONE}, cost = 1.40, sender_id = Shop, status_name = waiting, message = Hello!, "
        "comment = Order 7, type = 0"
    )


def test_what_was_given_back_has_cost_nothing(desk: FrontDesk) -> None:
    taken = message_of(desk, flags=Wish.CHARGED.value)
    desk.journal.batch.charges.append((taken.message_id, "app", 1_400_000, 1))
    desk.journal.batch.accepted.append((*taken, Progress.QUEUED.value))
    desk.journal.batch.api_messages.append(tuple(api_of(taken)))
    desk.journal.flush()
    assert ask(desk, all="1")["cost"] == "1.40"
    desk.journal.batch.failed.append((taken.message_id, MessageState.REJECTED.value, "smsc_error_3", NOW_MS))
    desk.journal.flush()
    assert ask(desk, all="1")["cost"] == "0.00"


def test_country_and_operator(desk: FrontDesk) -> None:
    came(desk, of={"destination": "447400123456"})
    found = ask(desk, phone="447400123456", all="2")
    assert (found["mccmnc"], found["country"], found["operator"]) == ("234", "United Kingdom", "Three")
    assert (found["operator_orig"], found["region"]) == ("Three", "")


def test_text_in_russian(desk: FrontDesk) -> None:
    came(desk, of={"data_coding": 8, "user_data": "Привет".encode("utf-16-be")})
    assert ask(desk, all="1")["message"] == "Привет"


def test_a_text_that_is_not_kept_any_more_is_empty(desk: FrontDesk) -> None:
    taken = ended(desk)
    desk.journal.connection.execute("DELETE FROM history_text WHERE message_id = ?", (taken.message_id,))
    assert ask(desk, all="1")["message"] == ""


def test_of_an_hlr_request_everything_that_was_found_out(desk: FrontDesk) -> None:
    ended(desk, info=HLR_INFO, kind=status.HLR, of={"user_data": b""})
    assert shown(desk, 1) == f"1,{ENDED_S},0,250011234567890,79990000000,250,01,Russia,MTS Moscow,Italy,TIM"
    found = ask(desk, all="2")
    assert (found["flag"], found["type"], found["sender_id"]) == (4, 4, "HLR")
    assert "operator_orig" not in shown(desk, 3, all="2")
    assert shown(desk, 1, all="1").split(",")[14] == "HLR"


def test_an_erased_number_takes_what_was_found_out_of_it_along(desk: FrontDesk) -> None:
    ended(desk, info=HLR_INFO, kind=status.HLR)
    desk.journal.batch.erasures.append((PHONE, 0, 0))
    desk.journal.flush()
    assert desk.journal.all("SELECT phone, info FROM api_message") == [("erased", "")]


def test_an_hlr_request_without_an_answer_has_empty_fields(desk: FrontDesk) -> None:
    came(desk, kind=status.HLR)
    assert shown(desk, 1) == f"-1,{NOW_MS // 1000},0,,,,,,,,"


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [(Refusal.BALANCE, (24, 0)), (Refusal.NUMBER, (22, 249)), (Refusal.NO_ROUTE, (25, 248))],
)
def test_a_message_that_was_refused_and_registered(
    desk: FrontDesk, refusal: Refusal, shown: tuple[int, int]
) -> None:
    state, error = registered_as(refusal)
    taken = came(desk)._replace(message_id=7)
    said = (NOW_MS, taken.source, taken.destination, 1, state.value, error, "", "", 0, 0, b"")
    desk.journal.batch.registered.append((7, "app", *said))
    desk.journal.batch.api_messages.append(tuple(api_of(taken, api_id="34")))
    desk.journal.flush()
    found = ask(desk, id="34")
    assert (found["status"], found["err"]) == shown


# -- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", ["79990000001", "+7 (999) 000-00-01", "89990000001", "9990000001"])
def test_a_number_may_be_written_as_people_do(desk: FrontDesk, phone: str) -> None:
    came(desk)
    assert ask(desk, phone=phone)["status"] == -1


def test_mail_is_asked_for_by_its_address(desk: FrontDesk) -> None:
    came(desk, phone="alex@example.org", kind=8)
    found = ask(desk, phone="Alex@Example.org", all="1")
    assert (found["phone"], found["type"], found["flag"]) == ("alex@example.org", 8, 8)


def test_the_newest_of_one_name_counts(desk: FrontDesk) -> None:
    ended(desk)
    desk.clock.advance(100)
    came(desk)
    assert ask(desk)["status"] == -1


@pytest.mark.parametrize(("fmt", "answer"), [(0, "Status = -3"), (1, "-3,0,0"), (3, '{\n"status": -3\n}')])
def test_what_nobody_has_sent_is_not_found(desk: FrontDesk, fmt: int, answer: str) -> None:
    came(desk)
    assert shown(desk, fmt, id="34") == answer
    assert shown(desk, fmt, phone="79990000002") == answer


def test_security_68_nobody_sees_what_another_account_has_sent(desk: FrontDesk) -> None:
    came(desk)
    assert ask(desk, "other") == {"status": -3}
    assert ask(desk, "other", all="2") == {"status": -3}
    with pytest.raises(ApiProblem) as caught:
        ask(desk, "other", operation="status_delete")
    assert caught.value.number == 5
    assert ask(desk)["status"] == -1


# -- several ---------------------------------------------------------------------------------------------


def test_several_in_the_order_of_the_lists(desk: FrontDesk) -> None:
    came(desk)
    ended(desk, of={"destination": "79990000002"}, api_id="ab-1")
    lists = {"id": "ab-1,99,33", "phone": "79990000002,79990000003,79990000001"}
    assert shown(desk, 1, **lists).split("\n") == [
        f"1,{ENDED_S},0,ab-1,79990000002",
        "-3,0,0,99,79990000003",
        f"-1,{NOW_MS // 1000},0,33,79990000001",
    ]
    assert ask(desk, **lists)[1] == {"status": -3, "id": 99, "phone": "79990000003"}


def test_a_trailing_comma_asks_for_a_list_of_one(desk: FrontDesk) -> None:
    came(desk)
    [record] = ask(desk, id="33,", phone=f"{PHONE},")
    assert (record["status"], record["id"], record["phone"]) == (-1, 33, PHONE)


def test_many_are_looked_for_in_many_reads(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "PAIRS_AT_ONCE", 2)
    for number in range(5):
        came(desk, api_id=str(number))
    ids = "3,9,0,1,8,4,2"
    found = ask(desk, id=ids, phone=",".join([f"+{PHONE}"] * 7))
    assert [(record["id"], record["status"]) for record in found] == [
        (int(id), -1 if int(id) < 5 else -3) for id in ids.split(",")
    ]


def test_thousands_at_once(desk: FrontDesk) -> None:
    came(desk)
    count = status.PAIRS_MAX
    found = ask(desk, id=",".join(["33"] * count), phone=",".join([PHONE] * count))
    assert len(found) == count and {record["status"] for record in found} == {-1}


@pytest.mark.parametrize(
    "params",
    [
        {"id": "1,2"},
        {"id": ""},
        {"phone": ""},
        {"all": "3"},
        {"all": "x"},
        {"id": "1," * 10_001, "phone": "2," * 10_001},
    ],
)
def test_lists_that_do_not_fit_are_error_1(desk: FrontDesk, params: dict[str, str]) -> None:
    with pytest.raises(ApiProblem) as caught:
        ask(desk, **params)
    assert caught.value.number == 1


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["0", "1", "2"]))
def test_whatever_is_asked_for_has_an_answer(id: str, phone: str, level: str) -> None:
    """No text of a client reaches SQL, and none of it ends in anything but an answer or error 1."""
    desk = _Nobody()
    try:
        found: Any = answer_of(handlers(desk)["status"], _asked(id, phone, level))  # type: ignore[arg-type]
    except ApiProblem as problem:
        assert problem.number == 1
    else:
        params = {"id": id, "phone": phone, "all": level}
        for fmt in range(4):
            assert render("status", found, fmt, params=params)


class _Nobody:
    """A desk whose store knows no message."""

    async def rows(self, statement: str, parameters: tuple[object, ...]) -> list[dict[str, Any]]:
        return []


def _asked(id: str, phone: str, level: str) -> Any:
    class Named:
        name, config = "app", account_config()

    class Request:
        account, params = Named, {"id": id, "phone": phone, "all": level}

    return Request


# -- deletion ----------------------------------------------------------------------------------------------


def test_what_waits_is_cancelled_and_gone(desk: FrontDesk) -> None:
    taken = came(desk)
    assert ask(desk, operation="status_delete") == {"result": "OK"}
    assert ask(desk) == {"status": -3}
    assert desk.journal.all("SELECT message_id, state FROM history") == [(taken.message_id, 4)]


def test_what_has_ended_is_gone_and_counted_all_the_same(desk: FrontDesk) -> None:
    ended(desk)
    ask(desk, operation="status_delete")
    assert ask(desk) == {"status": -3}
    assert desk.journal.all("SELECT state FROM history") == [(2,)]


def test_what_is_under_way_arrives_all_the_same(desk: FrontDesk) -> None:
    came(desk, Progress.SENT)
    ask(desk, operation="status_delete")
    assert ask(desk) == {"status": -3}
    assert desk.journal.all("SELECT progress FROM message") == [(Progress.SENT.value,)]


def test_all_of_a_list_are_deleted_or_none(desk: FrontDesk) -> None:
    came(desk)
    with pytest.raises(ApiProblem) as caught:
        ask(desk, operation="status_delete", id="33,34", phone=f"{PHONE},{PHONE}")
    assert caught.value.number == 5
    assert ask(desk)["status"] == -1


def test_a_deletion_that_cannot_be_stored_is_none(desk: FrontDesk) -> None:
    came(desk)
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        ask(desk, operation="status_delete")
    assert ask(desk)["status"] == -1


def test_the_same_cannot_be_deleted_twice(desk: FrontDesk) -> None:
    came(desk)
    ask(desk, operation="status_delete")
    with pytest.raises(ApiProblem) as caught:
        ask(desk, operation="status_delete")
    assert caught.value.number == 5
