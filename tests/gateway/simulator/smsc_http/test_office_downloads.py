"""downloads.php of the simulated service: exports that are made in the background."""

from __future__ import annotations

from office_support import DAY, NOON, Desk


def test_a_task_waits_runs_and_is_done(desk: Desk) -> None:
    first = {
        "id": 1,
        "name": "messages-2025-01-01",
        "status": "0",
        "created": "01.01.2025 12:00:00",
        "time": "",
        "file": "",
    }
    assert desk.ask("dl_list") == [first]
    assert desk.ask("dl_list", now=NOON + 1) == [{**first, "status": "1"}]
    assert desk.ask("dl_list", now=NOON + 3) == [
        {**first, "status": "2", "time": "01.01.2025 12:00:03", "file": "messages-2025-01-01.csv"}
    ]


def test_each_day_has_its_task_and_the_list_goes_on_after_an_id(desk: Desk) -> None:
    for days in range(3):
        desk.ask("dl_list", now=NOON + days * DAY)
    end = NOON + 2 * DAY
    assert [row["id"] for row in desk.rows("dl_list", now=end)] == [1, 2, 3]
    assert [row["id"] for row in desk.rows("dl_list", {"after_id": "1"}, end)] == [2, 3]
    assert [row["id"] for row in desk.rows("dl_list", {"cnt": "1", "after_id": "1"}, end)] == [2]
    assert desk.ask("dl_list", {"after_id": "3"}, end) == []


def test_the_file_holds_what_had_been_sent_when_it_was_ordered(desk: Desk) -> None:
    desk.outbox.put("79999999999", 'Привет; "you"', NOON - 60, status=1)
    desk.office.downloads.order("mine", NOON)
    desk.outbox.put("78888888888", "too late", NOON + 1)
    answer = desk.ask("dl_file", {"id": "1"}, NOON + 3)
    expected = (
        "id;phone;sender;status;err;sent;changed;parts;cost;message\r\n"
        "1;79999999999;SMSC;1;0;01.01.2025 11:59:00;01.01.2025 11:59:00;1;1.40;"
        '"Привет; ""you"""\r\n'
    )
    assert answer == (expected.encode(), "text/csv; charset=utf-8")
    assert desk.ask("dl_file", {"name": "mine"}, NOON + 3) == answer
    assert desk.ask("dl_file", {"name": "mine.csv"}, NOON + 3) == answer


def test_a_file_that_is_not_there_is_error_5(desk: Desk) -> None:
    desk.ask("dl_list")
    assert desk.problem("dl_file", {"id": "1"}, NOON + 2) == 5
    assert desk.problem("dl_file", {"id": "2"}, NOON + 3) == 5
    assert desk.problem("dl_file", {"name": "x"}, NOON + 3) == 5


def test_bad_requests_are_error_1(desk: Desk) -> None:
    assert desk.problem("dl_file") == 1
    assert desk.problem("dl_file", {"id": "x"}) == 1
    assert desk.problem("dl_list", {"cnt": "-1"}) == 1
