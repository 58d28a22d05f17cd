"""templates.php of the simulated service."""

from __future__ import annotations

from office_support import OK, Desk

HELLO = {"name": "Greeting", "msg": "Hello!"}


def test_a_template_is_added_changed_and_deleted(desk: Desk) -> None:
    assert desk.ask("tpl_add", {**HELLO, "format": "sms", "sender": "ivan", "fl[1]": "1"}) == {"id": 1}
    assert desk.ask("tpl_get") == [
        {"id": 1, "name": "Greeting", "format": "sms", "sender": "ivan", "flag": 1, "message": "Hello!"}
    ]
    assert desk.ask("tpl_chg", {"id": "1", "msg": "Bye!", "fl[1]": "0"}) == OK
    assert desk.ask("tpl_get") == [
        {"id": 1, "name": "Greeting", "format": "sms", "sender": "ivan", "flag": 0, "message": "Bye!"}
    ]
    assert desk.ask("tpl_del", {"id": "1"}) == OK
    assert desk.problem("tpl_get") == 3
    assert desk.problem("tpl_del", {"id": "1"}) == 3
    assert desk.problem("tpl_chg", {"id": "1", "msg": "x"}) == 3


def test_what_is_missing_or_unknown_is_error_1(desk: Desk) -> None:
    assert desk.problem("tpl_add", {"name": "Greeting"}) == 1
    assert desk.problem("tpl_add", {"msg": "Hello!"}) == 1
    assert desk.problem("tpl_add", {**HELLO, "format": "fax"}) == 1
    assert desk.problem("tpl_add", {**HELLO, "fl[1]": "2"}) == 1
    assert desk.problem("tpl_chg", {"msg": "Hello!"}) == 1
    desk.ask("tpl_add", HELLO)
    assert desk.problem("tpl_chg", {"id": "1", "msg": ""}) == 1


def test_there_is_an_end_to_the_number_of_templates(desk: Desk) -> None:
    for _ in range(1000):
        desk.ask("tpl_add", HELLO)
    assert desk.problem("tpl_add", HELLO) == 5


def test_a_mailing_list_finds_the_text(desk: Desk) -> None:
    desk.ask("tpl_add", HELLO)
    assert desk.office.templates.text_of(1) == "Hello!"
    assert desk.office.templates.text_of(2) is None
