"""jobs.php of the simulated service: mailing lists."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from office_support import DAY, HOUR, NOON, OK, Desk

from gateway.simulator.smsc_http import jobs
from gateway.simulator.smsc_http.model import ApiProblem
from gateway.simulator.smsc_http.moments import written

LIST = {"name": "rassilka1", "phones": "79999999999,78888888888", "mes": "Hello!"}
TOMORROW = "020125"


def times(desk: Desk) -> list[str]:
    return [written(message.sent_at, 0)[:16] for message in desk.outbox.messages]


def test_a_list_without_a_time_is_sent_at_once(desk: Desk) -> None:
    assert desk.ask("job_add", {**LIST, "sender": "ivan"}) == {"id": 1}
    assert desk.outbox.sent == [{"phones": LIST["phones"], "mes": "Hello!", "sender": "ivan"}]


def test_the_cost_is_told_to_who_asks(desk: Desk) -> None:
    assert desk.ask("job_add", {**LIST, "cost": "1"}) == {"id": 1, "cost": "2.80"}
    assert len(desk.outbox.sent) == 1


def test_a_list_waits_for_its_time(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "time": f"{TOMORROW}0930", "tz": "2"})
    assert desk.outbox.sent == []
    assert desk.rows("job_list")[0]["need_date"] == "02.01.2025 07:30:00"
    desk.outbox.run(NOON + 2 * DAY)
    assert times(desk) == ["02.01.2025 07:30"] * 2


def test_a_window_opens_tomorrow_when_it_is_over_today(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "time": "9-11"})
    desk.outbox.run(NOON + 2 * DAY)
    assert times(desk) == ["02.01.2025 09:00"] * 2


def test_all_of_a_list_is_told(desk: Desk) -> None:
    more = {"subj": "News", "valid": "02:30", "period": "1.5", "freq": "10", "flash": "1", "rpt": "2"}
    desk.ask("job_add", {**LIST, **more, "rptn": "3", "time": f"{TOMORROW}1200", "sender": "ivan"})
    assert desk.ask("job_get", {"id": "1"}) == [
        {
            "id": 1,
            "name": "rassilka1",
            "subject": "News",
            "repeat_send": 2,
            "repeat_cnt": 3,
            "created": "01.01.2025 12:00:00",
            "changed": "01.01.2025 12:00:00",
            "need_date": "02.01.2025 12:00:00",
            "last_sent": "",
            "phones": "79999999999,78888888888",
            "message": "Hello!",
            "format": 1,
            "validity": 150,
            "period": "1.5",
            "frequency": 10,
            "status": 0,
            "cost": "2.80",
            "sms_sent": 0,
            "sms_ok": 0,
            "sender_id": "ivan",
        }
    ]


def test_sent_and_delivered_messages_are_counted(desk: Desk) -> None:
    desk.ask("job_add", LIST)
    desk.outbox.messages[0].status = 1
    assert desk.ask("job_list") == [
        {
            "id": 1,
            "name": "rassilka1",
            "changed": "01.01.2025 12:00:00",
            "need_date": "",
            "last_sent": "01.01.2025 12:00:00",
            "phones": "79999999999,78888888888",
            "message": "Hello!",
            "phones_cnt": 2,
            "cost": "2.80",
            "status": 1,
            "sender_id": "",
            "format": 0,
            "sms_sent": 2,
            "sms_ok": 1,
        }
    ]


def test_a_list_of_texts_is_sent_as_one(desk: Desk) -> None:
    lines = "79999999999:Hello!\n78888888888,77777777777:Bye!"
    desk.ask("job_add", {"name": "x", "list": lines})
    assert desk.outbox.sent == [{"list": lines}]
    row = desk.rows("job_list")[0]
    assert (row["phones_cnt"], row["phones"], row["message"]) == (
        3,
        "79999999999,78888888888,77777777777",
        lines,
    )


def test_the_text_can_be_a_templates(desk: Desk) -> None:
    desk.ask("tpl_add", {"name": "t", "msg": "From a template"})
    desk.ask("job_add", {"name": "x", "phones": "79999999999", "tpl": "1", "mes": ""})
    assert desk.outbox.sent[0]["mes"] == "From a template"
    assert desk.problem("job_add", {**LIST, "tpl": "1"}) == 1
    assert desk.problem("job_add", {"name": "x", "phones": "79999999999", "tpl": "2"}) == 3


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (jobs.HOURLY, "31.01.2025 13:00"),
        (jobs.DAILY, "01.02.2025 12:00"),
        (jobs.WORKING_DAYS, "03.02.2025 12:00"),
        (jobs.WEEKENDS, "01.02.2025 12:00"),
        (jobs.WEEKLY, "07.02.2025 12:00"),
        (jobs.MONTHLY, "28.02.2025 12:00"),
        (jobs.YEARLY, "31.01.2026 12:00"),
    ],
)
def test_repetitions_follow_the_calendar(repeat: int, expected: str) -> None:
    friday = datetime(2025, 1, 31, 9, tzinfo=UTC).timestamp()
    assert written(jobs.next_time(repeat, friday, 0), 0)[:16] == expected


def test_the_calendar_is_the_accounts() -> None:
    late_friday = datetime(
        2025, 1, 31, 20, tzinfo=UTC
    ).timestamp()  # Saturday already, two hours east of Moscow
    assert written(jobs.next_time(jobs.WEEKENDS, late_friday, 2), 2)[:10] == "02.02.2025"
    assert written(jobs.next_time(jobs.WEEKENDS, late_friday, 0), 0)[:10] == "01.02.2025"


def test_a_list_is_repeated_so_many_times(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "phones": "79999999999", "rpt": "1", "rptn": "2"})
    desk.outbox.run(NOON + DAY)
    assert times(desk) == ["01.01.2025 12:00", "01.01.2025 13:00", "01.01.2025 14:00"]
    assert desk.rows("job_list")[0]["status"] == jobs.SENT


def test_a_list_without_a_number_is_repeated_until_it_is_cancelled(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "phones": "79999999999", "rpt": "2"})
    desk.outbox.run(NOON + 9.5 * DAY)
    assert len(desk.outbox.sent) == 10
    assert desk.ask("job_cancel", {"id": "1"}, NOON + 9.6 * DAY) == OK
    desk.outbox.run(NOON + 20 * DAY)
    assert len(desk.outbox.sent) == 10
    [row] = desk.rows("job_list")
    assert (row["status"], row["need_date"], row["changed"]) == (jobs.CANCELLED, "", "11.01.2025 02:24:00")


def test_a_deleted_list_is_not_sent(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "time": "+10"})
    assert desk.ask("job_del", {"id": "1"}) == OK
    desk.outbox.run(NOON + DAY)
    assert desk.outbox.sent == []
    assert desk.problem("job_del", {"id": "1"}) == 3
    assert desk.problem("job_get", {"id": "1"}) == 3


def test_only_a_list_that_waits_is_cancelled(desk: Desk) -> None:
    desk.ask("job_add", LIST)
    assert desk.problem("job_cancel", {"id": "1"}) == 3


def test_what_a_messenger_did_not_deliver_goes_as_sms(desk: Desk) -> None:
    viber = {
        **LIST,
        "viber": "1",
        "fl[5]": "1",
        "mes2": "This is an SMS",
        "sender2": "ivan",
        "sender": "MyViber",
    }
    desk.ask("job_add", viber)
    desk.outbox.messages[0].status = 20
    desk.outbox.run(NOON + 6)
    desk.outbox.messages[1].status = 1
    desk.outbox.run(NOON + DAY)
    assert desk.outbox.sent[1:] == [{"phones": "79999999999", "mes": "This is an SMS", "sender": "ivan"}]
    assert desk.rows("job_list")[0]["sms_sent"] == 3


def test_without_a_text_of_its_own_the_same_is_repeated(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "viber": "1", "fl[5]": "1"})
    for message in desk.outbox.messages:
        message.status = 3
    desk.outbox.run(NOON + 6)
    assert [sent["mes"] for sent in desk.outbox.sent[1:]] == ["Hello!", "Hello!"]


def test_a_message_that_never_ends_is_not_watched_for_ever(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "viber": "1", "fl[5]": "1"})
    desk.outbox.run(NOON + 2 * DAY)
    for message in desk.outbox.messages:
        message.status = 20
    desk.outbox.run(NOON + 100 * DAY)
    assert len(desk.outbox.sent) == 1


def test_without_the_flag_nothing_is_repeated(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "viber": "1", "mes2": "This is an SMS"})
    desk.outbox.messages[0].status = 20
    desk.outbox.run(NOON + DAY)
    assert len(desk.outbox.sent) == 1


def test_a_sending_that_fails_ends_the_list(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "time": "+10", "rpt": "1"})
    desk.outbox.problem = ApiProblem(1)
    desk.outbox.run(NOON + HOUR)
    assert desk.rows("job_list")[0]["status"] == jobs.FAILED


def test_a_sending_that_is_registered_with_an_error_is_one(desk: Desk) -> None:
    desk.ask("job_add", {**LIST, "time": "+10"})
    desk.outbox.problem = ApiProblem(3, 77)
    desk.outbox.run(NOON + HOUR)
    desk.outbox.put("79999999999", "Hello!", NOON + HOUR, id=77, status=24)
    [row] = desk.rows("job_list")
    assert (row["status"], row["sms_sent"], row["sms_ok"]) == (jobs.SENT, 1, 0)


def test_lists_of_mails_are_found_with_mail_only(desk: Desk) -> None:
    mail = {
        "name": "m",
        "phones": "alex@mysite.com",
        "mes": "x",
        "subj": "s",
        "sender": "a@mysite.com",
        "mail": "1",
    }
    desk.ask("job_add", mail)
    desk.ask("job_add", LIST)
    assert [row["id"] for row in desk.rows("job_list")] == [2]
    [row] = desk.rows("job_list", {"mail": "1"})
    assert row["emails"] == "alex@mysite.com"
    assert "phones" not in row
    assert list(desk.rows("job_get", {"id": "1", "mail": "1"})[0])[9] == "emails"
    assert desk.problem("job_get", {"id": "1"}) == 3


def test_the_list_of_lists_is_the_last_ten_of_two_months_or_a_period(desk: Desk) -> None:
    desk.ask("job_add", LIST, NOON - 100 * DAY)
    for number in range(12):
        desk.ask("job_add", LIST, NOON + number)
    assert [row["id"] for row in desk.rows("job_list")] == list(range(13, 3, -1))
    assert len(desk.rows("job_list", {"start": "01.01.2025"})) == 12
    assert [row["id"] for row in desk.rows("job_list", {"start": "23.09.2024", "end": "30.09.2024"})] == [1]
    assert desk.ask("job_list", {"start": "02.01.2025"}) == []


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"name": ""}, 1),
        ({"rpt": "8"}, 1),
        ({"mes": "x" * 500_001}, 1),
        ({"rptn": "-1"}, 1),
        ({"cost": "2"}, 1),
        ({"freq": "often"}, 1),
        ({"period": "long"}, 1),
        ({"valid": "25"}, 5),
        ({"flash": "1", "viber": "1"}, 1),
        ({"time": "soon"}, 5),
        ({"time": "3113250000"}, 5),
        ({"time": "+5", "tz": "x"}, 5),
    ],
)
def test_bad_lists(desk: Desk, params: dict[str, str], number: int) -> None:
    assert desk.problem("job_add", {**LIST, **params}) == number


def test_the_oldest_list_makes_room_and_is_not_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 1)
    small = jobs.Jobs(desk.account, desk.outbox, lambda id: None)
    add = small.handlers()["job_add"]
    add({**LIST, "time": "+1"}, NOON)
    add({**LIST, "time": "+1", "mes": "second"}, NOON)
    desk.outbox.run(NOON + HOUR)
    assert [sent["mes"] for sent in desk.outbox.sent] == ["second"]
