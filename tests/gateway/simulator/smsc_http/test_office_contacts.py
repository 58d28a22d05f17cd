"""phones.php and mails.php of the simulated service: contacts and groups."""

from __future__ import annotations

from office_support import OK, Desk

ANNA = {"phone": "79999999999", "name": "Anna"}


def group(desk: Desk, name: str = "Friends", **more: str) -> str:
    answer = desk.ask("phone_group_add", {"name": name, **more})
    assert isinstance(answer, dict)
    return str(answer["id"])


def names(desk: Desk, **filters: str) -> list[object]:
    return [row["name"] for row in desk.rows("phone_get", filters)]


def test_a_contact_comes_back_with_all_that_was_said_about_it(desk: Desk) -> None:
    grp = group(desk)
    details = {"fnm": "Anna", "lnm": "Ivanova", "mnm": "P", "bd": "01.02.1990", "myid": "x7", "cmt": "c"}
    added = desk.ask("phone_add", {**ANNA, "grp": grp, **details, "tags": "a,b", "pho": "123"})
    assert added == {"id": 1}
    assert desk.ask("phone_get") == [
        {
            "phone": "79999999999",
            "name": "Anna",
            "group": 1,
            "first_name": "Anna",
            "last_name": "Ivanova",
            "middle_name": "P",
            "birthday": "01.02.1990",
            "id": "x7",
            "comments": "c",
            "tags": "a,b",
            "phone_other": "123",
            "int_id": "1",
        }
    ]


def test_a_contact_without_a_group_has_group_0(desk: Desk) -> None:
    desk.ask("phone_add", ANNA)
    assert desk.rows("phone_get")[0]["group"] == 0


def test_numbers_may_be_separated_by_anything_and_are_one_contact(desk: Desk) -> None:
    desk.ask(
        "phone_add", {"phone": "+7999 999-99-99".replace(" ", "") + ";78888888888 89991112233", "name": "A"}
    )
    assert desk.rows("phone_get")[0]["phone"] == "79999999999,78888888888,79991112233"


def test_what_is_missing_or_malformed_is_error_1(desk: Desk) -> None:
    assert desk.problem("phone_add", {"phone": "79999999999"}) == 1
    assert desk.problem("phone_add", {"name": "A"}) == 1
    assert desk.problem("phone_add", {"phone": "12", "name": "A"}) == 1
    assert desk.problem("phone_add", {**ANNA, "bd": "31.02.1990"}) == 1
    assert desk.problem("phone_add", {**ANNA, "grp": "x"}) == 1
    assert desk.problem("phone_get", {"cnt": "0"}) == 1
    assert desk.problem("phone_group_add", {"name": "A", "type": "2"}) == 1


def test_a_number_belongs_to_one_contact(desk: Desk) -> None:
    desk.ask("phone_add", ANNA)
    desk.ask("phone_add", {"phone": "78888888888", "name": "Boris"})
    assert desk.problem("phone_add", {**ANNA, "name": "Again"}) == 5
    assert desk.problem("phone_chg", {"phone": "78888888888", "new_phone": "79999999999"}) == 5


def test_a_contact_has_a_hundred_numbers_at_most(desk: Desk) -> None:
    numbers = [f"7999000{number:04}" for number in range(101)]
    assert desk.problem("phone_add", {"phone": ",".join(numbers), "name": "A"}) == 1
    assert desk.ask("phone_add", {"phone": ",".join(numbers[1:]), "name": "A"}) == {"id": 1}


def test_a_contact_is_changed_by_any_of_its_fields(desk: Desk) -> None:
    desk.ask("phone_add", {**ANNA, "cmt": "old"})
    assert desk.ask("phone_chg", {"phone": "79999999999", "name": "Anne"}) == OK
    assert desk.ask("phone_chg", {"phone": "79999999999", "new_phone": "78888888888"}) == OK
    row = desk.rows("phone_get")[0]
    assert (row["name"], row["phone"], row["comments"]) == ("Anne", "78888888888", "old")
    assert desk.problem("phone_chg", {"phone": "78888888888"}) == 1
    assert desk.problem("phone_chg", {"phone": "79999999999", "name": "x"}) == 3


def test_a_deleted_contact_is_gone(desk: Desk) -> None:
    desk.ask("phone_add", ANNA)
    assert desk.ask("phone_del", {"phone": "79999999999"}) == OK
    assert desk.problem("phone_del", {"phone": "79999999999"}) == 3
    assert desk.problem("phone_get") == 3


def test_the_list_is_filtered(desk: Desk) -> None:
    grp = group(desk)
    desk.ask("phone_add", {**ANNA, "grp": grp, "lnm": "Ivanova"})
    desk.ask("phone_add", {"phone": "78888888888", "name": "Boris", "fnm": "Boris"})
    assert names(desk) == ["Anna", "Boris"]
    assert names(desk, grp=grp) == ["Anna"]
    assert names(desk, phone="78888888888") == ["Boris"]
    assert names(desk, fio="IVAN") == ["Anna"]
    assert names(desk, search="8888") == ["Boris"]
    assert names(desk, search="ann") == ["Anna"]
    assert desk.problem("phone_get", {"search": "nobody"}) == 3


