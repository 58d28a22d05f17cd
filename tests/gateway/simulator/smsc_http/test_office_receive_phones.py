"""receive_phones.php of the simulated service: numbers for rent."""

from __future__ import annotations

from decimal import Decimal

from office_support import DAY, NOON, OK, Desk

VIRTUAL = {"phone": "79990000101"}
MIDDLE = NOON + 15 * DAY
NEXT_MONTH = NOON + 31 * DAY


def rented(desk: Desk, now: float) -> list[str]:
    """The account's own numbers: those that are not for rent."""
    free = {row["phone"] for row in desk.rows("rcv_get", now=now)}
    return [phone for phone in ("79990000101", "79990000102", "79990000103") if phone not in free]


def test_numbers_for_rent_with_the_cost_of_the_rest_of_the_month(desk: Desk) -> None:
    rows = desk.rows("rcv_get", now=MIDDLE)
    assert rows[0] == {
        "phone": "79990000101",
        "type": 1,
        "cost": "300.00",
        "current_cost": "154.84",
        "info": "virtual number: SMS and calls",
    }
    assert [row["type"] for row in rows] == [1, 2, 4]


def test_a_rented_number_is_paid_and_not_for_rent(desk: Desk) -> None:
    assert desk.ask("rcv_buy", VIRTUAL, MIDDLE) == {"cost": "154.84"}
    assert desk.account.balance == Decimal("845.16")
    assert len(desk.rows("rcv_get", now=MIDDLE)) == 2
    assert rented(desk, MIDDLE) == ["79990000101"]
    assert desk.problem("rcv_buy", VIRTUAL, MIDDLE) == 1


def test_a_number_that_is_too_dear_is_error_3(desk: Desk) -> None:
    assert desk.problem("rcv_buy", {"phone": "79990000103"}) == 3
    desk.account.credit = Decimal("2000")
    assert desk.ask("rcv_buy", {"phone": "79990000103"}) == {"cost": "2500.00"}


def test_a_number_is_renewed_each_month(desk: Desk) -> None:
    desk.ask("rcv_buy", VIRTUAL)
    assert rented(desk, NEXT_MONTH) == ["79990000101"]
    assert desk.account.balance == Decimal("400.00")


def test_a_number_without_renewal_is_given_back(desk: Desk) -> None:
    desk.ask("rcv_buy", {**VIRTUAL, "noprolong": "1"})
    assert len(desk.rows("rcv_get", now=NEXT_MONTH)) == 3
    assert desk.account.balance == Decimal("700.00")


def test_a_number_that_cannot_be_paid_any_more_is_given_back(desk: Desk) -> None:
    desk.ask("rcv_buy", VIRTUAL)
    desk.account.balance = Decimal("1.00")
    assert rented(desk, NEXT_MONTH) == []


def test_renewal_is_switched(desk: Desk) -> None:
    desk.ask("rcv_buy", VIRTUAL)
    assert desk.ask("rcv_chg", {**VIRTUAL, "noprolong": "1"}) == OK
    assert desk.ask("rcv_chg", {**VIRTUAL, "noprolong": "0"}) == OK
    assert rented(desk, NEXT_MONTH) == ["79990000101"]


def test_bad_requests_are_error_1(desk: Desk) -> None:
    assert desk.problem("rcv_buy") == 1
    assert desk.problem("rcv_buy", {"phone": "79999999999"}) == 1
    assert desk.problem("rcv_chg", {"phone": "79999999999", "noprolong": "1"}) == 1
    assert desk.problem("rcv_chg", VIRTUAL) == 1
    assert desk.problem("rcv_chg", {**VIRTUAL, "noprolong": "2"}) == 1
