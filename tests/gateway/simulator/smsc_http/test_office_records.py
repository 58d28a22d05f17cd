"""get.php of the simulated service: messages, answers, statistics, tariff."""

from __future__ import annotations

import zlib
from decimal import Decimal

import pytest
from office_support import DAY, HOUR, NOON, Desk

MORNING = NOON - 11 * HOUR


def texts(desk: Desk, operation: str = "messages", now: float = NOON, **params: str) -> list[object]:
    return [row["message"] for row in desk.rows(operation, params, now)]


def test_a_message_comes_with_everything_about_it(desk: Desk) -> None:
    place = {"mccmnc": "25001", "country": "Russia", "operator": "MTS", "region": "Moscow"}
    desk.outbox.put("79999999999", "Hello!", NOON, status=1, changed_at=NOON + 5, id=33, **place)
    assert desk.ask("messages", {"phone": "79999999999"}) == [
        {
            "status": 1,
            "last_date": "01.01.2025 12:00:05",
            "last_timestamp": 1735722005,
            "err": 0,
            "send_date": "01.01.2025 12:00:00",
            "send_timestamp": 1735722000,
            "phone": "79999999999",
            "cost": "1.40",
            "sender_id": "SMSC",
            "status_name": "delivered",
            "message": "Hello!",
            **place,
            "type": 0,
            "id": 33,
            "int_id": "1",
            "sms_cnt": 1,
            "format": 0,
            "crc": zlib.crc32(b"Hello!"),
        }
    ]


def test_messages_are_newest_first_and_go_back_from_an_id(desk: Desk) -> None:
    for number in range(5):
        desk.outbox.put("79999999999", str(number), NOON)
    assert texts(desk) == ["4", "3", "2", "1", "0"]
    assert texts(desk, cnt="2") == ["4", "3"]
    assert texts(desk, cnt="2", prev_id="4") == ["2", "1"]
    assert desk.problem("messages", {"prev_id": "1"}) == 3


def test_there_are_1000_messages_in_an_answer_at_most(desk: Desk) -> None:
    for number in range(1001):
        desk.outbox.put("79999999999", str(number), NOON)
    assert len(texts(desk, cnt="2000")) == 1000


def test_messages_are_filtered_by_recipient_kind_and_day(desk: Desk) -> None:
    desk.outbox.put("79999999999", "old", NOON - DAY)
    desk.outbox.put("79999999999", "sms", NOON)
    desk.outbox.put("78888888888", "other", NOON)
    desk.outbox.put("alex@mysite.com", "letter", NOON, type=8)
    assert texts(desk, phone="+79999999999") == ["sms", "old"]
    assert texts(desk, phone="79999999999,78888888888", start="01.01.2025") == ["other", "sms"]
    assert texts(desk, start="31.12.2024") == ["old"]
    assert texts(desk, start="31.12.2024", end="01.01.2025") == ["other", "sms", "old"]
    assert texts(desk, format="8") == ["letter"]
    assert texts(desk, format="8", email="ALEX@mysite.com,b@mysite.com") == ["letter"]
    assert desk.problem("messages", {"email": "alex@mysite.com"}) == 3


def test_what_is_no_period_or_kind_is_error_1(desk: Desk) -> None:
    assert desk.problem("messages", {"start": "01.01.2024", "end": "01.08.2024"}) == 1
    assert desk.problem("messages", {"start": "02.01.2024", "end": "01.01.2024"}) == 1
    assert desk.problem("messages", {"format": "3"}) == 1
    assert desk.problem("messages", {"cnt": "x"}) == 1
    assert desk.problem("messages") == 3


def test_a_status_that_nobody_knows_has_no_name(desk: Desk) -> None:
    desk.outbox.put("79999999999", "x", NOON, status=77)
    assert desk.rows("messages")[0]["status_name"] == ""


def test_an_incoming_message_comes_with_its_times(desk: Desk) -> None:
    desk.outbox.receive("79999999999", "79990000101", "Hi", NOON)
    assert desk.ask("answers") == [
        {
            "id": 1,
            "received": "01.01.2025 12:00:00",
            "phone": "79999999999",
            "message": "Hi",
            "to_phone": "79990000101",
            "sent": "01.01.2025 12:00:00",
        }
    ]


def test_incoming_messages_of_today_or_of_the_last_hours(desk: Desk) -> None:
    for hours in (200, 100, 13, 10, 1):
        desk.outbox.receive("79999999999", "1", str(hours), NOON - hours * HOUR)
    assert texts(desk, "answers") == ["10", "1"]
    assert texts(desk, "answers", hour="13") == ["13", "10", "1"]
    assert texts(desk, "answers", hour="1000") == ["100", "13", "10", "1"]


def test_who_goes_on_after_an_id_misses_nothing(desk: Desk) -> None:
    for number in range(1, 6):
        desk.outbox.receive("79999999999", "1", str(number), MORNING)
    assert texts(desk, "answers", cnt="2") == ["4", "5"]
    assert texts(desk, "answers", cnt="2", after_id="0") == ["1", "2"]
    assert texts(desk, "answers", cnt="2", after_id="2") == ["3", "4"]
    assert texts(desk, "answers", now=NOON + DAY, after_id="4") == ["5"]
    assert desk.ask("answers", {"after_id": "5"}) == []


def test_incoming_messages_to_one_number(desk: Desk) -> None:
    desk.outbox.receive("79999999999", "79990000101", "a", NOON)
    desk.outbox.receive("79999999999", "79990000102", "b", NOON)
    assert texts(desk, "answers", to_phone="79990000102") == ["b"]
    assert desk.problem("answers", {"to_phone": "x"}) == 1
    assert desk.problem("answers", {"hour": "0"}) == 1


def test_statistics_add_parts_and_costs_of_the_days(desk: Desk) -> None:
    desk.outbox.put("79999999999", "old", NOON - DAY)
    desk.outbox.put("79999999999", "long", NOON, parts=3, cost=Decimal("4.20"))
    desk.outbox.put("79999999999", "short", NOON)
    row = {"login": "demo", "sms": "4", "credit": "0.00", "debit": "5.60", "currency": "RUR"}
    assert desk.ask("stat") == [row]
    whole = {**row, "sms": "5", "debit": "7.00"}
    assert desk.ask("stat", {"start": "31.12.2024", "end": "01.01.2025", "mycur": "1"}) == [whole]
    assert desk.rows("stat", {"balance2": "1"})[0]["sms"] == "0"
    assert desk.problem("stat", {"start": "01.13.2024"}) == 1


@pytest.mark.parametrize(("place", "expected"), [("zones", 5), ("codes", 2)])
def test_the_tariff_has_zones_and_single_prices(desk: Desk, place: str, expected: int) -> None:
    answer = desk.ask("price")
    assert isinstance(answer, dict)
    assert len(answer[place]) == expected
    assert answer["zones"][0] == {
        "zone": "1",
        "name": "Russia",
        "api": "1.40",
        "mass": "1.90",
        "mms": "6.00",
        "hlr": "0.20",
        "call": "1.10",
    }
    assert answer["codes"][0] == {"mccmnc": "25001", "cost": "1.45"}
    assert answer["mail"] == "0.10"
