"""The table of operations has what the service offers, and finds what a request asks for."""

from __future__ import annotations

import pytest

from protocols.smsc_http.operations import (
    COMMON,
    FILES,
    OPERATIONS,
    REST_SEND,
    SCRIPTS,
    answer_fmt,
    find,
    missing,
    unknown,
)

NAMES = """
send cost status status_delete balance job_add job_del job_cancel job_get job_list
phone_add phone_chg phone_del phone_get phone_move phone_join phone_leave
phone_group_add phone_group_chg phone_group_del phone_group_get
phone_black_add phone_black_del phone_black_get
mail_add mail_chg mail_del mail_get mail_move mail_join mail_leave
mail_group_add mail_group_chg mail_group_del mail_group_get mail_black_add mail_black_del mail_black_get
user_add user_chg user_pay user_stat user_stat_all doc_add_account doc_get_account doc_get_act
sender_get sender_add sender_chg sender_code sender_check sender_del tpl_add tpl_chg tpl_del tpl_get
optpl_add optpl_get ping messages answers stat price operator tinyurl rcv_get rcv_buy rcv_chg waitcall
dl_list dl_file imgcode
"""


def test_every_operation_of_the_service_is_there() -> None:
    assert OPERATIONS.keys() == set(NAMES.split())
    assert len(SCRIPTS) == 19
    assert all(name == operation.name for name, operation in OPERATIONS.items())


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_finds_its_operation(name: str) -> None:
    operation = OPERATIONS[name]
    params = {**dict(operation.command), "login": "alex", "psw": "123"}
    assert find(operation.script, params) is operation


@pytest.mark.parametrize(
    ("script", "params", "name"),
    [
        ("send.php", {"phones": "79999999999", "mes": "Hello", "cost": "3"}, "send"),
        ("send.php", {"phones": "79999999999", "mes": "Hello", "cost": "1"}, "cost"),
        (REST_SEND, {"phones": "79999999999", "mes": "Hello"}, "send"),
        (REST_SEND, {"phones": "79999999999", "mes": "Hello", "cost": "1"}, "cost"),
        ("status.php", {"phone": "79999999999", "id": "1", "del": "0"}, "status"),
        ("phones.php", {"move_group": "3", "grp": "1", "phone": "7"}, "phone_leave"),
        ("mails.php", {"add_black": "1", "mail": "a@example.com"}, "mail_black_add"),
        ("phones.php", {"move_group": "4"}, None),
        ("phones.php", {}, None),
        ("jobs.php", {"add": "0"}, None),
        ("other.php", {}, None),
        ("", {}, None),
    ],
)
def test_a_command_is_chosen_by_its_flag(script: str, params: dict[str, str], name: str | None) -> None:
    found = find(script, params)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("name", "params", "lacks"),
    [
        ("send", {"phones": "7", "mes": "Hello"}, ()),
        ("send", {"list": "7:Hello"}, ()),
        ("send", {"phones": "7", "hlr": "1"}, ()),
        ("send", {"phones": "7", "fileurl": "http://example.com/a.wav"}, ()),
        ("send", {"phones": "7", "hlr": "0"}, ("mes",)),
        ("send", {"phones": "7", "mes": ""}, ("mes",)),
        ("send", {"mes": "Hello"}, ("phones",)),
        ("job_add", {"name": "x", "phones": "7", "mes": "", "tpl": "5"}, ()),
        ("job_list", {}, ()),
        ("job_get", {}, ("id",)),
        ("mail_chg", {"phone": "7"}, ("mail",)),
        ("doc_get_act", {"user_id": "0", "num": "5"}, ()),
        ("doc_get_act", {"num": "5"}, ("user",)),
        ("user_add", {"user": "x"}, ("password",)),
    ],
)
def test_what_is_required_is_missed(name: str, params: dict[str, str], lacks: tuple[str, ...]) -> None:
    assert missing(OPERATIONS[name], params) == lacks


def test_names_that_are_not_taken_are_told() -> None:
    send = OPERATIONS["send"]
    assert unknown(send, {"phones": "7", "mes": "x", "login": "a", "fmt": "3", "charset": "utf-8"}) == ()
    assert unknown(send, {"phone": "7", "text": "x"}) == ("phone", "text")
    assert unknown(OPERATIONS["cost"], {"cost": "1", "phones": "7", "mes": "x"}) == ()
    assert unknown(OPERATIONS["job_get"], {"get": "1", "id": "5", "mail": "1"}) == ()
    assert unknown(OPERATIONS["job_add"], {"imgcode": "1", "maxsms": "2"}) == ("imgcode", "maxsms")
    assert unknown(OPERATIONS["mail_chg"], {"mail": "a", "new_mail": "b", "phone": "7"}) == ("phone",)
    assert (
        unknown(OPERATIONS["user_add"], {"fl[29]": "1", "fl2[27]": "1", "mfl[6]": "1", "fl3[20]": "1"}) == ()
    )


def test_nothing_common_or_selecting_stands_in_a_row() -> None:
    for operation in OPERATIONS.values():
        assert not operation.parameters & COMMON
        assert not operation.parameters & {name for name, _ in operation.command}
        assert operation.errors <= set(range(1, 12))


def test_the_error_numbers_are_those_of_the_script() -> None:
    assert OPERATIONS["send"].errors == set(range(1, 11))
    assert OPERATIONS["status"].errors == {1, 2, 4, 5, 9}
    assert OPERATIONS["messages"].errors == {1, 2, 3, 4, 9}
    assert OPERATIONS["answers"].errors == {1, 2, 4, 9}
    assert OPERATIONS["sender_check"].errors == {1, 2, 3, 4, 5, 7, 8, 9, 10, 11}


def test_asking_twice_is_safe_only_where_nothing_changes() -> None:
    safe = {name for name, operation in OPERATIONS.items() if operation.is_safe}
    contacts = {f"{kind}{rest}_get" for kind in ("phone", "mail") for rest in ("", "_group", "_black")}
    assert safe == contacts | {
        *("cost", "status", "balance", "job_get", "job_list", "user_stat", "user_stat_all", "sender_get"),
        *("doc_get_account", "doc_get_act", "tpl_get", "optpl_get", "messages", "answers", "stat", "price"),
        *("operator", "tinyurl", "rcv_get", "dl_list", "dl_file", "imgcode"),
    }


def test_files_and_the_format_of_documents() -> None:
    assert {name for name, operation in OPERATIONS.items() if operation.is_file} == FILES
    assert answer_fmt(OPERATIONS["doc_get_act"], 1) == 3
    assert answer_fmt(OPERATIONS["dl_file"], 1) == 1
    assert OPERATIONS["send"].uploads == 20
    assert OPERATIONS["sender_chg"].uploads == 1
    assert OPERATIONS["balance"].uploads == 0
