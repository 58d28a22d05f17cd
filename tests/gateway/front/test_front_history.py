"""get.php: sent messages, incoming ones, statistics."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from front_desk import FrontDesk, asked, config_of
from front_messages import PHONE, answer_of, came, ended
from gateway_fakes import DAY_MS, NOW_MS, account_config
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Config
from gateway.core.api import ApiFlag
from gateway.core.model import INCOMING, MessageState
from gateway.front import history
from gateway.front.desk import ApiProblem
from gateway.front.history import handlers
from protocols.smsc_http.rendering import render

MakeDesk = Callable[[Config], FrontDesk]
OTHER = "79990000002"


@pytest.fixture
def desk(make_desk: MakeDesk) -> FrontDesk:
    return make_desk(config_of(account_config(), account_config(system_id="other")))


def ask(desk: FrontDesk, operation: str = "messages", account: str = "app", **params: str) -> Any:
    return answer_of(handlers(desk)[operation], asked(desk, account, operation, params))


def problem(desk: FrontDesk, operation: str = "messages", account: str = "app", **params: str) -> int:
    with pytest.raises(ApiProblem) as caught:
        ask(desk, operation, account, **params)
    return caught.value.number


def ids(desk: FrontDesk, **params: str) -> list[object]:
    return [record["id"] for record in ask(desk, **params)]


def sent(desk: FrontDesk, api_id: str, seconds: float = 1.0, **fields: Any) -> None:
    """One more message, some time after the last one."""
    desk.clock.advance(seconds)
    came(desk, api_id=api_id, **fields)


# -- sent messages -------------------------------------------------------------------------------------


def test_everything_that_is_known_of_a_message(desk: FrontDesk) -> None:
    taken = ended(desk, MessageState.UNDELIVERABLE, "001")
    [record] = ask(desk)
    assert list(record) and record == {
        "status": 20,
        "last_date": "15.06.2025 15:07:40",
        "last_timestamp": NOW_MS // 1000 + 60,
        "err": 1,
        "send_date": "15.06.2025 15:06:40",
        "send_timestamp": NOW_MS // 1000,
        "phone": PHONE,
        "cost": "1.40",
        "sender_id": "Shop",
        "status_name": "cannot be delivered",
        "message": "",
        "mccmnc": "250",
        "country": "Russia",
        "operator": "MegaFon",
        "operator_orig": "MegaFon",
        "region": "",
        "type": 0,
        "id": 33,
        "int_id": str(taken.message_id),
        "sms_cnt": 1,
        "format": 0,
        "crc": 0,
    }


def test_a_row_has_the_services_columns(desk: FrontDesk) -> None:
    taken = came(desk)
    at, crc = NOW_MS // 1000, zlib.crc32(b"Hello!")
    where = f"{PHONE},250,Russia,MegaFon,,1.40,Shop"
    assert render("messages", ask(desk), 1) == (
        f"-1,{at},0,{at},{where},waiting, Hello!,0,33,{taken.message_id},1,0,{crc}"
    )


def test_the_newest_first_and_back_from_one_of_them(desk: FrontDesk) -> None:
    for number in range(5):
        sent(desk, str(number))
    assert ids(desk, cnt="2") == [4, 3]
    before = ask(desk, cnt="2")[-1]["int_id"]
    assert ids(desk, cnt="2", prev_id=before) == [2, 1]
    last = ask(desk, cnt="2", prev_id=before)[-1]["int_id"]
    assert ids(desk, prev_id=last) == [0]
    assert ids(desk, prev_id=last, start="15.06.2025", end="16.06.2025") == [0]


def test_recipients_are_chosen(desk: FrontDesk) -> None:
    sent(desk, "1")
    sent(desk, "2", of={"destination": OTHER})
    sent(desk, "3", of={"destination": "79990000003"})
    assert ids(desk, phone=OTHER) == [2]
    assert ids(desk, phone=f"+{OTHER}, 8{PHONE[1:]}") == [2, 1]
    assert problem(desk, phone="79990000009") == 3


def test_recipients_are_looked_for_in_steps_up_to_a_number(
    desk: FrontDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1, 8):
        sent(desk, str(n), of={"destination": OTHER if n in (1, 4, 7) else PHONE})
    monkeypatch.setattr("gateway.front.sent_messages.STEP", 2)
    assert ids(desk, phone=OTHER) == [7, 4, 1]
    assert ids(desk, phone=OTHER, cnt="2") == [7, 4]
    monkeypatch.setattr("gateway.front.sent_messages.STEPS_MAX", 2)
    assert ids(desk, phone=OTHER) == [7, 4]


def test_mails_are_asked_for_by_their_format(desk: FrontDesk) -> None:
    sent(desk, "1")
    sent(desk, "2", phone="ann@example.org", kind=8)
    sent(desk, "3", phone="bob@example.org", kind=8)
    assert ids(desk) == [1]
    assert ids(desk, format="8") == [3, 2]
    assert ids(desk, format="8", email="Ann@example.org") == [2]


def test_days_are_the_accounts(make_desk: MakeDesk) -> None:
    desk = make_desk(config_of(account_config(time_zone="Asia/Tokyo")))
    sent(desk, "1", 0)  # 00:06 of the 16th in Tokyo
    sent(desk, "2", 86_400)
    assert ids(desk, start="16.06.2025") == [1]
    assert ids(desk, start="16.06.2025", end="17.06.2025") == [2, 1]
    assert problem(desk, start="15.06.2025") == 3


def test_what_was_deleted_is_not_told(desk: FrontDesk) -> None:
    sent(desk, "1", flags=ApiFlag.HIDDEN.value)
    assert problem(desk) == 3


def test_security_68_nobody_sees_what_another_account_has_sent(desk: FrontDesk) -> None:
    sent(desk, "1")
    assert problem(desk, account="other") == 3
    assert problem(desk, account="other", phone=PHONE) == 3


def test_a_message_without_a_name_has_our_id(desk: FrontDesk) -> None:
    taken = came(desk, api_id="", flags=ApiFlag.JSON.value)
    assert ids(desk) == [taken.message_id]


@pytest.mark.parametrize(
    "params",
    [
        {"format": "1"},
        {"format": "x"},
        {"cnt": "0"},
        {"cnt": "-1"},
        {"prev_id": "x"},
        {"start": "31.02.2025"},
        {"start": "2025-06-15"},
        {"start": "15.06.2025", "end": "14.06.2025"},
        {"start": "01.01.2024", "end": "01.01.2025"},
        {"phone": ",".join(f"7999{n:07}" for n in range(1_001))},
    ],
)
def test_what_makes_no_sense_is_error_1(desk: FrontDesk, params: dict[str, str]) -> None:
    assert problem(desk, **params) == 1


@given(
    st.dictionaries(
        st.sampled_from(["start", "end", "phone", "email", "format", "cnt", "prev_id", "hour", "after_id"]),
        st.text(max_size=20),
    ),
    st.sampled_from(["messages", "answers", "stat"]),
)
def test_whatever_is_asked_for_has_an_answer(params: dict[str, str], operation: str) -> None:
    try:
        found = answer_of(handlers(_NOBODY)[operation], _request(params, operation))  # type: ignore[arg-type]
    except ApiProblem as told:
        assert told.number in (1, 3)
    else:
        for fmt in range(4):
            render(operation, found, fmt, params=params)


class _Nobody:
    """A desk whose store knows nothing."""

    class submission:
        class ledger:
            plans: ClassVar[dict[str, Any]] = {}

    class clock:
        now_ms = staticmethod(lambda: NOW_MS)

    async def rows(self, statement: str, parameters: tuple[object, ...]) -> list[dict[str, Any]]:
        only = {"api_sent": {"segments": 0, "amount": 0}, "api_answers_step": {"high": None}}
        return [only[statement]] if statement in only else []


_NOBODY: Any = _Nobody()


def _request(params: dict[str, str], operation: str) -> Any:
    class Named:
        name, config = "app", account_config()

    return type("Request", (), {"account": Named, "params": params, "operation": operation})


# -- incoming messages ---------------------------------------------------------------------------------


def incoming(
    desk: FrontDesk, text: str = "Hi", own_number: str = "79990000900", age_s: float = 0, **fields: Any
) -> None:
    """One that came some time ago."""
    values = {"account": "app", "phone": PHONE, **fields}
    at_ms = desk.clock.now_ms() - int(age_s * 1000)
    row = (values["account"], 0, at_ms, 1, 1, values["phone"], 1, 1, own_number, 0, 0, 8)
    body = (text.encode("utf-16-be"), b"", INCOMING, "", at_ms, at_ms, 1)
    batch = desk.journal.batch
    batch.api_accounts.append((values["account"], 4))
    batch.incoming.append((*row, *body))
    desk.journal.flush()


def texts(desk: FrontDesk, **params: str) -> list[str]:
    return [record["message"] for record in ask(desk, "answers", **params)]


def test_an_answer_as_it_is_told(desk: FrontDesk) -> None:
    incoming(desk, "Привет")
    [record] = ask(desk, "answers")
    assert record == {
        "id": 1,
        "received": "15.06.2025 15:06:40",
        "phone": PHONE,
        "message": "Привет",
        "to_phone": "79990000900",
        "sent": "15.06.2025 15:06:40",
    }
    row = f"1,15.06.2025 15:06:40,{PHONE},79990000900,15.06.2025 15:06:40,Привет"
    assert render("answers", [record], 1) == row


def test_without_a_word_it_is_today(desk: FrontDesk) -> None:
    incoming(desk, "yesterday", age_s=86_400)
    incoming(desk, "today", age_s=3_600)
    assert texts(desk) == ["today"]
    assert texts(desk, hour="48") == ["yesterday", "today"]


def test_a_week_at_the_most_by_hours(desk: FrontDesk) -> None:
    incoming(desk, "old", age_s=8 * 86_400)
    incoming(desk, "new")
    assert texts(desk, hour="1000") == ["new"]
    assert texts(desk, after_id="0") == ["old", "new"]


def test_reading_on_misses_none(desk: FrontDesk) -> None:
    for number in range(5):
        incoming(desk, str(number))
    assert texts(desk, cnt="2") == ["3", "4"]
    assert texts(desk, after_id="0", cnt="2") == ["0", "1"]
    assert texts(desk, after_id="2", cnt="2") == ["2", "3"]
    assert texts(desk, after_id="5") == []


def test_by_the_number_that_they_came_to(desk: FrontDesk) -> None:
    incoming(desk, "one")
    incoming(desk, "two", own_number="79990000901")
    assert texts(desk, to_phone="+79990000901") == ["two"]
    assert texts(desk, to_phone="79990000901", after_id="0") == ["two"]


def test_a_few_of_many_are_looked_for_in_many_reads(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One read of a million of them would take a second, for which everybody else would wait."""
    monkeypatch.setattr(history, "STEP", 2)
    for number in range(7):
        incoming(desk, "other", own_number="79990000901")
        incoming(desk, str(number), age_s=7_200 if number < 3 else 0)
        incoming(desk, "x", account="other")
    asked_for: list[str] = []
    rows = desk.rows

    async def counted(statement: str, parameters: Any = ()) -> list[dict[str, Any]]:
        asked_for.append(statement)
        return await rows(statement, parameters)

    desk.rows = counted
    assert texts(desk, after_id="0", to_phone="79990000900") == list("0123456")
    assert asked_for.count("api_answers_after") == 7
    assert texts(desk, after_id="0", to_phone="79990000900", cnt="3") == list("012")
    assert texts(desk, after_id="0", to_phone="79990000900", hour="1") == list("3456")
    asked_for.clear()
    assert len(texts(desk, after_id="0")) == 14
    assert asked_for == ["api_answers_after"]


