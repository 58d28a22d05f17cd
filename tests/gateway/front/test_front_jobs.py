"""jobs.php over a real store: what a list is, when it is sent, and that it is sent once."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from front_desk import asked
from front_sending import OTHER, PHONE, SendDesk, sender
from gateway_fakes import NOW_MS

from gateway.config.model import Account as AccountConfig
from gateway.core.limits import TokenBucket
from gateway.core.model import MessageState
from gateway.front import contacts, job_records, job_texts, jobs, templates
from gateway.front.desk import ApiProblem, Unavailable
from gateway.front.job_records import Job, Repeat, Run, counted, next_due
from gateway.front.job_runs import JobRuns, run_due
from gateway.front.keeping import turn_of
from protocols.smsc_http.rendering import render

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class JobDesk(SendDesk):
    """The desk of send.php with mailing lists."""

    def __init__(self, folder: Path, *accounts: AccountConfig) -> None:
        super().__init__(folder, *accounts)
        for module in (jobs, contacts, templates):
            self.handlers.update(module.handlers(self.desk))

    def do(self, operation: str, account: str = "app", /, **params: str) -> Any:
        return asyncio.run(self.handlers[operation](asked(self.desk, account, operation, params)))

    def add(self, account: str = "app", /, **params: str) -> int:
        given = {"name": "list", "mes": "hello", "phones": PHONE, **params}
        number: int = self.do("job_add", account, **given)["id"]
        return number

    def number(self, operation: str, account: str = "app", /, **params: str) -> int:
        with pytest.raises(ApiProblem) as caught:
            self.do(operation, account, **params)
        return caught.value.number

    def of(self, number: int) -> dict[str, Any]:
        [record] = self.do("job_get", id=str(number))
        found: dict[str, Any] = record
        return found

    def later(self, ms: int) -> None:
        """The clock goes on, and what is due is done."""
        self.clock.advance(ms / 1000)
        asyncio.run(run_due(self.desk, self.clock.now_ms()))

    def texts(self) -> list[tuple[str, str]]:
        return [(one.destination, _readable(one.user_data)) for one in self.messages()]

    def end(self, state: MessageState, phone: str = PHONE) -> None:
        """The last message to a number has ended so."""
        message = [one for one in self.messages() if one.destination == phone][-1]
        row = {
            "message_id": message.message_id,
            "account": "app",
            "accepted_ms": message.accepted_ms,
            "source": "",
            "destination": phone,
            "registered_delivery": 0,
            "segments": 1,
            "connector": "one",
            "state": state.value,
            "error": "",
            "done_ms": NOW_MS,
            "retries": 0,
            "doubts": 0,
        }
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self.journal.connection.execute(f"INSERT INTO history ({columns}) VALUES ({places})", row)
        self.journal.connection.commit()


def _readable(user_data: bytes) -> str:
    return user_data.decode().replace("\x1b(", "{").replace("\x1b)", "}").replace("\x11", "_")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[JobDesk]:
    made = JobDesk(tmp_path)
    yield made
    made.close()


def in_hours(hours: int) -> str:
    return f"0{NOW_MS // 1000 + hours * 3600}"


def test_a_list_without_a_time_is_sent_in_the_batch_that_keeps_it(desk: JobDesk) -> None:
    number = desk.add(phones=f"{PHONE},{OTHER}")
    assert desk.texts() == [(PHONE, "hello"), (OTHER, "hello")]
    [batch] = [batch for batch in desk.journal.batches if batch.accepted]
    assert [row[:3] for row in batch.records] == [("job", "app", number)]
    shown = desk.of(number)
    assert (shown["status"], shown["sms_sent"], shown["sms_ok"]) == (1, 2, 0)
    assert (shown["need_date"], shown["last_sent"]) == ("", "15.06.2025 15:06:40")
    desk.end(MessageState.DELIVERED)
    assert desk.of(number)["sms_ok"] == 1


def test_whom_nothing_can_be_sent_to_counts_too(desk: JobDesk) -> None:
    number = desk.add(phones=f"12,{PHONE}")
    assert desk.texts() == [(PHONE, "hello")]
    desk.end(MessageState.DELIVERED)
    shown = desk.of(number)
    assert (shown["status"], shown["sms_sent"], shown["sms_ok"]) == (1, 2, 1)


def test_all_of_a_list_is_told(desk: JobDesk) -> None:
    number = desk.add(
        sender="Example",
        subj="subject",
        time=in_hours(2),
        rpt="2",
        rptn="3",
        valid="01:30",
        period="2",
        freq="60",
    )
    shown = desk.of(number)
    assert shown == {
        "id": number,
        "name": "list",
        "subject": "subject",
        "repeat_send": 2,
        "repeat_cnt": 3,
        "created": "15.06.2025 15:06:40",
        "changed": "15.06.2025 15:06:40",
        "need_date": "15.06.2025 17:06:40",
        "last_sent": "",
        "phones": PHONE,
        "message": "hello",
        "format": 0,
        "validity": 90,
        "period": "2",
        "frequency": 60,
        "status": 0,
        "cost": "0.00",
        "sms_sent": 0,
        "sms_ok": 0,
        "sender_id": "Example",
    }
    assert render("job_get", [shown], 1).startswith(f"{number};list;subject;2;3;")


def test_a_list_is_sent_at_its_time_and_once(desk: JobDesk) -> None:
    number = desk.add(time=in_hours(2))
    desk.later(2 * HOUR_MS - 1000)
    assert desk.texts() == []
    desk.later(1000)
    desk.later(DAY_MS)
    assert desk.texts() == [(PHONE, "hello")]
    [batch] = [batch for batch in desk.journal.batches if batch.accepted]
    assert [row[:3] for row in batch.records] == [("job", "app", number)]  # both or neither, whenever it ends
    assert desk.of(number)["status"] == 1


def test_what_cannot_be_stored_is_sent_later_and_once(desk: JobDesk) -> None:
    number = desk.add(time=in_hours(1))
    desk.journal.fails = True
    desk.later(HOUR_MS)
    assert desk.of(number)["status"] == 0
    desk.journal.fails = False
    desk.later(1000)  # not yet
    assert desk.texts() == []
    desk.later(5000)
    desk.later(60_000)
    assert (desk.texts(), desk.of(number)["sms_sent"]) == ([(PHONE, "hello")], 1)


def test_a_list_that_cannot_be_stored_is_none(desk: JobDesk) -> None:
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        desk.add(time=in_hours(1))
    assert desk.desk.due_jobs == {}


def test_what_was_due_is_known_after_a_restart(desk: JobDesk) -> None:
    number = desk.add(time=in_hours(1))
    done = desk.add()
    desk.desk.due_jobs.clear()
    asyncio.run(job_records.load(desk.desk))
    assert desk.desk.due_jobs == {("app", number): NOW_MS // 1000 * 1000 + HOUR_MS}
    assert done != number
    # the record alone says that a run is over, whatever memory does
    desk.later(HOUR_MS)
    desk.desk.due_jobs["app", number] = 1
    desk.later(1000)
    assert len(desk.texts()) == 2


def test_a_list_is_repeated_so_many_times(desk: JobDesk) -> None:
    number = desk.add(rpt="1", rptn="2")
    for hours in range(1, 5):
        desk.later(HOUR_MS)
        assert len(desk.texts()) == min(1 + hours, 3)
    shown = desk.of(number)
    assert (shown["status"], shown["sms_sent"], shown["need_date"]) == (1, 3, "")


def test_a_cancelled_and_a_deleted_list_are_not_sent(desk: JobDesk) -> None:
    cancelled, deleted = desk.add(time=in_hours(1)), desk.add(time=in_hours(1))
    assert desk.do("job_cancel", id=str(cancelled)) == {"result": "OK"}
    assert desk.number("job_cancel", id=str(cancelled)) == 3
    assert desk.do("job_del", id=str(deleted)) == {"result": "OK"}
    assert desk.number("job_get", id=str(deleted)) == 3
    assert desk.number("job_del", "named", id=str(cancelled)) == 3
    desk.later(DAY_MS)
    assert (desk.texts(), desk.of(cancelled)["status"]) == ([], 2)


def test_a_template_and_lines_are_texts_too(desk: JobDesk) -> None:
    template = desk.do("tpl_add", name="t", msg="of a template")["id"]
    desk.add(mes="", tpl=str(template))
    desk.do("job_add", name="lines", list=f"{PHONE}:one\n{OTHER}:two")
    assert desk.texts() == [(PHONE, "of a template"), (PHONE, "one"), (OTHER, "two")]
    assert desk.number("job_add", name="x", phones=PHONE, mes="x", tpl=str(template)) == 1
    assert desk.number("job_add", name="x", phones=PHONE, tpl="77") == 3


def test_macros_are_what_is_known_of_each_recipient(desk: JobDesk) -> None:
    group = desk.do("phone_group_add", name="all", num="7")["id"]
    desk.do("phone_add", phone=PHONE, name="Anna", fnm="A", grp=str(group))
    desk.add(phones=f"G7,8{OTHER[1:]}", mes="{Name}, {FNM}{brace}!")
    assert desk.texts() == [(PHONE, "Anna, A{brace}!"), (OTHER, ", {brace}!")]


@pytest.mark.parametrize(
    ("mes", "name", "text"),
    [
        ("{Name}, hello", "__CALL__: Anna", "CALL__: Anna, hello"),
        ("{Name}, hello", "__ __HLR__", "HLR__, hello"),
        (" _{Name} hello", "_HLR__", "HLR__ hello"),
        ("Dear {Name}, pay", "Anna\n~~~\n", "Dear Anna\n---, pay"),
        ("{Name}, hello", "{cmt} {Name}", "{cmt} {Name}, hello"),
    ],
    ids=["kind", "kind behind a kind", "kind in two pieces", "comment", "macro"],
)
def test_whatever_a_contact_is_called_it_is_text(desk: JobDesk, mes: str, name: str, text: str) -> None:
    desk.do("phone_add", "full", phone=PHONE, name=name, cmt="secret")
    desk.add("full", mes=mes)
    assert desk.texts() == [(PHONE, text)]
    assert [row[4] for row in desk.notes()] == [0]  # an SMS


def test_one_long_or_empty_text_does_not_refuse_those_of_others(desk: JobDesk) -> None:
    desk.do("phone_add", phone=PHONE, name="Anna", cmt="c" * 1000)
    desk.add(phones=f"{PHONE},{OTHER}", mes="{cmt}")
    desk.add(phones=f"{PHONE},{OTHER}", mes="{cmt} 12\n~~~\na comment on {name}")
    assert desk.texts() == [(PHONE, "c" * 1000), (PHONE, "c" * 1000), (OTHER, " 12")]
    assert [row[7] for row in desk.notes()] == ["", "a comment on Anna", "a comment on "]
    nobody = desk.add(phones=OTHER, mes="{cmt}")
    assert desk.of(nobody)["status"] == 3


def test_a_long_comment_is_cut_and_contacts_are_looked_up_in_turns(
    desk: JobDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_texts, "_AT_ONCE", 1)
    for phone, name in ((PHONE, "Anna"), (OTHER, "Boris")):
        desk.do("phone_add", phone=phone, name=name, cmt="c" * 1000)
    desk.add(phones=f"{PHONE},{OTHER}", mes="to {name}\n~~~\nsaid {cmt}")
    assert desk.texts() == [(PHONE, "to Anna"), (OTHER, "to Boris")]
    assert {len(row[7]) for row in desk.notes()} == {1000 - len("\n~~~\n")}


def test_nobody_gets_what_is_known_of_another_number(tmp_path: Path) -> None:
    # at home in Germany 8999… is no number of Russia, as it would be without a region
    desk = JobDesk(tmp_path, sender(default_region="DE"))
    desk.do("phone_add", phone=PHONE, name="Anna")
    desk.do("phone_add", phone="+4915123456789", name="Boris")
    desk.add(phones=f"8{PHONE[1:]},015123456789,+{PHONE}", mes="to {Name}")
    assert [(to, text) for to, text in desk.texts() if to == PHONE] == [(PHONE, "to Anna")]
    assert ("4915123456789", "to Boris") in desk.texts()
    assert [text for to, text in desk.texts() if to not in (PHONE, "4915123456789")] in ([], ["to "])
    desk.close()


def test_an_sms_follows_what_was_not_delivered(desk: JobDesk) -> None:
    number = desk.add(**{"phones": f"{PHONE},{OTHER}", "fl[5]": "1", "mes2": "by SMS", "sender2": "Example"})
    desk.end(MessageState.UNDELIVERABLE)
    desk.later(4000)
    assert len(desk.texts()) == 2
    desk.later(1000)
    assert desk.texts()[2:] == [(PHONE, "by SMS")]
    assert desk.messages()[-1].source == "Example"
    desk.later(10_000)
    assert len(desk.texts()) == 3
    desk.end(MessageState.DELIVERED, OTHER)
    desk.later(20_000)
    assert (len(desk.texts()), desk.desk.due_jobs) == (3, {})
    assert desk.of(number)["sms_sent"] == 3


def test_a_failure_is_not_waited_for_longer_than_a_day(desk: JobDesk) -> None:
    desk.add(**{"fl[5]": "1"})
    for _ in range(16):
        desk.later(2 * HOUR_MS)
    assert desk.desk.due_jobs == {}
    desk.end(MessageState.EXPIRED)
    desk.later(DAY_MS)
    assert len(desk.texts()) == 1


def test_sms_follow_for_a_day_after_the_last_message_of_a_list_that_is_spread(desk: JobDesk) -> None:
    desk.add(**{"fl[5]": "1", "period": "48", "phones": f"{PHONE},{OTHER}"})
    for _ in range(20):
        desk.later(3 * HOUR_MS)
    desk.end(MessageState.UNDELIVERABLE, OTHER)
    desk.later(DAY_MS)
    assert desk.texts()[2:] == [(OTHER, "hello")]


def test_the_cost_is_told_to_who_asks(desk: JobDesk) -> None:
    given = {"name": "list", "phones": PHONE, "mes": "x", "cost": "1"}
    answer = desk.do("job_add", "rich", **given)
    assert answer == {"id": 1, "cost": "0.50"}
    assert desk.do("job_list", "rich")[0]["cost"] == "0.50"


def test_the_cost_is_that_of_the_texts_that_are_sent(desk: JobDesk) -> None:
    desk.do("phone_add", "rich", phone=PHONE, name="Anna", cmt="c" * 200)
    given = {"name": "list", "phones": f"{PHONE},{OTHER}", "mes": "{cmt}!", "cost": "1"}
    assert desk.do("job_add", "rich", **given)["cost"] == "1.50"
    # of whom nothing is known yet something may be known when it is due
    assert desk.do("job_add", "rich", **given | {"phones": OTHER, "mes": "{cmt}", "time": in_hours(1)}) == {
        "id": 2,
        "cost": "0.50",
    }


def test_lists_of_ten_or_of_some_days(desk: JobDesk) -> None:
    numbers = [desk.add() for _ in range(11)]
    assert [row["id"] for row in desk.do("job_list")] == numbers[:0:-1]
    assert len(desk.do("job_list", start="15.06.2025")) == 11
    assert desk.do("job_list", start="14.06.2025", end="14.06.2025") == []
    assert desk.do("job_list", mail="1") == []
    assert list(desk.do("job_list")[0]) == list(jobs._GET_ALL)


def test_lists_of_mails_are_found_with_mail_only(desk: JobDesk) -> None:
    params = {"phones": "anna@example.org", "mail": "1", "subj": "s", "sender": "me@example.org"}
    number = desk.do("job_add", "full", name="mails", mes="hello", **params)["id"]
    assert desk.number("job_get", "full", id=str(number)) == 3
    [shown] = desk.do("job_get", "full", id=str(number), mail="1")
    assert (shown["emails"], shown["format"]) == ("anna@example.org", 8)
    assert [row["id"] for row in desk.do("job_list", "full", mail="1")] == [number]


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"name": ""}, 1),
        ({"rpt": "8"}, 1),
        ({"rptn": "x"}, 1),
        ({"freq": "9999", "period": "1"}, 1),
        ({"viber": "1", "hlr": "1"}, 1),
        ({"fl[5]": "2"}, 1),
        ({"time": "never"}, 5),
        ({"phones": "G99"}, 1),
        ({"mes": "x" * 500_001}, 1),
    ],
)
def test_what_makes_no_sense_is_no_list(desk: JobDesk, params: dict[str, str], number: int) -> None:
    given = {"name": "list", "mes": "hello", "phones": PHONE, **params}
    assert desk.number("job_add", **given) == number
    assert desk.do("job_list") == []


def test_there_is_an_end_to_lists(desk: JobDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add(time=in_hours(1))
    monkeypatch.setattr(jobs, "JOBS_MAX", 1)
    assert desk.number("job_add", name="x", mes="x", phones=PHONE) == 5
    monkeypatch.setattr(jobs, "JOBS_MAX", 9)
    monkeypatch.setattr(jobs, "ALL_SIZES_MAX", 9)
    assert desk.number("job_add", name="x", mes="x", phones=PHONE) == 5


def test_a_list_that_is_over_gives_way_to_a_new_one(desk: JobDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOBS_MAX", 3)
    waits = desk.add(time=in_hours(1))
    looked_after = desk.add(**{"fl[5]": "1"})
    sent = desk.add()
    desk.add("rich")
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        desk.add()
    desk.journal.fails = False
    desk.desk.submission.max_messages = 0
    with pytest.raises(Unavailable):
        desk.add()  # nothing is taken, so nothing has to go
    desk.desk.submission.max_messages = 1000
    assert desk.of(sent)["status"] == 1
    new = desk.add()
    assert [row["id"] for row in desk.do("job_list")] == [new, looked_after, waits]
    assert desk.number("job_get", id=str(sent)) == 3
    assert len(desk.do("job_list", "rich")) == 1


def test_a_group_that_is_gone_fails_its_list(desk: JobDesk) -> None:
    group = desk.do("phone_group_add", name="all", num="7")["id"]
    desk.do("phone_add", phone=PHONE, name="Anna", grp=str(group))
    number = desk.add(phones="G7", time=in_hours(1))
    desk.do("phone_group_del", grp=str(group))
    desk.later(HOUR_MS)
    assert (desk.of(number)["status"], desk.desk.due_jobs) == (3, {})
    assert any("list_failed" in line for line in desk.desk.said)


def test_a_repeated_list_that_fails_once_is_sent_the_next_time(desk: JobDesk) -> None:
    group = desk.do("phone_group_add", name="today's", num="7")["id"]
    desk.do("phone_add", phone=PHONE, name="Anna", grp=str(group))
    number = desk.add(phones="G7", time=in_hours(1), rpt="2", rptn="2")
    desk.do("phone_leave", phone=PHONE, grp=str(group))
    desk.later(HOUR_MS)  # nobody is in the group
    shown = desk.of(number)
    assert (shown["status"], shown["need_date"], shown["last_sent"]) == (0, "16.06.2025 16:06:40", "")
    assert any("list_failed" in line for line in desk.desk.said)
    desk.do("phone_join", phone=PHONE, grp=str(group))
    desk.later(DAY_MS)
    assert len(desk.texts()) == 1
    assert sum("list_failed" in line for line in desk.desk.said) == 1
    desk.do("phone_group_del", grp=str(group))
    desk.later(DAY_MS)
    assert (desk.of(number)["status"], desk.desk.due_jobs) == (3, {})


def test_what_is_a_day_late_is_not_sent_any_more(desk: JobDesk) -> None:
    late = desk.add(time=in_hours(1))
    in_time = desk.add(time=in_hours(2), mes="in time")
    daily = desk.add(time=in_hours(1), rpt="2", mes="daily")
    desk.clock.advance(3600 + 86_400)
    asyncio.run(run_due(desk.desk, desk.clock.now_ms()))
    # what was missed of the repeated one is one sending, that of an hour ago
    assert sorted(text for _, text in desk.texts()) == ["daily", "in time"]
    assert [desk.of(one)["status"] for one in (late, in_time, daily)] == [3, 1, 0]
    assert desk.of(daily)["need_date"] == "17.06.2025 16:06:40"
    yearly = desk.add(time=f"0{desk.clock.now_ms() // 1000 + 60}", rpt="7")
    desk.later(3 * DAY_MS)
    assert (desk.of(yearly)["status"], desk.of(yearly)["last_sent"]) == (0, "")


def test_a_list_that_finds_no_room_is_tried_ever_more_seldom_and_then_given_up(desk: JobDesk) -> None:
    number = desk.add(time=in_hours(1))
    desk.desk.submission.max_messages = 0
    tries = []
    desk.clock.advance(3600)
    for _ in range(400):
        now_ms = desk.clock.now_ms()
        asyncio.run(run_due(desk.desk, now_ms))
        due_ms = desk.desk.due_jobs.get(("app", number))
        if due_ms is None:
            break
        tries.append((due_ms - now_ms) // 1000)
        desk.clock.advance((due_ms - now_ms) / 1000)
    assert tries[:7] == [5, 5, 10, 20, 40, 80, 160]
    assert set(tries[7:]) == {300}
    assert sum(tries) >= 86_400
    assert desk.of(number)["status"] == 3
    assert sum("list_waits" in line for line in desk.desk.said) == 7
    assert sum("list_failed" in line for line in desk.desk.said) == 1


def test_a_list_that_is_odd_keeps_no_other_back(desk: JobDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    odd, _ = desk.add(time=in_hours(1)), desk.add(time=in_hours(1))
    desk.journal.connection.execute("UPDATE record SET data = '{}' WHERE record_id = ?", (odd,))
    desk.journal.connection.commit()
    desk.later(HOUR_MS)
    assert len(desk.texts()) == 1
    assert list(desk.desk.due_jobs) == [("app", odd)]
    assert any("list_fault" in line and "KeyError" in line for line in desk.desk.said)


def test_no_list_waits_for_another_account(desk: JobDesk) -> None:
    desk.add(time=in_hours(1))
    desk.add("rich", time=in_hours(1))
    desk.clock.advance(3600)

    async def ticks() -> None:
        runs = JobRuns(desk.desk)
        async with turn_of(desk.desk, "app"):  # it deletes a large group, for instance
            for _ in range(50):
                runs.tick(desk.clock.now_ms())
                await asyncio.sleep(0)
            assert [message.account for message in desk.messages()] == ["rich"]
        await runs.stop(5)

    asyncio.run(ticks())
    assert [message.account for message in desk.messages()] == ["rich", "app"]


def test_an_sms_that_cannot_be_taken_just_now_follows_later(desk: JobDesk) -> None:
    desk.add(**{"fl[5]": "1"})
    desk.end(MessageState.UNDELIVERABLE)
    desk.desk.submission.max_messages = 0
    desk.later(5000)
    assert desk.desk.due_jobs == {("app", 1): desk.clock.now_ms() + 10_000}
    desk.desk.submission.max_messages = 1000
    account = desk.desk.accounts["app"]
    bucket, account.bucket = account.bucket, TokenBucket(1, desk.clock.now())
    account.bucket.spend(1000)
    desk.later(10_000)
    assert desk.desk.due_jobs == {("app", 1): desk.clock.now_ms() + 20_000}
    account.bucket = bucket
    assert len(desk.texts()) == 1
    desk.later(20_000)
    assert (len(desk.texts()), desk.desk.due_jobs) == (2, {})


def test_no_sms_follows_to_who_has_no_number(desk: JobDesk) -> None:
    mail = "anna@example.org"
    params = {"phones": mail, "mail": "1", "subj": "s", "sender": "me@example.org", "fl[5]": "1"}
    desk.add("full", **params)
    [message] = desk.messages()
    desk.journal.connection.execute(
        "INSERT INTO history (message_id, account, accepted_ms, source, destination, registered_delivery,"
        " segments, connector, state, error, done_ms, retries, doubts)"
        " VALUES (?, 'full', 1, '', '', 0, 1, 'svc', ?, '', 1, 0, 0)",
        (message.message_id, MessageState.UNDELIVERABLE.value),
    )
    desk.journal.connection.commit()
    desk.later(5000)
    assert (len(desk.messages()), desk.registered(), desk.desk.due_jobs) == (1, [], {})


def test_no_sms_follows_what_its_sender_has_cancelled(desk: JobDesk) -> None:
    desk.add(**{"fl[5]": "1"})
    desk.end(MessageState.DELETED)
    desk.later(5000)
    assert (len(desk.texts()), desk.desk.due_jobs) == (1, {})


def test_an_account_that_may_not_send_just_now_sends_later(desk: JobDesk) -> None:
    desk.add(time=in_hours(1))
    desk.desk.accounts["app"].blocked = True
    desk.later(HOUR_MS)
    desk.desk.accounts["app"].blocked = False
    assert desk.texts() == []
    desk.later(60_000)
    assert len(desk.texts()) == 1


@pytest.mark.parametrize("operation", ["job_del", "job_cancel"])
def test_a_list_that_is_ended_while_it_is_sent_stays_ended(desk: JobDesk, operation: str) -> None:
    group = desk.do("phone_group_add", name="g", num="7")["id"]
    desk.do("phone_add", phone=PHONE, name="Anna", grp=str(group))
    number = desk.add(time=in_hours(1), rpt="1", phones="G7", mes="{Name}")
    desk.clock.advance(3600)

    async def both() -> None:
        running = asyncio.ensure_future(run_due(desk.desk, desk.clock.now_ms()))
        for _ in range(3):
            await asyncio.sleep(0)  # it has looked at the list, and looks at its group
        assert turn_of(desk.desk, "app").locked()
        await desk.handlers[operation](asked(desk.desk, "app", operation, {"id": str(number)}))
        await running

    asyncio.run(both())
    assert (len(desk.texts()), desk.desk.due_jobs) == (1, {})
    if operation == "job_del":
        assert desk.number("job_get", id=str(number)) == 3
    else:
        assert desk.of(number)["status"] == 2
    desk.later(HOUR_MS)
    assert len(desk.texts()) == 1


def test_a_list_whose_client_leaves_is_sent_all_the_same(desk: JobDesk) -> None:
    async def leaves() -> None:
        given = {"name": "x", "phones": PHONE, "mes": "x", "time": in_hours(1)}
        asking = asyncio.ensure_future(desk.handlers["job_add"](asked(desk.desk, "app", "job_add", given)))
        for _ in range(50):
            if not desk.journal.batch.records:
                await asyncio.sleep(0)
        assert desk.journal.batch.records
        asking.cancel()
        for _ in range(20):
            await asyncio.sleep(0)

    asyncio.run(leaves())
    assert list(desk.desk.due_jobs) == [("app", 1)]
    desk.later(HOUR_MS)
    assert len(desk.texts()) == 1


def test_an_account_that_may_ask_no_more_sends_no_lists(desk: JobDesk) -> None:
    desk.add(time=in_hours(1))
    account = desk.desk.accounts["app"]
    account.config = dataclasses.replace(account.config, http=None)
    desk.later(HOUR_MS)
    assert desk.texts() == []
    assert desk.desk.due_jobs == {("app", 1): desk.clock.now_ms() + 60_000}
    desk.desk.accounts = {}
    desk.later(60_000)
    assert desk.desk.due_jobs == {("app", 1): desk.clock.now_ms() + 60_000}


def test_ticks_begin_one_run_at_a_time(desk: JobDesk) -> None:
    desk.add(time=in_hours(1))
    desk.clock.advance(3600)

    async def ticks() -> None:
        runs = JobRuns(desk.desk)
        for _ in range(3):
            runs.tick(desk.clock.now_ms())
            await asyncio.sleep(0)
        await runs.stop(5)
        later = {"name": "x", "phones": PHONE, "mes": "x", "time": in_hours(2)}
        await desk.handlers["job_add"](asked(desk.desk, "app", "job_add", later))
        desk.clock.advance(3600)
        runs.tick(desk.clock.now_ms())  # it stops: what is due now is for the next run
        for _ in range(50):
            await asyncio.sleep(0)

    asyncio.run(ticks())
    assert len(desk.texts()) == 1


def job(repeat: Repeat, due: datetime, **fields: Any) -> Job:
    ms = int(due.timestamp() * 1000)
    values = {"cost": "", "fallback": None, "sendings": 1, **fields}
    return Job(1, "", 0, {}, "", 0, 0, ms, ms, int(repeat), 0, **values)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("repeat", "due", "after", "then"),
    [
        (Repeat.HOURLY, (2025, 6, 15, 9), (2025, 6, 15, 9), (2025, 6, 15, 10)),
        (Repeat.HOURLY, (2025, 6, 15, 9), (2025, 6, 15, 11, 30), (2025, 6, 15, 12)),
        (Repeat.DAILY, (2025, 3, 29, 9), (2025, 3, 29, 9), (2025, 3, 30, 9)),  # clocks go forward that night
        (Repeat.DAILY, (2025, 6, 1, 9), (2025, 6, 15, 10), (2025, 6, 16, 9)),
        (Repeat.WORKING_DAYS, (2025, 6, 13, 9), (2025, 6, 13, 9), (2025, 6, 16, 9)),
        (Repeat.WEEKENDS, (2025, 6, 15, 9), (2025, 6, 15, 9), (2025, 6, 21, 9)),
        (Repeat.WEEKLY, (2025, 6, 15, 9), (2025, 6, 15, 9), (2025, 6, 22, 9)),
        (Repeat.MONTHLY, (2025, 1, 31, 9), (2025, 1, 31, 9), (2025, 2, 28, 9)),
        (Repeat.MONTHLY, (2025, 12, 1, 9), (2025, 12, 1, 9), (2026, 1, 1, 9)),
        (Repeat.YEARLY, (2024, 2, 29, 9), (2024, 2, 29, 9), (2025, 2, 28, 9)),
    ],
)
def test_when_a_list_is_due_again(
    repeat: Repeat, due: tuple[int, ...], after: tuple[int, ...], then: tuple[int, ...]
) -> None:
    def at(parts: tuple[int, ...]) -> datetime:
        year, month, day, hour, *minute = parts
        return datetime(year, month, day, hour, *minute, tzinfo=BERLIN)

    found = next_due(job(repeat, at(due)), int(at(after).timestamp() * 1000), BERLIN)
    assert datetime.fromtimestamp(found / 1000, BERLIN) == at(then)


def test_an_hour_that_is_left_out_does_not_move_a_list_for_ever() -> None:
    first = datetime(2025, 3, 29, 2, 30, tzinfo=BERLIN)
    due = job(Repeat.DAILY, first)
    times = []
    for _ in range(3):
        due = due._replace(due_ms=next_due(due, due.due_ms, BERLIN))
        times.append(f"{datetime.fromtimestamp(due.due_ms / 1000, BERLIN):%d %H:%M}")
    assert times == ["30 03:30", "31 02:30", "01 02:30"]


def test_a_month_with_31_days_has_the_31st_again() -> None:
    first = datetime(2025, 1, 31, 9, tzinfo=UTC)
    due = job(Repeat.MONTHLY, first)
    days = []
    for _ in range(3):
        due = due._replace(due_ms=next_due(due, due.due_ms, UTC))
        days.append(datetime.fromtimestamp(due.due_ms / 1000, UTC).day)
    assert days == [28, 31, 30]


def test_the_newest_sendings_are_counted() -> None:
    runs: tuple[Run, ...] = ()
    for first in range(1, 5):
        runs = counted(runs, Run(first, first, 4000))
    assert [run.first for run in runs] == [3, 4]
    assert counted(runs, Run(9, 9, 20_000)) == (Run(9, 9, 20_000),)
