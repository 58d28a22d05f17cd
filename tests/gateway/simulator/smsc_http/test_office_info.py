"""info.php of the simulated service."""

from __future__ import annotations

from office_support import Desk

MTS = {"country": "Russia", "operator": "MTS", "region": "Moscow", "mcc": "250", "mnc": "01", "tz": "0"}


def test_one_number_is_one_record(desk: Desk) -> None:
    assert desk.ask("operator", {"phone": "+79169999999"}) == MTS


def test_several_numbers_are_a_list_with_the_numbers(desk: Desk) -> None:
    rows = desk.rows("operator", {"phone": "79169999999,77011234567"})
    assert rows[0] == {"phone": "79169999999", **MTS}
    assert (rows[1]["phone"], rows[1]["country"], rows[1]["tz"]) == ("77011234567", "Kazakhstan", "2")


def test_a_number_of_nobody_is_error_3_alone_and_empty_among_others(desk: Desk) -> None:
    assert desk.problem("operator", {"phone": "99999999999"}) == 3
    rows = desk.rows("operator", {"phone": "99999999999,79169999999"})
    nothing = dict.fromkeys(MTS, "")
    assert rows[0] == {"phone": "99999999999", **nothing}


def test_what_is_no_number_is_error_1(desk: Desk) -> None:
    assert desk.problem("operator") == 1
    assert desk.problem("operator", {"phone": "MTS"}) == 1
    assert desk.problem("operator", {"phone": "79169999999,x"}) == 1
