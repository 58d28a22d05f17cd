"""The blacklists of phones.php and mails.php of the simulated service."""

from __future__ import annotations

import pytest
from office_support import OK, Desk

from gateway.simulator.smsc_http import blacklist

NUMBER = {"phone": "79999999999"}


def test_an_entry_is_listed_with_its_sort_and_comment(desk: Desk) -> None:
    assert desk.ask("phone_black_add", {**NUMBER, "type": "1", "cmt": "asked for it"}) == {"id": 1}
    assert desk.ask("phone_black_get") == [
        {"id": 1, "phone": "79999999999", "type": 1, "comment": "asked for it"}
    ]


def test_the_same_number_again_only_changes_its_entry(desk: Desk) -> None:
    desk.ask("phone_black_add", {**NUMBER, "type": "1"})
    assert desk.ask("phone_black_add", {**NUMBER, "type": "2"}) == {"id": 1}
    assert [row["type"] for row in desk.rows("phone_black_get")] == [2]


@pytest.mark.parametrize(
    ("sort", "mass", "forbids"),
    [
        ("0", True, True),
        ("0", False, True),
        ("1", True, True),
        ("1", False, False),
        ("2", True, False),
        ("2", False, True),
    ],
)
def test_the_sort_says_which_messages_are_kept_off(desk: Desk, sort: str, mass: bool, forbids: bool) -> None:
    desk.ask("phone_black_add", {**NUMBER, "type": sort})
    assert desk.office.is_black("79999999999", mass=mass) is forbids
    assert not desk.office.is_black("78888888888", mass=mass)


def test_a_removed_number_may_get_messages_again(desk: Desk) -> None:
    desk.ask("phone_black_add", NUMBER)
    assert desk.ask("phone_black_del", NUMBER) == OK
    assert not desk.office.is_black("79999999999", mass=False)
    assert desk.problem("phone_black_del", NUMBER) == 3
    assert desk.problem("phone_black_get") == 3


def test_the_list_goes_back_from_an_id(desk: Desk) -> None:
    for number in range(5):
        desk.ask("phone_black_add", {"phone": f"7999000000{number}"})
    assert [row["id"] for row in desk.rows("phone_black_get", {"cnt": "2"})] == [5, 4]
    assert [row["id"] for row in desk.rows("phone_black_get", {"prev_id": "4"})] == [3, 2, 1]


def test_mails_have_a_list_of_their_own(desk: Desk) -> None:
    desk.ask("mail_black_add", {"mail": "alex@mysite.com"})
    assert desk.ask("mail_black_get") == [{"id": 1, "email": "alex@mysite.com", "type": 0, "comment": ""}]
    assert desk.office.is_black("alex@mysite.com", mass=False)
    assert desk.problem("phone_black_get") == 3
    assert desk.ask("mail_black_del", {"mail": "alex@mysite.com"}) == OK


def test_bad_requests_are_error_1(desk: Desk) -> None:
    assert desk.problem("phone_black_add") == 1
    assert desk.problem("phone_black_add", {"phone": "nobody"}) == 1
    assert desk.problem("phone_black_add", {**NUMBER, "type": "3"}) == 1
    assert desk.problem("phone_black_get", {"prev_id": "x"}) == 1


def test_a_full_list_forgets_its_oldest_entry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blacklist, "MAX_ENTRIES", 2)
    small = blacklist.Blacklist()
    add, get = small.handlers()["phone_black_add"], small.handlers()["phone_black_get"]
    for number in range(3):
        add({"phone": f"7999000000{number}"}, 0.0)
    assert not small.forbids("79990000000", mass=False)
    assert small.forbids("79990000002", mass=False)
    rows = get({}, 0.0)
    assert isinstance(rows, list) and [row["id"] for row in rows] == [3, 2]