def test_the_list_goes_on_after_an_id(desk: Desk) -> None:
    for number in range(5):
        desk.ask("phone_add", {"phone": f"7999000000{number}", "name": str(number)})
    assert names(desk, cnt="2") == ["0", "1"]
    assert names(desk, cnt="2", after_id="2") == ["2", "3"]
    assert names(desk, after_id="4") == ["4"]


def test_a_list_has_no_more_than_1000_records(desk: Desk) -> None:
    for number in range(1001):
        desk.ask("phone_add", {"phone": f"7999000{number:04}", "name": "x"})
    assert len(desk.rows("phone_get", {"cnt": "5000"})) == 1000
    assert len(desk.rows("phone_get")) == 1000


def test_a_contact_is_moved_joins_and_leaves_groups(desk: Desk) -> None:
    first, second = group(desk, "1"), group(desk, "2")
    desk.ask("phone_add", {**ANNA, "grp": first})
    who = {"phone": "79999999999"}
    assert desk.ask("phone_move", {**who, "grp": second}) == OK
    assert desk.problem("phone_get", {"grp": first}) == 3
    assert desk.ask("phone_join", {**who, "grp": first}) == OK
    assert names(desk, grp=first) == names(desk, grp=second) == ["Anna"]
    assert desk.rows("phone_get", {"grp": first})[0]["group"] == int(first)
    assert desk.ask("phone_leave", {**who, "grp": second}) == OK
    assert desk.problem("phone_get", {"grp": second}) == 3
    assert desk.problem("phone_leave", {**who, "grp": second}) == 5
    assert desk.problem("phone_move", {**who, "grp": "99"}) == 3
    assert desk.problem("phone_move", {"phone": "78888888888", "grp": first}) == 3
    assert desk.problem("phone_move", who) == 1


def test_groups_have_sending_numbers_names_and_a_size(desk: Desk) -> None:
    first, second = group(desk, "Friends", num="777"), group(desk, "Others")
    desk.ask("phone_add", {**ANNA, "grp": f"{first},{second}"})
    assert desk.ask("phone_group_get") == [
        {"id": 1, "name": "Friends", "number": 777, "cnt": "1"},
        {"id": 2, "name": "Others", "number": 1, "cnt": "1"},
    ]
    assert desk.problem("phone_group_add", {"name": "Third", "num": "777"}) == 5
    assert desk.ask("phone_group_chg", {"grp": second, "name": "Rest", "num": "888"}) == OK
    assert desk.rows("phone_group_get")[1] == {"id": 2, "name": "Rest", "number": 888, "cnt": "1"}
    assert desk.problem("phone_group_chg", {"grp": second, "name": "Rest", "num": "777"}) == 5


def test_a_deleted_group_leaves_its_contacts(desk: Desk) -> None:
    grp = group(desk)
    desk.ask("phone_add", {**ANNA, "grp": grp})
    assert desk.ask("phone_group_del", {"grp": grp}) == OK
    assert desk.rows("phone_get")[0]["group"] == 0
    assert desk.problem("phone_group_del", {"grp": grp}) == 3
    assert desk.problem("phone_group_get") == 3


def test_the_sending_side_finds_a_groups_numbers_by_its_sending_number(desk: Desk) -> None:
    grp = group(desk, num="777")
    desk.ask("phone_add", {"phone": "79999999999,78888888888", "name": "A", "grp": grp})
    desk.ask("phone_add", {"phone": "77777777777", "name": "B"})
    assert desk.office.group_phones("777") == ["79999999999", "78888888888"]
    assert desk.office.group_phones("1") is None


def test_mails_have_contacts_and_groups_of_their_own(desk: Desk) -> None:
    assert desk.ask("mail_group_add", {"name": "Letters", "num": "5"}) == {"id": 1}
    assert desk.ask("mail_add", {"mail": "Alex@mysite.com", "name": "Alex", "grp": "1"}) == {"id": 1}
    row = desk.rows("mail_get")[0]
    assert list(row) == [
        *("mail", "name", "group", "first_name", "last_name", "middle_name", "birthday", "id", "comments"),
        *("tags", "mail_other", "int_id"),
    ]
    assert row["mail"] == "alex@mysite.com"
    assert desk.problem("phone_get") == 3
    assert desk.problem("phone_group_get") == 3
    assert desk.rows("phone_group_get", {"type": "1"})[0]["name"] == "Letters"
    assert desk.problem("phone_add", {**ANNA, "grp": "1"}) == 3
    assert desk.problem("mail_add", {"mail": "no address", "name": "x"}) == 1
    assert desk.ask("mail_chg", {"mail": "alex@mysite.com", "new_mail": "b@mysite.com"}) == OK
    assert desk.office.group_phones("5") == ["b@mysite.com"]
    for command in ("mail_move", "mail_join", "mail_leave"):
        assert desk.ask(command, {"mail": "b@mysite.com", "grp": "1"}) == OK
    assert desk.ask("mail_group_chg", {"grp": "1", "name": "L"}) == OK
    assert desk.ask("mail_group_del", {"grp": "1"}) == OK
    assert desk.ask("mail_del", {"mail": "b@mysite.com"}) == OK


def test_there_is_an_end_to_the_number_of_groups(desk: Desk) -> None:
    for number in range(1000):
        group(desk, str(number))
    assert desk.problem("phone_group_add", {"name": "one more"}) == 5
