"""users.php of the simulated service: sub-clients."""

from __future__ import annotations

from decimal import Decimal

import pytest
from office_support import DAY, NOON, OK, Desk

ALEX = {"user": "sub_alex", "password": "My-Password1"}


def stat(desk: Desk, **params: str) -> list[dict[str, object]]:
    return desk.rows("user_stat", params)


def test_a_sub_client_is_made_with_its_settings(desk: Desk) -> None:
    settings = {
        "phone": "79999999999",
        "fl[29]": "1",
        "type": "1",
        "email": "alex@mysite.com",
        "tmlim": "9-21",
    }
    assert desk.ask("user_add", {**ALEX, **settings, "unknown": "x"}) == {"id": 1}
    user = desk.office.users.find("sub_alex")
    assert user is not None and user.settings == settings
    assert desk.office.users.find("1") is user


def test_a_login_is_there_once(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    assert desk.problem("user_add", ALEX) == 8
    assert desk.problem("user_add", {**ALEX, "user": desk.account.login}) == 8


@pytest.mark.parametrize("password", ["Sh0rt-1", "mypassword", "MyPassword", "password123", ""])
def test_a_weak_password_is_error_1(desk: Desk, password: str) -> None:
    """Among them the one of the reference's own example, which the rule beside it forbids."""
    assert desk.problem("user_add", {**ALEX, "password": password}) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("type", "5"), ("tariff", "9"), ("curr", "0"), ("tz", "25"), ("fl[29]", "2"), ("mfl[0]", "x")),
        *(("email", "no address"), ("nb", "much"), ("tmlim", "21-9"), ("dlim", "-1"), ("mh1", "25")),
        ("user", "with space"),
    ],
)
def test_a_setting_that_makes_no_sense_is_error_1(desk: Desk, name: str, value: str) -> None:
    assert desk.problem("user_add", {**ALEX, name: value}) == 1


def test_a_sub_client_is_changed(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    assert desk.ask("user_chg", {"user": "sub_alex", "fio": "Alex", "new_login": "alex2"}) == OK
    user = desk.office.users.find("alex2")
    assert user is not None and user.settings == {"fio": "Alex"}
    assert desk.problem("user_chg", {"user": "sub_alex", "fio": "x"}) == 6
    assert desk.problem("user_chg", {"fio": "x"}) == 1
    assert desk.problem("user_chg", {"user": "alex2"}) == 1


def test_a_login_is_not_changed_to_a_taken_one(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    desk.ask("user_add", {**ALEX, "user": "other"})
    assert desk.problem("user_chg", {"user": "other", "new_login": "sub_alex"}) == 8
    assert desk.ask("user_chg", {"user": "other", "new_login": "other"}) == OK


def test_a_password_is_changed_by_who_knows_it(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    new = {"user": "sub_alex", "password": "Other-Word2"}
    assert desk.problem("user_chg", {**new, "pswc": "wrong"}) == 5
    assert desk.ask("user_chg", {**new, "pswc": "My-Password1"}) == OK
    user = desk.office.users.find("sub_alex")
    assert user is not None and user.password == "Other-Word2"


def test_money_moves_to_a_sub_client_and_back(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    user = desk.office.users.find("sub_alex")
    assert user is not None
    assert desk.ask("user_pay", {"user": "sub_alex", "sum": "100.50"}) == OK
    assert (desk.account.balance, user.balance) == (Decimal("899.50"), Decimal("100.50"))
    assert desk.ask("user_pay", {"user": "sub_alex", "sum": "-0.50"}) == OK
    assert (desk.account.balance, user.balance) == (Decimal("900.00"), Decimal("100.00"))


def test_money_that_is_not_there_does_not_move(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    assert desk.problem("user_pay", {"user": "sub_alex", "sum": "1000.01"}) == 10
    assert desk.problem("user_pay", {"user": "sub_alex", "sum": "-1"}) == 5
    assert desk.account.balance == Decimal("1000.00")


def test_the_electronic_balance_is_moved_only_by_name(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    pay = {"user": "sub_alex", "balance2": "1"}
    assert desk.problem("user_pay", {**pay, "sum": "100.01"}) == 10
    assert desk.ask("user_pay", {**pay, "sum": "60"}) == OK
    assert desk.account.balance == Decimal("1000.00")
    assert desk.problem("user_pay", {"user": "sub_alex", "sum": "-60"}) == 7
    assert desk.problem("user_pay", {**pay, "sum": "-61"}) == 5
    assert desk.ask("user_pay", {**pay, "sum": "-60"}) == OK


@pytest.mark.parametrize("sort", ["2", "3", "4"])
def test_a_sub_client_on_the_main_balance_is_not_paid(desk: Desk, sort: str) -> None:
    desk.ask("user_add", {**ALEX, "type": sort})
    assert desk.problem("user_pay", {"user": "sub_alex", "sum": "1"}) == 7


def test_bad_payments(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    assert desk.problem("user_pay", {"user": "nobody", "sum": "1"}) == 6
    assert desk.problem("user_pay", {"user": "sub_alex", "sum": "0"}) == 1
    assert desk.problem("user_pay", {"user": "sub_alex", "sum": "much"}) == 1


def test_statistics_are_of_sub_clients_with_or_without_a_balance(desk: Desk) -> None:
    desk.ask("user_add", {**ALEX, "curr": "3"})
    desk.ask("user_add", {**ALEX, "user": "shared", "type": "2"})
    desk.ask("user_pay", {"user": "sub_alex", "sum": "100"})
    desk.ask("user_pay", {"user": "sub_alex", "sum": "-30"})
    row = {"login": "sub_alex", "sms": "0", "credit": "100.00", "debit": "30.00", "currency": "EUR"}
    nothing = {"sms": "0", "credit": "0.00", "debit": "0.00"}
    assert stat(desk, reseller="1") == [row]
    assert stat(desk) == [{"login": "shared", **nothing, "currency": "RUR"}]
    assert stat(desk, user="sub_alex", mycur="1") == [{**row, "currency": "RUR"}]
    assert stat(desk, user_id="1") == [row]
    assert stat(desk, user_id="1", balance2="1") == [{"login": "sub_alex", **nothing, "currency": "EUR"}]


def test_statistics_are_of_a_period(desk: Desk) -> None:
    desk.ask("user_add", ALEX, NOON - DAY)
    desk.ask("user_pay", {"user": "sub_alex", "sum": "5"}, NOON - DAY)
    assert stat(desk, user="sub_alex")[0]["credit"] == "0.00"
    assert stat(desk, user="sub_alex", start="31.12.2024", end="01.01.2025")[0]["credit"] == "5.00"
    assert desk.problem("user_stat", {"user": "sub_alex", "start": "x"}) == 1


def test_statistics_of_nobody(desk: Desk) -> None:
    assert desk.problem("user_stat") == 3
    assert desk.problem("user_stat_all", {"reseller": "1"}) == 3
    assert desk.problem("user_stat", {"user": "nobody"}) == 6
    assert desk.problem("user_stat", {"user_id": "7"}) == 6


def test_detailed_statistics_have_items(desk: Desk) -> None:
    desk.ask("user_add", ALEX)
    desk.ask("user_pay", {"user": "sub_alex", "sum": "7"})
    item = {"description": "SMS", "operator": "", "mccmnc": "", "sms": "0", "credit": "7.00", "debit": "0.00"}
    assert desk.ask("user_stat_all", {"reseller": "1"}) == [
        {"login": "sub_alex", "items": [{**item, "currency": "RUR"}]}
    ]
