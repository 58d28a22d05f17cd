"""senders.php of the simulated service: names, registrations, documents, codes."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from office_support import DAY, HOUR, NOON, OK, Desk

from gateway.simulator.smsc_http.model import ApiProblem

SHOP = {"sender": "my_shop", "cmt": "test"}
NUMBER = {"sender": "79169999999"}
LATER = NOON + 61.0
MUCH_LATER = NOON + 121.0


class Upload(NamedTuple):
    name: str
    data: bytes = b"x"


def sent_code(desk: Desk) -> str:
    found = re.search("[0-9]{6}", desk.outbox.sent[-1]["mes"])
    assert found
    return found[0]


def test_the_accounts_own_name_is_there_from_the_beginning(desk: Desk) -> None:
    assert desk.ask("sender_get") == [{"sender": "SMSC", "id": 1}]


def test_a_new_name_waits_for_moderation_and_is_active_then(desk: Desk) -> None:
    assert desk.ask("sender_add", SHOP) == {"sender": 2}
    assert desk.rows("sender_get") == [{"sender": "SMSC", "id": 1}]
    assert desk.rows("sender_get", {"all": "1"})[0] == {"sender": "my_shop", "status": 0, "id": 2}
    assert desk.rows("sender_get", {"all": "1"}, LATER)[0] == {"sender": "my_shop", "status": 1, "id": 2}
    assert desk.rows("sender_get", now=LATER)[0] == {"sender": "my_shop", "id": 2}
    assert not desk.office.senders.is_active("my_shop", NOON)
    assert desk.office.senders.is_active("my_shop", LATER)


def test_a_name_is_there_once(desk: Desk) -> None:
    desk.ask("sender_add", SHOP)
    assert desk.problem("sender_add", SHOP) == 5


@pytest.mark.parametrize("name", ["", "longer than eleven", "Магазин", "1234567890123456"])
def test_a_name_has_a_form(desk: Desk, name: str) -> None:
    assert desk.problem("sender_add", {"sender": name}) == 1


def test_a_name_that_is_turned_down_is_switched_off(desk: Desk) -> None:
    desk.ask("sender_add", {"sender": "DENYthis", "mts_step": "1"})
    assert desk.rows("sender_get", {"all": "1"}, LATER)[0]["status"] == 2
    assert desk.rows("sender_get", {"all": "1", "operators": "1"}, MUCH_LATER)[0]["mts_step"] == "3"


def test_an_operators_state_goes_from_waiting_over_sent_to_allowed(desk: Desk) -> None:
    desk.ask("sender_add", {**SHOP, "mts_step": "1", "tele2": "1"})
    ask = {"all": "1", "operators": "1"}
    states = [desk.rows("sender_get", ask, now)[0]["mts_step"] for now in (NOON, LATER, MUCH_LATER)]
    assert states == ["0", "1", "2"]
    assert desk.rows("sender_get", ask)[0] == {"sender": "my_shop", "mts_step": "0", "tele2": "0", "id": "2"}


def test_registrations_abroad_need_their_particulars(desk: Desk) -> None:
    assert desk.problem("sender_add", {**SHOP, "ua_reg": "1"}) == 1
    needed = dict.fromkeys(("fio", "inn", "site", "email", "address", "desc", "subj"), "x")
    assert desk.ask("sender_add", {**SHOP, "ua_reg": "1", **needed}) == {"sender": 2}
    belarus = dict.fromkeys(("by_fio", "by_inn", "by_address", "by_mes", "by_site"), "x")
    assert desk.problem("sender_chg", {"id": "2", "by_int": "1", **belarus}) == 1
    assert (
        desk.ask("sender_chg", {"id": "2", "by_int": "1", **belarus, "by_ocup": "19", "by_type": "3"}) == OK
    )
    assert (
        desk.problem("sender_chg", {"id": "2", "by_int": "1", **belarus, "by_ocup": "20", "by_type": "3"})
        == 1
    )


def test_names_are_listed_newest_first_and_page_by_page(desk: Desk) -> None:
    for number in range(3):
        desk.ask("sender_add", {"sender": f"name{number}"})

    def ids(**params: str) -> list[object]:
        return [row["id"] for row in desk.rows("sender_get", {"all": "1", **params})]

    assert ids() == [4, 3, 2, 1]
    assert ids(cnt="2") == [4, 3]
    assert ids(prev_id="3") == [2, 1]
    assert desk.problem("sender_get", {"prev_id": "1"}) == 3


def test_names_whose_registration_changed_since_a_day(desk: Desk) -> None:
    desk.ask("sender_add", {"sender": "old", "mts_step": "1"}, NOON - 2 * DAY)
    desk.ask("sender_add", {"sender": "new", "mts_step": "1"}, NOON)
    desk.ask("sender_add", {"sender": "plain"}, NOON)
    ask = {"all": "1", "from_date": "01.01.2025"}
    assert [row["sender"] for row in desk.rows("sender_get", ask)] == ["new"]
    assert [row["sender"] for row in desk.rows("sender_get", {**ask, "from_date": "30.12.2024"})] == [
        "new",
        "old",
    ]
    desk.ask("sender_chg", {"sender": "old", "bee_step": "1"}, NOON + 600)
    assert [row["sender"] for row in desk.rows("sender_get", ask, NOON + 601)] == ["old", "new"]
    assert desk.problem("sender_get", {"from_date": "yesterday"}) == 1


def test_a_document_is_kept_with_the_name_and_approved_later(desk: Desk) -> None:
    senders = desk.office.senders
    senders.add({**SHOP, "doc_info": "licence"}, NOON, [Upload("paper.PDF")])
    rows = desk.rows("sender_get", {"all": "1", "files": "1"})
    assert rows[0]["files"] == [{"file": "paper.PDF", "fid": 1, "fstatus": 0, "fcomment": "licence"}]
    assert rows[1]["files"] == []
    rows = desk.rows("sender_get", {"all": "1", "files": "1"}, LATER)
    assert rows[0]["files"] == [{"file": "paper.PDF", "fid": 1, "fstatus": 2, "fcomment": "licence"}]
    assert senders.change({"id": "2", "doc_info": "more"}, NOON, [Upload("b.zip")]) == OK


@pytest.mark.parametrize(
    "files",
    [[Upload("a.exe")], [Upload("a.pdf", b"x" * (3 * 1024 * 1024 + 1))], [Upload("a.pdf"), Upload("b.pdf")]],
)
def test_a_document_of_another_type_or_size_is_error_1(desk: Desk, files: list[Upload]) -> None:
    for call in (desk.office.senders.add, desk.office.senders.change):
        with pytest.raises(ApiProblem) as caught:
            call({"sender": "my_shop"}, NOON, files)
        assert caught.value.number == 1


def test_the_office_says_which_operations_take_files(desk: Desk) -> None:
    assert desk.office.FILE_HANDLERS["sender_add"](SHOP, NOON, [Upload("a.pdf")]) == {"sender": 2}
    assert desk.office.FILE_HANDLERS["sender_chg"]({"id": "2"}, NOON, [Upload("b.pdf")]) == OK
    assert desk.office.FILE_HANDLERS.keys() <= desk.office.HANDLERS.keys()


def test_an_address_of_mails_is_a_name_too(desk: Desk) -> None:
    assert desk.ask("sender_add", {"sender": "alex@mysite.com", "mail": "1", "name": "Alex"}) == {"sender": 2}
    assert desk.problem("sender_add", {"sender": "alex", "mail": "1"}) == 1


def test_a_name_is_changed_and_deleted_by_itself_or_its_id(desk: Desk) -> None:
    desk.ask("sender_add", SHOP)
    assert desk.ask("sender_chg", {"sender": "my_shop", "cmt": "new"}) == OK
    assert desk.problem("sender_chg", {"sender": "other"}) == 3
    assert desk.problem("sender_chg", {"cmt": "new"}) == 1
    assert desk.ask("sender_del", {"id": "2"}) == OK
    assert desk.problem("sender_del", {"id": "2"}) == 3
    assert desk.ask("sender_del", {"sender": "SMSC"}) == OK


def test_a_number_becomes_a_name_by_its_code(desk: Desk) -> None:
    desk.ask("sender_add", NUMBER)
    assert desk.rows("sender_get", {"all": "1"}, NOON + DAY)[0]["status"] == 0
    assert desk.ask("sender_code", {**NUMBER, "site": "SMSC", "site_name": "mysite.com"}) == OK
    sent = desk.outbox.sent[-1]
    assert (sent["phones"], sent["sender"]) == ("79169999999", "SMSC")
    assert "mysite.com" in sent["mes"]
    code = sent_code(desk)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert desk.problem("sender_check", {**NUMBER, "code": wrong}) == 11
    assert desk.ask("sender_check", {**NUMBER, "code": code}) == OK
    assert desk.rows("sender_get")[0] == {"sender": "79169999999", "id": 2}


def test_a_number_needs_not_be_added_before_its_code(desk: Desk) -> None:
    desk.ask("sender_code", NUMBER)
    assert desk.ask("sender_check", {**NUMBER, "code": sent_code(desk)}) == OK
    assert desk.office.senders.is_active("79169999999", NOON)


def test_a_code_is_sent_again_after_eight_hours_only(desk: Desk) -> None:
    desk.ask("sender_code", NUMBER)
    first = sent_code(desk)
    assert desk.problem("sender_code", NUMBER, NOON + 8 * HOUR - 1) == 10
    assert desk.ask("sender_code", NUMBER, NOON + 8 * HOUR) == OK
    assert sent_code(desk) != first
    assert desk.problem("sender_check", {**NUMBER, "code": first}) == 11


def test_a_code_that_cannot_be_sent(desk: Desk) -> None:
    assert desk.problem("sender_code", {"sender": "name"}) == 7
    assert desk.problem("sender_code", {"sender": "78121234567"}) == 8
    assert desk.problem("sender_code", {"sender": "99999999999"}) == 8
    assert desk.problem("sender_code", {**NUMBER, "site": "unknown"}) == 3
    assert desk.problem("sender_check", {**NUMBER, "code": "338824"}) == 3
    desk.outbox.problem = ApiProblem(3)
    assert desk.problem("sender_code", NUMBER) == 8
    desk.outbox.problem = ApiProblem(7)
    assert desk.problem("sender_code", NUMBER) == 7
    desk.outbox.problem = None
    assert desk.ask("sender_code", NUMBER) == OK, "what was not sent does not count as sent"


def test_sub_clients_have_names_of_their_own(desk: Desk) -> None:
    desk.ask("user_add", {"user": "sub_alex", "password": "Secret-12"})
    desk.ask("sender_add", {**SHOP, "user": "sub_alex"})
    assert [row["sender"] for row in desk.rows("sender_get", {"all": "1", "user": "sub_alex"})] == ["my_shop"]
    assert [row["sender"] for row in desk.rows("sender_get", {"all": "1", "user": "1"})] == ["my_shop"]
    assert [row["sender"] for row in desk.rows("sender_get", {"all": "1"})] == ["SMSC"]
    assert desk.problem("sender_get", {"user": "nobody"}) == 1
