"""How the simulated service reads parameters."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem


def test_a_text_must_be_there_and_has_a_limit() -> None:
    assert fields.text({"name": "A"}, "name") == "A"
    for params in ({}, {"name": ""}, {"name": "  "}, {"name": "x" * 1001}):
        with pytest.raises(ApiProblem):
            fields.text(params, "name")


@pytest.mark.parametrize("value", ["x", "1.0", "0", "11", "-1", "١", "9" * 30, " 1"])
def test_a_number_is_of_digits_and_within_its_bounds(value: str) -> None:
    assert fields.integer({"n": "10"}, "n", 1, 10) == 10
    with pytest.raises(ApiProblem):
        fields.integer({"n": value}, "n", 1, 10)


def test_an_optional_number_may_be_empty() -> None:
    assert fields.optional_integer({"n": ""}, "n", 1, 10) is None
    assert fields.optional_integer({}, "n", 1, 10) is None


def test_a_flag_is_0_or_1() -> None:
    assert fields.flag({"f": "1"}, "f")
    assert not fields.flag({"f": "0"}, "f")
    assert not fields.flag({}, "f")
    with pytest.raises(ApiProblem):
        fields.flag({"f": "true"}, "f")


def test_a_count_is_cut_to_what_is_allowed() -> None:
    assert fields.count({}, 1000) == 1000
    assert fields.count({"cnt": "20"}, 1000) == 20
    assert fields.count({"cnt": "5000"}, 1000) == 1000


@pytest.mark.parametrize("value", ["", "1,5", "1e3", "NaN", "Infinity", "1.23456"])
def test_money_is_a_plain_decimal(value: str) -> None:
    assert fields.money({"sum": "-100.50"}, "sum") == Decimal("-100.50")
    with pytest.raises(ApiProblem):
        fields.money({"sum": value}, "sum")


def test_numbers_come_in_many_forms() -> None:
    assert fields.phones("+7 (999) 999-99-99".replace(" ", "")) == ["79999999999"]
    assert fields.phones("79999999999;79999999999|78888888888\n77777777777") == [
        *("79999999999", "78888888888", "77777777777")
    ]
    for value in ("", " , ", "79999999999,abc", "0123456789"):
        with pytest.raises(ApiProblem):
            fields.phones(value)


def test_the_error_of_a_bad_number_can_be_another() -> None:
    with pytest.raises(ApiProblem) as caught:
        fields.phone("x", 7)
    assert caught.value.number == 7


def test_amounts_have_two_digits() -> None:
    assert fields.cents(Decimal("1.4")) == "1.40"