def test_security_68_nobody_reads_what_came_for_another_account(desk: FrontDesk) -> None:
    incoming(desk)
    assert ask(desk, "answers", "other") == ask(desk, "answers", "other", after_id="0") == []


@pytest.mark.parametrize("params", [{"hour": "0"}, {"after_id": "x"}, {"cnt": "many"}])
def test_bounds_that_are_none_are_error_1(desk: FrontDesk, params: dict[str, str]) -> None:
    assert problem(desk, "answers", **params) == 1


# -- statistics ----------------------------------------------------------------------------------------


def test_what_has_ended_is_counted_by_its_day(desk: FrontDesk) -> None:
    day = NOW_MS // DAY_MS
    rows = [
        (day, "app", "one", 2, 5, 7, 9_800_000),
        (day - 1, "app", "one", 5, 1, 1, 1_400_000),
        (day, "other", "one", 2, 50, 50, 50),
        (day, "app", "", 8, 9, 9, 0),
    ]
    desk.journal.connection.executemany("INSERT INTO statistics VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    [today] = ask(desk, "stat")
    assert today == {"login": "app", "sms": "7", "credit": "0.00", "debit": "9.80", "currency": "RUR"}
    [both] = ask(desk, "stat", start="14.06.2025", end="15.06.2025", mycur="1")
    assert (both["sms"], both["debit"]) == ("8", "11.20")
    assert render("stat", [both], 1) == "app,8,0.00,11.20,RUR"
    [nothing] = ask(desk, "stat", balance2="1")
    assert (nothing["sms"], nothing["debit"]) == ("0", "0.00")


@pytest.mark.parametrize("params", [{"start": "x"}, {"mycur": "2"}, {"balance2": "yes"}])
def test_statistics_of_nonsense_are_error_1(desk: FrontDesk, params: dict[str, str]) -> None:
    assert problem(desk, "stat", **params) == 1
